//! `rollproof audit`.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use rayon::prelude::*;

use crate::audit::archive::Found;
use crate::audit::parquet::Tables;
use crate::audit::progress::Progress;
use crate::audit::table_source::TableSource;
use crate::audit::timestamps::{PATTERN, Pattern};
use crate::audit::verdict::{ArchiveEvaluator, EvaluatedRollout, Interner};
use crate::audit::{archive, history, render, report};
use crate::cli::audit;
use crate::collect::fields::EvidenceFields;
use crate::commands::outcome;
use crate::declared::params::{Given, ParamSource};
use crate::declared::subject::Subject;
use crate::error::Error;
use crate::evaluation::Evaluation;
use crate::io::config::Config;
use crate::io::output;
use crate::model::audit::{Audit, Format as Version, Tenant, Unreadable};
use crate::model::document::TOOL;
use crate::model::document::text::Text;
use crate::policy::load::{Policies, Settings, load};
use crate::policy::prepared::Prepared;
use crate::schema::document;
use crate::text::suggest::nearest;

/// Evaluates every archive of some folders, and the audit that they make together.
///
/// # Errors
/// [`Error`], where there is no verdict.
pub fn audit(options: &audit::Audit, report_error: &mut dyn FnMut(&Error)) -> Result<u8, Error> {
    let of_audits = Policies::of_audits()?;
    let (lag, rollouts): (Vec<_>, Vec<_>) =
        options.policies.params.iter().cloned().partition(|(name, _)| of_audits.declared().contains_key(name));
    let pending = Evaluation::start(options.evaluation(rollouts).options())?;
    let lag = policies(options, lag)?;
    let pattern = Pattern::new(options.when.as_deref().unwrap_or(PATTERN))?;
    let fields = EvidenceFields::new(&options.evidence_fields)?;
    let tables = options.parquet.as_deref().map(Tables::new).transpose()?;
    let found = match archive::find(&options.folders) {
        Ok(found) => found,
        // Policies are loaded meanwhile, and what is wrong with them comes first.
        Err(error) => return pending.wait().and(Err(error)),
    };
    let evaluation = pending.wait()?;

    let evaluator = ArchiveEvaluator {
        policies: evaluation.policies(),
        pattern: &pattern,
        fields: &fields,
        max_bytes: options.max_input_bytes,
        since: options.since,
        until: options.until.unwrap_or_else(Timestamp::now),
        #[cfg(feature = "parquet")]
        evidence: tables.is_some(),
        shared: Mutex::new(Interner::default()),
    };
    let evaluated = evaluate_all(&evaluator, &found, options);
    let names = std::mem::take(&mut *evaluator.shared.lock().unwrap_or_else(PoisonError::into_inner)).names();
    let tenants = tenants(options, history::tenants(&evaluated.rollouts, &names, evaluator.until), evaluated.code)?;
    let source = TableSource {
        evaluator: &evaluator,
        archives: &found.archives,
        evaluated: &evaluated.rollouts,
        names: &names,
        tenants: &tenants,
    };
    let tables = tables.map(|tables| tables.write(&source));
    let code = evaluated.code;
    let audit = collect(options, evaluator.until, evaluated, tenants, &found.unpaired);
    document::validate_audit(&audit)?;
    let document = options.document.as_ref().map(|path| output::write_json(path, &audit));
    let findings = lag.evaluate_audit(&audit)?;
    let report = report::report(audit, findings, &lag);

    let view = evaluation.view();
    let mut written: Vec<_> = tables.into_iter().chain(document).collect();
    written.extend(options.reports.iter().map(|(format, path)| {
        output::put(path, |out| render::render(*format, &report, &crate::render::view::file_view(false), out))
    }));
    written.push(output::print(|out| render::render(options.format, &report, &view, out)));
    let verdict = if code == 0 { report.decision.exit_code(false) } else { code };
    Ok(outcome::exit_code(verdict, written, report_error))
}

