//! `rollproof run`: drives a rollout, writes what came of it whatever happens, and evaluates it.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use crate::cli::run;
use crate::collect::fields::EvidenceFields;
use crate::collect::inputs::{PLAN_HELP, fleet_names, plan_file};
use crate::collect::journal::replay;
use crate::collect::record::{Format as JournalFormat, Inventory, Record};
use crate::collect::rollout::requests::REQUEST_HELP;
use crate::collect::rollout::state::Rollout;
use crate::collect::rollout::step::HaltCheck;
use crate::commands::{exit, outcome, probe, wire};
use crate::diagnostic::fault::fault_at;
use crate::drive::client::Client;
use crate::drive::driver::{Driver, HaltAnswer, Timing};
use crate::drive::journal::Journal;
use crate::drive::prober::{ProbeTargets, Prober};
use crate::drive::progress::Progress;
use crate::drive::response::Response;
use crate::drive::runtime::register_signals;
use crate::drive::stop::{Signal, Stop};
use crate::error::report::ErrorReport;
use crate::error::{Error, Errors};
use crate::evaluation::{Evaluation, PendingEvaluation};
use crate::explain::counterfactuals;
use crate::gates::reader::GateReader;
use crate::io::config::Config;
use crate::io::environment;
use crate::io::http::is_loopback;
use crate::io::http::token::{CONTROL_PLANE as TOKEN, Token};
use crate::io::input::{Input, Source, remedy};
use crate::io::lock::Lock;
use crate::io::output;
use crate::model::document::gates::contacts;
use crate::model::document::text::Text;
use crate::model::document::{Document, Outcome, Role};
use crate::policy::prepared::SoFar;
use crate::rego::engine::input::Inputs;
use crate::report::Report;
use crate::schema::document;
use crate::time::seconds;

/// The size limit of a file that holds a token, in bytes.
const MAX_TOKEN: u64 = 64 << 10;

/// The response while it is not known how the rollout ends.
const NOT_ENDED: &str = "the rollout has not ended";

/// Drives a rollout and evaluates it.
///
/// # Errors
/// [`Error`], where there is no verdict; what was collected is written all the same.
pub fn run(options: &run::Run, report_error: &mut dyn FnMut(&Error)) -> Result<u8, Error> {
    let held = RunLocks::take(options)?;
    not_ok(&options.response, NOT_ENDED)?;
    use_small_pages();
    let prepared = Evaluation::start(options.evaluation.options())
        .and_then(PendingEvaluation::wait)
        .and_then(|evaluation| Ok((prepare(options, &evaluation, held.journal)?, evaluation)));
    match prepared {
        Ok((prepared, evaluation)) => {
            Ok(finish(options, &evaluation, drive(options, &evaluation, prepared), report_error))
        }
        Err(error) => {
            if let Err(unwritten) = not_ok(&options.response, &error.to_string()) {
                report_error(&unwritten);
            }
            Err(error)
        }
    }
}

/// A rollout lives for minutes, beside others: what it holds counts more than a few milliseconds at its start. A kernel
/// that refuses leaves it with more memory than it needs.
fn use_small_pages() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

/// The locks of the files that this process alone may write.
pub(crate) struct RunLocks {
    /// The journal, where there is one already.
    pub(crate) journal: Option<Journal>,
    _locks: Vec<Lock>,
}

impl RunLocks {
    pub(crate) fn take(options: &run::Run) -> Result<Self, Error> {
        let journal = options.journal();
        let mut locks = Vec::new();
        for path in [&journal, &options.document, &options.response] {
            locks.extend(Lock::take(path)?);
        }
        Ok(Self { journal: Journal::open(&journal)?, _locks: locks })
    }
}

/// A rollout that can begin.
struct PreparedRollout {
    rollout: Rollout,
    /// Absent where the plan is not enabled: no call is made.
    live: Option<LiveRollout>,
    stop: Stop,
}

/// What the calls to the control plane need.
struct LiveRollout {
    client: Client,
    timing: Timing,
    gate_reader: Option<GateReader>,
    prober: Option<Prober>,
    journal: Journal,
    /// Whether the journal took the place of that of an earlier attempt.
    replaces: bool,
}

/// A rollout that has ended.
struct EndedRollout {
    rollout: Rollout,
    stop: Stop,
    error: Option<Error>,
}

