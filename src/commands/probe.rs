//! Asking tenants for their build: what is configured, and `rollproof probe`.

use std::path::Path;

use crate::cli::{probe, run};
use crate::collect::collected::Collected;
use crate::collect::fields::EvidenceFields;
use crate::collect::record::Record;
use crate::collect::rollout::state::Rollout;
use crate::collect::{Sources, collect};
use crate::commands::outcome;
use crate::drive::journal::Journal;
use crate::drive::prober::{CommitPlace, Pace, Prober, UrlTemplate};
use crate::drive::progress::Progress;
use crate::drive::stop::Signal;
use crate::error::Error;
use crate::evaluation::Evaluation;
use crate::explain::counterfactuals;
use crate::io::clock::now;
use crate::io::config::Config;
use crate::io::config::probe::MIN_SECONDS;
use crate::io::input::Source;
use crate::io::lock::Lock;
use crate::io::output;
use crate::model::document::probe::Probing;
use crate::model::document::text::Text;
use crate::model::document::{Document, Role};
use crate::schema::document;
use crate::time::{scaled, seconds};

/// Where to ask, how often and how long, by the options and the configuration; the waits between rounds are multiplied
/// with `scale`.
///
/// # Errors
/// [`Error::Usage`] where no URL is configured, or a value cannot be used.
fn prober(options: &probe::Probing, config: &Config, scale: f64) -> Result<Prober, Error> {
    let configured = &config.probe;
    let has_option = options.probe_url_template.is_some() || options.probe_domain.is_some();
    let (template, domain) = if has_option {
        (&options.probe_url_template, &options.probe_domain)
    } else {
        (&configured.url_template, &configured.domain)
    };
    let template = match (template, domain) {
        (Some(template), _) => UrlTemplate::new(template, &config.http),
        (None, Some(domain)) => UrlTemplate::from_domain(domain, &config.http),
        (None, None) => Err("nothing says where tenants are to be asked for their build".into()),
    };
    let help = "name --probe-domain or --probe-url-template, or `domain` in [probe] of rollproof.toml";
    let template = template.map_err(|problem| Error::usage(problem, help))?;
    let commit_place = if options.probe_commit_pointer.is_some() || options.probe_commit_header.is_some() {
        (&options.probe_commit_pointer, &options.probe_commit_header)
    } else {
        (&configured.commit_pointer, &configured.commit_header)
    };
    let commit_place = CommitPlace::new(commit_place.0.as_deref(), commit_place.1.as_deref()).map_err(|problem| {
        let help = "name one of --probe-commit-pointer and --probe-commit-header, or of commit_pointer and \
                    commit_header in [probe] of rollproof.toml";
        Error::usage(problem, help)
    })?;
    let time = |option: &str, option_value: Option<f64>, configured: f64, min: f64| {
        let time = option_value.unwrap_or(configured);
        seconds(time).filter(|_| time >= min).ok_or_else(|| {
            let problem = format!("--{option}: found {time}, but a time of at least {min} seconds is allowed");
            Error::usage(problem, "rollproof schema config describes the keys of [probe]")
        })
    };
    let interval = time("probe-interval", options.probe_interval, configured.interval_seconds, MIN_SECONDS)?;
    let timeout = time("probe-timeout", options.probe_timeout, configured.timeout_seconds, 0.0)?;
    let request = options.probe_request_timeout;
    let request_timeout = time("probe-request-timeout", request, configured.request_timeout_seconds, MIN_SECONDS)?;
    let concurrency = options.probe_concurrency.unwrap_or(configured.concurrency);
    if concurrency == 0 {
        return Err(Error::usage(
            "--probe-concurrency: found 0, but at least one tenant is asked at a time",
            "16 is usual",
        ));
    }
    let (interval, timeout) = (scaled(interval, scale), scaled(timeout, scale));
    let pace = Pace { interval, timeout, request_timeout, concurrency };
    Prober::new(template, commit_place, pace)
}

/// The prober of `run --probe`; nothing without `--probe`.
///
/// # Errors
/// [`Error::Usage`] where the options make no sense, before anything is called.
pub fn of_run(options: &run::Run, config: &Config, rollout: &Rollout, scale: f64) -> Result<Option<Prober>, Error> {
    if options.probe {
        check_has_commit(rollout.plan().rollout.target_sha.as_ref(), &options.plan.display().to_string())?;
        return prober(&options.probing, config, scale).map(Some);
    }
    if options.probing == probe::Probing::default() {
        return Ok(None);
    }
    Err(Error::usage("an option of probing is given, and --probe is not", "add --probe, or leave the option out"))
}

