//! The engine: this file and `engine/` alone name regorus. Interpreter, strict builtin errors, no clock, no network.

pub(crate) mod answer;
pub(crate) mod ast;
pub(crate) mod cohort;
pub(crate) mod coverage;
pub(crate) mod explore;
pub(crate) mod functions;
pub(crate) mod generated;
pub mod input;
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

use crate::diagnostic::problem::{Place, Problem};
use crate::error::Error;
use crate::rego::engine::answer::Answer;
use crate::rego::engine::generated::MAX_COLUMNS;
use crate::rego::engine::input::Input;
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
