//! What policies are asked about, as values of the engine: one document, one audit, or a rollout that is being driven.

use std::collections::BTreeMap;

use regorus::Value;

use crate::model::audit::{Audit, Tenant};
use crate::model::document::projection::Projection;
use crate::model::document::text::Text;
use crate::model::document::{Call, Cohort, Document};
use crate::rego::engine::answer::Answer;
use crate::rego::engine::cohort::{Keys, text};

/// Evidence as the engine reads it: the document without `origins`.
#[derive(Debug, Clone)]
pub struct Input(pub(super) Value);

impl Input {
    /// The input that a document is; tenant names are shared with it.
    ///
    /// # Errors
    /// None that evidence can cause.
    pub fn new(document: &Document) -> Result<Self, serde_json::Error> {
        Inputs::default().next(&Projection::whole(document))?.with_order(document)
    }

    /// The same with the fleet's own order, the phases, and where mapped items stand, where the document has them.
    ///
    /// # Errors
    /// None that evidence can cause.
    pub fn with_order(mut self, document: &Document) -> Result<Self, serde_json::Error> {
        let Document { order, phases, items, .. } = document;
        if let Ok(object) = self.0.as_object_mut() {
            if !order.is_empty() {
                object.insert(Value::from("order"), Value::from(serde_json::to_value(order)?));
            }
            if !items.is_empty() {
                object.insert(Value::from("items"), Value::from(serde_json::to_value(items)?));
            }
            if !phases.is_empty() {
                let names = |tenants: &Vec<Text>| -> Value {
                    tenants.iter().map(|tenant| Value::String(tenant.shared())).collect::<Vec<_>>().into()
                };
                let phases: BTreeMap<_, _> =
                    phases.iter().map(|(phase, tenants)| (Value::String(phase.shared()), names(tenants))).collect();
                object.insert(Value::from("phases"), Value::from(phases));
            }
        }
        Ok(self)
    }

    /// Adds a key that holds an answer.
    pub fn with(mut self, key: &str, answer: Answer) -> Self {
        if let Ok(object) = self.0.as_object_mut() {
            object.insert(Value::from(key), answer.0);
        }
        self
    }

    /// The input that an audit is, without what became of tenants rollout by rollout.
    ///
    /// # Errors
    /// None that archives can cause.
    pub fn audit(audit: &Audit) -> Result<Self, serde_json::Error> {
        let value = |part: serde_json::Value| Value::from(part);
        let rollouts = audit.rollouts.iter().map(|rollout| serde_json::to_value(rollout).map(value));
        let rollouts = rollouts.collect::<Result<Vec<_>, _>>()?;
        let without_history = |tenant: &Tenant| Tenant { history: None, ..tenant.clone() };
        let tenants = audit.tenants.iter().map(|tenant| serde_json::to_value(without_history(tenant)).map(value));
        let tenants = tenants.collect::<Result<Vec<_>, _>>()?;
        let mut input = value(serde_json::to_value(audit.without_lists())?);
        if let Ok(object) = input.as_object_mut() {
            object.insert(Value::from("rollouts"), Value::from(rollouts));
            object.insert(Value::from("tenants"), Value::from(tenants));
        }
        Ok(Self(input))
    }
}

/// From how many tenants on a cohort's names are kept for the next input. Fewer are put together anew in no time.
const MANY: usize = 50;

/// Names of tenants as the engine has them, by the rest of the cohort whose tenants they are.
type Names = BTreeMap<Value, Value>;

/// The evidence of one rollout while it is driven, after one call after another. What stays the same is made once: a call
/// that has ended, and the names of tenants that stay in their cohort.
#[derive(Debug, Default)]
pub struct Inputs {
    keys: Keys,
    ended: Vec<Value>,
    /// Where every cohort is seen as it is.
    names: Names,
    /// Where cohorts are merged.
    names_of_merged: Names,
}

impl Inputs {
    /// The input for the evidence as it is now.
    ///
    /// # Errors
    /// As [`Input::new`].
    pub fn next(&mut self, projection: &Projection<'_>) -> Result<Input, serde_json::Error> {
        let document = projection.document();
        let mut input = Value::from(serde_json::to_value(document.without_evidence())?);
        let (calls, cohorts) = (self.calls(projection)?, self.cohorts(projection));
        if let Ok(object) = input.as_object_mut() {
            object.insert(Value::from("calls"), Value::from(calls));
            object.insert(Value::from("cohorts"), Value::from(cohorts));
        }
        Ok(Input(input))
    }

