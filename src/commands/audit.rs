//! `rollproof audit`.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::audit::against::{Comparison, OtherVerdicts, Side};
use crate::audit::archive::FoundArchives;
use crate::audit::parquet::Tables;
use crate::audit::report::AuditReport;
use crate::audit::table_source::TableSource;
use crate::audit::timestamps::{Patterns, Until};
use crate::audit::verdict::{ArchiveEvaluator, Interner};
use crate::audit::{against, history, labels, listed, render, report};
use crate::cli::audit;
use crate::cli::audit::Against;
use crate::cli::evaluation::EvaluationArgs;
use crate::collect::fields::EvidenceFields;
use crate::collect::mapped::Mappings;
use crate::commands::archives::{EvaluatedArchives, evaluate_all, find, select_tenants, verdicts};
use crate::commands::outcome;
use crate::declared::params;
use crate::declared::subject::Subject;
use crate::error::Error;
use crate::evaluation::{Evaluation, PendingEvaluation};
use crate::io::config::Config;
use crate::io::output;
use crate::model::audit::{Audit, Format as Version, FoundFiles, Group, Tenant};
use crate::model::document::TOOL;
use crate::model::document::text::Text;
use crate::policy::load::{Policies, Settings, load};
use crate::policy::prepared::Prepared;
use crate::render::view::{View, file_view};
use crate::report::earlier::Earlier;
use crate::schema::document;

/// Evaluates every archive of some folders, and the audit that they make together.
///
/// # Errors
/// [`Error`], where there is no verdict.
pub fn audit(options: &audit::Audit, report_error: &mut dyn FnMut(&Error)) -> Result<u8, Error> {
    let of_audits = Policies::of_audits()?;
    let (lag, rollouts): (Vec<_>, Vec<_>) =
        options.archives.policies.params.iter().cloned().partition(|(name, _)| of_audits.declared().contains_key(name));
    let config = Config::read(options.archives.policies.config.as_deref())?;
    let of_audits: Vec<String> = of_audits.declared().keys().cloned().collect();
    let others = start_others(options, &config, &rollouts, &of_audits)?;
    let pending = start(&options.archives.evaluation(rollouts), config.clone(), &of_audits)?;
    let lag = load_lag_policies(options, lag, &config)?;
    let patterns = Patterns::new(&options.archives.when)?;
    let fields = EvidenceFields::new(&options.archives.evidence_fields)?.with_plan(&options.archives.plan_fields)?;
    let mappings = Mappings::load(options.archives.map.as_deref(), options.archives.fleet_map.as_deref())?;
    let tables = options.parquet.as_deref().map(Tables::new).transpose()?;
    let found = match find(&options.folders, &options.archives) {
        Ok(found) => found,
        // Policies are loaded meanwhile, and what is wrong with them comes first.
        Err(error) => return pending.wait().and(Err(error)),
    };
    let evaluation = pending.wait()?;
    let until = options.until.unwrap_or_else(|| Timestamp::now().into());
    let others = others.map(wait_for_expected).transpose()?;

    let evaluator = ArchiveEvaluator {
        policies: evaluation.policies(),
        found: &found,
        patterns: &patterns,
        fields: &fields,
        mappings: &mappings,
        max_bytes: options.archives.max_input_bytes,
        read_since: options.archives.read_since,
        until: until.last,
        #[cfg(feature = "parquet")]
        evidence: tables.is_some(),
        shared: Mutex::new(Interner::default()),
    };
    let other = others.map(|others| {
        let evaluator = ArchiveEvaluator { policies: others.policies(), shared: Mutex::default(), ..evaluator };
        evaluate_others(options, &evaluator)
    });
    let other = other.transpose()?;
    let mut evaluated = evaluate_all(&evaluator, &options.archives);
    let names = std::mem::take(&mut *evaluator.shared.lock().unwrap_or_else(PoisonError::into_inner)).names();
    let listed = select(options, &mut evaluated, &names, &evaluator, until)?;
    let source = TableSource {
        evaluator: &evaluator,
        archives: &found.archives,
        evaluated: &evaluated.rollouts[..history::dated(&evaluated.rollouts)],
        names: &names,
        tenants: &listed.tenants,
    };
    let tables = tables.map(|tables| tables.write(&source));
    let code = evaluated.code;
    let audit = collect(options, until.at, evaluated, listed, &found);
    document::validate_audit(&audit)?;
    let document = options.document.as_ref().map(|path| output::write_json(path, &audit));
    let findings = lag.evaluate_audit(&audit)?;
    let mut report = report::report(audit, findings, &lag);
    report.comparison = other.map(|other| {
        let now = Side::of(options.archives.named(), evaluation.policies());
        Comparison { denied: options.deny_flips, ..against::compare(&report.audit.rollouts, other, now) }
    });
    let written = tables.into_iter().chain(document).chain(write(options, &report, &evaluation.view())).collect();
    Ok(outcome::exit_code(exit_code(options, &report, code), written, report_error))
}

/// Begins to load the policies of `--against`, if any.
fn start_others(
    options: &audit::Audit,
    config: &Config,
    params: &[(String, String)],
    of_audits: &[String],
) -> Result<Option<PendingEvaluation>, Error> {
    if options.against.is_empty() {
        return Ok(None);
    }
    let archives = options.archives.with_policies_of(&options.against);
    let expected = expected_policies(options)?;
    // A configuration is read once: it may be a pipe.
    let is_another = archives.policies.config != options.archives.policies.config;
    let config = if is_another { Config::read(archives.policies.config.as_deref())? } else { config.clone() };
    let args = EvaluationArgs { expect_policies: expected, ..archives.evaluation(params.to_vec()) };
    start(&args, config, of_audits).map(Some)
}