/// Everything that can be known before the first call.
fn prepare(options: &run::Run, evaluation: &Evaluation, opened: Option<Journal>) -> Result<PreparedRollout, Error> {
    let config = &evaluation.config;
    let mut errors = Errors::default();
    let start = start(options, config, &mut errors);
    errors.end()?;
    let start = start.ok_or_else(|| Error::bug("there is no plan"))?;
    let rollout = Rollout::start(&start).map_err(|problem| Error::usage(problem, PLAN_HELP))?;
    if !rollout.plan().enabled {
        return Ok(PreparedRollout { rollout, live: None, stop: register_signals()? });
    }
    rollout.check_requests().map_err(|problem| Error::usage(problem, REQUEST_HELP))?;
    let client = Client::new(control_plane(&rollout), &token(options)?, &config.http)?;
    let timing = timing(options, config, &rollout)?;
    let prober = probe::of_run(options, config, &rollout, timing.scale)?;
    let (mut resumed, mut earlier_attempt, mut rollout) = (None, None, rollout);
    match (options.resume, opened) {
        (true, Some(journal)) => {
            let (journal, length, begun) = read_begun(options, journal, &rollout, prober.as_ref())?;
            resumed = Some((journal, length));
            rollout = begun;
        }
        (true, None) => {
            let problem = format!("there is no journal {}", options.journal().display());
            return Err(Error::usage(
                problem,
                "correct the path of --journal, or leave --resume out to begin a new rollout",
            ));
        }
        (false, Some(mut journal)) => {
            journal.check_replaceable(options.evaluation.max_input_bytes)?;
            earlier_attempt = Some(journal);
        }
        (false, None) => {}
    }
    let client = with_wire(client, &rollout)?;
    if !rollout.learns_labels() {
        evaluation.policies().needs_of(&rollout.ideal_document().map_err(Error::bug)?)?;
    }
    let gate_reader = gate_reader(options, config, &rollout, timing.scale)?;
    // The first record says so already, but for that of an older version or of a rollout that began without.
    let announced = rollout.probes_builds();
    let replaces = earlier_attempt.is_some();
    let mut journal = match resumed {
        Some((journal, length)) => resume(journal, length, &mut rollout)?,
        None => Journal::create(&options.journal(), &start, earlier_attempt.as_ref())?,
    };
    probe::announce(prober.as_ref().filter(|_| !announced), &mut journal, &mut rollout)?;
    Ok(PreparedRollout {
        rollout,
        live: Some(LiveRollout { client, timing, gate_reader, prober, journal, replaces }),
        stop: register_signals()?,
    })
}

/// The client with the wire settings of the rollout's control plane.
pub(crate) fn with_wire(client: Client, rollout: &Rollout) -> Result<Client, Error> {
    match rollout.wire() {
        Some(wire) => client.with_wire(wire.settings()),
        None => Ok(client),
    }
}

/// The first record of the journal: the plan and the inventory as they stand in their files. Nothing where there is no
/// plan, or no wire, that can be used. What else is wrong is kept, and left out of the record.
pub(crate) fn start(options: &run::Run, config: &Config, errors: &mut Errors) -> Option<Record> {
    let text = |input: &Input| Text::from(&*String::from_utf8_lossy(&input.bytes));
    let fields = errors.keep_error(fields(options));
    let plan = errors.keep_error(plan(options, fields.as_ref()));
    let inventory = errors.keep_error(options.fleet.as_ref().map(|path| inventory(options, path)).transpose());
    let gates = errors.keep_error(GateReader::gates_to_ask(config, options.preflight));
    let rollout = plan.as_ref().map(|(_, rollout)| rollout);
    // Without its wire nobody is called: the contract's would be another control plane's.
    let control_plane = errors.keep_error(wire::settings(config, rollout));
    let ((plan, _), control_plane) = plan.zip(control_plane)?;
    Some(Record::Start {
        format: JournalFormat::V1,
        at: Text::from(Timestamp::now().to_string()),
        plan: text(&plan),
        plan_name: plan.name,
        inventory: inventory
            .flatten()
            .map(|inventory| Inventory { text: text(&inventory), name: inventory.name.clone() }),
        time_scale: options.time_scale.map(|scale| Text::from(scale.to_string())),
        evidence_fields: fields.iter().flat_map(EvidenceFields::names).cloned().collect(),
        plan_fields: fields.iter().flat_map(EvidenceFields::plan_names).cloned().collect(),
        gates: gates.flatten(),
        probes: options.probe,
        rollout_id: Some(rollout_id()),
        control_plane,
    })
}

