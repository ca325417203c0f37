//! Reads the previous rollout from its report, or from its document or journal, which is then judged by the bundled
//! policies.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use crate::collect::fields::EvidenceFields;
use crate::collect::inputs::{evidence_error, fleet_names};
use crate::collect::{journal, reread};
use crate::diagnostic::fault::Fault;
use crate::error::Error;
use crate::io::input::{Input, Source};
use crate::model::document::text::Text;
use crate::model::document::{Document, FORMAT, Role};
use crate::policy::load::{Settings, load};
use crate::policy::previous::Previous;
use crate::report::{Outline, Report, report};
use crate::schema::document;
use crate::schema::explain;
use crate::schema::published::Name;

/// What is read.
const PREVIOUS_HELP: &str = "give the report of the previous rollout (--format json), its document or its journal";

/// Reads the previous rollout and the tenants that were retired since, each of at most `max_bytes`.
///
/// # Errors
/// [`Error::Evidence`] where a file is not what it should be; those of the bundled policies.
pub fn read(previous: Option<&Path>, retired: Option<&Path>, max_bytes: u64) -> Result<Previous, Error> {
    let mut read = Previous::default();
    if let Some(path) = previous {
        let input = Arc::new(Source::new(path.to_owned()).read(max_bytes)?);
        read.report = Some(report_of(&input)?);
        read.files.push(input.file(Role::Previous, input.sha256()));
    }
    if let Some(path) = retired {
        let input = Source::new(path.to_owned()).read(max_bytes)?;
        read.retired = fleet_names(&input)?;
        read.files.push(input.file(Role::Retired, input.sha256()));
    }
    Ok(read)
}

/// The report that stands in a file, or that follows from the evidence in it.
///
/// # Errors
/// As [`read`].
pub fn report_of(input: &Arc<Input>) -> Result<Value, Error> {
    #[derive(Deserialize)]
    struct Formatted<'a> {
        #[serde(borrow)]
        format: Option<Cow<'a, str>>,
    }
    if journal::is_journal(&input.bytes) {
        return judged(&journal::read(input, &EvidenceFields::default(), String::new())?.document);
    }
    let format = match serde_json::from_slice::<Formatted<'_>>(&input.bytes) {
        Ok(found) => found.format,
        // It is no JSON at all, or only the beginning of it.
        Err(error) if !error.is_data() => {
            return Err(evidence_error(input, explain::explain(&input.bytes, Name::Report)));
        }
        Err(_) => None,
    };
    match format.as_deref() {
        Some(FORMAT) => judged(&reread(input, String::new())?.document),
        Some("rollproof.report/v1") => {
            let faults = explain::explain(&input.bytes, Name::Report);
            if !faults.is_empty() {
                return Err(evidence_error(input, faults));
            }
            serde_json::from_slice(&input.bytes).map_err(|error| Error::bug(error.to_string()))
        }
        Some("rollproof.error/v1") => {
            let fault = Fault::whole("it says that there was no verdict on that rollout".into());
            let help = "give its document or its journal, which say how far it came, or the rollout before it";
            Err(evidence_error(input, vec![fault.help(help)]))
        }
        _ => {
            let fault = Fault::whole("it is neither a report nor a document of a rollout".into());
            Err(evidence_error(input, vec![fault.help(PREVIOUS_HELP)]))
        }
    }
}

/// What the bundled policies say of a rollout, with the tenants that it had to cover.
fn judged(document: &Document) -> Result<Value, Error> {
    let policies = load(Settings::default())?.wait()?;
    let outcome = policies.evaluate(&document::validate(document)?)?;
    let planned = document.cohorts.iter().filter(|cohort| cohort.planned);
    let mut tenants: Vec<Text> = planned.flat_map(|cohort| cohort.tenants.iter().cloned()).collect();
    tenants.sort_unstable();
    let rollout = Outline { control_plane: document.rollout.control_plane.clone(), tenants };
    let report = report(document, document.provenance.inputs.clone(), outcome, &policies);
    let report = Report { rollout: Some(rollout), ..report };
    serde_json::to_value(report).map_err(|error| Error::bug(error.to_string()))
}
