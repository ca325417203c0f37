//! Changes of everything but the rows: calls, builds, gates, the enumeration, how the rollout ended.

use std::collections::HashSet;

use crate::explain::change::{Change, MAX_COHORTS, change_document, isolate_tenant, verified_row};
use crate::explain::context::{ExplainContext, find_tenant};
use crate::model::document::gates::{CiEnd, Gates, HeadState, SwitchSource, SwitchState};
use crate::model::document::origins::Origins;
use crate::model::document::probe::Probe;
use crate::model::document::text::{Field, Map, Text};
use crate::model::document::{
    AnomalyKind, Attempt, Call, Cohort, Document, FleetSource, InputFile, Outcome, Purpose, Role,
};
use crate::text::escape::names_of;

/// The state of a CI context that passes.
const SUCCESS: &str = "success";

/// The name of a made-up tenant, for a fleet that had none.
const MADE_UP_TENANT: &str = "a tenant";

/// How many digits of a commit are shown.
const MAX_SHA: usize = 12;

/// Adds the changes of circumstances that concern one tenant.
pub fn add_for_tenant<'a>(context: &ExplainContext<'a>, tenant: &'a str, changes: &mut Vec<Change<'a>>) {
    let document = context.document;
    add_calls(context, |call| call.tenants.iter().any(|named| **named == *tenant), changes);
    add_build(document, tenant, changes);
    if document.fleet.inventory.iter().any(|name| **name == *tenant) {
        changes.push(change_document("the control plane enumerated it", move |document| {
            document.fleet.inventory.retain(|name| **name != *tenant);
        }));
    }
    if document.fleet.dropped.iter().any(|name| **name == *tenant) {
        changes.push(change_document("every attempt of the plan call enumerated it", move |document| {
            document.fleet.dropped.retain(|name| **name != *tenant);
        }));
    }
    let is_live = move |kind: AnomalyKind, named: Option<&Text>| {
        kind == AnomalyKind::LiveRowInPlanCall && named.is_some_and(|named| **named == *tenant)
    };
    if document.anomalies.iter().any(|anomaly| is_live(anomaly.kind, anomaly.tenant.as_ref())) {
        changes.push(change_document("the plan call's answer had no live row of it", move |document| {
            document.anomalies.retain(|anomaly| !is_live(anomaly.kind, anomaly.tenant.as_ref()));
        }));
    }
    if document.rollout.dry_run && find_tenant(document, tenant).is_some() {
        changes.push(change_document("its rows were those of a dry run", move |document| {
            isolate_tenant(document, tenant).rows.iter_mut().for_each(|row| {
                row.ssm_status = Field::Given(Text::from("DryRun"));
            });
        }));
    }
    let is_canary = document.rollout.canary.as_deref() == Some(tenant);
    if is_canary || find_tenant(document, tenant).is_some() {
        add_membership(document, tenant, "it", changes);
    }
    if is_canary {
        changes.push(change_document("another tenant, or none, was the canary", |document| {
            document.rollout.canary = None;
        }));
    }
}

/// Adds the changes of circumstances of the rollout as a whole.
pub fn add_for_rollout<'a>(context: &ExplainContext<'a>, changes: &mut Vec<Change<'a>>) {
    let document = context.document;
    add_end(document, changes);
    add_gates(document, changes);
    add_calls(context, |_| true, changes);
    add_builds(context, changes);
    add_enumeration(document, changes);
    if document.rollout.dry_run {
        changes.push(change_document("it was not a dry run", |document| document.rollout.dry_run = false));
        changes.push(change_document("every row was one of a dry run", |document| {
            document.cohorts.iter_mut().flat_map(|cohort| &mut cohort.rows).for_each(|row| {
                row.ssm_status = Field::Given(Text::from("DryRun"));
            });
        }));
    }
    if let Some(canary) = &document.rollout.canary {
        add_membership(document, canary, "the canary", changes);
        changes.push(change_document("no canary was named", |document| document.rollout.canary = None));
    }
    if document.archive.as_ref().is_some_and(|archive| archive.ok != Field::Given(true)) {
        changes.push(change_document("the archived response said \"ok\": true", |document| {
            document.archive.iter_mut().for_each(|archive| archive.ok = Field::Given(true));
        }));
    }
    for (kind, words) in [
        (AnomalyKind::LiveRowInPlanCall, "the plan call's answer had no live row"),
        (AnomalyKind::MisspeltField, "no field was misspelt"),
    ] {
        if document.anomalies.iter().any(|anomaly| anomaly.kind == kind) {
            changes.push(change_document(words, move |document| {
                document.anomalies.retain(|anomaly| anomaly.kind != kind);
            }));
        }
    }
}