fn fields(options: &run::Run) -> Result<EvidenceFields, Error> {
    EvidenceFields::new(&options.evidence_fields)?.with_plan(&options.plan_fields)
}

/// The plan's file, and the rollout that it describes.
fn plan(
    options: &run::Run,
    fields: Option<&EvidenceFields>,
) -> Result<(Input, crate::model::document::Rollout), Error> {
    let plan = Source::new(options.plan.clone()).read(options.evaluation.max_input_bytes)?;
    let plan_file = plan_file(&plan, fields.unwrap_or(&EvidenceFields::default()))?;
    if plan_file.enabled && plan_file.rollout.control_plane.is_none() {
        let fault = fault_at(&plan.bytes, "", "the key \"cp_url\" is missing, so there is nobody to call".into());
        return Err(Error::Evidence { input: plan.name.to_string(), faults: vec![fault.help(PLAN_HELP)] });
    }
    Ok((plan, plan_file.rollout))
}

/// A name that no other rollout has. Nothing depends on its being hard to guess.
fn rollout_id() -> Text {
    // Each has keys of its own, which the operating system chooses at random.
    let random = || RandomState::new().hash_one(Timestamp::now().as_nanosecond());
    Text::from(format!("{:016x}{:016x}", random(), random()))
}

fn inventory(options: &run::Run, path: &Path) -> Result<Input, Error> {
    let input = Source::new(path.to_owned()).read(options.evaluation.max_input_bytes)?;
    fleet_names(&input)?;
    Ok(input)
}

/// The URL of the control plane that a rollout's plan names.
pub(crate) fn control_plane(rollout: &Rollout) -> &str {
    rollout.plan().rollout.control_plane.as_deref().unwrap_or_default()
}

/// The token of the control plane.
pub(crate) fn token(options: &run::Run) -> Result<Token, Error> {
    if let Some(path) = &options.token_file {
        let read = Source::File(path.clone()).text(MAX_TOKEN).map_err(|error| {
            Error::usage(format!("cannot read the token file {}: {error}", path.display()), remedy(&error))
        })?;
        return Token::new(&read, "the token file");
    }
    let given = environment::var(TOKEN)?.ok_or_else(|| {
        let help = "set it to the control plane's token, or name a file with --token-file";
        Error::usage(format!("{TOKEN} is not set, so no call was made"), help)
    })?;
    Token::new(&given, TOKEN)
}

pub(crate) fn timing(options: &run::Run, config: &Config, rollout: &Rollout) -> Result<Timing, Error> {
    let scale = options.time_scale.unwrap_or(1.0);
    let url = control_plane(rollout);
    let loopback = reqwest::Url::parse(url).is_ok_and(|url| is_loopback(&url));
    if seconds(scale).is_none() || (options.time_scale.is_some() && !loopback) {
        let help = "it is for rehearsals against a control plane on loopback";
        return Err(Error::usage(format!("--time-scale {scale} cannot be used with {url}"), help));
    }
    let http = &config.http;
    Ok(Timing {
        retry_delays: http.retry_delays_seconds.iter().filter_map(|delay| seconds(*delay)).collect(),
        plan_timeout: seconds(http.plan_timeout_seconds).unwrap_or_default(),
        call_timeout: Duration::from_secs(rollout.plan().timeout_seconds),
        scale,
    })
}

/// The gates that are asked: those that the command line asks for, and those that a resumed rollout began with. Nothing
/// where no call is left and nobody is probed.
pub(crate) fn gate_reader(
    options: &run::Run,
    config: &Config,
    begun: &Rollout,
    scale: f64,
) -> Result<Option<GateReader>, Error> {
    let gates_before = begun.known_gates();
    let asked = GateReader::gates_to_ask(config, options.preflight)?.max(gates_before);
    let asked = asked.filter(|_| begun.is_call_left() || options.probe);
    let Some(asked) = asked else { return Ok(None) };
    let sha = begun.plan().rollout.target_sha.clone();
    let gate_reader = GateReader::from_environment(config, asked, sha.as_deref(), scale)?;
    if options.resume && gates_before.is_some() {
        gate_reader.check_has_token()?;
    }
    Ok(Some(gate_reader))
}