fn policies(options: &audit::Audit, params: Vec<(String, String)>) -> Result<Prepared, Error> {
    let config = Config::read(options.policies.config.as_deref())?;
    let given = |name: &str, text: String, from| Given { name: name.to_owned(), text, from };
    let configured = config.params.iter().map(|(name, value)| given(name, value.to_string(), ParamSource::Config));
    let behind_for = options.behind_for.map(|hours| ("behind_for".to_owned(), hours.to_string()));
    let named = params.into_iter().chain(behind_for);
    let named = named.map(|(name, text)| given(&name, text, ParamSource::CommandLine));
    let params = configured.chain(named).collect();
    load(Settings { subject: Subject::Audit, params, ..Settings::default() })?.wait()
}

/// What came of the archives.
struct Evaluated {
    /// In the order of time.
    rollouts: Vec<EvaluatedRollout>,
    /// What could not be read.
    unreadable: Vec<Unreadable>,
    /// The exit code for what could not be read.
    code: u8,
}

/// Evaluates archives on every processor.
fn evaluate_all(evaluator: &ArchiveEvaluator<'_>, found: &Found, options: &audit::Audit) -> Evaluated {
    let progress = Progress::new(found.archives.len() as u64, options.quiet);
    let results: Vec<Result<Option<EvaluatedRollout>, (Text, Error)>> = found
        .archives
        .par_iter()
        .map(|archive| {
            let evaluated = evaluator.evaluate(archive);
            progress.one_more();
            evaluated.map_err(|error| (Text::from(&*archive.name), error))
        })
        .collect();
    progress.end();

    let (mut rollouts, mut code) = (Vec::new(), 0);
    let mut unreadable: Vec<Unreadable> = Vec::new();
    for (path, problem) in &found.unclear {
        unreadable.push(Unreadable { archive: Text::from(&**path), problem: Text::from(&**problem) });
    }
    for result in results {
        match result {
            Ok(one) => rollouts.extend(one),
            Err((archive, error)) => {
                // A policy that fails says nothing of any archive, and no option makes up for that.
                code = code.max(if error.exit_code() == 5 { 5 } else { 0 });
                unreadable.push(Unreadable { archive, problem: Text::from(error.to_string()) });
            }
        }
    }
    unreadable.sort_by(|a, b| a.archive.cmp(&b.archive));
    if code == 0 && !unreadable.is_empty() && !options.keep_going {
        code = 4;
    }
    rollouts.sort_by(|a, b| (a.at, &a.rollout.archive).cmp(&(b.at, &b.rollout.archive)));
    Evaluated { rollouts, unreadable, code }
}

/// Those tenants that are asked for. One that nobody knows is a mistake, but where `code` says that not everything could
/// be judged: it may be there.
fn tenants(options: &audit::Audit, mut tenants: Vec<Tenant>, code: u8) -> Result<Vec<Tenant>, Error> {
    if !options.tenants.is_empty() {
        let known: BTreeSet<&str> = tenants.iter().map(|tenant| &*tenant.tenant).collect();
        let unknown = options.tenants.iter().find(|tenant| !known.contains(tenant.as_str()));
        if let Some(unknown) = unknown.filter(|_| code == 0) {
            let near = nearest(unknown, known).map_or_else(String::new, |near| format!("did you mean {near:?}? "));
            let help = format!("{near}--tenant takes a tenant's whole name");
            return Err(Error::usage(format!("no rollout that was read has a tenant {unknown:?} in its fleet"), help));
        }
        tenants.retain(|tenant| options.tenants.iter().any(|wanted| **wanted == *tenant.tenant));
    }
    Ok(tenants)
}

/// The document of the audit.
fn collect(
    options: &audit::Audit,
    until: Timestamp,
    evaluated: Evaluated,
    tenants: Vec<Tenant>,
    unpaired: &[String],
) -> Audit {
    Audit {
        format: Version::V1,
        since: options.since.map(|since| Text::from(since.to_string())),
        until: Text::from(until.to_string()),
        rollouts: evaluated.rollouts.into_iter().map(|one| one.rollout).collect(),
        tenants,
        unreadable: evaluated.unreadable,
        unpaired: unpaired.iter().map(|name| Text::from(&**name)).collect(),
        tool: Text::from(TOOL),
    }
}
