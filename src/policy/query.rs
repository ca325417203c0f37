//! The generated module that evaluates every policy at once.

use crate::declared::names::{GATES, HALT, NOT_APPLICABLE, SUMMARY, WAIVERS};
use crate::policy::package::{Package, key};
use crate::policy::probe_targets;

/// What a report takes from `rollproof.lib.summary`.
const SUMMARY_RULES: [&str; 6] = ["cohorts", "tolerated", "quarantined", "waived", "reservations", "superseded_by"];

/// A module without policies, where rules are evaluated one by one.
pub fn nothing() -> String {
    "package rollproof.query\n\nready := true\n".to_owned()
}

/// The module of the query. These rules are read from outside:
///
/// - `ready` depends on nothing
/// - `answer`: the findings of every policy and the summary
/// - `audited`: the same, and whether the rollout reached anybody but the canary
/// - `halts`, `gates_halt`: every rule that can stop a rollout, and that of the gates alone
/// - `probe_targets`: the tenants whose build is asked for next
///
/// Each policy's rule has a list of its value, which is empty where the rule is undefined. That is how an undefined rule
/// differs from an empty set. Where there are waivers, each list has a parallel one of what they cover.
pub fn module(packages: &[Package], has_waivers: bool) -> String {
    let parts = [
        "package rollproof.query

import data.rollproof.lib.modes
import data.rollproof.lib.waivers

ready := true
"
        .to_owned(),
        answer(packages, has_waivers),
        halts("halts", packages, has_waivers, &|_| true),
        halts("gates_halt", packages, has_waivers, &|package| package.name == GATES),
        probe_targets::query(),
    ];
    parts.join("\n")
}

/// The findings of every policy, which `lib.waivers` reads as `used`, and what else a report says.
fn answer(packages: &[Package], has_waivers: bool) -> String {
    let findings = |of_waivers: bool| {
        let packages = enabled(packages).filter(|package| (package.name == WAIVERS) == of_waivers);
        let rules = packages.flat_map(|package| package.severities().map(|severity| key(package, severity)));
        rules.map(|path| entry(&path, &path)).collect::<String>()
    };
    let summary: String = SUMMARY_RULES.map(|rule| entry(rule, &format!("{SUMMARY}.{rule}"))).concat();
    let not_applicable: String = enabled(packages)
        .filter(|package| package.has_not_applicable)
        .map(|package| entry(&package.name, &format!("{}.{NOT_APPLICABLE}", package.name)))
        .collect();
    format!(
        "findings := {{
{}}}

findings_about_waivers := {{
{}}}

applied := {}

used := {{i | some covered in applied[_]; some i in covered}}

not_applicable := {{
{not_applicable}}}

answer := {{
\t\"findings\": object.union(findings, findings_about_waivers),
\t\"applied\": applied,
\t\"reporting\": [value | value := modes.reporting],
\t\"not_applicable\": not_applicable,
{summary}}}

audited := object.union(answer, {{\"fanned_out\": [value | value := data.{SUMMARY}.fanned_out]}})
",
        findings(false),
        findings(true),
        applied("findings", has_waivers),
    )
}

/// A rule that evaluates the `halt` of some packages.
fn halts(name: &str, packages: &[Package], has_waivers: bool, wanted: &dyn Fn(&Package) -> bool) -> String {
    let findings: String = enabled(packages)
        .filter(|package| package.halts && wanted(package))
        .map(|package| format!("{}.{HALT}", package.name))
        .map(|path| entry(&path, &path))
        .collect();
    let applied = applied(&format!("{name}_findings"), has_waivers);
    format!(
        "{name}_findings := {{
{findings}}}

{name} := {{
\t\"findings\": {name}_findings,
\t\"progress\": [value | value := data.{SUMMARY}.progress],
\t\"applied\": {applied},
\t\"reporting\": [value | value := modes.reporting],
}}
"
    )
}

fn enabled(packages: &[Package]) -> impl Iterator<Item = &Package> {
    packages.iter().filter(|package| package.is_on())
}

/// An entry of an object: under `key` a list of the rule's value.
fn entry(key: &str, path: &str) -> String {
    format!("\t{key:?}: [value | value := data.{path}],\n")
}

/// What waivers cover of each finding of a rule of the query.
fn applied(findings: &str, has_waivers: bool) -> String {
    if !has_waivers {
        return "{}".to_owned();
    }
    format!(
        "{{path: [covered | some finding in values[0]; covered := waivers.applied_to(finding)] | some path, values in {findings}}}"
    )
}