/// Writes into the journal that builds will be probed, so that one which ends before they are is no pass.
///
/// # Errors
/// Those of the journal.
pub fn announce(prober: Option<&Prober>, journal: &mut Journal, rollout: &mut Rollout) -> Result<(), Error> {
    let Some(prober) = prober else { return Ok(()) };
    let record = Record::Probe { at: now(), url: prober.template().text() };
    journal.append(rollout, &record)
}

/// Refuses to resume a rollout without the probing that it began with.
///
/// # Errors
/// [`Error::Usage`].
pub fn check_still_probed(prober: Option<&Prober>, begun: &Rollout) -> Result<(), Error> {
    if prober.is_none() && begun.probes_builds() {
        return Err(Error::usage("the rollout began with --probe, and is resumed without it", "give --probe again"));
    }
    Ok(())
}

/// Refuses a rollout without a commit, with which no build could be compared.
///
/// # Errors
/// [`Error::Usage`] where no commit is known.
fn check_has_commit(target_sha: Option<&Text>, from: &str) -> Result<(), Error> {
    if target_sha.is_some_and(|sha| !sha.trim().is_empty()) {
        return Ok(());
    }
    let problem = format!("{from} names no commit (sha), so no build could be compared with it");
    Err(Error::usage(problem, "give the rollout's plan a \"sha\", or leave probing out"))
}

/// Asks the proven tenants of a document for their build, writes the document with what was seen, and judges it.
///
/// # Errors
/// [`Error`], where there is no verdict; what was seen is written all the same.
pub fn probe(options: &probe::Probe, report_error: &mut dyn FnMut(&Error)) -> Result<u8, Error> {
    let path = place(options)?;
    let _lock = Lock::take(path)?;
    let evaluation = Evaluation::start(options.evaluation.options())?.wait()?;
    let prober = prober(&options.probing, &evaluation.config, 1.0)?;
    let sources = Sources {
        evidence: Source::new(options.evidence.clone()),
        fleet: None,
        plan: None,
        fields: EvidenceFields::default(),
        max_bytes: options.evaluation.max_input_bytes,
    };
    let Collected { mut document, inputs } = collect(&sources, jiff::Timestamp::now())?;
    if options.in_place && inputs.first().is_none_or(|input| input.role != Role::Document) {
        let problem = format!("{} cannot be replaced: it is no document", options.evidence.display());
        return Err(Error::usage(problem, "say with --document where the document is written"));
    }
    check_has_commit(document.rollout.target_sha.as_ref(), &options.evidence.display().to_string())?;

    document.probes = Some(Vec::new());
    let signal = ask(options, &evaluation, &prober, &mut document);
    let mut written = vec![output::write_document(path, &document)];
    let evaluated = signal.and_then(|signal| {
        Ok((signal, counterfactuals::report(&evaluation, &document::validate(&document)?, inputs)?))
    });
    let (signal, report) = match evaluated {
        Ok(evaluated) => evaluated,
        Err(error) => {
            outcome::exit_code(error.exit_code(), written, report_error);
            return Err(error);
        }
    };
    written.extend(evaluation.write(&report));
    let code = signal.map_or_else(|| report.decision.exit_code(options.evaluation.require_verdict), Signal::exit_code);
    Ok(outcome::exit_code(code, written, report_error))
}

/// Where the document is written: over the one that was read only with --in-place.
fn place(options: &probe::Probe) -> Result<&Path, Error> {
    let is_stdin = options.evidence == Path::new("-");
    match &options.document {
        Some(path) => Ok(path),
        None if options.in_place && !is_stdin => Ok(&options.evidence),
        None if options.in_place => {
            Err(Error::usage("standard input cannot be replaced", "say with --document where the document is written"))
        }
        None => Err(Error::usage(
            "--document or --in-place is missing, so no tenant was asked",
            "give --document PATH, or --in-place to replace the document that is read",
        )),
    }
}

fn ask(
    options: &probe::Probe,
    evaluation: &Evaluation,
    prober: &Prober,
    document: &mut Document,
) -> Result<Option<Signal>, Error> {
    let progress = Progress::new(options.quiet, 0);
    let tenants = evaluation.next_probe_targets(document)?;
    let mut probing = Probing::default();
    let mut keep = |record: &Record| {
        match record {
            Record::Probing { url, tenants, refused, .. } => probing = Probing::begin(url, tenants, refused),
            Record::Probed { at, answers } => probing.record(at, answers),
            _ => {}
        }
        document.probes = Some(probing.probes());
        evaluation.next_probe_targets(document)
    };
    prober.run(tenants, &progress, &mut keep)
}
