//! What evidence must hold for a policy to say anything (`custom.needs`): without it a rule would be undefined, and pass.

use serde_json::Value;

use crate::model::document::Document;

/// The first of some paths that the evidence does not have; `labels.NAME` is a label that every planned tenant has.
pub fn missing<'n>(needs: &'n [String], document: &Document) -> Option<&'n str> {
    if needs.is_empty() {
        return None;
    }
    let without_cohorts = Document { calls: document.calls.clone(), ..document.without_evidence() };
    let skeleton = serde_json::to_value(without_cohorts).unwrap_or_default();
    let lacks = |need: &&String| {
        let steps: Vec<&str> = need.split('.').collect();
        match &*steps {
            ["labels", ..] => !in_cohorts(&steps, document),
            ["cohorts", rest @ ..] => !in_cohorts(rest, document),
            _ => !has(&skeleton, &steps, false),
        }
    };
    needs.iter().find(lacks).map(String::as_str)
}

fn in_cohorts(steps: &[&str], document: &Document) -> bool {
    document.cohorts.iter().filter(|cohort| cohort.planned).all(|cohort| {
        // A step into the tenants' names leads nowhere: they are always there.
        steps.first() == Some(&"tenants")
            || serde_json::to_value(cohort.without_tenants()).is_ok_and(|cohort| has(&cohort, steps, true))
    })
}

/// Whether there is something at a path, in every element of an array. An array without elements has it only where
/// nothing was to be expected.
fn has(value: &Value, steps: &[&str], empty: bool) -> bool {
    match (value, steps) {
        (Value::Null, _) => false,
        (Value::Array(items), _) => (empty || !items.is_empty()) && items.iter().all(|item| has(item, steps, empty)),
        (_, []) => true,
        (Value::Object(object), [step, rest @ ..]) => object.get(*step).is_some_and(|value| has(value, rest, empty)),
        _ => false,
    }
}
