//! `rollproof run`: drives a rollout, writes what came of it whatever happens, and judges it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::value::RawValue;

use crate::cli;
use crate::collect::{EvidenceFields, Input, Source, fleet_names, plan_file, replay};
use crate::config::seconds;
use crate::document::{Document, Outcome, Role, Text};
use crate::drive::{
    Client, Driver, Inventory, Journal, JournalFormat, Prober, Progress, Question, Record, Response, Rollout, Said,
    Signal, Stop, Timing, Whom,
};
use crate::error::Error;
use crate::http::{CONTROL_PLANE as TOKEN, Token, is_loopback};
use crate::judge::{self, Judge};
use crate::output;
use crate::policy::{Inputs, SoFar};
use crate::preflight::{Watch, contacts};
use crate::probe;
use crate::report::Report;
use crate::schema::{self, fault_at};

/// The size limit of a file that holds a token, in bytes.
const MAX_TOKEN: u64 = 64 << 10;

/// What ended a rollout.
struct Ended {
    rollout: Rollout,
    signal: Option<Signal>,
    error: Option<Error>,
}

/// Drives a rollout and judges it.
///
/// # Errors
/// [`Error`], where there is no verdict; what was collected is written all the same.
pub fn run(options: &cli::Run, complain: &mut dyn FnMut(&Error)) -> Result<u8, Error> {
    let judge = Judge::appoint(&options.judge)?.ready()?;
    let start = start(options)?;
    let mut rollout = Rollout::start(&start).map_err(|problem| Error::usage(problem, "is the plan right?"))?;
    let mut signal = None;
    let mut failed = None;
    if rollout.plan().enabled {
        let client = client(options, &rollout)?;
        let timing = timing(options, &judge, &rollout)?;
        let prober = probe::of_run(options, &judge.config, &rollout, timing.scale)?;
        let ready = |begun: &Rollout| {
            let foreseen = begun.foreseen().map_err(Error::Bug)?;
            judge.policies().needs_of(&foreseen)?;
            watch(options, &judge, begun, timing.scale)
        };
        let (journal, begun, watch) = journal(options, &start, rollout, prober.as_ref(), ready)?;
        let ended = drive(options, &judge, (&client, watch.as_ref()), &timing, prober.as_ref(), journal, begun);
        (rollout, signal, failed) = (ended.rollout, ended.signal, ended.error);
    }
    Ok(finish(options, &judge, rollout, signal, failed, complain))
}

/// The first record of the journal: the plan and the inventory as they stand in their files.
fn start(options: &cli::Run) -> Result<Record, Error> {
    let max_bytes = options.judge.max_input_bytes;
    let plan = Source::new(options.plan.clone()).read(max_bytes)?;
    let text = |input: &Input| Text::from(&*String::from_utf8_lossy(&input.bytes));
    let says = plan_file(&plan)?;
    if says.enabled && says.rollout.control_plane.is_none() {
        let fault = fault_at(&plan.bytes, "", "the key \"cp_url\" is missing, so there is nobody to call".into());
        return Err(Error::Evidence { input: plan.name.to_string(), faults: vec![fault] });
    }
    let inventory = match &options.fleet {
        Some(path) => {
            let input = Source::new(path.clone()).read(max_bytes)?;
            fleet_names(&input)?;
            Some(Inventory { text: text(&input), name: input.name })
        }
        None => None,
    };
    Ok(Record::Start {
        format: JournalFormat::V1,
        at: Text::from(Timestamp::now().to_string()),
        plan: text(&plan),
        plan_name: plan.name,
        inventory,
        time_scale: options.time_scale.map(|scale| Text::from(scale.to_string())),
        evidence_fields: EvidenceFields::new(&options.evidence_fields)?.names().cloned().collect(),
        gates: Watch::asked(options.preflight)?,
        probes: options.probe,
    })
}

fn client(options: &cli::Run, rollout: &Rollout) -> Result<Client, Error> {
    let token = if let Some(path) = &options.token_file {
        let read = Source::File(path.clone()).text(MAX_TOKEN).map_err(|error| {
            Error::usage(format!("cannot read the token file {}: {error}", path.display()), "is the path right?")
        })?;
        Token::new(&read, "the token file")?
    } else {
        let given = std::env::var(TOKEN).map_err(|_| {
            let help = "set it to the control plane's token, or name a file with --token-file";
            Error::usage(format!("{TOKEN} is not set, so no call was made"), help)
        })?;
        Token::new(&given, TOKEN)?
    };
    let url = rollout.plan().rollout.control_plane.as_deref().unwrap_or_default();
    Client::new(url, &token)
}

