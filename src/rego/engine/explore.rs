//! What is asked of policies beside their findings: any expression, and the source of a package.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{Module as Ast, Ref};
use regorus::{Engine, PolicyLengthConfig, Value};

use crate::rego::engine::generated::MAX_COLUMNS;
use crate::rego::engine::generated::TEST_RULE;
use crate::rego::engine::input::Input;
use crate::rego::engine::lower::{Lowered, lower};
use crate::rego::engine::module::{Module, path};
use crate::rego::engine::unit_test::set_time_limit;
use crate::rego::engine::{Loaded, PreparedEngine, in_words};
use crate::rego::guard::{Failure, Limits, guarded};

impl Loaded {
    /// Every file with its package.
    pub fn modules(&self) -> Vec<(String, Module)> {
        modules(&self.0, &self.1)
    }

    /// Every file with its package, as the engine is given it.
    pub fn lowered(&self) -> Vec<(String, Module)> {
        modules(&self.0, &BTreeMap::new())
    }
}

fn modules(engine: &Engine, rewritten: &BTreeMap<String, Lowered>) -> Vec<(String, Module)> {
    let mut engine = engine.clone();
    let file = |ast: &Ref<Ast>| {
        let source = &ast.package.span.source;
        let written = rewritten.get(source.get_path()).map(|lowered| lowered.written.to_string());
        let text = written.unwrap_or_else(|| source.contents().clone());
        Some((path(&ast.package.refr)?, Module { file: source.get_path().clone(), text }))
    };
    engine.get_modules().iter().filter_map(file).collect()
}

impl PreparedEngine {
    /// Every file with its package.
    pub fn modules(&self) -> Vec<(String, Module)> {
        modules(&self.0, &self.1)
    }

    /// What lies under `data` beside the packages.
    ///
    /// # Errors
    /// In words, where it is no JSON.
    pub fn data(&self) -> Result<serde_json::Value, String> {
        serde_json::to_value(self.0.get_data()).map_err(|error| error.to_string())
    }

    /// What an expression is in a package: a value for each way in which it holds. Conditions without a value of their
    /// own (`not x`, `some x in xs`) are `true` where they hold.
    ///
    /// # Errors
    /// What the engine says, or which limit was reached.
    pub fn query(
        &self,
        package: &str,
        expression: &str,
        input: Input,
        limits: Limits,
    ) -> Result<Vec<serde_json::Value>, Failure> {
        let (mut engine, prints) = (self.0.clone(), self.2.clone());
        let (package, expression) = (package.to_owned(), expression.to_owned());
        guarded(limits, move || {
            set_time_limit(&mut engine, limits);
            engine.set_input(input.0);
            let imports = imports(&mut engine, &package);
            let module = |inner: &str| {
                let text = format!("package {package}\n{imports}\n{TEST_RULE} := [value |\n{inner}\n]\n");
                // What cannot be rewritten is no expression: the engine says so.
                let lowered = lower(&Module { file: TEST_RULE.into(), text: text.clone() });
                lowered.map_or(text, |lowered| lowered.text)
            };
            engine.set_policy_length_config(PolicyLengthConfig { max_col: MAX_COLUMNS, ..Default::default() });
            let term = module(&format!("value := {expression}"));
            if let Err(error) = engine.add_policy(TEST_RULE.into(), term) {
                // What is no term may be a list of conditions; the first error is the one that says more.
                let conditions = module(&format!("{expression}\nvalue := true"));
                engine
                    .add_policy(TEST_RULE.into(), conditions)
                    .map_err(|_| crate::rego::engine::module::last_line(&error))?;
            }
            let answer = engine.eval_rule(format!("data.{package}.{TEST_RULE}"));
            prints.keep(&mut engine);
            let answer = answer.map_err(|error| match crate::rego::engine::places::located(&error.to_string()) {
                Some((file, _, _, problem)) if file == TEST_RULE => problem,
                _ => in_words(&error, limits),
            })?;
            let json = |value: &Value| serde_json::to_value(value).map_err(|error| error.to_string());
            answer.as_array().map_or_else(|_| Ok(Vec::new()), |values| values.iter().map(json).collect())
        })
    }
}

/// What the files of a package import, each once.
fn imports(engine: &mut Engine, package: &str) -> String {
    let modules = engine.get_modules().iter();
    let of_package = modules.filter(|ast| path(&ast.package.refr).as_deref() == Some(package));
    let imports: BTreeSet<&str> =
        of_package.flat_map(|ast| ast.imports.iter().map(|import| import.span.text())).collect();
    imports.into_iter().map(|import| format!("{import}\n")).collect()
}
