//! `rollproof run --check`: does everything that `run` does before its first call that changes something, writes nothing,
//! and reports everything that is wrong.

use crate::cli::run;
use crate::collect::inputs::PLAN_HELP;
use crate::collect::rollout::requests::REQUEST_HELP;
use crate::collect::rollout::state::Rollout;
use crate::collect::rollout::step::HaltCheck;
use crate::commands::outcome;
use crate::commands::probe;
use crate::commands::run::{RunLocks, control_plane, gate_reader, never_answered, start, timing, token, with_wire};
use crate::drive::client::{self, Client};
use crate::drive::driver::{Driver, HaltAnswer, Timing};
use crate::drive::journal::Journal;
use crate::drive::progress::Progress;
use crate::drive::response::failed_call;
use crate::drive::runtime::register_signals;
use crate::drive::stop::Signal;
use crate::error::{Error, Errors};
use crate::evaluation::Evaluation;
use crate::gates::reader::GateReader;
use crate::io::config::Config;
use crate::io::output;
use crate::model::document::{Document, Purpose};
use crate::model::finding::{Finding, Severity};
use crate::policy::load::{Loading, load};
use crate::rego::engine::input::Inputs;
use crate::render::Format;
use crate::render::words::tenants;
use crate::text::escape::{line, names_of};
use crate::text::plural::plural;

/// What to do where a rollout could not begin.
const NOT_READY_HELP: &str = "nothing was changed; remove the cause, then run the check again";

/// Checks a rollout. What is wrong with its outputs is known already.
///
/// # Errors
/// Everything that is wrong, in the order in which `run` would meet it; the first has the exit code that `run` would
/// end with.
pub fn check(options: &run::Run, conflicts: Vec<Error>, report_error: &mut dyn FnMut(&Error)) -> Result<u8, Error> {
    let is_conflict = !conflicts.is_empty();
    let done = check_everything(options, conflicts);
    // Standard output may be one of the outputs that are in the way.
    if is_conflict {
        return done;
    }
    outcome::or_report_error::<Format>(done, Some(options.evaluation.outputs.format), &[], report_error)
}

fn check_everything(options: &run::Run, conflicts: Vec<Error>) -> Result<u8, Error> {
    let mut errors = Errors::default();
    let can_lock = conflicts.is_empty();
    for conflict in conflicts {
        errors.push(conflict);
    }
    if can_lock {
        errors.keep_error(check_journal(options));
    }
    let config = errors.keep_error(Config::read(options.evaluation.policies.config.as_deref()));
    let is_configured = config.is_some();
    let config = config.unwrap_or_default();
    let evaluation = evaluation(options, &config, &mut errors);
    let Some(parts) = RunParts::of(options, &config, &mut errors) else {
        errors.end()?;
        return Err(Error::bug("there is nothing to check"));
    };
    if !parts.rollout.plan().enabled {
        let reason = &parts.rollout.plan().disabled_reason;
        errors.push(not_ready(format!("the plan is disabled: {reason}"), 1));
        return errors.end().map(|()| 0);
    }
    // A configuration that cannot be read may say how the control plane is called.
    let parts = RunParts { services: parts.services.filter(|_| is_configured), ..parts };
    let preview = parts.preview(options, evaluation.as_ref(), &mut errors)?;
    if let Some(signal) = preview.signal {
        return Ok(signal.exit_code());
    }
    let denied =
        evaluation.as_ref().and_then(|evaluation| errors.keep_error(evaluate_ideal(evaluation, &preview.ideal)));
    errors.end()?;
    output::print(|out| preview.write(options, denied.as_deref().unwrap_or_default(), out)).map(|()| 0)
}

fn not_ready(problem: impl Into<String>, exit_code: u8) -> Error {
    Error::NotReady { problem: problem.into(), help: NOT_READY_HELP, exit_code }
}

/// Refuses a rollout that another process writes, and one whose journal may not be begun. The locks are given back at once,
/// so that a rollout may begin meanwhile.
fn check_journal(options: &run::Run) -> Result<(), Error> {
    match RunLocks::take(options)?.journal {
        Some(mut journal) => journal.check_replaceable(options.evaluation.max_input_bytes),
        None => Ok(()),
    }
}

/// The policies with everything that they are evaluated with. Where waivers cannot be read, they are loaded without.
fn evaluation(options: &run::Run, config: &Config, errors: &mut Errors) -> Option<Evaluation> {
    let mut evaluation_options = options.evaluation.options();
    let mut config = config.clone();
    let settings = errors.keep_error(Evaluation::settings(&evaluation_options, &config, None));
    let settings = settings.map_or_else(
        || {
            evaluation_options.waivers.clear();
            config.waivers.files.clear();
            Evaluation::settings(&evaluation_options, &config, None)
        },
        Ok,
    );
    let loaded = settings.and_then(load).and_then(Loading::wait);
    let evaluation = errors.keep_error(loaded).map(|policies| Evaluation::of(evaluation_options, policies, config))?;
    errors.keep_error(evaluation.check_expected_digest());
    Some(evaluation)
}

