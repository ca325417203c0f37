//! From the world to the document: the only stage that reads files and the clock.

pub mod collected;
pub mod fields;
pub(crate) mod fleet;
pub(crate) mod inputs;
pub mod journal;
pub mod labels;
pub mod mapped;
pub(crate) mod plan;
pub mod record;
pub mod response;
pub mod rollout;
pub(crate) mod row;
pub(crate) mod scan;
pub(crate) mod wire;

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;

use jiff::Timestamp;

use crate::collect::collected::Collected;
use crate::collect::fields::EvidenceFields;
use crate::collect::inputs::{
    CHANGED_DOCUMENT_HELP, evidence_error, fleet_refusal, not_alone_error, plan_with_fields, refusal,
};
use crate::collect::mapped::{Mappings, own_format};
use crate::collect::response::{ParsedEvidence, explain_response};
use crate::collect::scan::Refused;
use crate::diagnostic::fault::{Fault, fault_at};
use crate::error::Error;
use crate::io::input::{Input, Source};
use crate::model::document;
use crate::model::document::cohort::Grouping;
use crate::model::document::consistency::check;
use crate::model::document::consistency::contradiction::Contradiction;
use crate::model::document::gates::Gates;
use crate::model::document::lookalikes::lookalikes;
use crate::model::document::text::Text;
use crate::model::document::{Anomaly, Archive, Document, FORMAT, FleetSource, InputFile, Role};
use crate::schema::published::Name;

/// Where the evidence lies.
#[derive(Debug)]
pub struct Sources {
    /// An archived response or a document.
    pub evidence: Source,
    /// An independent list of the tenants that had to be covered.
    pub fleet: Option<Source>,
    /// The rollout plan.
    pub plan: Option<Source>,
    /// Extra fields of rows that are evidence.
    pub fields: EvidenceFields,
    /// The size limit of each input, in bytes.
    pub max_bytes: u64,
}

/// Who says which plan, fleet and fields belong to the evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pairing {
    /// The command line, for this evidence alone. Beside evidence that is complete in itself they are a mistake.
    ByCommandLine,
    /// The names of the files in a folder, and options for every rollout in it. Evidence that is complete in itself is read
    /// without them.
    ByFileNames,
}

/// Reads evidence from files. `now` becomes the document's `collected_at`.
///
/// # Errors
/// [`Error::Evidence`] where an input cannot be used, [`Error::Usage`] where a plan or a fleet is given beside a document.
pub fn collect(sources: &Sources, now: Timestamp) -> Result<Collected, Error> {
    collect_paired(sources, &Mappings::default(), Pairing::ByCommandLine, now)
}

/// Reads evidence of another system from files, by mappings.
///
/// # Errors
/// Also [`Error::Usage`] where a mapping does not fit what is given.
pub fn collect_mapped(sources: &Sources, mappings: &Mappings, now: Timestamp) -> Result<Collected, Error> {
    if sources.fleet.is_none() && mappings.fleet.is_some() {
        return Err(Error::usage("--fleet-map is given, but no --fleet that it reads", "give the fleet with --fleet"));
    }
    if mappings.rows.is_some() && sources.fields.names().next().is_some() {
        let problem = "--evidence-field is given beside --map, which says itself what is evidence";
        return Err(Error::usage(problem, "give the field a filter in [row.extra] of the mapping"));
    }
    collect_paired(sources, mappings, Pairing::ByCommandLine, now)
}

/// Reads evidence whose plan and fleet were found beside it, with fields that are given for many rollouts. A document and a
/// journal are complete: their plan and fleet are left out. A document's fields are fixed; a journal keeps those that are
/// given.
///
/// # Errors
/// [`Error::Evidence`] where an input cannot be used.
pub fn collect_found(sources: &Sources, mappings: &Mappings, now: Timestamp) -> Result<Collected, Error> {
    collect_paired(sources, mappings, Pairing::ByFileNames, now)
}

fn collect_paired(
    sources: &Sources,
    mappings: &Mappings,
    pairing: Pairing,
    now: Timestamp,
) -> Result<Collected, Error> {
    if sources.plan.is_none() {
        mappings.check_targets(&document::unknown_rollout(), false)?;
    }
    // Evidence is large: it is read while the fleet is parsed, and hashed while it is parsed itself.
    thread::scope(|scope| {
        let (sender, receiver) = channel();
        let hashing = scope.spawn(move || {
            let read = sources.evidence.read(sources.max_bytes).map(Arc::new);
            let input = read.as_ref().ok().map(Arc::clone);
            // Nobody waits for it where the plan or the fleet is refused.
            let _ = sender.send(read);
            input.map(|input| input.sha256())
        });
        let evidence = || receiver.recv().map_err(|_| Error::bug("the reader of the evidence failed"))?;
        let hash = || hashing.join().ok().flatten().unwrap_or_default();
        normalize(&Settings { sources, mappings, pairing }, Evidence { read: evidence, hash }, now)
    })
}