fn timing(options: &cli::Run, judge: &Judge<'_>, rollout: &Rollout) -> Result<Timing, Error> {
    let scale = options.time_scale.unwrap_or(1.0);
    let url = rollout.plan().rollout.control_plane.as_deref().unwrap_or_default();
    let loopback = reqwest::Url::parse(url).is_ok_and(|url| is_loopback(&url));
    if seconds(scale).is_none() || (options.time_scale.is_some() && !loopback) {
        let help = "it is for rehearsals against a control plane on loopback";
        return Err(Error::usage(format!("--time-scale {scale} cannot be used with {url}"), help));
    }
    let http = &judge.config.http;
    Ok(Timing {
        retry_delays: http.retry_delays_seconds.iter().filter_map(|delay| seconds(*delay)).collect(),
        plan_timeout: seconds(http.plan_timeout_seconds).unwrap_or_default(),
        call_timeout: Duration::from_secs(rollout.plan().timeout_seconds),
        scale,
    })
}

/// The gates that are asked: those that the command line asks for, and those that a resumed rollout began with. Nothing
/// where no call is left and nobody is probed.
fn watch(options: &cli::Run, judge: &Judge<'_>, begun: &Rollout, scale: f64) -> Result<Option<Watch>, Error> {
    let had = begun.has_asked();
    let asked = Watch::asked(options.preflight)?.max(had).filter(|_| begun.is_call_left() || options.probe);
    let Some(asked) = asked else { return Ok(None) };
    let sha = begun.plan().rollout.target_sha.clone();
    let watch = Watch::from_environment(&judge.config, asked, sha.as_deref(), scale)?;
    if options.resume && had.is_some() {
        watch.still_answers()?;
    }
    Ok(Some(watch))
}

/// The journal, the rollout as far as it came, and what `ready` makes of that before anything is written.
fn journal<T>(
    options: &cli::Run,
    start: &Record,
    mut rollout: Rollout,
    prober: Option<&Prober>,
    ready: impl FnOnce(&Rollout) -> Result<T, Error>,
) -> Result<(Journal, Rollout, T), Error> {
    let path = options.journal.clone().unwrap_or_else(|| {
        let mut path = options.document.clone().into_os_string();
        path.push(".journal");
        PathBuf::from(path)
    });
    if !options.resume {
        let ready = ready(&rollout)?;
        let mut journal = Journal::create(&path, start)?;
        probe::announce(prober, &mut journal, &mut rollout)?;
        return Ok((journal, rollout, ready));
    }
    let input = Source::File(path.clone()).read(options.judge.max_input_bytes)?;
    let (mut begun, length) = replay(&input, &EvidenceFields::default())?;
    match begun.outcome() {
        // One that was killed after its last call has its verdict still to be written.
        Outcome::Running | Outcome::Interrupted | Outcome::Completed => {}
        Outcome::Halted | Outcome::Unknown => {
            let problem = format!("{} tells of a rollout that was halted, which is not resumed", path.display());
            return Err(Error::usage(problem, "mend what halted it, then begin anew with another --journal"));
        }
    }
    if begun.inputs_differ(&rollout) {
        let problem =
            format!("the plan, the fleet or an evidence field is not the one that {} began with", path.display());
        return Err(Error::usage(
            problem,
            "go on with the files that it began with, or begin anew with another --journal",
        ));
    }
    probe::still_wanted(prober, &begun)?;
    let ready = ready(&begun)?;
    let mut journal = Journal::resume(&path, length)?;
    // One that is complete stays so: nothing is left but its verdict, and builds that may still have to be probed.
    if begun.outcome() != Outcome::Completed {
        let resumed = Record::Resumed { at: Text::from(Timestamp::now().to_string()) };
        journal.append(&resumed)?;
        begun.apply(&resumed);
    }
    probe::announce(prober.filter(|_| !begun.probes_builds()), &mut journal, &mut begun)?;
    Ok((journal, begun, ready))
}

