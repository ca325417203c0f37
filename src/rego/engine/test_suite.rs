//! Unit tests of policies: finds them as OPA does, and runs one at a time. What comes of it is for `test_runner` to say.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use regorus::unstable::{Expr, Module as Ast, Rule, RuleBody, RuleHead, Source, Span};
use regorus::{Engine, Value};

use crate::rego::engine::coverage::{Lines, lines, spelled_out};
use crate::rego::engine::lower::parsable;
use crate::rego::engine::module::{Module, parse, path};
use crate::rego::engine::test_failure::{TestFailure, steps, why};
use crate::rego::engine::unit_test::{Imports, UnitTest, set_time_limit, value};
use crate::rego::engine::{PreparedEngine, Rewritten, in_words, text};
use crate::rego::guard::{Failure, Limits, guarded};

/// What a test's name begins with.
const TEST: &str = "test_";

/// What the name of a test begins with that is not run yet.
const TODO: &str = "todo_test_";

/// Policies with their tests.
pub struct TestSuite {
    engine: Engine,
    /// One that notes which lines are reached.
    traced: Option<Engine>,
    units: Vec<UnitTest>,
    rewritten: Rewritten,
}

/// How a test, or a sub-test, ended.
#[derive(Debug)]
pub struct CaseResult {
    /// The names of the sub-test, outermost first; none for a test that has none.
    pub names: Vec<String>,
    /// Why it failed; nothing where it passed.
    pub failure: Option<TestFailure>,
}

/// What came of a test.
#[derive(Debug, Default)]
pub struct TestRun {
    /// How it and its sub-tests ended.
    pub ended: Vec<CaseResult>,
    pub prints: Vec<String>,
}

impl UnitTest {
    /// Whether it is one test, by its own name.
    pub const fn has_no_cases(&self) -> bool {
        self.keys.is_empty()
    }
}

impl PreparedEngine {
    /// Reads tests beside the policies. Tests also stand in `own`, files that are read already. Which lines they reach
    /// is looked at where that is asked for.
    ///
    /// # Errors
    /// What the engine says of them.
    pub fn trial(
        &self,
        own: BTreeSet<String>,
        tests: Vec<Module>,
        ready: &'static str,
        coverage: bool,
    ) -> Result<TestSuite, Failure> {
        let (mut engine, rewritten) = (self.0.clone(), Arc::clone(&self.1));
        guarded(Limits::for_cohorts(0), move || {
            let mut seen = BTreeMap::new();
            let mut units = Vec::new();
            let mut traced = coverage.then(|| engine.clone());
            for ast in engine.get_modules().iter().filter(|ast| own.contains(ast.package.span.source.get_path())) {
                units.extend(units_of(ast, &mut seen));
            }
            for module in tests {
                let file = module.file.clone();
                let failed = |error: anyhow::Error| format!("{file}: {error}");
                let text = parsable(&module).map_err(|problem| problem.to_string())?.text;
                let module = Module { text, ..module };
                let source = Source::from_contents(module.file.clone(), module.text.clone()).map_err(failed)?;
                let ast = parse(&source).map_err(failed)?;
                let found = units_of(&ast, &mut seen);
                let text = renamed(&module.text, &ast, &found);
                units.extend(found);
                if let Some(traced) = &mut traced {
                    let text = spelled_out(&text, &ast).map_err(failed)?;
                    traced.add_policy(module.file.clone(), text).map_err(failed)?;
                }
                engine.add_policy(module.file, text).map_err(failed)?;
            }
            for engine in std::iter::once(&mut engine).chain(&mut traced) {
                engine.eval_rule(ready.into()).map_err(|error| error.to_string())?;
            }
            if let Some(traced) = &mut traced {
                traced.set_enable_coverage(true);
            }
            Ok(TestSuite { engine, traced, units, rewritten })
        })
    }
}

/// The tests of a file. `seen` counts the tests of a name.
fn units_of(ast: &Ast, seen: &mut BTreeMap<String, usize>) -> Vec<UnitTest> {
    let source = &ast.package.span.source;
    let imports = imports(ast);
    let package = path(&ast.package.refr).unwrap_or_default();
    let mut units = Vec::new();
    for rule in &ast.policy {
        let Rule::Spec { head, bodies, .. } = rule.as_ref() else { continue };
        let (refr, broken) = match head {
            RuleHead::Compr { refr, .. } => (refr, None),
            RuleHead::Func { refr, .. } => (refr, Some("it takes arguments, so nothing can run it")),
            RuleHead::Set { refr, .. } => (refr, Some("it makes a set; a test holds or does not")),
        };
        let (mut name, mut keys) = (refr.as_ref(), Vec::new());
        while let Expr::RefBrack { refr, index, .. } = name {
            keys.insert(0, text::of_expr(index));
            name = refr;
        }
        let Some(rule_name) = path(name).filter(|name| name.starts_with(TEST) || name.starts_with(TODO)) else {
            continue;
        };
        // A test without conditions never fails; what it says is its value.
        let body = bodies.first();
        let body: Option<&RuleBody> = body.filter(|body| !body.query.stmts.is_empty());
        let nth = seen.entry(format!("{package}.{rule_name}")).or_default();
        let suffix = if *nth == 0 { String::new() } else { format!("#{nth:02}") };
        *nth += 1;
        units.push(UnitTest {
            file: source.get_path().clone(),
            line: rule.span().line,
            package: package.clone(),
            todo: rule_name.starts_with(TODO),
            name: format!("{rule_name}{suffix}"),
            rule: format!("{rule_name}{}", suffix.replace('#', "__")),
            broken,
            keys,
            imports: imports.clone(),
            steps: body.map(|body| steps(&body.query)).unwrap_or_default(),
        });
    }
    units
}

