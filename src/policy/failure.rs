//! Finds the rule that failed in an evaluation: all are evaluated at once, so the failure alone names none.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::diagnostic::problem::{Place, Problem};
use crate::error::Error;
use crate::model::finding::RulePlace;
use crate::rego::engine::input::Input;
use crate::rego::engine::{PreparedEngine, places};
use crate::rego::guard::{Failure, Limits, is_limit, work};

/// How long the search may take where a limit was reached.
const TIME: Duration = Duration::from_secs(5);

/// How long one rule may take there, at most.
const SLICE: Duration = Duration::from_secs(2);

/// How many times the limit one rule may take where no limit was reached.
const SLACK: u32 = 4;

/// What the search may cost where none was, as [`work`] counts it: the same rule is to blame on a slow machine.
const WORK: u64 = 50_000_000;

/// A rule that may have failed.
pub struct CandidateRule {
    /// Its path below `data`.
    pub path: String,
    /// Where it is defined first.
    pub place: RulePlace,
}

/// Evaluates the candidates one by one and names the first that fails.
pub fn locate_failure(
    engine: &PreparedEngine,
    candidates: Vec<CandidateRule>,
    input: &Input,
    limits: Limits,
    failure: Failure,
) -> Error {
    let Failure::Policy(failure) = failure else { return failure.into() };
    let limited = is_limit(&failure);
    let (begun, end) = (work(), Instant::now() + TIME);
    // What a thread holds that was stopped is not given back.
    let memory = limits.memory / 4;
    let mut dearest: Option<(u64, CandidateRule)> = None;
    for CandidateRule { path, place } in candidates {
        let left = end.saturating_duration_since(Instant::now());
        let is_over = if limited { left.is_zero() } else { work() - begun > WORK };
        if is_over {
            break;
        }
        // What failed within the limit before may take longer now, where other programs have the processor.
        let time = if limited { SLICE.min(left / 2).min(limits.time) } else { SLACK * limits.time };
        let before = work();
        let problem = match engine.evaluate(&format!("data.{path}"), input.clone(), Limits { time, memory, ..limits }) {
            Err(Failure::Policy(problem)) => problem,
            Err(other) => return other.into(),
            Ok(_) => {
                let cost = work() - before;
                if dearest.as_ref().is_none_or(|(most, _)| cost > *most) {
                    dearest = Some((cost, CandidateRule { path, place }));
                }
                continue;
            }
        };
        // Where all together reached no limit, a rule that does so alone is not what failed.
        if is_limit(&problem) && !limited {
            continue;
        }
        let located = places::located(&problem);
        let (file, at, problem) = match located {
            Some((file, line, column, problem)) => (file, Place { line, column }, problem),
            None => (place.file, Place { line: place.line, column: 0 }, problem),
        };
        // The limit is that of all policies together, and not the slice of it that each rule gets here.
        let problem = if is_limit(&problem) { failure } else { problem };
        let what = format!("{path}: {problem}");
        let file: Arc<str> = file.into();
        return Error::Policies(vec![Problem::new(&file, at, what, remedy(&problem))]);
    }
    match dearest.filter(|_| limited) {
        Some((_, CandidateRule { path, place })) => {
            let what = format!("{failure}; of the rules that were asked alone, {path} does the most");
            let at = Place { line: place.line, column: 0 };
            Error::Policies(vec![Problem::new(&place.file.into(), at, what, remedy(&failure))])
        }
        None => Error::Policy(failure),
    }
}

fn remedy(problem: &str) -> &'static str {
    if problem.contains("of memory") {
        "make it hold less at a time"
    } else if is_limit(problem) {
        "make it do less; --policy-timeout gives all policies more time"
    } else if problem.contains("multiple outputs") || problem.contains("conflict") {
        "two of its definitions hold at once; let one exclude the other, or join them by `else`"
    } else {
        "a value is not what the rule takes it for; ask for its type or its presence first"
    }
}
