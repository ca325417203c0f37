//! The generated module that evaluates every policy at once.

use crate::declared::names::{GATES, HALT, NOT_APPLICABLE, SUMMARY, USED_BY_OWN, WAIVERS, is_ours};
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
/// - `answer`: the findings of the bundled policies and the summary
/// - `audited`: the same, and whether the rollout reached anybody but the canary
/// - `halts`, `gates_halt`: every bundled rule that can stop a rollout, and that of the gates alone
/// - `own_answer`, `own_halts`: the same of a team's own policies, without a summary
/// - `probe_targets`: the tenants whose build is asked for next
///
/// Each policy's rule has a list of its value, which is empty where the rule is undefined. That is how an undefined rule
/// differs from an empty set. Where there are waivers, each list has a parallel one of what they cover.
pub fn module(packages: &[Package], has_waivers: bool) -> String {
    let packages: Vec<&Package> = packages.iter().filter(|package| package.is_on()).collect();
    let (bundled, own): (Vec<_>, Vec<_>) = packages.into_iter().partition(|package| is_ours(&package.name));
    let gates: Vec<&Package> = bundled.iter().copied().filter(|package| package.name == GATES).collect();
    let parts = [
        "package rollproof.query

import data.rollproof.lib.modes
import data.rollproof.lib.waivers

ready := true
"
        .to_owned(),
        answer(&bundled, has_waivers),
        own_answer(&own, has_waivers),
        halts("halts", &bundled, has_waivers),
        halts("gates_halt", &gates, has_waivers),
        halts("own_halts", &own, has_waivers),
        probe_targets::query(),
    ];
    parts.join("\n")
}

/// The findings of the bundled policies, what `lib.waivers` reads as `used`, and what else a report says. A team's own
/// policies are asked before, so that it is known which waivers they needed.
fn answer(packages: &[&Package], has_waivers: bool) -> String {
    let (about_waivers, others): (Vec<_>, Vec<_>) =
        packages.iter().copied().partition(|package| package.name == WAIVERS);
    let summary: String = SUMMARY_RULES.map(|rule| entry(rule, &format!("{SUMMARY}.{rule}"))).concat();
    format!(
        "findings := {{
{}}}

findings_about_waivers := {{
{}}}

applied := {}

used := {{i | some covered in applied[_]; some i in covered}} | {{i | some i in input.{USED_BY_OWN}}}

not_applicable := {{
{}}}

answer := {{
\t\"findings\": object.union(findings, findings_about_waivers),
\t\"applied\": applied,
\t\"reporting\": [value | value := modes.reporting],
\t\"not_applicable\": not_applicable,
{summary}}}

audited := object.union(answer, {{\"fanned_out\": [value | value := data.{SUMMARY}.fanned_out]}})
",
        findings(&others),
        findings(&about_waivers),
        applied("findings", has_waivers),
        not_applicable(packages),
    )
}

/// The findings of a team's own policies, and the waivers that they needed.
fn own_answer(packages: &[&Package], has_waivers: bool) -> String {
    format!(
        "own_findings := {{
{}}}

own_applied := {}

own_answer := {{
\t\"findings\": own_findings,
\t\"applied\": own_applied,
\t\"used\": {{i | some covered in own_applied[_]; some i in covered}},
\t\"not_applicable\": {{
{}}},
}}
",
        findings(packages),
        applied("own_findings", has_waivers),
        not_applicable(packages),
    )
}

/// A rule that evaluates the `halt` of some packages.
fn halts(name: &str, packages: &[&Package], has_waivers: bool) -> String {
    let halting = packages.iter().filter(|package| package.halts).map(|package| format!("{}.{HALT}", package.name));
    let findings: String = halting.map(|path| entry(&path, &path)).collect();
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

/// What every rule of some packages says.
fn findings(packages: &[&Package]) -> String {
    let rules = packages.iter().flat_map(|package| package.severities().map(|severity| key(package, severity)));
    rules.map(|path| entry(&path, &path)).collect()
}

/// Why packages have nothing to judge.
fn not_applicable(packages: &[&Package]) -> String {
    let packages = packages.iter().filter(|package| package.has_not_applicable);
    packages.map(|package| entry(&package.name, &format!("{}.{NOT_APPLICABLE}", package.name))).collect()
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
