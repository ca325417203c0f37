//! Section 4.5 of the contract and the proof states, written again, naively, from the raw rows: no cohorts, no Rego.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// What the oracle says of a rollout.
#[derive(Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Tenant to proof state, for each that is not proven.
    pub stragglers: BTreeMap<String, String>,
    /// Whether coverage denies.
    pub denies: bool,
    /// Whether stragglers are shipped past.
    pub quarantines: bool,
}

/// Judges `rows` for a `fleet` that must run `target`.
pub fn judge(fleet: &[String], rows: &[Value], target: Option<&str>, tolerated: usize) -> Verdict {
    let mut tenants: Vec<&str> = fleet.iter().map(|slug| slug.trim()).collect();
    tenants.sort_unstable();
    tenants.dedup();
    let mut stragglers = BTreeMap::new();
    for tenant in &tenants {
        let own: Vec<&Map<String, Value>> = rows
            .iter()
            .filter_map(Value::as_object)
            .filter(|row| row.get("slug").and_then(Value::as_str).is_some_and(|slug| slug.trim() == *tenant))
            .collect();
        let state = state(&own, target);
        if state != "verified" && state != "assumed" {
            stragglers.insert((*tenant).to_owned(), state.to_owned());
        }
    }
    let nobody = !tenants.is_empty() && stragglers.len() == tenants.len();
    let denies = stragglers.len() > tolerated || nobody;
    Verdict { quarantines: !denies && !stragglers.is_empty(), stragglers, denies }
}

fn state(rows: &[&Map<String, Value>], target: Option<&str>) -> &'static str {
    if rows.is_empty() {
        return "unreached";
    }
    let live: Vec<_> = rows.iter().filter(|row| !is_dry(row)).collect();
    let Some((latest, earlier)) = live.split_last() else { return "dry_run" };
    match latest.get("verified_on_target") {
        Some(Value::Bool(true)) => return "verified",
        Some(_) => return "off_target",
        None => {}
    }
    if earlier.iter().any(|row| row.get("verified_on_target").is_some_and(|key| *key != Value::Bool(true))) {
        return "off_target";
    }
    let runs = latest.get("running_image").and_then(Value::as_str).and_then(tag);
    if target.is_some_and(|target| runs.is_some_and(|runs| runs != target)) {
        return "off_target";
    }
    let text = |key: &str| latest.get(key).and_then(Value::as_str).map(str::trim);
    let failed = text("error").is_some_and(|error| !error.is_empty())
        || latest.get("ssm_exit_code").and_then(Value::as_i64).is_some_and(|code| code != 0)
        || text("ssm_status").is_some_and(|status| !status.eq_ignore_ascii_case("success"));
    if failed { "errored" } else { "assumed" }
}

fn is_dry(row: &Map<String, Value>) -> bool {
    row.get("ssm_status").and_then(Value::as_str).is_some_and(|status| status.trim().eq_ignore_ascii_case("dryrun"))
}

fn tag(image: &str) -> Option<&str> {
    let name = image.split('@').next()?.rsplit('/').next()?;
    name.split_once(':').map(|_| name.rsplit(':').next().unwrap_or_default()).filter(|tag| !tag.is_empty())
}
