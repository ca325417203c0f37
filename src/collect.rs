//! From the world to the document: the only stage that reads files and the clock.

pub mod collected;
pub mod fields;
pub(crate) mod fleet;
pub(crate) mod inputs;
pub mod journal;
pub(crate) mod plan;
pub mod record;
pub mod response;
pub mod rollout;
pub(crate) mod row;
pub(crate) mod scan;

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;

use jiff::Timestamp;

use crate::collect::collected::Collected;
use crate::collect::fields::EvidenceFields;
use crate::collect::inputs::{CHANGED, complete, evidence_error, fleet_refusal, refusal};
use crate::collect::response::{Found, explain_response};
use crate::collect::scan::Refused;
use crate::diagnostic::fault::{Fault, fault_at};
use crate::error::Error;
use crate::io::input::{Input, Source};
use crate::model::document;
use crate::model::document::cohort::Grouping;
use crate::model::document::consistency::check;
use crate::model::document::consistency::contradiction::Contradiction;
use crate::model::document::gates::Gates;
use crate::model::document::text::Text;
use crate::model::document::{Document, FORMAT, Fleet, FleetSource, Format, Provenance, Role, TOOL};
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

/// Reads evidence from files. `now` becomes the document's `collected_at`.
///
/// # Errors
/// [`Error::Evidence`] where an input cannot be used, [`Error::Usage`] where a plan or a fleet is given beside a document.
pub fn collect(sources: &Sources, now: Timestamp) -> Result<Collected, Error> {
    // Evidence is large: it is read while the fleet is understood, and hashed while it is understood itself.
    thread::scope(|scope| {
        let (sender, receiver) = channel();
        let hashing = scope.spawn(move || {
            let read = sources.evidence.read(sources.max_bytes).map(Arc::new);
            let hash = read.as_ref().ok().map(Arc::clone);
            // Nobody waits for it where the plan or the fleet is refused.
            let _ = sender.send(read);
            hash.map(|input| input.sha256())
        });
        let evidence = || receiver.recv().map_err(|_| Error::Policy("the reader of the evidence failed".into()))?;
        let hash = || hashing.join().ok().flatten().unwrap_or_default();
        normalize(sources, evidence, hash, now)
    })
}

fn normalize(
    sources: &Sources,
    evidence: impl FnOnce() -> Result<Arc<Input>, Error>,
    hash: impl FnOnce() -> String,
    now: Timestamp,
) -> Result<Collected, Error> {
    let mut inputs = Vec::new();
    let mut anomalies = Vec::new();
    let mut grouping = Grouping::new();

    let (mut rollout, mut gates) = (document::unknown_rollout(), None);
    if let Some(source) = &sources.plan {
        let input = source.read(sources.max_bytes)?;
        let (read, file) = input.hashed(Role::Plan, |bytes| plan::read(bytes, &input.name));
        let plan = read.map_err(|Refused| refusal(&input, Name::Plan))?;
        gates = (!plan.enabled).then_some(Gates { plan_disabled: Some(plan.disabled_reason), ..Gates::default() });
        rollout = plan.rollout;
        anomalies.extend(plan.anomalies);
        inputs.push(file);
    }
    if let Some(source) = &sources.fleet {
        let input = source.read(sources.max_bytes)?;
        let (read, file) = input.hashed(Role::Fleet, |bytes| fleet::read(bytes, &input.name, &mut grouping));
        anomalies.extend(read.map_err(|Refused| fleet_refusal(&input))?);
        inputs.push(file);
    }
    let input = evidence()?;
    if journal::is_journal(&input.bytes) {
        if inputs.is_empty() {
            return journal::read(&input, &sources.fields, hash());
        }
        return Err(complete(&input, "a journal"));
    }
    let read = response::read(&input.bytes, &input.name, &sources.fields, &mut grouping);
    let refused = |Refused| evidence_error(&input, explain_response(&input.bytes, &sources.fields));
    let archive = match read.map_err(refused)? {
        Found::Response(archive, strange) => {
            // Rows come first in a report, as a reader looks for them.
            anomalies.splice(0..0, strange);
            archive
        }
        Found::Format(format) if format == FORMAT && !sources.fields.is_empty() => {
            return Err(Error::usage(
                format!(
                    "{} is a document, whose evidence is settled, yet --evidence-field is given beside it",
                    input.name
                ),
                "leave it out: what a document's rows hold under \"extra\" is evidence already",
            ));
        }
        Found::Format(format) if format == FORMAT && inputs.is_empty() => return reread(&input, hash()),
        Found::Format(format) if format == FORMAT => {
            return Err(complete(&input, "a document"));
        }
        Found::Format(format) => {
            let problem = format!("found the format {format:?}, but only {FORMAT:?} is evidence");
            return Err(evidence_error(&input, vec![fault_at(&input.bytes, "/format", problem)]));
        }
    };
    inputs.insert(0, input.file(Role::Response, hash()));
    drop(input);

    let source = if sources.fleet.is_some() {
        FleetSource::File
    } else {
        for slug in archive.stragglers.given().into_iter().flatten() {
            if !slug.trim().is_empty() {
                grouping.add_unplanned(slug.trim());
            }
        }
        grouping.guess_fleet();
        FleetSource::Response
    };
    let grouped = grouping.finish();
    let own = inputs.iter().position(|file| file.role == Role::Fleet && file.sha256 == inputs[0].sha256);
    if let Some(fleet) = own.filter(|_| grouped.planned > 0 && !rollout.dry_run) {
        let fault = Fault::whole("found the response itself, but a fleet comes from somewhere else".into());
        let help =
            "give the answer of a dry run, or a list of slugs; a tenant that was skipped is in neither otherwise";
        let input = inputs[fleet].name.to_string();
        return Err(Error::Evidence { input, faults: vec![fault.help(help)] });
    }
    let document = Document {
        format: Format::V1,
        rollout,
        fleet: Fleet {
            source,
            tenants: grouped.planned as u64,
            duplicates: grouped.duplicates,
            inventory: Vec::new(),
            dropped: Vec::new(),
        },
        archive: Some(archive),
        gates,
        probes: None,
        calls: Vec::new(),
        cohorts: grouped.cohorts,
        phases: grouped.phases,
        order: grouped.order,
        anomalies,
        provenance: Provenance {
            tool: Text::from(TOOL),
            collected_at: Text::from(now.to_string()),
            inputs: inputs.clone(),
        },
    };
    Ok(Collected { document, inputs })
}

/// Reads a document that was written before.
fn reread(input: &Input, sha256: String) -> Result<Collected, Error> {
    let document: Document = serde_json::from_slice(&input.bytes).map_err(|_| refusal(input, Name::Document))?;
    check(&document).map_err(|Contradiction { at, problem }| {
        let fault = fault_at(&input.bytes, &at, problem);
        evidence_error(input, vec![fault.help(CHANGED)])
    })?;
    let mut inputs = vec![input.file(Role::Document, sha256)];
    inputs.extend(document.provenance.inputs.iter().cloned());
    Ok(Collected { document, inputs })
}