fn add_calls<'a>(context: &ExplainContext<'a>, is_concerned: impl Fn(&Call) -> bool, changes: &mut Vec<Change<'a>>) {
    let calls = context.document.calls.iter().enumerate();
    let failed: Vec<(usize, &Call)> = calls.filter(|(_, call)| is_concerned(call) && !has_succeeded(call)).collect();
    for (i, call) in failed.iter().copied().take(MAX_COHORTS) {
        let words = format!("call {i} ({}) was answered with HTTP 200 and ok", call_name(call));
        changes.push(change_document(words, move |document| document.calls.get_mut(i).into_iter().for_each(succeed)));
    }
    if failed.len() > 1 {
        changes.push(change_document("every call was answered with HTTP 200 and ok", |document| {
            document.calls.iter_mut().filter(|call| !has_succeeded(call)).for_each(succeed);
        }));
    }
}

fn has_succeeded(call: &Call) -> bool {
    let last = call.attempts.last();
    let is_answer = |last: &Attempt| last.status == Some(200) && last.malformed.is_none() && last.last;
    call.ok == Field::Given(true) && last.is_some_and(is_answer)
}

fn succeed(call: &mut Call) {
    call.ok = Field::Given(true);
    let at = call.attempts.pop().and_then(|last| last.at);
    let well = Attempt::in_flight(Text::from(""));
    call.attempts.push(Attempt { at, status: Some(200), last: true, ..well });
}

/// The tenants that a call names, or that it is the plan call.
pub fn call_name(call: &Call) -> String {
    match call.purpose {
        Purpose::Plan => "the plan call".to_owned(),
        _ => names_of(call.tenants.iter()),
    }
}

/// The first digits of a commit, as they are shown.
fn short_sha(sha: &Text) -> &str {
    sha.get(..MAX_SHA).unwrap_or(sha)
}

/// Whether an answer names a commit, and nothing is wrong with it.
fn has_answered_with(probe: &Probe, sha: &Text) -> bool {
    probe.status == Some(200) && probe.error.is_none() && probe.git_sha.given() == Some(sha)
}

fn add_build<'a>(document: &'a Document, tenant: &'a str, changes: &mut Vec<Change<'a>>) {
    let Some(probes) = &document.probes else { return };
    let probe = probes.iter().find(|probe| probe.tenants.iter().any(|named| **named == *tenant));
    let Some(sha) = &document.rollout.target_sha else {
        changes.extend(probe.and_then(name_answered_commit));
        return;
    };
    if probe.is_none_or(|probe| !has_answered_with(probe, sha)) {
        let words = format!("its /buildinfo named the commit {}", short_sha(sha));
        changes.push(change_document(words, move |document| answer_with_target(document, &[Text::from(tenant)])));
    }
}

fn add_builds<'a>(context: &ExplainContext<'a>, changes: &mut Vec<Change<'a>>) {
    let document = context.document;
    let Some(probes) = &document.probes else { return };
    let Some(sha) = &document.rollout.target_sha else {
        changes.extend(probes.iter().find_map(name_answered_commit));
        return;
    };
    let others: Vec<&Probe> = probes.iter().filter(|probe| !has_answered_with(probe, sha)).collect();
    for probe in others.iter().copied().take(MAX_COHORTS) {
        let words = format!("the /buildinfo of {} named the commit {}", names_of(probe.tenants.iter()), short_sha(sha));
        changes.push(change_document(words, |document| answer_with_target(document, &probe.tenants)));
    }
    let named: HashSet<&Text> = probes.iter().flat_map(|probe| &probe.tenants).collect();
    let proven =
        document.cohorts.iter().zip(context.cohorts).filter(|(cohort, summary)| cohort.planned && summary.proven);
    let all_asked = proven.flat_map(|(cohort, _)| &cohort.tenants).all(|tenant| named.contains(tenant));
    if others.len() > 1 || probes.is_empty() || !all_asked {
        let words = format!("every tenant had been asked for its build and named the commit {}", short_sha(sha));
        changes.push(change_document(words, answer_with_target_everywhere));
    }
}

