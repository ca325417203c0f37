//! Reads one input, or explains why it is refused.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::collect::fields::EvidenceFields;
use crate::collect::plan::{PlanFile, plan_faults};
use crate::collect::scan::Refused;
use crate::collect::{fleet, plan};
use crate::diagnostic::fault::Fault;
use crate::error::Error;
use crate::io::input::Input;
use crate::model::document::cohort::Grouping;
use crate::model::document::text::{Map, Text};
use crate::schema::explain::{explain, explain_by};
use crate::schema::published::Name;

/// What to do about a plan that cannot be used: whoever runs rollproof wrote it.
pub(crate) const PLAN_HELP: &str = "correct the plan, or write it again with `rollproof plan`";

/// What to do about a document that contradicts itself.
pub(crate) const CHANGED_DOCUMENT_HELP: &str = "the document's parts contradict each other, so it was changed since it was written: use it as it was \
                       written, or the journal or response that it was collected from";

pub(crate) fn not_alone_error(input: &Input, what: &str) -> Error {
    Error::usage(
        format!("{} is {what}, which is complete, yet --plan or --fleet is given beside it", input.name),
        "leave both out, or give the archived response",
    )
}

/// The names that a fleet's file holds, in order.
///
/// # Errors
/// [`Error::Evidence`] where the file is no fleet.
pub fn fleet_names(input: &Input) -> Result<Vec<Text>, Error> {
    Ok(labelled_fleet(input)?.into_iter().map(|(name, _)| name).collect())
}

/// The names that a fleet's file holds, in order, each with its labels.
///
/// # Errors
/// [`Error::Evidence`] where the file is no fleet.
pub fn labelled_fleet(input: &Input) -> Result<Vec<(Text, Map<Text>)>, Error> {
    let mut grouping = Grouping::new();
    fleet::read(&input.bytes, &input.name, &mut grouping).map_err(|Refused| fleet_refusal(input))?;
    Ok(grouping.names().iter().cloned().zip(grouping.labels_of_each().cloned()).collect())
}

/// What a plan's file says, with those of its extra fields that are evidence.
///
/// # Errors
/// [`Error::Evidence`] where the file is no plan.
pub fn plan_file(input: &Input, fields: &EvidenceFields) -> Result<PlanFile, Error> {
    plan_with_fields(input, fields, plan::read(&input.bytes, &input.name))
}

/// A plan that was read, with those of its extra fields that are evidence.
///
/// # Errors
/// As [`plan_file`].
pub(crate) fn plan_with_fields(
    input: &Input,
    fields: &EvidenceFields,
    plan: Result<PlanFile, Refused>,
) -> Result<PlanFile, Error> {
    let mut plan = plan.map_err(|Refused| refusal(input, Name::Plan))?;
    plan.keep_fields(fields.plan_names()).map_err(|fault| with_help(evidence_error(input, vec![fault]), PLAN_HELP))?;
    Ok(plan)
}

pub(crate) fn refusal(input: &Input, name: Name) -> Error {
    let faults = match name {
        Name::Plan => explain_by(&input.bytes, name, &name.schema(), plan_faults),
        Name::Fleet => explain_by(fleet::without_mark(&input.bytes), name, &name.schema(), fleet::answer_faults),
        Name::Document => explain_by(&input.bytes, name, &name.schema(), uneven_origins),
        _ => explain(&input.bytes, name),
    };
    let error = evidence_error(input, faults);
    if name == Name::Plan { with_help(error, PLAN_HELP) } else { error }
}

/// Cohorts of a document whose tenants have different numbers of origins, or none.
fn uneven_origins(text: &str) -> Vec<Fault> {
    #[derive(Deserialize)]
    struct Cohorts {
        cohorts: Vec<Cohort>,
    }
    #[derive(Deserialize)]
    struct Cohort {
        #[serde(default)]
        origins: Vec<Vec<IgnoredAny>>,
    }
    let Ok(Cohorts { cohorts }) = serde_json::from_str(text) else { return Vec::new() };
    let faults = cohorts.iter().enumerate().filter_map(|(i, Cohort { origins })| {
        let width = origins.first()?.len();
        let (j, odd) = origins.iter().enumerate().find(|(_, rows)| rows.is_empty() || rows.len() != width)?;
        let problem = match odd.len() {
            0 => "found no origin, but each row of a tenant has one".to_owned(),
            length => format!(
                "found a list of {length}, but the list of the cohort's first tenant has {width}: all have as many rows"
            ),
        };
        let pointer = Some(format!("/cohorts/{i}/origins/{j}"));
        Some(Fault { pointer, ..Fault::whole(problem) }.help(CHANGED_DOCUMENT_HELP))
    });
    faults.collect()
}

/// What to do about an input, unless one of its faults says so itself.
fn with_help(mut error: Error, help: &str) -> Error {
    if let Error::Evidence { faults, .. } = &mut error
        && faults.iter().all(|fault| fault.help.is_none())
        && let Some(first) = faults.first_mut()
    {
        first.help = Some(help.into());
    }
    error
}

pub(crate) fn fleet_refusal(input: &Input) -> Error {
    let error = match fleet::text_faults(fleet::without_mark(&input.bytes)) {
        Some(faults) => evidence_error(input, faults),
        None => refusal(input, Name::Fleet),
    };
    with_help(error, fleet::FLEET_HELP)
}

pub(crate) fn evidence_error(input: &Input, mut faults: Vec<Fault>) -> Error {
    if faults.is_empty() {
        faults.push(Fault::whole("it is refused for an unknown reason: please report this as a bug".into()));
    }
    Error::Evidence { input: input.name.to_string(), faults }
}