/// Evaluates the archives by the policies of `--against`.
fn evaluate_others(options: &audit::Audit, evaluator: &ArchiveEvaluator<'_>) -> Result<OtherVerdicts, Error> {
    let against = options.against.iter().map(|against| Text::from(against.path().display().to_string()));
    Ok(OtherVerdicts {
        against: against.collect(),
        verdicts: verdicts(evaluator, &options.archives)?,
        side: Side::of(options.archives.with_policies_of(&options.against).named(), evaluator.policies),
    })
}

/// Waits for the policies of `--against`, which must be the expected ones.
fn wait_for_expected(others: PendingEvaluation) -> Result<Evaluation, Error> {
    let others = others.wait()?;
    others.check_expected_digest()?;
    Ok(others)
}

/// The digest of policies that an earlier report names, where verdicts are compared with its policies.
fn expected_policies(options: &audit::Audit) -> Result<Option<String>, Error> {
    let mut reports = options.against.iter().filter_map(|against| match against {
        Against::Report(path) => Some(path),
        Against::Policies(_) | Against::Configuration(_) => None,
    });
    let Some(path) = reports.next() else { return Ok(None) };
    if reports.next().is_some() {
        return Err(Error::usage("--against names two reports", "give one, and the policies that decided it"));
    }
    let basis = Earlier::read("--against", path, options.archives.max_input_bytes)?.basis.ok_or_else(|| {
        let problem = format!("--against {}: the report names no digest of its policies", path.display());
        Error::usage(problem, "an older version wrote it: compare with the policies alone")
    })?;
    Ok(Some(basis.digest))
}

/// Begins to load the policies that judge rollouts; `of_audits` are the parameters that are not theirs.
fn start(args: &EvaluationArgs, config: Config, of_audits: &[String]) -> Result<PendingEvaluation, Error> {
    let options = args.options();
    let settings = Settings { other_params: of_audits.to_vec(), ..Evaluation::settings(&options, &config, None)? };
    Evaluation::start_with(options, config, settings)
}

/// Writes the report wherever it is wanted.
fn write(options: &audit::Audit, report: &AuditReport, view: &View) -> Vec<Result<(), Error>> {
    let reports = options.reports.iter().map(|(format, path)| {
        output::write_report(path, |out| render::render(*format, report, &file_view(false), out))
    });
    let metrics = options.metrics.iter().map(|path| output::replace(path, |out| render::metrics::render(report, out)));
    let mut written: Vec<_> = reports.chain(metrics).collect();
    written.push(output::print(|out| render::render(options.format, report, view, out)));
    written
}

/// The exit code; `code` is that of what could not be read.
fn exit_code(options: &audit::Audit, report: &AuditReport, code: u8) -> u8 {
    let has_flips = report.comparison.as_ref().is_some_and(|comparison| !comparison.flips.is_empty());
    match code {
        0 if options.deny_flips && has_flips => 1,
        0 => report.decision.exit_code(false),
        code => code,
    }
}

fn load_lag_policies(
    options: &audit::Audit,
    mut params: Vec<(String, String)>,
    config: &Config,
) -> Result<Prepared, Error> {
    params.extend(options.behind_for.map(|hours| ("behind_for".to_owned(), hours.to_string())));
    let params = params::given(config, &params);
    load(Settings { subject: Subject::Audit, params, ..Settings::default() })?.wait()
}

/// The tenants and groups of the rollouts that are listed.
struct ListedHistory {
    tenants: Vec<Tenant>,
    groups: Vec<Group>,
    /// How many rollouts are not listed.
    unlisted: u64,
}

/// Builds the history of each tenant from every rollout that was read, then removes the rollouts that are not listed.
fn select(
    options: &audit::Audit,
    evaluated: &mut EvaluatedArchives,
    names: &[Text],
    evaluator: &ArchiveEvaluator<'_>,
    until: Until,
) -> Result<ListedHistory, Error> {
    let rollouts = &mut evaluated.rollouts;
    let after = listed::remove_after(rollouts, until.last);
    let (all, groups) = history::tenants(rollouts, names, until.at);
    history::name_missing(rollouts, &all);
    let mut tenants = select_tenants(&options.tenants, all, evaluated.code)?;
    labels::add(&mut tenants, rollouts, names, evaluator)?;
    let before = options.since.map_or(0, |since| listed::remove_before(since, rollouts, &mut tenants));
    Ok(ListedHistory { tenants, groups, unlisted: before + after })
}

/// The document of the audit.
fn collect(
    options: &audit::Audit,
    until: Timestamp,
    evaluated: EvaluatedArchives,
    listed: ListedHistory,
    found: &FoundArchives,
) -> Audit {
    let text = |time: Timestamp| Text::from(time.to_string());
    let texts = |names: &[String]| names.iter().map(|name| Text::from(&**name)).collect();
    Audit {
        format: Version::V1,
        since: options.since.map(text),
        read_since: options.archives.read_since.map(text),
        until: text(until),
        found: Some(FoundFiles {
            files: found.files,
            rollouts: (found.archives.len() + found.unclear.len()) as u64,
            not_listed: listed.unlisted,
            not_read: evaluated.not_read,
            ignored: texts(&found.ignored),
        }),
        newest: listed
            .groups
            .iter()
            .filter_map(|group| group.newest.clone())
            .max_by_key(|at| at.parse::<Timestamp>().ok()),
        gap: listed.groups.iter().filter_map(|group| group.gap.clone()).max_by_key(|gap| gap.seconds),
        groups: listed.groups,
        rollouts: evaluated.rollouts.into_iter().map(|rollout| rollout.published).collect(),
        tenants: listed.tenants,
        unreadable: evaluated.unreadable,
        unpaired: texts(&found.unpaired),
        tool: Text::from(TOOL),
    }
}