/// The change by which the plan names the commit of a tenant's answer, where it names none.
fn name_answered_commit(probe: &Probe) -> Option<Change<'_>> {
    let sha = probe.git_sha.given()?;
    let words = format!("the plan named the commit {}, as /buildinfo does", short_sha(sha));
    Some(change_document(words, |document: &mut Document| document.rollout.target_sha = Some(sha.clone())))
}

/// Makes tenants answer with the rollout's commit.
fn answer_with_target(document: &mut Document, tenants: &[Text]) {
    let Some(sha) = document.rollout.target_sha.clone() else { return };
    let asked: HashSet<&Text> = tenants.iter().collect();
    let probes = document.probes.get_or_insert_default();
    let url = probes.first().map_or_else(|| Text::from(""), |probe| probe.url.clone());
    for probe in probes.iter_mut() {
        probe.tenants.retain(|tenant| !asked.contains(tenant));
    }
    probes.retain(|probe| !probe.tenants.is_empty());
    let at = document.rollout.finished_at.clone();
    let git_sha = Field::Given(sha);
    probes.push(Probe {
        url,
        tenants: tenants.to_vec(),
        asked: 1,
        at,
        status: Some(200),
        git_sha,
        error: None,
        failure: None,
    });
}

fn answer_with_target_everywhere(document: &mut Document) {
    let planned = document.cohorts.iter().filter(|cohort| cohort.planned);
    let tenants: Vec<Text> = planned.flat_map(|cohort| cohort.tenants.iter().cloned()).collect();
    answer_with_target(document, &tenants);
}

/// What opens a gate: in words, and as an edit.
type OpenGate = (String, fn(&mut Gates));

fn add_gates(document: &Document, changes: &mut Vec<Change<'_>>) {
    let closed = closed_gates(document);
    let is_stopped =
        has_stopped(document) || document.gates.as_ref().is_some_and(|gates| gates.plan_disabled.is_some());
    for (words, open) in closed {
        changes.push(change_document(words.clone(), move |document| document.gates.iter_mut().for_each(open)));
        if is_stopped {
            let words = format!("{words}, and the rollout had gone on to its end and proven everybody else");
            changes.push(change_document(words, move |document| {
                document.gates.iter_mut().for_each(open);
                complete_rollout(document);
            }));
        }
    }
}

/// The gates that did not let the rollout pass: what opens each.
fn closed_gates(document: &Document) -> Vec<OpenGate> {
    let Some(gates) = &document.gates else { return Vec::new() };
    let mut closed: Vec<OpenGate> = Vec::new();
    if gates.plan_disabled.is_some() {
        closed.push(("the plan was enabled".to_owned(), |gates| gates.plan_disabled = None));
    }
    if let Some(last) = gates.switch.last().filter(|last| last.state != SwitchState::Off) {
        let off = |gates: &mut Gates| {
            if let Some(last) = gates.switch.last_mut() {
                (last.state, last.source, last.value) = (SwitchState::Off, SwitchSource::Live, None);
            }
        };
        closed.push((format!("the kill switch {} was off", last.variable), off));
    }
    if let Some(ci) = &gates.ci {
        let is_green = |state: Option<&Text>| state.is_some_and(|state| **state == *SUCCESS);
        let others = ci.contexts.iter().filter(|context| !is_green(context.state.as_ref()));
        let others: Vec<&Text> = others.map(|context| &context.name).collect();
        let words = match others.as_slice() {
            [] => "the statuses of the commit had been read to the end".to_owned(),
            [one] => format!("the required CI context {one} was a {SUCCESS}"),
            several => format!("the required CI contexts {} were a {SUCCESS}", names_of(several.iter())),
        };
        let green = |gates: &mut Gates| {
            if let Some(ci) = &mut gates.ci {
                ci.end = CiEnd::Answered;
                ci.contexts.iter_mut().for_each(|context| context.state = Some(Text::from(SUCCESS)));
            }
        };
        if !others.is_empty() || ci.end != CiEnd::Answered {
            closed.push((words, green));
        }
    }
    if let Some(last) = gates.head.last().filter(|last| last.state != HeadState::Latest) {
        let latest = |gates: &mut Gates| {
            if let Some(last) = gates.head.last_mut() {
                (last.state, last.head) = (HeadState::Latest, Some(last.sha.clone()));
            }
        };
        closed.push((format!("{} was the head of {}", short_sha(&last.sha), last.branch), latest));
    }
    closed
}

