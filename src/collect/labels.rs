//! Labels from a file, for evidence that has none. They enumerate nobody.

use std::collections::{BTreeSet, HashMap};

use crate::collect::collected::Collected;
use crate::collect::fleet;
use crate::collect::inputs::{evidence_error, labelled_fleet};
use crate::diagnostic::fault::{Fault, fault_at};
use crate::error::Error;
use crate::io::input::{Input, Source};
use crate::model::document::labels::Conflict;
use crate::model::document::text::{Map, Text};
use crate::model::document::{Document, Role, labels};
use crate::text::escape::visible;
use crate::text::misspelt::lookalike_key;

/// What a file of labels is: the help for a file that is something else.
const LABELS_HELP: &str = "a file of labels is a JSON array of {\"slug\", \"labels\"} objects, as --fleet takes it";

/// Gives the tenants of a document the labels that a file has for them, as if it had been collected with these. The file
/// may have labels for tenants of other rollouts, too.
///
/// # Errors
/// [`Error::Evidence`] where the file cannot be read, has no labels, has them for nobody of the document, names a tenant
/// that only looks like one of the document, or where the document has other labels.
pub fn add(collected: &mut Collected, source: &Source, max_bytes: u64) -> Result<(), Error> {
    let input = source.read(max_bytes)?;
    let labelled = labelled_fleet(&input)?;
    check_tenants(&input, &labelled, &collected.document)?;
    let labels: HashMap<&str, &Map<Text>> = labelled.iter().map(|(tenant, labels)| (&**tenant, labels)).collect();
    labels::add(&mut collected.document, &labels).map_err(|conflict| conflict_error(&input, &conflict))?;
    let file = input.file(Role::Labels, input.sha256());
    collected.document.provenance.inputs.push(file.clone());
    collected.inputs.push(file);
    Ok(())
}

/// Refuses labels that are not meant for the document.
fn check_tenants(input: &Input, labelled: &[(Text, Map<Text>)], document: &Document) -> Result<(), Error> {
    let refuse = |fault: Fault, help: &str| Err(evidence_error(input, vec![fault.help(help)]));
    if labelled.iter().all(|(_, labels)| labels.is_empty()) {
        return refuse(Fault::whole("it gives no tenant a label".into()), LABELS_HELP);
    }
    let mut unknown: BTreeSet<&str> = labelled.iter().map(|(tenant, _)| &**tenant).collect();
    let tenants = || document.cohorts.iter().flat_map(|cohort| &cohort.tenants);
    for tenant in tenants() {
        unknown.remove(&**tenant);
    }
    if unknown.len() == labelled.len() {
        let problem = format!("none of its {} is a tenant of the evidence", names(labelled.len()));
        return refuse(Fault::whole(problem), "give the labels of this fleet; labels enumerate nobody");
    }
    // A name that only looks like a tenant's would leave that tenant without its labels.
    let forms: HashMap<String, &str> = unknown.iter().map(|name| (lookalike_key(name), *name)).collect();
    if forms.is_empty() {
        return Ok(());
    }
    let lookalike = tenants().find_map(|tenant| Some((*forms.get(&lookalike_key(tenant))?, tenant)));
    let Some((name, tenant)) = lookalike else { return Ok(()) };
    let problem = format!("found {:?}, which is no tenant of the evidence", visible(name));
    let help = format!("did you mean {:?}? its labels would be missing", visible(tenant));
    refuse(tenant_fault(input, name, "slug", problem), &help)
}

fn names(count: usize) -> String {
    if count == 1 { "one name".to_owned() } else { format!("{count} names") }
}

fn conflict_error(input: &Input, conflict: &Conflict) -> Error {
    let Conflict { tenant, name, held, given } = conflict;
    let [shown, key, held, given] = [tenant, name, held, given].map(|text| visible(text));
    let problem = format!("found {key} {given:?} for {shown}, which has {key} {held:?} in the evidence");
    let fault = tenant_fault(input, tenant, "labels", problem);
    evidence_error(
        input,
        vec![fault.help("labels that the evidence has are not replaced: take this one out of the file")],
    )
}

/// A fault in the item of a list that is about a tenant, under a key.
fn tenant_fault(input: &Input, tenant: &str, key: &str, problem: String) -> Fault {
    let bytes = fleet::without_mark(&input.bytes);
    let list: Vec<serde_json::Value> = serde_json::from_slice(bytes).unwrap_or_default();
    let is_of = |item: &serde_json::Value| item.get("slug").unwrap_or(item).as_str().map(str::trim) == Some(tenant);
    let Some((i, item)) = list.iter().enumerate().find(|(_, item)| is_of(item)) else { return Fault::whole(problem) };
    let key = if item.is_object() { format!("/{key}") } else { String::new() };
    fault_at(bytes, &format!("/{i}{key}"), problem)
}
