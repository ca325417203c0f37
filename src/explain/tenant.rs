//! A tenant's part in the verdict: who enumerated it, which calls named it, which of its rows counts, what the policies
//! say of it, and what would have to be different for it to pass.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use crate::explain::context::{ExplainContext, find_tenant};
use crate::explain::details::{CallDetails, ExplainedFinding};
use crate::explain::trial::Trials;
use crate::explain::{candidates, change, details};
use crate::model::document::text::{Map, Text};
use crate::model::document::{Document, FleetSource, Role, Row};
use crate::policy::source::RuleText;
use crate::report::counterfactual::Counterfactuals;

/// The package whose rules give a cohort its proof state.
const PROOF: &str = "rollproof.lib.proof";

/// A tenant's part in the verdict.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Tenant {
    /// The tenant.
    pub name: Text,
    /// Whether and where it was enumerated.
    pub enumerated: Enumerated,
    /// The labels that the fleet gives it.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub labels: Map<Text>,
    /// The tenants whose evidence is identical, itself included: how many.
    pub cohort: u64,
    /// The calls that named it, in order.
    pub calls: Vec<CallDetails>,
    /// Its rows, in the order in which they arrived.
    pub rows: Vec<RowDetails>,
    /// Its proof state. Absent: the evidence only mentions it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// What each policy says of it.
    pub policies: Vec<PolicyFindings>,
    /// The smallest changes with which it would pass. Absent: it does.
    #[serde(rename = "turns", skip_serializing_if = "Option::is_none")]
    pub counterfactuals: Option<Counterfactuals>,
}

/// Whether and where a tenant was enumerated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Enumerated {
    /// Whether it is of the fleet.
    pub planned: bool,
    /// Who enumerated the fleet.
    pub source: FleetSource,
    /// It in words.
    pub words: String,
}

/// A row of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RowDetails {
    /// The input that it stands in. Absent: it is an answer to a call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Text>,
    /// JSON pointer to it: into that input, or into the calls' answers. Absent: the document does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// Whether it is the one that counts.
    pub counts: bool,
    /// Why, in words.
    pub why: String,
    /// What it says. May hold sensitive text.
    pub row: Row,
}

/// A proof state, and the rule that gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct State {
    /// Its name (design section 3).
    pub name: String,
    /// Whether it proves that the tenant is on the target.
    pub proven: bool,
    /// Whether it makes the tenant a straggler.
    pub straggler: bool,
    /// Why it is not proven, in words; empty where it is.
    pub reason: String,
    /// The rule that says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleText>,
    /// The line of that rule that is about this state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

/// What a policy says of a tenant.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PolicyFindings {
    /// Its package.
    pub package: String,
    /// Its title.
    pub title: String,
    /// Its findings that name the tenant; none: it has nothing to say of it.
    pub findings: Vec<ExplainedFinding>,
}

/// Every tenant that the evidence mentions.
pub fn names(document: &Document) -> BTreeSet<&str> {
    let cohorts = document.cohorts.iter().flat_map(|cohort| &cohort.tenants);
    let calls = document.calls.iter().flat_map(|call| &call.tenants);
    let anomalies = document.anomalies.iter().filter_map(|anomaly| anomaly.tenant.as_ref());
    let canary = document.rollout.canary.iter();
    cohorts
        .chain(calls)
        .chain(anomalies)
        .chain(canary)
        .chain(&document.fleet.inventory)
        .chain(&document.fleet.dropped)
        .map(|name| &**name)
        .collect()
}

/// Explains a tenant.
pub fn explain(context: &ExplainContext<'_>, trials: &mut Trials<'_>, tenant: &str) -> Tenant {
    let document = context.document;
    let at = find_tenant(document, tenant);
    let cohort = at.map(|(i, _)| &document.cohorts[i]);
    let summary = at.and_then(|(i, _)| context.cohorts.get(i));
    let is_blocked = change::is_blocked(context.report, tenant);
    let is_straggler = summary.is_some_and(|summary| summary.straggler);
    let changes = candidates::fixes_for_tenant(context, tenant);
    let counterfactuals =
        if is_blocked {
            let goal = format!("nothing would stand against {tenant}");
            Some(trials.search(&goal, &changes, |report| !change::is_blocked(report, tenant)))
        } else if is_straggler {
            let goal = format!("{tenant} would be proven");
            Some(trials.search(&goal, &changes, |report| {
                !report.stragglers.iter().any(|straggler| *straggler.tenant == *tenant)
            }))
        } else {
            None
        };
    let policies = context.report.policies.iter().map(|policy| PolicyFindings {
        package: policy.package.clone(),
        title: policy.title.clone(),
        findings: context
            .report
            .findings
            .iter()
            .filter(|finding| finding.policy == policy.package)
            .filter(|finding| finding.tenants.iter().any(|named| **named == *tenant))
            .map(|finding| details::finding_details(context, finding))
            .collect(),
    });
    Tenant {
        name: Text::from(tenant),
        enumerated: enumerated(document, tenant, cohort.is_some_and(|cohort| cohort.planned)),
        labels: cohort.map(|cohort| cohort.labels.clone()).unwrap_or_default(),
        cohort: cohort.map_or(0, |cohort| cohort.tenants.len() as u64),
        calls: details::call_details(context, |call| call.tenants.iter().any(|named| **named == *tenant)),
        rows: rows(context, at),
        state: summary.map(|summary| state(context, summary)),
        policies: policies.collect(),
        counterfactuals,
    }
}