/// The journal of the rollout that is resumed, the end of its last whole record in bytes, and the rollout as the journal
/// leaves it. Nothing is written yet.
fn read_begun(
    options: &run::Run,
    mut journal: Journal,
    planned: &Rollout,
    prober: Option<&Prober>,
) -> Result<(Journal, u64, Rollout), Error> {
    let path = options.journal();
    if journal.is_packed()? {
        let problem = format!("{} is packed, and nothing can be appended to it", path.display());
        return Err(Error::usage(
            problem,
            "unpack it first, with `gunzip --keep` or `unzstd`, and name what comes of it",
        ));
    }
    let input = Source::File(path.clone()).read(options.evaluation.max_input_bytes)?;
    let (begun, length) = replay(&input, &EvidenceFields::default())?;
    match begun.outcome() {
        // One that was killed after its last call has its verdict still to be written.
        Outcome::Running | Outcome::Interrupted | Outcome::Completed => {}
        Outcome::Halted | Outcome::Unknown => {
            let problem = format!("{} tells of a rollout that was halted, which is not resumed", path.display());
            let help = if begun.may_have_changed_something() {
                "repair what halted it, then start again with another --journal"
            } else {
                "repair what halted it, then start again without --resume: nothing was changed, so its journal is replaced"
            };
            return Err(Error::usage(problem, help));
        }
    }
    if begun.inputs_differ(planned) {
        let path = path.display();
        let problem = format!("the plan, the fleet or an evidence field is not the one that {path} began with");
        return Err(Error::usage(
            problem,
            "resume with the files that it began with, or start again with another --journal",
        ));
    }
    wire::check_unchanged(&begun, planned, &path)?;
    probe::check_still_probed(prober, &begun)?;
    Ok((journal, length, begun))
}

/// Opens a journal to append to it after its last whole record.
fn resume(journal: Journal, length: u64, rollout: &mut Rollout) -> Result<Journal, Error> {
    let mut journal = journal.truncate_to(length)?;
    // One that is complete stays so: nothing is left but its verdict, and builds that may still have to be probed.
    if rollout.outcome() != Outcome::Completed {
        let resumed = Record::Resumed { at: Text::from(Timestamp::now().to_string()) };
        journal.append(rollout, &resumed)?;
    }
    Ok(journal)
}

fn drive(
    options: &run::Run,
    evaluation: &Evaluation,
    PreparedRollout { rollout, live, stop }: PreparedRollout,
) -> EndedRollout {
    let Some(LiveRollout { client, timing, gate_reader, prober, journal, replaces }) = live else {
        return EndedRollout { rollout, stop, error: None };
    };
    let progress = Progress::new(options.quiet, options.verbose);
    if replaces {
        let journal = options.journal();
        progress.line(&format!("{} replaces that of an attempt that changed nothing", journal.display()));
    }
    let (gate_reader, client, timing) = (gate_reader.as_ref(), &client, &timing);
    let mut driver = Driver { rollout, journal, gate_reader, client, timing, progress, stop };
    let mut inputs = Inputs::default();
    let mut ask = |document: &Document, check: HaltCheck| {
        let SoFar { halts, proven, not_proven } = match check {
            HaltCheck::AfterCall => evaluation.policies().halt_check(document, &mut inputs)?,
            HaltCheck::AfterGate => evaluation.policies().halt_check_gates(document, &mut inputs)?,
            HaltCheck::IdealDocument => {
                evaluation.policies().foresee(document)?;
                SoFar { halts: Vec::new(), proven: 0, not_proven: 0 }
            }
        };
        Ok(HaltAnswer { halts, proven, not_proven })
    };
    let mut targets = |document: &Document| evaluation.next_probe_targets(document);
    let probing = prober.as_ref().map(|prober| (prober, &mut targets as &mut ProbeTargets<'_>));
    let error = driver.run(&mut ask, probing).err();
    EndedRollout { rollout: driver.rollout, stop: driver.stop, error }
}

/// What decides the exit code.
struct Results<'a> {
    /// The exit code of the verdict, if there is one.
    verdict: Option<u8>,
    /// Whether requests were made and none was answered.
    is_unanswered: bool,
    signal: Option<Signal>,
    /// What ended the rollout, or kept it from being evaluated.
    failed: Option<&'a Error>,
    /// What could not be written.
    unwritten: &'a [Error],
}

impl Results<'_> {
    /// What the process exits with, unless it is 0 and the response cannot be written.
    fn exit_code(&self) -> u8 {
        let code = match (self.verdict, self.signal) {
            (_, Some(signal)) => signal.exit_code(),
            (Some(1), None) if self.is_unanswered => exit::UNANSWERED,
            (Some(code), None) => code,
            (None, None) => exit::POLICY,
        };
        match self.failed {
            Some(error) if error.exit_code() == exit::POLICY && self.signal.is_none() => exit::POLICY,
            Some(error) if code == 0 => error.exit_code(),
            None if code == 0 && !self.unwritten.is_empty() => exit::UNWRITTEN,
            _ => code,
        }
    }
}