pub(crate) fn imports(ast: &Ast) -> Imports {
    let mut imports = Imports::default();
    for import in &ast.imports {
        imports.text += import.span.text();
        imports.text.push('\n');
        let last = match import.refr.as_ref() {
            Expr::RefDot { field, .. } => Some(field.0.text()),
            _ => None,
        };
        imports.names.extend(import.r#as.as_ref().map(Span::text).or(last).map(str::to_owned));
    }
    imports
}

/// A file in which every further test of a name has a name of its own: as one rule, one definition that holds would
/// hide that another does not.
fn renamed(text: &str, ast: &Ast, units: &[UnitTest]) -> String {
    let mut renamed = text.to_owned();
    for unit in units.iter().rev().filter(|unit| unit.name.contains('#')) {
        let rule = ast.policy.iter().find(|rule| rule.span().line == unit.line);
        if let Some(Rule::Spec { head: RuleHead::Compr { refr, .. }, .. }) = rule.map(AsRef::as_ref) {
            let mut name = refr.as_ref();
            while let Expr::RefBrack { refr, .. } = name {
                name = refr;
            }
            let (start, end) = (name.span().start as usize, name.span().end as usize);
            if text.get(start..end).is_some() {
                renamed.replace_range(start..end, &unit.rule);
            }
        }
    }
    renamed
}

impl TestSuite {
    /// The tests, by file and line.
    pub fn units(&self) -> &[UnitTest] {
        &self.units
    }

    /// The lines that a test reaches, by file; none where nobody asked.
    pub fn lines(&self, unit: &UnitTest, limits: Limits) -> BTreeMap<String, Lines> {
        let mut found = self.traced.as_ref().map(|engine| lines(engine, unit, limits)).unwrap_or_default();
        for (file, lines) in &mut found {
            if let Some(lowered) = self.rewritten.get(file) {
                lines.covered.retain(|line| lowered.has_line(*line));
                lines.uncovered.retain(|line| lowered.has_line(*line));
            }
        }
        found
    }

    /// Runs a test, on a policy thread.
    ///
    /// # Errors
    /// What the engine says, or which limit was reached: the test failed.
    pub fn run(&self, unit: &UnitTest, limits: Limits) -> Result<TestRun, Failure> {
        let mut engine = self.engine.clone();
        let task = unit.clone();
        let (value, mut ran) = guarded(limits, move || {
            set_time_limit(&mut engine, limits);
            let value = value(&mut engine, &task).map_err(|error| in_words(&error, limits))?;
            let prints = engine.take_prints().unwrap_or_default();
            Ok((value, TestRun { ended: Vec::new(), prints }))
        })?;
        if unit.keys.is_empty() && value == Value::from(true) {
            ran.ended.push(CaseResult { names: Vec::new(), failure: None });
            return Ok(ran);
        }
        let (mut engine, task) = (self.engine.clone(), unit.clone());
        ran.ended = guarded(limits, move || {
            set_time_limit(&mut engine, limits);
            Ok(ended(&engine, &task, &value))
        })?;
        Ok(ran)
    }
}

/// How a test ended that has sub-tests, or that does not hold.
fn ended(engine: &Engine, unit: &UnitTest, value: &Value) -> Vec<CaseResult> {
    if unit.keys.is_empty() {
        return vec![CaseResult { names: Vec::new(), failure: Some(why(engine, unit, None, value)) }];
    }
    let (set_time_limit, cases) = crate::rego::engine::test_failure::cases(engine, unit);
    if cases.is_empty() {
        let failure = TestFailure::new(unit.line, "no sub-test was run: nothing gave it a name");
        return vec![CaseResult { names: Vec::new(), failure: Some(failure) }];
    }
    cases
        .into_iter()
        .map(|case| {
            let held = case.iter().fold(value.clone(), |value, name| value[name].clone());
            let failure = (held != Value::from(true)).then(|| why(engine, unit, Some((set_time_limit, &case)), &held));
            let names = case.iter().map(|name| {
                name.as_string()
                    .map_or_else(|_| crate::rego::engine::test_failure::short(name), std::string::ToString::to_string)
            });
            CaseResult { names: names.collect(), failure }
        })
        .collect()
}
