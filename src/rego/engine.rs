//! The engine: this file and `engine/` alone name regorus. Interpreter, strict builtin errors, no clock, no network.

pub(crate) mod ast;
pub(crate) mod coverage;
pub(crate) mod explore;
pub(crate) mod functions;
pub(crate) mod generated;
pub(crate) mod lower;
pub mod module;
pub(crate) mod places;
pub(crate) mod prints;
pub(crate) mod probe;
pub(crate) mod test_failure;
pub(crate) mod test_suite;
pub(crate) mod text;
pub(crate) mod unit_test;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use regorus::utils::limits::ExecutionTimerConfig;
use regorus::{Engine, LimitError, PolicyLengthConfig, Value};
use serde::de::DeserializeOwned;

use crate::diagnostic::problem::{Place, Problem};
use crate::error::Error;
use crate::model::audit::{Audit, Tenant};
use crate::model::document::projection::Projection;
use crate::model::document::text::Text;
use crate::model::document::{Call, Cohort, Document};
use crate::rego::engine::generated::MAX_COLUMNS;
use crate::rego::engine::lower::Lowered;
use crate::rego::engine::module::{Module, Outline, outline};
use crate::rego::engine::prints::Prints;
use crate::rego::guard::{Failure, Limits, guarded};
use crate::rego::syntax;

/// The engine's name and version.
pub const ENGINE: &str = "regorus 0.14.1";

/// The engine's own functions that depend on more than their arguments. The static checks refuse them by name; here
/// they are shadowed, in case one is ever reached.
const IMPURE: [(&str, u8); 2] = [("rand.intn", 2), ("time.now_ns", 0)];

/// Reads files for the static checks, on a policy thread.
///
/// # Errors
/// Where a limit was reached; what is wrong with a file stands in its place.
pub fn parse_all(modules: Vec<Module>) -> Result<Vec<Result<syntax::Module, Problem>>, Failure> {
    guarded(Limits::for_cohorts(0), move || Ok(modules.iter().map(ast::parse).collect()))
}

/// Evidence as the engine reads it: the document without `origins`.
#[derive(Debug, Clone)]
pub struct Input(Value);

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
        let (calls, cohorts) = (self.calls(projection)?, self.cohorts(projection)?);
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
            let tenants: Vec<Value> = call.tenants.iter().map(name).collect();
            Ok(with_tenants(rest.into(), tenants.into()))
        };
        for ended in calls.iter().skip(self.ended.len()).take_while(|call| call.has_ended()) {
            self.ended.push(value(ended)?);
        }
        debug_assert!(calls.iter().zip(&self.ended).all(|(now, ended)| value(now).is_ok_and(|now| now == *ended)));
        let seen = projection.calls().filter_map(|index| calls.get(index).map(|call| (self.ended.get(index), call)));
        seen.map(|(ended, call)| ended.cloned().map_or_else(|| value(call), Ok)).collect()
    }

    fn cohorts(&mut self, projection: &Projection<'_>) -> Result<Vec<Value>, serde_json::Error> {
        let names = if projection.is_merged() { &mut self.names_of_merged } else { &mut self.names };
        let mut before = std::mem::take(names);
        let cohort = |(cohort, tenants): (Cohort, Vec<&[Text]>)| {
            let rest = Value::from(serde_json::to_value(cohort)?);
            if tenants.iter().map(|part| part.len()).sum::<usize>() < MANY {
                let tenants: Vec<Value> = tenants.into_iter().flatten().map(name).collect();
                return Ok(with_tenants(rest, tenants.into()));
            }
            let tenants = names_now(before.remove(&rest).unwrap_or_else(Value::new_array), &tenants);
            names.insert(rest.clone(), tenants.clone());
            Ok(with_tenants(rest, tenants))
        };
        projection.cohorts().map(cohort).collect()
    }
}

/// A tenant's name, shared.
fn name(tenant: &Text) -> Value {
    Value::String(tenant.shared())
}