fn drive(
    options: &cli::Run,
    judge: &Judge<'_>,
    (client, watch): (&Client, Option<&Watch>),
    timing: &Timing,
    prober: Option<&Prober>,
    journal: Journal,
    rollout: Rollout,
) -> Ended {
    let progress = Progress::new(options.quiet, options.verbose);
    let mut driver = Driver { rollout, journal, watch, client, timing, progress, stop: Stop::default() };
    let mut inputs = Inputs::default();
    let mut ask = |document: &Document, question: Question| {
        let SoFar { halts, proven, not_proven } = judge.so_far(document, question, &mut inputs)?;
        Ok(Said { halts, proven, not_proven })
    };
    let mut whom = |document: &Document| judge.whom(document);
    let probing = prober.map(|prober| (prober, &mut whom as &mut Whom<'_>));
    let error = driver.run(&mut ask, probing).err();
    Ended { signal: driver.stop.came(), rollout: driver.rollout, error }
}

fn finish(
    options: &cli::Run,
    judge: &Judge<'_>,
    rollout: Rollout,
    signal: Option<Signal>,
    failed: Option<Error>,
    complain: &mut dyn FnMut(&Error),
) -> u8 {
    let (document, results) = rollout.finish();
    let mut written = vec![judge::write_document(&options.document, &document)];
    let judged = schema::validate(&document).and_then(|valid| judge.report(&valid, document.provenance.inputs.clone()));
    let code = match (&judged, signal) {
        (_, Some(signal)) => signal.exit_code(),
        (Ok(report), None) => match report.decision.exit_code(options.judge.require_verdict) {
            1 if never_answered(&document) => 6,
            code => code,
        },
        (Err(_), None) => 5,
    };
    // A policy that failed in mid-rollout halted it, and comes before the verdict; so does a journal that is full.
    let failed = failed.or_else(|| judged.as_ref().err().map(|error| Error::Policy(error.to_string())));
    let code = match &failed {
        Some(error) if error.exit_code() == 5 && signal.is_none() => 5,
        Some(error) if code == 0 => error.exit_code(),
        _ => code,
    };
    written.push(write_response(&options.response, code, &results, &document, judged.as_ref().ok(), signal));
    if let Ok(report) = &judged {
        written.extend(judge.write(report));
    }
    written.extend(failed.map(Err));
    judge::exit_code(code, written, complain)
}

/// Whether nobody answered of whom something was asked: the control plane, or before the first call the Gitea.
fn never_answered(document: &Document) -> bool {
    let mut attempts = document.calls.iter().flat_map(|call| &call.attempts).peekable();
    if attempts.peek().is_none() {
        let (asked, answers) = document.gates.as_ref().map_or((0, 0), contacts);
        return asked > 0 && answers == 0;
    }
    attempts.all(|attempt| attempt.status.is_none())
}

fn write_response(
    path: &Path,
    code: u8,
    results: &[Box<RawValue>],
    document: &Document,
    report: Option<&Report>,
    signal: Option<Signal>,
) -> Result<(), Error> {
    let stragglers: Vec<Text> =
        report.iter().flat_map(|report| &report.stragglers).map(|straggler| straggler.tenant.clone()).collect();
    let error = (code != 0).then(|| failure(document, report, signal));
    let response = Response { error: error.as_deref(), ok: code == 0, results, stragglers: &stragglers };
    output::replace(path, |out| {
        serde_json::to_writer_pretty(&mut *out, &response)?;
        writeln!(out)
    })
}

/// Why the response is not ok, in the reference's words where it has any (contract section 4.6).
fn failure(document: &Document, report: Option<&Report>, signal: Option<Signal>) -> String {
    let finding = |code: &str| report?.findings.iter().find(|finding| finding.code == code);
    if let (Some(_), Some(text)) = (finding("calls.failed"), crate::drive::failed_call(document)) {
        return text;
    }
    if let Some(signal) = signal.filter(|_| document.rollout.outcome != Outcome::Halted) {
        return format!("interrupted by {}", signal.name());
    }
    let Some(report) = report else { return "a policy could not be evaluated".into() };
    if finding("coverage.incomplete").is_some() || finding("coverage.unproven_fleet").is_some() {
        let names: Vec<&str> = report.stragglers.iter().map(|straggler| &*straggler.tenant).collect();
        return format!(
            "incomplete rollout: {} tenant(s) not verified on target after redeploy-fleet (max tolerated {}): {} (enumerated {})",
            names.len(),
            report.summary.tolerated,
            names.join(", "),
            report.summary.fleet,
        );
    }
    match report.findings.first() {
        Some(finding) => format!("{}: {}", finding.code, finding.message),
        None => "no verdict was asked for, and none is asserted".into(),
    }
}

impl Rollout {
    /// Whether another rollout has other inputs.
    fn inputs_differ(&self, other: &Self) -> bool {
        let hashes = |rollout: &Self| {
            let inputs = rollout.inputs().iter();
            inputs.map(|input| (input.role == Role::Plan, input.sha256.clone())).collect::<Vec<_>>()
        };
        hashes(self) != hashes(other) || self.fields() != other.fields()
    }
}
