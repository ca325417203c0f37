//! Finds archives and evaluates each, for every command that reads them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use rayon::prelude::*;

use crate::audit::against::Verdict;
use crate::audit::archive::{self, Archive, FoundArchives, Search};
use crate::audit::group::{self, GroupBy};
use crate::audit::names::Pair;
use crate::audit::progress::Progress;
use crate::audit::times::Times;
use crate::audit::verdict::{ArchiveEvaluator, EvaluatedRollout};
use crate::cli::audit::ArchiveArgs;
use crate::collect::inputs::fleet_names;
use crate::error::Error;
use crate::io::input::Source;
use crate::model::audit::{Tenant, Unreadable};
use crate::model::document::text::Text;
use crate::text::suggest::nearest;

/// Finds the archives of some folders, with the times, environments and groups that the options give them.
pub fn find(folders: &[PathBuf], options: &ArchiveArgs) -> Result<FoundArchives, Error> {
    let pair = options.pair.as_deref().map(Pair::new).transpose()?;
    let group_by = options.group_by.as_deref().map(GroupBy::new).transpose()?;
    let times = options.times.as_deref().map(Times::read).transpose()?;
    let has_environments = times.as_ref().is_some_and(Times::has_environments);
    if matches!(group_by, Some(GroupBy::Environment)) && !has_environments {
        let problem = "--group-by environment: no file of --times names one";
        return Err(Error::usage(problem, "give --times a file with a column environment"));
    }
    if let Some(fleet) = &options.fleet {
        // A fault of it is reported once, and not for every archive.
        fleet_names(&Source::Found(fleet.clone()).read(options.max_input_bytes)?)?;
    }
    let search = Search { pair, fleet: options.fleet.clone(), max_bytes: options.max_input_bytes };
    let mut found = archive::find(folders, &search)?;
    if let Some(times) = times {
        times.apply_to(&mut found.archives)?;
    }
    if let Some(group_by) = group_by.or(has_environments.then_some(GroupBy::Environment)) {
        for archive in &mut found.archives {
            archive.group = group_by.of(archive);
        }
    }
    Ok(found)
}

/// The evaluated archives.
pub struct EvaluatedArchives {
    /// In the order of time.
    pub rollouts: Vec<EvaluatedRollout>,
    /// How many were made before --read-since.
    pub not_read: u64,
    /// What could not be read.
    pub unreadable: Vec<Unreadable>,
    /// The exit code for what could not be read.
    pub code: u8,
}

/// Evaluates archives on every processor.
pub fn evaluate_all(evaluator: &ArchiveEvaluator<'_>, options: &ArchiveArgs) -> EvaluatedArchives {
    let found = evaluator.found;
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
            Ok(Some(rollout)) => rollouts.push(rollout),
            Ok(None) => not_read += 1,
            Err((archive, error)) => {
                // A policy that fails decides nothing, and --keep-going does not change that.
                code = code.max(if error.exit_code() == 5 { 5 } else { 0 });
                unreadable.push(Unreadable { archive, problem: Text::from(error.to_string()) });
            }
        }
    }
    unreadable.sort_by(|a, b| a.archive.cmp(&b.archive));
    if code == 0 && !unreadable.is_empty() && !options.keep_going {
        code = 4;
    }
    let order = |rollout: &EvaluatedRollout| (rollout.at.is_none(), rollout.at, rollout.published.archive.clone());
    rollouts.sort_by_cached_key(order);
    group::assign_control_planes(&mut rollouts);
    EvaluatedArchives { rollouts, not_read, unreadable, code }
}

/// The verdicts on the archives that can be read. The audit itself lists the others.
///
/// # Errors
/// What fails in a policy.
pub fn verdicts(evaluator: &ArchiveEvaluator<'_>, options: &ArchiveArgs) -> Result<Vec<Verdict>, Error> {
    let archives = &evaluator.found.archives;
    let progress = Progress::new(archives.len() as u64, options.quiet);
    let verdict = |archive: &Archive| {
        let evaluated = evaluator.evaluate(archive);
        progress.one_more();
        match evaluated {
            Ok(rollout) => Ok(rollout
                .map(|rollout| (rollout.published.archive, rollout.published.decision, rollout.published.because))),
            Err(error) if error.exit_code() == 5 => Err(error),
            Err(_) => Ok(None),
        }
    };
    let verdicts: Result<Vec<Option<Verdict>>, Error> = archives.par_iter().map(verdict).collect();
    progress.end();
    Ok(verdicts?.into_iter().flatten().collect())
}

/// The tenants of `--tenant`, or all where none is named. A name that no rollout has is refused, unless `code` says that
/// archives could not be read: it may be in one of those.
pub fn select_tenants(wanted: &[String], mut tenants: Vec<Tenant>, code: u8) -> Result<Vec<Tenant>, Error> {
    if !wanted.is_empty() {
        let known: BTreeSet<&str> = tenants.iter().map(|tenant| &*tenant.tenant).collect();
        let unknown = wanted.iter().find(|tenant| !known.contains(tenant.as_str()));
        if let Some(unknown) = unknown.filter(|_| code == 0) {
            let near = nearest(unknown, known).map_or_else(String::new, |near| format!("did you mean {near:?}? "));
            let help = format!("{near}a tenant's whole name is expected");
            return Err(Error::usage(format!("no rollout that was read has a tenant {unknown:?} in its fleet"), help));
        }
        tenants.retain(|tenant| wanted.iter().any(|wanted| **wanted == *tenant.tenant));
    }
    Ok(tenants)
}
