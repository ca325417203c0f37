//! Policies that had nothing to judge: their silence is no praise, and a report does not call it that. Which part of the
//! evidence a bundled policy is about is told here, and nothing is made of what stands in it.

use crate::model::document::text::Field;
use crate::model::document::{Document, FleetSource, InputFile, Role};

/// Why a policy had nothing to judge, in a word or two. None: it had, or it is not a bundled one.
pub fn not_applicable(policy: &str, document: &Document, inputs: &[InputFile]) -> Option<&'static str> {
    let (nothing, why) = match policy.strip_prefix("rollproof.")? {
        "build" => (document.probes.is_none(), "not probed"),
        "calls" => (document.calls.is_empty() && document.archive.is_none(), "none made"),
        "canary" => (document.rollout.canary.is_none(), "none named"),
        "coverage" if document.rollout.dry_run => (true, "dry run"),
        "coverage" => (document.fleet.source == FleetSource::None, "no fleet"),
        "gates" => (document.gates.is_none(), "not asked"),
        "health" => {
            let mut rows = document.cohorts.iter().flat_map(|cohort| &cohort.rows);
            (rows.all(|row| row.healthz_ok == Field::Absent), "not reported")
        }
        "waivers" => (!inputs.iter().any(|input| input.role == Role::Waivers), "none given"),
        _ => return None,
    };
    nothing.then_some(why)
}