/// Evaluates a rollout and writes everything, last of all the response: it is ok exactly where the process exits with 0.
fn finish(
    options: &run::Run,
    evaluation: &Evaluation,
    ended: EndedRollout,
    report_error: &mut dyn FnMut(&Error),
) -> u8 {
    let EndedRollout { rollout, stop, error } = ended;
    let (document, results) = rollout.finish();
    let mut written = vec![output::write_document(&options.document, &document)];
    let evaluated = document::validate(&document)
        .and_then(|valid| counterfactuals::report(evaluation, &valid, document.provenance.inputs.clone()));
    if let Ok(report) = &evaluated {
        written.extend(evaluation.write(report));
    }
    let mut unwritten: Vec<Error> = written.into_iter().filter_map(Result::err).collect();
    // A policy that failed in mid-rollout halted it, and comes before the verdict; so does a journal that is full.
    let (report, failed) = match evaluated {
        Ok(report) => (Some(report), error),
        Err(not_evaluated) => (None, Some(error.unwrap_or(not_evaluated))),
    };

    let signal = stop.last_signal();
    let verdict = report.as_ref().map(|report| report.decision.exit_code(options.evaluation.require_verdict));
    let is_unanswered = never_answered(&document);
    let results_so_far = Results { verdict, is_unanswered, signal, failed: failed.as_ref(), unwritten: &unwritten };
    let code = results_so_far.exit_code();
    if let (None, Some(error)) = (&report, &failed) {
        let reports = outcome::report_error_everywhere(
            &ErrorReport::new(error, code),
            Some(options.evaluation.outputs.format),
            &options.evaluation.outputs.reports,
        );
        unwritten.extend(reports.into_iter().filter_map(Result::err));
    }
    let error = match unwritten.first().or(failed.as_ref()) {
        _ if code == 0 => None,
        Some(error) if code == exit::UNWRITTEN => Some(error.to_string()),
        _ => Some(failure(&document, report.as_ref(), signal)),
    };
    for error in unwritten.iter().chain(&failed) {
        report_error(error);
    }
    let stragglers: Vec<Text> =
        report.iter().flat_map(|report| &report.stragglers).map(|straggler| straggler.tenant.clone()).collect();
    let response = Response { error: error.as_deref(), ok: code == 0, results: &results, stragglers: &stragglers };
    match write_response(&options.response, &response) {
        Ok(()) => code,
        Err(error) => {
            report_error(&error);
            if code == 0 { error.exit_code() } else { code }
        }
    }
}

/// Whether no request was answered: none to the control plane or, before the first call, none to Gitea.
pub(crate) fn never_answered(document: &Document) -> bool {
    let mut attempts = document.calls.iter().flat_map(|call| &call.attempts).peekable();
    if attempts.peek().is_none() {
        let (requests, answers) = document.gates.as_ref().map_or((0, 0), contacts);
        return requests > 0 && answers == 0;
    }
    attempts.all(|attempt| attempt.status.is_none())
}

fn write_response(path: &Path, response: &Response<'_>) -> Result<(), Error> {
    output::replace(path, |out| {
        serde_json::to_writer_pretty(&mut *out, response)?;
        writeln!(out)
    })
}

/// Puts a response that is not ok in the place of an older one, so that nobody takes that for this rollout's. A device or
/// a pipe keeps no older one. Where there is no room, the older one is removed.
fn not_ok(path: &Path, error: &str) -> Result<(), Error> {
    if output::is_special(path) {
        return Ok(());
    }
    let response = Response { error: Some(error), ok: false, results: &[], stragglers: &[] };
    write_response(path, &response).inspect_err(|_| {
        // Where it cannot be removed either, the exit code tells.
        let _ = std::fs::remove_file(path);
    })
}

/// Why the response is not ok, in the reference's words where it has any (contract section 4.6).
fn failure(document: &Document, report: Option<&Report>, signal: Option<Signal>) -> String {
    let finding = |code: &str| report?.findings.iter().find(|finding| finding.code == code);
    if let (Some(_), Some(text)) = (finding("calls.failed"), crate::drive::response::failed_call(document)) {
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
        hashes(self) != hashes(other) || self.fields_differ(other)
    }
}
