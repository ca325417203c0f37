//! What has changed since an earlier report: what the verdict follows from, and the findings.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::model::finding::Finding;
use crate::policy::basis::Basis;
use crate::report::Report;
use crate::report::comparison::{Change, ChangedFinding, Comparison, ParamChange, PolicyChange};
use crate::report::earlier::{Earlier, EarlierFinding};

/// Severity, code, and whether it is waived.
type Key = (String, String, bool);

/// What findings with one key name.
#[derive(Default)]
struct NamedByFindings {
    tenants: BTreeSet<String>,
    /// Of findings that name no tenant.
    messages: BTreeSet<String>,
}

/// What has changed since an earlier report.
pub fn compare(now: &Report, earlier: Earlier) -> Comparison {
    let params = params(now, &earlier);
    let policies = policies(now, &earlier);
    let (mut changed, mut unknown) = (Vec::new(), Vec::new());
    if let (Some(is), Some(was)) = (&now.basis, &earlier.basis) {
        changed = differences(is, was);
    } else {
        // Some of it is known without digests.
        let known = [("policies", !policies.is_empty()), ("params", !params.is_empty())];
        changed.extend(known.iter().filter(|(_, changed)| *changed).map(|(name, _)| (*name).to_owned()));
        let unsaid = ["evidence", "policies", "libraries", "modes", "waivers", "facts", "data", "engine", "tool"];
        unknown.extend(unsaid.into_iter().map(str::to_owned).filter(|name| !changed.contains(name)));
    }
    let is = named(now.findings.iter().map(of_finding));
    let was = named(earlier.findings.iter().map(of_earlier));
    Comparison {
        report: earlier.name,
        sha256: earlier.sha256,
        decision: earlier.decision,
        changed,
        unknown,
        policies,
        params,
        came: without(&is, &was),
        went: without(&was, &is),
    }
}

/// The names of what differs.
fn differences(is: &Basis, was: &Basis) -> Vec<String> {
    let mut changed = Vec::new();
    if is.evidence != was.evidence {
        changed.push("evidence".to_owned());
    }
    let names: BTreeSet<&String> = is.parts.keys().chain(was.parts.keys()).collect();
    changed.extend(names.into_iter().filter(|name| is.parts.get(*name) != was.parts.get(*name)).cloned());
    let versions = [("engine", &is.engine, &was.engine), ("tool", &is.tool, &was.tool)];
    changed.extend(versions.iter().filter(|(_, is, was)| is != was).map(|(name, ..)| (*name).to_owned()));
    changed
}

fn policies(now: &Report, earlier: &Earlier) -> Vec<PolicyChange> {
    let is: BTreeMap<&str, Option<&String>> =
        now.policies.iter().map(|policy| (&*policy.package, policy.sha256.as_ref())).collect();
    let was: BTreeMap<&str, Option<&String>> =
        earlier.policies.iter().map(|policy| (&*policy.package, policy.sha256.as_ref())).collect();
    let names: BTreeSet<&str> = is.keys().chain(was.keys()).copied().collect();
    let change = |package: &str| match (is.get(package), was.get(package)) {
        (Some(_), None) => Some(Change::Added),
        (None, Some(_)) => Some(Change::Removed),
        (Some(Some(is)), Some(Some(was))) if is != was => Some(Change::Changed),
        _ => None,
    };
    let changed = |package: &str| Some(PolicyChange { package: package.to_owned(), change: change(package)? });
    names.into_iter().filter_map(changed).collect()
}

fn params(now: &Report, earlier: &Earlier) -> Vec<ParamChange> {
    let is: BTreeMap<&str, Option<&Value>> =
        now.params.iter().map(|param| (&*param.name, param.value.as_ref())).collect();
    let was: BTreeMap<&str, Option<&Value>> =
        earlier.params.iter().map(|param| (&*param.name, param.value.as_ref())).collect();
    let names: BTreeSet<&str> = is.keys().chain(was.keys()).copied().collect();
    let change = |name: &str| ParamChange {
        name: name.to_owned(),
        was: was.get(name).copied().flatten().cloned(),
        is: is.get(name).copied().flatten().cloned(),
    };
    names.into_iter().map(change).filter(|change| change.was != change.is).collect()
}

fn of_finding(finding: &Finding) -> (Key, Vec<String>, &str) {
    let key = (finding.severity.name().to_owned(), finding.code.clone(), finding.waived.is_some());
    (key, finding.tenants.iter().map(ToString::to_string).collect(), &finding.message)
}

fn of_earlier(finding: &EarlierFinding) -> (Key, Vec<String>, &str) {
    let key = (finding.severity.clone(), finding.code.clone(), finding.waived.is_some());
    (key, finding.tenants.clone(), &finding.message)
}

fn named<'f>(findings: impl Iterator<Item = (Key, Vec<String>, &'f str)>) -> BTreeMap<Key, NamedByFindings> {
    let mut all: BTreeMap<Key, NamedByFindings> = BTreeMap::new();
    for (key, tenants, message) in findings {
        let named = all.entry(key).or_default();
        if tenants.is_empty() {
            named.messages.insert(message.to_owned());
        }
        named.tenants.extend(tenants);
    }
    all
}

/// What some findings name and others do not.
fn without(some: &BTreeMap<Key, NamedByFindings>, others: &BTreeMap<Key, NamedByFindings>) -> Vec<ChangedFinding> {
    let nothing = NamedByFindings::default();
    let rest = |(key, named): (&Key, &NamedByFindings)| {
        let other = others.get(key).unwrap_or(&nothing);
        let difference = |some: &BTreeSet<String>, other| some.difference(other).cloned().collect::<Vec<_>>();
        let (severity, code, waived) = key.clone();
        let tenants = difference(&named.tenants, &other.tenants);
        let messages = difference(&named.messages, &other.messages);
        let changed = ChangedFinding { code, severity, waived, tenants, messages };
        (!changed.tenants.is_empty() || !changed.messages.is_empty()).then_some(changed)
    };
    some.iter().filter_map(rest).collect()
}