/// A call or a cohort with its tenants.
fn with_tenants(mut rest: Value, tenants: Value) -> Value {
    if let Ok(object) = rest.as_object_mut() {
        object.insert(Value::from("tenants"), tenants);
    }
    rest
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
    known.splice(start..was - end, tenants().skip(start).take(is - start - end).map(name));
    *array = known.into();
    list
}

/// The answer to a query.
#[derive(Debug)]
pub struct Answer(Value);

impl Answer {
    /// What lies under a key.
    pub fn get(&self, key: &str) -> Self {
        Self(self.0[key].clone())
    }

    /// What an array of one element holds.
    ///
    /// # Errors
    /// In words, where it is empty: a rule is undefined.
    pub fn only(&self) -> Result<Self, String> {
        match &self.0 {
            Value::Array(array) if array.len() == 1 => Ok(Self(self.0[0].clone())),
            _ => Err("the rule is undefined".into()),
        }
    }

    /// The answer as a Rust type.
    ///
    /// # Errors
    /// In words, where it has another form.
    pub fn value<T: DeserializeOwned>(&self) -> Result<T, String> {
        serde_json::to_value(&self.0).and_then(serde_json::from_value).map_err(|error| error.to_string())
    }

    /// The elements of an array or a set, one by one.
    ///
    /// # Errors
    /// In words, where it is neither or an element has another form.
    pub fn elements<T: DeserializeOwned>(&self) -> Result<Vec<T>, String> {
        let element = |value: &Value| {
            serde_json::to_value(value).and_then(serde_json::from_value).map_err(|error| error.to_string())
        };
        match &self.0 {
            Value::Array(array) => array.iter().map(element).collect(),
            Value::Set(set) => set.iter().map(element).collect(),
            _ => Err("it is neither an array nor a set".into()),
        }
    }
}

/// What was rewritten for the engine, by file.
type Rewritten = Arc<BTreeMap<String, Lowered>>;

/// An engine that has read some modules.
#[derive(Debug)]
pub struct Loaded(Engine, Rewritten);

impl Loaded {
    /// Reads modules, each of them once: on a policy thread, where they are not our own. Those after the first `bundled`
    /// are rewritten first where the engine would not answer as OPA does.
    ///
    /// # Errors
    /// The parser's message, with file and line.
    pub fn new(mut modules: Vec<Module>, bundled: usize) -> Result<(Self, Vec<Outline>), Error> {
        let own = modules.get_mut(bundled..).unwrap_or_default();
        let rewritten = lower::all(own).map_err(|problem| Error::Policies(vec![problem]))?;
        Self::read(modules, Arc::new(rewritten)).map_err(Error::Policy)
    }

    fn read(modules: Vec<Module>, rewritten: Rewritten) -> Result<(Self, Vec<Outline>), String> {
        let mut engine = Engine::new();
        engine.set_strict_builtin_errors(true);
        // What policies print is kept, and written where somebody asks for it: on its own it would stand between the
        // lines that a CI's log obeys.
        engine.set_gather_prints(true);
        if !rewritten.is_empty() {
            engine.set_policy_length_config(PolicyLengthConfig { max_col: MAX_COLUMNS, ..Default::default() });
        }
        functions::add(&mut engine)?;
        for (name, arity) in IMPURE {
            let refuse = move |_: Vec<Value>| Err(anyhow::anyhow!("{name} is not deterministic"));
            engine.add_extension(name.to_owned(), arity, Box::new(refuse)).map_err(|error| error.to_string())?;
        }
        for module in modules {
            let file = module.file.clone();
            let read = engine.add_policy(module.file, module.text);
            read.map_err(|error| format!("{file}: {}", error.to_string().trim_start_matches(['\n', ' '])))?;
        }
        let outlines = outlines(&mut engine, &rewritten)?.into_iter().map(|(outline, _)| outline).collect();
        Ok((Self(engine, rewritten), outlines))
    }