    fn calls(&mut self, projection: &Projection<'_>) -> Result<Vec<Value>, serde_json::Error> {
        let calls = &projection.document().calls;
        let value = |call: &Call| {
            let rest = serde_json::to_value(call.without_tenants())?;
            let tenants: Vec<Value> = call.tenants.iter().map(text).collect();
            Ok(with_tenants(rest.into(), tenants.into()))
        };
        for ended in calls.iter().skip(self.ended.len()).take_while(|call| call.has_ended()) {
            self.ended.push(value(ended)?);
        }
        debug_assert!(calls.iter().zip(&self.ended).all(|(now, ended)| value(now).is_ok_and(|now| now == *ended)));
        let seen = projection.calls().filter_map(|index| calls.get(index).map(|call| (self.ended.get(index), call)));
        seen.map(|(ended, call)| ended.cloned().map_or_else(|| value(call), Ok)).collect()
    }

    fn cohorts(&mut self, projection: &Projection<'_>) -> Vec<Value> {
        let names = if projection.is_merged() { &mut self.names_of_merged } else { &mut self.names };
        let (mut before, keys) = (std::mem::take(names), &self.keys);
        let cohort = |(cohort, tenants): (Cohort, Vec<&[Text]>)| {
            debug_assert!(keys.cohort(&cohort, Value::new_array()) == as_json(&cohort));
            if tenants.iter().map(|part| part.len()).sum::<usize>() < MANY {
                let tenants: Vec<Value> = tenants.into_iter().flatten().map(text).collect();
                return keys.cohort(&cohort, tenants.into());
            }
            let rest = keys.cohort(&cohort, Value::Null);
            let tenants = names_now(before.remove(&rest).unwrap_or_else(Value::new_array), &tenants);
            names.insert(rest, tenants.clone());
            keys.cohort(&cohort, tenants)
        };
        projection.cohorts().map(cohort).collect()
    }
}

/// A call with its tenants.
fn with_tenants(mut rest: Value, tenants: Value) -> Value {
    if let Ok(object) = rest.as_object_mut() {
        object.insert(Value::from("tenants"), tenants);
    }
    rest
}

/// A cohort as its JSON is read by the engine.
fn as_json(cohort: &Cohort) -> Value {
    serde_json::to_value(cohort).unwrap_or_default().into()
}

/// The names of tenants, made from a list that has mostly the same ones: tenants that join a cohort or leave it are mostly
/// neighbours. Only what lies between the same beginning and the same end is replaced, in place, since the engine has
/// given the list back.
fn names_now(mut list: Value, tenants: &[&[Text]]) -> Value {
    let Ok(array) = list.as_array_mut() else { return list };
    let mut known = std::mem::take(array).into_vec();
    let is_same = |(known, tenant): &(&Value, &Text)| match known {
        Value::String(known) => std::ptr::eq(known.as_ptr(), tenant.as_ptr()),
        _ => false,
    };
    let tenants = || tenants.iter().copied().flatten();
    let (is, was) = (tenants().count(), known.len());
    let start = known.iter().zip(tenants()).take_while(is_same).count();
    let end = known.iter().rev().zip(tenants().rev()).take(is.min(was) - start).take_while(is_same).count();
    known.splice(start..was - end, tenants().skip(start).take(is - start - end).map(text));
    *array = known.into();
    list
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const NAMES: [&str; 5] = ["acme", "bolt", "coral", "dune", "ember"];

    fn check(before: &[usize], now: &[Vec<usize>]) -> Result<(), TestCaseError> {
        let names = NAMES.map(Text::from);
        let texts = |numbers: &[usize]| -> Vec<Text> { numbers.iter().map(|number| names[*number].clone()).collect() };
        let before = names_now(Value::new_array(), &[&texts(before)]);
        let parts: Vec<Vec<Text>> = now.iter().map(|part| texts(part)).collect();
        let parts: Vec<&[Text]> = parts.iter().map(|part| &**part).collect();
        let expected: Vec<Value> = parts.iter().copied().flatten().map(text).collect();
        prop_assert_eq!(names_now(before, &parts), Value::from(expected));
        Ok(())
    }

    #[test]
    fn names_that_are_changed_in_place_are_those_of_the_cohort() {
        let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
        proptest!(config, |(before in vec(0..NAMES.len(), 0..8), now in vec(vec(0..NAMES.len(), 0..4), 0..4))| {
            check(&before, &now)?;
        });
    }
}
