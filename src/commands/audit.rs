//! `rollproof audit`.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use rayon::prelude::*;

use crate::audit::archive::Found;
use crate::audit::parquet::Tables;
use crate::audit::progress::Progress;
use crate::audit::table_source::TableSource;
use crate::audit::timestamps::{Patterns, Until};
use crate::audit::verdict::{ArchiveEvaluator, EvaluatedRollout, Interner};
use crate::audit::{archive, history, listed, render, report};
use crate::cli::audit;
use crate::collect::fields::EvidenceFields;
use crate::commands::outcome;
use crate::declared::params;
use crate::declared::subject::Subject;
use crate::error::Error;
use crate::evaluation::Evaluation;
use crate::io::config::Config;
use crate::io::output;
use crate::model::audit::{Audit, Format as Version, FoundFiles, Gap, Tenant, Unreadable};
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
    let config = Config::read(options.policies.config.as_deref())?;
    let asked = options.evaluation(rollouts).options();
    let other_params = of_audits.declared().keys().cloned().collect();
    let settings = Settings { other_params, ..Evaluation::settings(&asked, &config, None)? };
    let pending = Evaluation::start_with(asked, config.clone(), settings)?;
    let lag = policies(options, lag, &config)?;
    let patterns = Patterns::new(&options.when)?;
    let fields = EvidenceFields::new(&options.evidence_fields)?.with_plan(&options.plan_fields)?;
    let tables = options.parquet.as_deref().map(Tables::new).transpose()?;
    let found = match archive::find(&options.folders) {
        Ok(found) => found,
        // Policies are loaded meanwhile, and what is wrong with them comes first.
        Err(error) => return pending.wait().and(Err(error)),
    };
    let evaluation = pending.wait()?;
    let until = options.until.unwrap_or_else(|| Timestamp::now().into());

    let evaluator = ArchiveEvaluator {
        policies: evaluation.policies(),
        patterns: &patterns,
        fields: &fields,
        max_bytes: options.max_input_bytes,
        read_since: options.read_since,
        until: until.last,
        #[cfg(feature = "parquet")]
        evidence: tables.is_some(),
        shared: Mutex::new(Interner::default()),
    };
    let mut evaluated = evaluate_all(&evaluator, &found, options);
    let names = std::mem::take(&mut *evaluator.shared.lock().unwrap_or_else(PoisonError::into_inner)).names();
    let listed = list(options, &mut evaluated, &names, until)?;
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

fn policies(options: &audit::Audit, mut params: Vec<(String, String)>, config: &Config) -> Result<Prepared, Error> {
    params.extend(options.behind_for.map(|hours| ("behind_for".to_owned(), hours.to_string())));
    let params = params::given(config, &params);
    load(Settings { subject: Subject::Audit, params, ..Settings::default() })?.wait()
}

/// What came of the archives.
struct Evaluated {
    /// In the order of time.
    rollouts: Vec<EvaluatedRollout>,
    /// How many were made before what is to be read.
    not_read: u64,
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

    let (mut rollouts, mut code, mut not_read) = (Vec::new(), 0, 0);
    let mut unreadable: Vec<Unreadable> = Vec::new();
    for (path, problem) in &found.unclear {
        unreadable.push(Unreadable { archive: Text::from(&**path), problem: Text::from(&**problem) });
    }
    for result in results {
        match result {
            Ok(Some(one)) => rollouts.push(one),
            Ok(None) => not_read += 1,
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
    let order = |one: &EvaluatedRollout| (one.at.is_none(), one.at, one.rollout.archive.clone());
    rollouts.sort_by_cached_key(order);
    Evaluated { rollouts, not_read, unreadable, code }
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

/// What is listed of all that was read, and what follows from the rest.
struct Listed {
    tenants: Vec<Tenant>,
    newest: Option<Text>,
    gap: Option<Gap>,
    /// How many rollouts are not listed.
    others: u64,
}

/// Puts the history of each tenant together from everything that was read, and leaves the rollouts that are listed.
fn list(options: &audit::Audit, evaluated: &mut Evaluated, names: &[Text], until: Until) -> Result<Listed, Error> {
    let rollouts = &mut evaluated.rollouts;
    let after = listed::up_to(rollouts, until.last);
    let all = history::tenants(rollouts, names, until.at);
    history::name_missing(rollouts, &all);
    let (newest, gap) = listed::evidence(rollouts);
    let mut tenants = tenants(options, all, evaluated.code)?;
    let before = options.since.map_or(0, |since| listed::from(since, rollouts, &mut tenants));
    Ok(Listed { tenants, newest, gap, others: before + after })
}

/// The document of the audit.
fn collect(options: &audit::Audit, until: Timestamp, evaluated: Evaluated, listed: Listed, found: &Found) -> Audit {
    let text = |time: Timestamp| Text::from(time.to_string());
    let texts = |names: &[String]| names.iter().map(|name| Text::from(&**name)).collect();
    Audit {
        format: Version::V1,
        since: options.since.map(text),
        read_since: options.read_since.map(text),
        until: text(until),
        found: Some(FoundFiles {
            files: found.files,
            rollouts: (found.archives.len() + found.unclear.len()) as u64,
            not_listed: listed.others,
            not_read: evaluated.not_read,
            ignored: texts(&found.ignored),
        }),
        newest: listed.newest,
        gap: listed.gap,
        rollouts: evaluated.rollouts.into_iter().map(|one| one.rollout).collect(),
        tenants: listed.tenants,
        unreadable: evaluated.unreadable,
        unpaired: texts(&found.unpaired),
        tool: Text::from(TOOL),
    }
}
