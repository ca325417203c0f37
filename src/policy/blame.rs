//! Which rule is to blame where an evaluation failed: all are asked at once, so that the failure alone names none.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::engine::{self, Input, Prepared};
use super::guard::Limits;
use super::problem::Problem;
use super::syntax::Place;
use crate::error::Error;
use crate::finding::RulePlace;

/// How long the search may take.
const TIME: Duration = Duration::from_secs(5);

/// How long one rule may take, at most.
const SLICE: Duration = Duration::from_secs(2);

/// A rule that may be to blame.
pub struct Suspect {
    /// Its path below `data`.
    pub path: String,
    /// Where it is defined first.
    pub place: RulePlace,
}

/// Asks the suspects one by one and names the first that fails.
pub fn blame(engine: &Prepared, suspects: Vec<Suspect>, input: &Input, limits: Limits, failure: &str) -> Error {
    let end = Instant::now() + TIME;
    // What a thread holds that was stopped is not given back.
    let memory = limits.memory / 4;
    for Suspect { path, place } in suspects {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        let limits = Limits { time: SLICE.min(left / 2).min(limits.time), memory };
        let Err(said) = engine.ask(&format!("data.{path}"), input.clone(), limits) else { continue };
        let located = engine::located(&said);
        let (file, at, said) = match located {
            Some((file, line, column, said)) => (file, Place { line, column }, said),
            None => (place.file, Place { line: place.line, column: 0 }, said),
        };
        let what = format!("{path}: {said}");
        let file: Arc<str> = file.into();
        return Error::Policies(vec![Problem::new(&file, at, what, remedy(&said))]);
    }
    Error::Policy(failure.to_owned())
}

fn remedy(said: &str) -> &'static str {
    if said.contains("need more than") || said.contains("exceeded time limit") {
        "make it do less; --policy-timeout gives all policies more time"
    } else if said.contains("multiple outputs") || said.contains("conflict") {
        "two of its definitions hold at once; let one exclude the other, or join them by `else`"
    } else {
        "a value is not what the rule takes it for; ask for its type or its presence first"
    }
}