/// The parts of a rollout that can be used.
struct RunParts {
    rollout: Rollout,
    /// Absent: no service can be asked.
    services: Option<Services>,
    probed_at: Option<String>,
}

/// The services that are asked before the first call that changes something.
struct Services {
    client: Client,
    timing: Timing,
    gate_reader: Option<GateReader>,
}

impl RunParts {
    /// Nothing where the plan or the wire settings cannot be used.
    fn of(options: &run::Run, config: &Config, errors: &mut Errors) -> Option<Self> {
        let start = start(options, config, errors);
        let rollout = start.and_then(|start| {
            errors.keep_error(Rollout::start(&start).map_err(|problem| Error::usage(problem, PLAN_HELP)))
        });
        if let Some(rollout) = rollout {
            if rollout.plan().enabled {
                return Some(Self::of_rollout(options, config, rollout, errors));
            }
            return Some(Self { rollout, services: None, probed_at: None });
        }
        errors.keep_error(token(options));
        None
    }

    fn of_rollout(options: &run::Run, config: &Config, rollout: Rollout, errors: &mut Errors) -> Self {
        let url = control_plane(&rollout);
        let checked = rollout.check_requests().map_err(|problem| Error::usage(problem, REQUEST_HELP));
        let checked = errors.keep_error(checked);
        let client = match errors.keep_error(token(options)) {
            Some(token) => {
                errors.keep_error(Client::new(url, &token, &config.http).and_then(|client| with_wire(client, &rollout)))
            }
            None => errors.keep_error(client::check(url, &config.http)).and(None),
        };
        let timing = errors.keep_error(timing(options, config, &rollout));
        let scale = timing.as_ref().map_or(1.0, |timing| timing.scale);
        let prober = errors.keep_error(probe::of_run(options, config, &rollout, scale)).flatten();
        let probed_at = prober.map(|prober| prober.template().text().to_string());
        let gate_reader = errors.keep_error(gate_reader(options, config, &rollout, scale));
        let services = match (client.filter(|_| checked.is_some()), timing, gate_reader) {
            (Some(client), Some(timing), Some(gate_reader)) => Some(Services { client, timing, gate_reader }),
            _ => None,
        };
        Self { rollout, services, probed_at }
    }

    /// Reads the gates and makes the plan call, where there is everything that it takes.
    fn preview(
        self,
        options: &run::Run,
        evaluation: Option<&Evaluation>,
        errors: &mut Errors,
    ) -> Result<Preview, Error> {
        let Self { rollout, services, probed_at } = self;
        let Some(Services { client, timing, gate_reader }) = services else {
            let ideal = rollout.ideal_document().map_err(Error::bug)?;
            return Ok(Preview { rollout, ideal, signal: None, has_gates: false, probed_at });
        };
        let gate_reader = gate_reader.map(GateReader::without_waiting);
        let mut driver = Driver {
            rollout,
            journal: Journal::discarding(),
            gate_reader: gate_reader.as_ref(),
            client: &client,
            timing: &timing,
            progress: Progress::new(options.quiet, options.verbose),
            stop: register_signals()?,
        };
        let mut inputs = Inputs::default();
        let mut ask = |document: &Document, check: HaltCheck| {
            let Some(evaluation) = evaluation else { return Ok(HaltAnswer::default()) };
            let so_far = match check {
                HaltCheck::AfterGate => evaluation.policies().halt_check_gates(document, &mut inputs)?,
                HaltCheck::AfterCall | HaltCheck::IdealDocument => {
                    evaluation.policies().halt_check(document, &mut inputs)?
                }
            };
            Ok(HaltAnswer { halts: so_far.halts, proven: so_far.proven, not_proven: so_far.not_proven })
        };
        let halts = errors.keep_error(driver.check_before_first_change(&mut ask)).unwrap_or_default();
        let signal = driver.stop.last_signal();
        let rollout = driver.rollout;
        let ideal = rollout.ideal_document().map_err(Error::bug)?;
        if rollout.fleet_size() > 0 {
            let checked = rollout.check_requests_of(&ideal);
            errors.keep_error(checked.map_err(|problem| Error::usage(problem, REQUEST_HELP)));
        }
        let mut preview = Preview { rollout, ideal, signal, has_gates: gate_reader.is_some(), probed_at };
        if signal.is_none() {
            preview.add_halts(&halts, evaluation, errors);
        }
        Ok(preview)
    }
}

/// What came of the plan call and the gates.
struct Preview {
    rollout: Rollout,
    /// The document if every call succeeded.
    ideal: Document,
    signal: Option<Signal>,
    has_gates: bool,
    probed_at: Option<String>,
}