fn enumerated(document: &Document, tenant: &str, planned: bool) -> Enumerated {
    let source = document.fleet.source;
    let file = document.provenance.inputs.iter().find(|input| input.role == Role::Fleet).map(|input| &input.name);
    let by = match (source, file) {
        (FleetSource::PlanCall, _) => "by the plan call".to_owned(),
        (FleetSource::File, Some(name)) => format!("in {name}"),
        (FleetSource::File, None) => "in a file".to_owned(),
        (FleetSource::Response, _) => "by nobody: the fleet was guessed from the response".to_owned(),
        (FleetSource::None, _) => "by nobody".to_owned(),
    };
    let twice = if document.fleet.duplicates.iter().any(|name| **name == *tenant) { ", more than once" } else { "" };
    let missed = document.fleet.inventory.iter().any(|name| **name == *tenant);
    let words = match (planned, missed) {
        (true, _) => format!("enumerated {by}{twice}"),
        (false, true) => "in the inventory, and not enumerated by the control plane".to_owned(),
        (false, false) => format!("not in the fleet, which was enumerated {by}"),
    };
    Enumerated { planned, source, words }
}

fn rows(context: &ExplainContext<'_>, at: Option<(usize, usize)>) -> Vec<RowDetails> {
    let Some((i, position)) = at else { return Vec::new() };
    let cohort = &context.document.cohorts[i];
    let counting_row = context.counting_row(i);
    let details = |(k, row): (usize, &Row)| {
        let (input, pointer) = context.row_place(i, position, k);
        let counts = counting_row == Some(k);
        let why = match (counting_row, k) {
            (Some(counting), _) if counting == k && cohort.rows.len() == 1 => "its only row",
            (Some(counting), _) if counting == k && cohort.rows.len() == k + 1 => "the latest row",
            (Some(counting), _) if counting == k => "the latest live row; the rows after it are of a dry run",
            (Some(counting), _) if k > counting => "a dry run's: it proves nothing",
            _ => "a later row counts",
        };
        RowDetails { input, pointer, counts, why: why.to_owned(), row: row.clone() }
    };
    cohort.rows.iter().enumerate().map(details).collect()
}

fn state(context: &ExplainContext<'_>, summary: &crate::policy::prepared::CohortSummary) -> State {
    // A function of the package has the state as its value.
    let value = format!(":= \"{}\"", summary.state);
    let line_of = |rule: &RuleText| {
        let offset = rule.text.lines().position(|line| line.contains(&value))?;
        Some(rule.line + u32::try_from(offset).ok()?)
    };
    let mut rules = context.rules.iter().filter(|rule| rule.package == PROOF);
    let (rule, line) = rules.find_map(|rule| Some((rule.clone(), line_of(rule)?))).unzip();
    State {
        name: summary.state.clone(),
        proven: summary.proven,
        straggler: summary.straggler,
        reason: summary.reason.clone(),
        rule,
        line,
    }
}

impl ExplainContext<'_> {
    /// Which row of a cohort counts, as the policies say.
    pub fn counting_row(&self, cohort: usize) -> Option<usize> {
        usize::try_from(self.cohorts.get(cohort)?.row?).ok()
    }

    /// Where a row of a tenant stands.
    pub fn row_place(&self, cohort: usize, position: usize, row: usize) -> (Option<Text>, Option<String>) {
        let Some(origin) = self.document.cohorts[cohort].origins.get(position, row) else { return (None, None) };
        if let Some(call) = origin.call {
            let attempt = origin.attempt.unwrap_or(0);
            return (None, Some(format!("/calls/{call}/attempts/{attempt}/results/{}", origin.row)));
        }
        let inputs = &self.document.provenance.inputs;
        let input = inputs.iter().find(|input| input.role == Role::Response).map(|input| input.name.clone());
        (input, Some(self.document.row_pointer(origin.row)))
    }

    /// The row of a tenant that counts, in words.
    pub fn row_name(&self, cohort: usize, position: usize) -> String {
        let place = self.counting_row(cohort).and_then(|row| self.row_place(cohort, position, row).1);
        place.map_or_else(|| "a row of its own".to_owned(), |pointer| format!("its row {pointer}"))
    }
}
