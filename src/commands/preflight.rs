//! `rollproof preflight`: reads one gate and evaluates it.

use tokio::runtime::Builder;

use crate::cli::preflight;
use crate::commands::{exit, outcome};
use crate::declared::names::GATES;
use crate::drive::progress::Progress;
use crate::error::Error;
use crate::evaluation::Evaluation;
use crate::explain::counterfactuals;
use crate::gates::ci::Wait;
use crate::gates::gitea::Gitea;
use crate::gates::kill_switch::KillSwitch;
use crate::gates::superseded::Commit;
use crate::io::clock::now;
use crate::io::config::Config;
use crate::io::environment::{EnvironmentFaults, sha};
use crate::io::output;
use crate::model::document::gates::{Gates, contacts};
use crate::model::document::{Document, Rollout, unknown_rollout};
use crate::schema::document;
use crate::text::escape::line;

/// The exit code of `preflight latest` where no newer commit is known (design section 5).
const NOT_SUPERSEDED: u8 = 10;

/// Reads one gate and evaluates it.
///
/// # Errors
/// [`Error::Usage`] where the environment cannot be used, [`Error::Policy`] where a policy fails, [`Error::Internal`] where the machine does.
pub fn preflight(options: &preflight::Preflight, report_error: &mut dyn FnMut(&Error)) -> Result<u8, Error> {
    let evaluation = Evaluation::start_for(options.evaluation().options(), Some(GATES))?.wait()?;
    let progress = Progress::new(options.quiet, 0);
    let gates = ask(options.gate, &evaluation.config, &progress)?;
    let (asked, answered) = contacts(&gates);
    let report = counterfactuals::report(&evaluation, &document::validate(&document(gates))?, Vec::new())?;
    if options.gate == preflight::Gate::Latest {
        report.findings.iter().for_each(|finding| progress.line(&finding.message));
        let mut written = evaluation.write_files(&report);
        let newer = report.summary.superseded_by.as_deref();
        written.extend(newer.map(|head| output::print(|out| line!(out, "{head}"))));
        return Ok(outcome::exit_code(if newer.is_some() { 0 } else { NOT_SUPERSEDED }, written, report_error));
    }
    let code = match report.decision.exit_code(false) {
        1 if asked > 0 && answered == 0 => exit::UNANSWERED,
        code => code,
    };
    Ok(outcome::exit_code(code, evaluation.write(&report), report_error))
}

fn ask(gate: preflight::Gate, config: &Config, progress: &Progress) -> Result<Gates, Error> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::machine(format!("the operating system refuses: {error}")))?;
    let mut gates = Gates::default();
    let gitea =
        EnvironmentFaults::combine(config.plan.refuse_misspelt(), Gitea::from_environment(&config.gitea, &config.http));
    match gate {
        preflight::Gate::Enabled => {
            let switch = KillSwitch::from_environment(&config.plan);
            // A kill switch that the job itself arms needs no answer from Gitea.
            let is_armed = switch.as_ref().is_ok_and(KillSwitch::is_armed_by_job);
            let gitea = if is_armed { Ok(Gitea::without_token()) } else { gitea.map(|((), gitea)| gitea) };
            let (switch, gitea) = EnvironmentFaults::combine(switch, gitea)?;
            progress.reading_gate("the kill switch", gitea.limit());
            gates.switch.push(runtime.block_on(switch.read(&gitea, 0)));
        }
        preflight::Gate::Ci => {
            let ((wait, sha), ((), gitea)) =
                EnvironmentFaults::combine(EnvironmentFaults::combine(Wait::from_environment(config), sha()), gitea)?;
            gates.ci = Some(runtime.block_on(wait.run(&gitea, &sha, progress)));
        }
        preflight::Gate::Latest => {
            let (commit, ((), gitea)) = EnvironmentFaults::combine(sha().and_then(Commit::from_environment), gitea)?;
            progress.reading_gate("the branch's head", gitea.limit());
            gates.head.push(runtime.block_on(commit.read_head(&gitea, 0)));
        }
    }
    Ok(gates)
}

/// A document that holds gates alone: no tenant was enumerated, and no call made.
fn document(gates: Gates) -> Document {
    let sha = gates.ci.iter().map(|ci| &ci.sha).chain(gates.head.iter().map(|reading| &reading.sha)).next();
    let rollout = Rollout { target_sha: sha.cloned(), ..unknown_rollout() };
    Document { gates: Some(gates), ..Document::empty(rollout, now()) }
}
