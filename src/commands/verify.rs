//! `rollproof verify`.

use std::path::PathBuf;

use crate::cli::verify::{Verify, VerifyCommand};
use crate::collect::collected::Collected;
use crate::collect::fields::EvidenceFields;
use crate::collect::mapped::Mappings;
use crate::collect::{Sources, collect_mapped, labels};
use crate::commands::outcome;
use crate::error::Error;
use crate::evaluation::{Evaluation, Options};
use crate::explain::counterfactuals;
use crate::io::input::Source;
use crate::io::output;
use crate::report::compare::compare;
use crate::report::earlier::Earlier;
use crate::schema::document;

pub(crate) fn verify(command: &VerifyCommand, report_error: &mut dyn FnMut(&Error)) -> Result<u8, Error> {
    let options = &command.verify;
    let max_bytes = options.evaluation.max_input_bytes;
    let earlier = command.compare.as_ref().map(|path| Earlier::read(path, max_bytes)).transpose()?;
    let pending = Evaluation::start(Options { show_prints: command.verbose, ..options.evaluation.options() })?;
    let collected = match collected(options, &sources(options)?) {
        Ok(collected) => collected,
        // Policies are loaded meanwhile, and what is wrong with them comes first.
        Err(error) => return pending.wait().and(Err(error)),
    };
    let valid = document::validate(&collected.document)?;
    let evaluation = pending.wait()?;
    let document = options.document.as_ref().map(|path| output::write_document(path, &collected.document));
    let mut report = counterfactuals::report(&evaluation, &valid, collected.inputs)?;
    report.compared = earlier.map(|earlier| compare(&report, earlier));
    let mut written = evaluation.write_files(&report);
    written.push(if command.quiet { evaluation.print_headline(&report) } else { evaluation.print_report(&report) });
    written.extend(document);

    let verdict = report.decision.exit_code(options.evaluation.require_verdict);
    // The process ends: to give back a million names would take longer than to write the verdict.
    std::mem::forget((collected.document, evaluation));
    Ok(outcome::exit_code(verdict, written, report_error))
}

/// The evidence, with the labels that were given beside it.
pub(crate) fn collected(options: &Verify, sources: &Sources) -> Result<Collected, Error> {
    let mappings = Mappings::load(options.map.as_deref(), options.fleet_map.as_deref())?;
    let mut collected = collect_mapped(sources, &mappings, jiff::Timestamp::now())?;
    if let Some(path) = &options.labels {
        labels::add(&mut collected, &Source::new(path.clone()), sources.max_bytes)?;
    }
    Ok(collected)
}

pub(crate) fn sources(options: &Verify) -> Result<Sources, Error> {
    let source = |path: &PathBuf| Source::new(path.clone());
    Ok(Sources {
        evidence: source(&options.evidence),
        fleet: options.fleet.as_ref().map(source),
        plan: options.plan.as_ref().map(source),
        fields: EvidenceFields::new(&options.evidence_fields)?.with_plan(&options.plan_fields)?,
        max_bytes: options.evaluation.max_input_bytes,
    })
}