impl Preview {
    /// Adds to `errors` why the rollout would not come to its first call.
    fn add_halts(&mut self, halts: &[String], evaluation: Option<&Evaluation>, errors: &mut Errors) {
        let shows_errors = evaluation.is_some_and(|evaluation| evaluation.options.show_errors);
        let so_far = self.rollout.document_so_far().into_owned();
        let document = &self.rollout.document;
        let code = if never_answered(document) { 6 } else { 1 };
        // A halt names no tenants; the finding with the same words does.
        let outcome = evaluation.filter(|_| !halts.is_empty());
        let outcome = outcome.and_then(|evaluation| evaluation.policies().evaluate_trial(&so_far).ok());
        let findings: Vec<Finding> = outcome.map_or_else(Vec::new, |outcome| outcome.findings);
        let with_tenants = |halt: &String| {
            let same = findings.iter().find(|finding| *halt == format!("{}: {}", finding.code, finding.message));
            format!("{halt}{}", same.map_or_else(String::new, tenants_in_brackets))
        };
        let mut problems: Vec<String> = halts.iter().map(with_tenants).collect();
        let has_planned = document.calls.iter().any(|call| call.purpose == Purpose::Plan);
        match (plan_call_failure(document, shows_errors), problems.last_mut()) {
            (Some(call), Some(halt)) => halt.push_str(&format!(" ({call})")),
            (Some(call), None) => problems.push(call),
            (None, None) if has_planned && self.rollout.fleet_size() == 0 => {
                problems.push("the plan call enumerated nobody, so there is nobody to roll out to".into());
            }
            (None, _) => {}
        }
        for problem in problems {
            errors.push(not_ready(problem, code));
        }
    }

    /// Writes that the rollout could begin, and what it would do.
    fn write(&self, options: &run::Run, denied: &[Finding], out: &mut dyn std::io::Write) -> std::io::Result<()> {
        let rollout = &self.rollout.plan().rollout;
        let calls = self.ideal.calls.iter().filter(|call| call.purpose != Purpose::Plan).count();
        let calls = plural(calls, "call");
        let canary =
            rollout.canary.as_ref().map_or_else(|| "no canary".to_owned(), |canary| format!("canary {canary}"));
        let soak = rollout.soak_seconds.unwrap_or_default();
        let dry_run = if rollout.dry_run { ", a dry run" } else { "" };
        line!(
            out,
            "ready: {} in {calls}, {canary}, batches of {}, soak {soak} s, {} tolerated{dry_run}",
            tenants(self.rollout.fleet_size() as u64),
            rollout.batch_size.unwrap_or(1),
            rollout.max_stragglers,
        )?;
        let target = rollout.target_tag.as_deref().unwrap_or("unknown");
        line!(out, "  target    {target}, by {}", control_plane(&self.rollout))?;
        if let Some(wire) = self.rollout.wire() {
            line!(out, "  wire      {}", wire.settings().words())?;
        }
        match &options.fleet {
            Some(path) => line!(out, "  fleet     the control plane enumerates every tenant of {}", path.display())?,
            None => line!(out, "  fleet     known by the control plane alone; --fleet names a list of your own")?,
        }
        line!(out, "  gates     {}", if self.has_gates { "open" } else { "not asked" })?;
        if let Some(url) = &self.probed_at {
            line!(out, "  builds    asked for at {url}")?;
        }
        if denied.is_empty() {
            return line!(out, "  policies  they deny nothing if every call succeeds");
        }
        line!(out, "  policies  even if every call succeeds, they would say, as far as that can be told ahead:")?;
        denied.iter().try_for_each(|finding| {
            let (severity, tenants) = (finding.severity.name(), tenants_in_brackets(finding));
            line!(out, "            {severity}  {}: {}{tenants}", finding.code, finding.message)
        })
    }
}

/// How the plan call failed, if it did. What the control plane itself says of it may be sensitive.
fn plan_call_failure(document: &Document, shows_errors: bool) -> Option<String> {
    let call = failed_call(document)?;
    match call.split_once(", detail=") {
        Some((before, _)) if !shows_errors && !never_answered(document) => Some(before.to_owned()),
        _ => Some(call),
    }
}

/// The tenants of a finding, in brackets.
fn tenants_in_brackets(finding: &Finding) -> String {
    if finding.tenants.is_empty() { String::new() } else { format!(" ({})", names_of(finding.tenants.iter())) }
}

/// What the policies would say against the rollout if every call succeeded.
fn evaluate_ideal(evaluation: &Evaluation, ideal: &Document) -> Result<Vec<Finding>, Error> {
    let mut findings = evaluation.policies().foresee(ideal)?.findings;
    findings.retain(|finding| {
        finding.waived.is_none() && matches!(finding.severity, Severity::Deny | Severity::Inconclusive)
    });
    findings.sort_by(|a, b| (a.severity, &a.code, &a.message).cmp(&(b.severity, &b.code, &b.message)));
    Ok(findings)
}