/// How some evidence is read.
struct Settings<'a> {
    sources: &'a Sources,
    mappings: &'a Mappings,
    pairing: Pairing,
}

/// Evidence that is read and hashed on another thread.
struct Evidence<R, H> {
    /// Waits for it.
    read: R,
    /// Waits for its hash.
    hash: H,
}

fn normalize<R: FnOnce() -> Result<Arc<Input>, Error>, H: FnOnce() -> String>(
    settings: &Settings<'_>,
    evidence: Evidence<R, H>,
    now: Timestamp,
) -> Result<Collected, Error> {
    let Settings { sources, mappings, pairing } = *settings;
    let Evidence { read, hash } = evidence;
    let mut grouping = Grouping::new();
    let mut context = read_context(sources, mappings, &mut grouping)?;
    let input = read()?;
    let mapping = mappings.rows.as_ref();
    let own_format = mapping.and_then(|_| own_format(&input.bytes));
    if let Some(what) = own_format.as_deref().or(journal::is_journal(&input.bytes).then_some("a journal"))
        && pairing == Pairing::ByCommandLine
        && mapping.is_some()
    {
        let problem = format!("{} is {what}, yet --map is given, which is for another system's evidence", input.name);
        return Err(Error::usage(problem, "leave --map out"));
    }
    if let Some(mapping) = mapping.filter(|_| own_format.is_none() && !journal::is_journal(&input.bytes)) {
        let (items, skips) = mapped::rows(mapping, &input, &context.rollout, &mut grouping)?;
        context.anomalies.splice(0..0, skips);
        context.inputs.insert(0, input.file(Role::Response, hash()));
        context.inputs.push(mapping.input_file(Role::Mapping));
        drop(input);
        let mut collected = archived(sources, context, Archive::default(), grouping, now)?;
        collected.document.mapping = mapping.used();
        collected.document.items = items;
        return Ok(collected);
    }
    if journal::is_journal(&input.bytes) {
        if context.inputs.is_empty() || pairing == Pairing::ByFileNames {
            return journal::read(&input, &sources.fields, hash());
        }
        return Err(not_alone_error(&input, "a journal"));
    }
    let parsed = response::read(&input.bytes, &input.name, &sources.fields, &mut grouping);
    let refused = |Refused| match journal::near_miss(&input.bytes) {
        Some(fault) => evidence_error(&input, vec![fault]),
        None => evidence_error(&input, explain_response(&input.bytes, &sources.fields)),
    };
    let (archive, anomalies) = match parsed.map_err(refused)? {
        ParsedEvidence::Response(archive, anomalies) => (archive, anomalies),
        ParsedEvidence::OwnFormat(format) => {
            check_document_format(&input, &format)?;
            if pairing == Pairing::ByCommandLine {
                check_document_alone(&input, sources)?;
            }
            return reread(&input, hash());
        }
    };
    // Anomalies of rows come first in a report: they matter most to a reader.
    context.anomalies.splice(0..0, anomalies);
    context.inputs.insert(0, input.file(Role::Response, hash()));
    drop(input);
    archived(sources, context, archive, grouping, now)
}

/// The document of an archived response whose rows are grouped.
fn archived(
    sources: &Sources,
    context: Context,
    archive: Archive,
    mut grouping: Grouping,
    now: Timestamp,
) -> Result<Collected, Error> {
    if sources.fleet.is_none() {
        for slug in archive.stragglers.given().into_iter().flatten().filter(|slug| !slug.trim().is_empty()) {
            grouping.add_unplanned(slug.trim());
        }
        grouping.guess_fleet();
    }
    let source = if sources.fleet.is_some() { FleetSource::File } else { FleetSource::Response };
    let grouped = grouping.finish();
    if grouped.planned > 0 {
        check_fleet_independent(&context)?;
    }
    let mut document = Document::empty(context.rollout, Text::from(now.to_string()));
    document.fleet.source = source;
    document.fleet.tenants = grouped.planned as u64;
    document.fleet.duplicates = grouped.duplicates;
    document.archive = Some(archive);
    document.gates = context.gates;
    document.cohorts = grouped.cohorts;
    document.phases = grouped.phases;
    document.order = grouped.order;
    document.anomalies = context.anomalies;
    document.provenance.inputs.clone_from(&context.inputs);
    document.fleet.lookalikes = lookalikes(&document, []);
    Ok(Collected { document, inputs: context.inputs })
}

