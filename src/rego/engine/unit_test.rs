//! A unit test of a policy, as it is declared.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use regorus::utils::limits::ExecutionTimerConfig;
use regorus::{Engine, Value};

use crate::rego::engine::generated::TEST_RULE;
use crate::rego::guard::Limits;

/// A test as it is declared.
#[derive(Debug, Clone)]
pub struct UnitTest {
    pub file: String,
    /// The line on which it starts.
    pub line: u32,
    pub package: String,
    /// Its name; the second of a name ends with `#01`, as in OPA.
    pub name: String,
    /// Whether it is not to be run yet.
    pub todo: bool,
    /// Why it can never be run, if that is so.
    pub broken: Option<&'static str>,
    /// The name of its rule.
    pub(crate) rule: String,
    /// What each sub-test is named after, outermost first.
    pub(crate) keys: Vec<String>,
    /// The imports of its file.
    pub(crate) imports: Imports,
    /// The conditions of its first body.
    pub(crate) steps: Vec<Step>,
}

/// The imports of a file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Imports {
    /// As they are written.
    pub text: String,
    /// The names that they give.
    pub names: BTreeSet<String>,
}

/// What a test's rule makes.
pub(crate) fn value(engine: &mut Engine, unit: &UnitTest) -> anyhow::Result<Value> {
    let path = format!("data.{}.{}", unit.package, unit.rule);
    if unit.keys.len() < 2 {
        return engine.eval_rule(path);
    }
    // The engine does not find a rule with several keys by its name.
    engine.add_policy(TEST_RULE.into(), format!("package {}\n{TEST_RULE} := {path}\n", unit.package))?;
    engine.eval_rule(format!("data.{}.{TEST_RULE}", unit.package))
}

/// Bounds the time of what an engine is asked next.
pub(crate) fn set_time_limit(engine: &mut Engine, limits: Limits) {
    if let Some(check_interval) = NonZeroU32::new(64) {
        engine.set_execution_timer_config(ExecutionTimerConfig { limit: limits.time, check_interval });
    }
}

/// A condition of a test.
#[derive(Debug, Clone)]
pub struct Step {
    /// The line on which it starts.
    pub(crate) line: u32,
    /// As it is written, with what it replaces.
    pub(crate) text: String,
    /// What it replaces.
    pub(crate) with: String,
    /// The expressions whose values say why it does not hold, and then the names in it.
    pub(crate) shown: Vec<String>,
    pub(crate) names: BTreeSet<String>,
    /// What `every` walks: its pattern, the collection, and its body.
    pub(crate) every: Option<(String, String, String)>,
    /// The names that it mentions and does not merely declare.
    pub(crate) mentions: BTreeSet<String>,
}