const fn has_stopped(document: &Document) -> bool {
    matches!(document.rollout.outcome, Outcome::Halted | Outcome::Interrupted | Outcome::Running)
}

fn add_end(document: &Document, changes: &mut Vec<Change<'_>>) {
    if has_stopped(document) {
        changes.push(change_document("the rollout had gone on to its end", |document| {
            document.rollout.outcome = Outcome::Completed;
        }));
        let words = "the rollout had gone on to its end and proven everybody whom no row answers for";
        changes.push(change_document(words, complete_rollout));
    }
}

/// Lets the rollout end, and proves every tenant that has no row.
fn complete_rollout(document: &mut Document) {
    document.rollout.outcome = Outcome::Completed;
    document.rollout.halted_because = None;
    document.rollout.next = None;
    // Where no call was made, no tenant was enumerated.
    if document.fleet.source == FleetSource::None {
        document.fleet.source = FleetSource::PlanCall;
        let tenant = document.rollout.canary.clone().unwrap_or_else(|| Text::from(MADE_UP_TENANT));
        add_tenant(document, &tenant);
    }
    document
        .cohorts
        .iter_mut()
        .filter(|cohort| cohort.rows.is_empty())
        .for_each(|cohort| cohort.rows.push(verified_row()));
    if document.probes.is_some() {
        answer_with_target_everywhere(document);
    }
}

fn add_enumeration(document: &Document, changes: &mut Vec<Change<'_>>) {
    let fleet = &document.fleet;
    if fleet.source == FleetSource::Response {
        let words = "an independent fleet of the same tenants was given";
        changes.push(change_document(words, |document| document.fleet.source = FleetSource::File));
    }
    if fleet.source == FleetSource::PlanCall && !document.provenance.inputs.iter().any(|file| file.role == Role::Fleet)
    {
        changes.push(change_document("an inventory of the same tenants was given", |document| {
            let (name, sha256) = (Text::from("inventory"), Text::from(""));
            document.provenance.inputs.push(InputFile { role: Role::Fleet, name, bytes: 0, sha256 });
        }));
    }
    if fleet.tenants == 0 {
        let words = "the fleet had a tenant, whose row said \"verified_on_target\": true";
        changes.push(change_document(words, |document| add_tenant(document, &Text::from(MADE_UP_TENANT))));
    }
    if !fleet.inventory.is_empty() {
        let words = "the control plane enumerated every tenant of the inventory";
        changes.push(change_document(words, |document| document.fleet.inventory.clear()));
    }
    if !fleet.dropped.is_empty() {
        let words = "every attempt of the plan call enumerated the same tenants";
        changes.push(change_document(words, |document| document.fleet.dropped.clear()));
    }
}

/// Adds a change by which the fleet has a tenant, where it has not.
fn add_membership<'a>(document: &'a Document, tenant: &'a str, who: &str, changes: &mut Vec<Change<'a>>) {
    match find_tenant(document, tenant).map(|(cohort, _)| document.cohorts[cohort].planned) {
        Some(true) => {}
        Some(false) => changes.push(change_document(format!("the fleet enumerated {who}"), move |document| {
            isolate_tenant(document, tenant).planned = true;
            document.fleet.tenants += 1;
        })),
        None => {
            let words = format!("the fleet enumerated {who}, and its row said \"verified_on_target\": true");
            changes.push(change_document(words, move |document| add_tenant(document, &Text::from(tenant))));
        }
    }
}

/// Adds a tenant to the fleet, with a row that proves it.
fn add_tenant(document: &mut Document, tenant: &Text) {
    document.fleet.tenants += 1;
    document.cohorts.push(Cohort {
        planned: true,
        labels: Map::default(),
        call: None,
        tenants: vec![tenant.clone()],
        rows: vec![verified_row()],
        origins: Origins::default(),
    });
}