/// What the plan and the fleet say.
struct Context {
    rollout: document::Rollout,
    gates: Option<Gates>,
    anomalies: Vec<Anomaly>,
    inputs: Vec<InputFile>,
}

/// Reads the plan and the fleet, so far as they are given.
fn read_context(sources: &Sources, mappings: &Mappings, grouping: &mut Grouping) -> Result<Context, Error> {
    let mut context =
        Context { rollout: document::unknown_rollout(), gates: None, anomalies: Vec::new(), inputs: Vec::new() };
    if let Some(source) = &sources.plan {
        let input = source.read(sources.max_bytes)?;
        let (read, file) = input.hashed_while(Role::Plan, |bytes| plan::read(bytes, &input.name));
        let plan = plan_with_fields(&input, &mappings.fields(&sources.fields), read)?;
        if !plan.enabled {
            context.gates = Some(Gates { plan_disabled: Some(plan.disabled_reason), ..Gates::default() });
        }
        context.rollout = plan.rollout;
        context.anomalies.extend(plan.anomalies);
        context.inputs.push(file);
        mappings.check_targets(&context.rollout, true)?;
    }
    if let (Some(source), Some(mapping)) = (&sources.fleet, &mappings.fleet) {
        let input = Arc::new(source.read(sources.max_bytes)?);
        context.anomalies.extend(mapped::fleet(mapping, &input, &context.rollout, grouping)?);
        context.inputs.push(input.file(Role::Fleet, input.sha256()));
        context.inputs.push(mapping.input_file(Role::FleetMapping));
    } else if let Some(source) = &sources.fleet {
        let input = source.read(sources.max_bytes)?;
        let (read, file) = input.hashed_while(Role::Fleet, |bytes| fleet::read(bytes, &input.name, grouping));
        context.anomalies.extend(read.map_err(|Refused| fleet_refusal(&input))?);
        context.inputs.push(file);
    }
    Ok(context)
}

/// Refuses a format that rollproof writes and that is not a document: it is no evidence.
fn check_document_format(input: &Input, format: &str) -> Result<(), Error> {
    if format == FORMAT {
        return Ok(());
    }
    let problem = format!("found the format {format:?}, but only {FORMAT:?} is evidence");
    Err(evidence_error(input, vec![fault_at(&input.bytes, "/format", problem)]))
}

/// Refuses fields, a plan and a fleet beside a document, which has everything in it.
fn check_document_alone(input: &Input, sources: &Sources) -> Result<(), Error> {
    if !sources.fields.is_empty() {
        return Err(Error::usage(
            format!(
                "--evidence-field and --plan-field cannot be used with {}: it is a document, and its evidence is fixed",
                input.name
            ),
            "leave them out: what a document's rows and its rollout hold under \"extra\" is evidence already",
        ));
    }
    if sources.plan.is_some() || sources.fleet.is_some() {
        return Err(not_alone_error(input, "a document"));
    }
    Ok(())
}

/// Refuses a fleet that comes from the response itself, unless that is of a dry run.
fn check_fleet_independent(context: &Context) -> Result<(), Error> {
    let response = &context.inputs[0];
    let same_file = context.inputs.iter().find(|file| file.role == Role::Fleet && file.sha256 == response.sha256);
    let Some(fleet) = same_file.filter(|_| !context.rollout.dry_run) else { return Ok(()) };
    let fault = Fault::whole("found the response itself, but a fleet must come from another source".into());
    let help =
        "give the answer to a dry run, or a list of slugs: a tenant that the rollout skipped is not in its response";
    Err(Error::Evidence { input: fleet.name.to_string(), faults: vec![fault.help(help)] })
}

/// Reads a document that was written before.
///
/// # Errors
/// [`Error::Evidence`] where it is not valid, or contradicts itself.
pub(crate) fn reread(input: &Input, sha256: String) -> Result<Collected, Error> {
    let document: Document = serde_json::from_slice(&input.bytes).map_err(|_| refusal(input, Name::Document))?;
    check(&document).map_err(|Contradiction { at, problem }| {
        let fault = fault_at(&input.bytes, &at, problem);
        evidence_error(input, vec![fault.help(CHANGED_DOCUMENT_HELP)])
    })?;
    let mut inputs = vec![input.file(Role::Document, sha256)];
    inputs.extend(document.provenance.inputs.iter().cloned());
    Ok(Collected { document, inputs })
}