    /// Adds the query and the data, and evaluates the rule `warm`, so that the engine has analysed its modules.
    ///
    /// # Errors
    /// In words: what the engine says.
    pub fn prepare(self, query: Module, data: serde_json::Value, warm: &str) -> Result<PreparedEngine, String> {
        let Self(mut engine, rewritten) = self;
        engine.add_policy(query.file, query.text).map_err(|error| error.to_string())?;
        engine.add_data(Value::from(data)).map_err(|error| error.to_string())?;
        // The engine analyses its modules when it is asked for the first time, and copies of it need not do so again.
        engine.eval_rule(warm.into()).map_err(|error| error.to_string())?;
        Ok(PreparedEngine(engine, rewritten, Prints::default()))
    }
}

/// An engine that is ready; every evaluation is done by a copy.
#[derive(Debug, Clone)]
pub struct PreparedEngine(Engine, Rewritten, Prints);

impl PreparedEngine {
    /// What each file declares, and its text.
    ///
    /// # Errors
    /// In words, with the line.
    pub fn files(&self) -> Result<Vec<(Outline, String)>, String> {
        outlines(&mut self.0.clone(), &self.1)
    }

    /// What policies have printed since this was last asked for.
    pub fn take_prints(&self) -> Vec<String> {
        self.2.take()
    }

    /// Runs `work`, and drops what policies print meanwhile.
    pub fn without_prints<T>(&self, work: impl FnOnce() -> T) -> T {
        self.2.without(work)
    }

    /// The value of a rule that reads no input, on this thread.
    ///
    /// # Errors
    /// In words: what the engine says.
    pub fn evaluate_here(&self, rule: &str) -> Result<Answer, String> {
        self.0.clone().eval_rule(rule.into()).map(Answer).map_err(|error| error.to_string())
    }

    /// The value of a rule for some input, on a policy thread; it may be undefined.
    ///
    /// # Errors
    /// What the engine says, or which limit was reached.
    pub fn evaluate(&self, rule: &str, input: Input, limits: Limits) -> Result<Answer, Failure> {
        let (mut engine, rule, prints) = (self.0.clone(), rule.to_owned(), self.2.clone());
        let answer = guarded(limits, move || {
            if let Some(check_interval) = NonZeroU32::new(64) {
                engine.set_execution_timer_config(ExecutionTimerConfig { limit: limits.time, check_interval });
            }
            engine.set_input(input.0);
            let answer = engine.eval_rule(rule);
            prints.keep(&mut engine);
            answer.map(Answer).map_err(|error| in_words(&error, limits))
        });
        answer.map_err(|failure| match failure {
            Failure::Policy(problem) => Failure::Policy(as_written(problem, &self.1)),
            other => other,
        })
    }
}

/// What each file declares, and its text, as it was written.
fn outlines(engine: &mut Engine, rewritten: &Rewritten) -> Result<Vec<(Outline, String)>, String> {
    let file = |ast: &regorus::unstable::Ref<regorus::unstable::Module>| {
        let source = &ast.package.span.source;
        let lowered = rewritten.get(source.get_path());
        let text = lowered.map_or_else(|| source.contents().clone(), |lowered| lowered.written.to_string());
        let given = outline(ast)?;
        let written = match lowered {
            Some(lowered) => lowered.outline(given),
            None => given,
        };
        Ok((written, text))
    };
    engine.get_modules().iter().map(file).collect()
}

/// The engine's message with the place in what was written.
fn as_written(problem: String, rewritten: &Rewritten) -> String {
    let Some((file, line, column, what)) = places::located(&problem) else { return problem };
    let Some(lowered) = rewritten.get(&file) else { return problem };
    let place = lowered.place(Place { line, column });
    format!("--> {file}:{}:{}\nerror: {what}", place.line, place.column)
}

/// What the engine says, or which limit it noticed.
pub(crate) fn in_words(error: &anyhow::Error, limits: Limits) -> String {
    match error.downcast_ref::<LimitError>() {
        Some(LimitError::TimeLimitExceeded { .. }) => limits.out_of_time(),
        _ => error.to_string(),
    }
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
        let expected: Vec<Value> = parts.iter().copied().flatten().map(name).collect();
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
