//! What could have been different: single changes of the evidence, the plan, the parameters or the waivers. Whether one
//! turns anything is not known here; the policies are asked.

use std::collections::HashSet;

use crate::declared::day::Day;
use crate::declared::params::Kind;
use crate::explain::context::{ExplainContext, place};
use crate::model::document::text::{Field, Text};
use crate::model::document::{AnomalyKind, Attempt, Call, Cohort, Document, FleetSource, Outcome, Row};
use crate::model::finding::{Finding, Severity};
use crate::policy::waivers::Waiver;
use crate::report::Report;

/// How many cohorts are looked at one by one.
const MAX_COHORTS: usize = 12;

/// A single change.
pub struct Change<'a> {
    /// It in words, as a condition.
    pub words: String,
    /// What it does.
    pub apply: Apply<'a>,
}

/// What a change does.
pub enum Apply<'a> {
    /// Something of the document.
    Document(Box<dyn Fn(&mut Document) + 'a>),
    /// A parameter's value.
    Param(String, String),
    /// One waiver more.
    Waiver(Waiver),
}

impl std::fmt::Debug for Apply<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Document(_) => f.write_str("Document"),
            Self::Param(name, text) => write!(f, "{name}={text}"),
            Self::Waiver(waiver) => write!(f, "{waiver:?}"),
        }
    }
}

/// What makes a row worse.
type Worsen = fn(&mut Row);

fn evidence<'a>(words: impl Into<String>, apply: impl Fn(&mut Document) + 'a) -> Change<'a> {
    Change { words: words.into(), apply: Apply::Document(Box::new(apply)) }
}

/// Whether a finding stands against a pass.
pub fn blocks(finding: &Finding) -> bool {
    finding.waived.is_none() && matches!(finding.severity, Severity::Deny | Severity::Inconclusive)
}

/// What could have gone better for one tenant.
pub fn for_tenant<'a>(context: &ExplainContext<'a>, tenant: &'a str) -> Vec<Change<'a>> {
    let mut changes = Vec::new();
    if let Some((cohort, position)) = place(context.document, tenant) {
        let group = &context.document.cohorts[cohort];
        let whose = context.row_name(cohort, position);
        changes.extend(better_rows(context, cohort, &whose, &move |document, edit| {
            edit(isolate_tenant(document, tenant));
        }));
        if !group.planned {
            changes.push(evidence("the fleet enumerated it", move |document| {
                isolate_tenant(document, tenant).planned = true;
                document.fleet.tenants += 1;
            }));
        }
    }
    if context.document.fleet.inventory.iter().any(|name| **name == *tenant) {
        changes.push(evidence("the control plane enumerated it", move |document| {
            document.fleet.inventory.retain(|name| **name != *tenant);
        }));
    }
    calls(context, |call| call.tenants.iter().any(|named| **named == *tenant), &mut changes);
    if context.document.rollout.canary.as_deref() == Some(tenant) {
        changes.push(evidence("another tenant, or none, were the canary", |document| document.rollout.canary = None));
    }
    tolerance(context, &mut changes);
    waivers(context, Some(tenant), &mut changes);
    params(context, &mut changes);
    changes
}

/// What could have gone better for the rollout as a whole.
pub fn fixes<'a>(context: &ExplainContext<'a>) -> Vec<Change<'a>> {
    let mut changes = Vec::new();
    let document = context.document;
    let blocked = context.report.findings.iter().filter(|finding| blocks(finding));
    let blocked: HashSet<&Text> = blocked.flat_map(|finding| &finding.tenants).collect();
    let named = |cohort: &Cohort| cohort.tenants.iter().any(|tenant| blocked.contains(tenant));
    let concerned = document.cohorts.iter().enumerate().filter(|(_, cohort)| named(cohort)).take(MAX_COHORTS);
    for (i, cohort) in concerned {
        let Some(first) = cohort.tenants.first() else { continue };
        let many = cohort.tenants.len();
        if many > 1 {
            let whose = format!("a row of one of {}", crate::text::escape::names_of(cohort.tenants.iter()));
            changes.extend(better_rows(context, i, &whose, &move |document, edit| {
                edit(isolate_tenant(document, first));
            }));
        }
        let whose = if many > 1 {
            format!("the rows of {}", crate::text::escape::names_of(cohort.tenants.iter()))
        } else {
            format!("the row of {first}")
        };
        changes.extend(better_rows(context, i, &whose, &move |document, edit| {
            if let Some(cohort) = document.cohorts.get_mut(i) {
                cohort.origins = crate::model::document::origins::Origins::default();
                edit(cohort);
            }
        }));
    }
    calls(context, |_| true, &mut changes);
    tolerance(context, &mut changes);
    waivers(context, None, &mut changes);
    params(context, &mut changes);
    of_rollout(document, &mut changes);
    changes
}

/// What could have gone worse, where a rollout passes.
pub fn regressions<'a>(context: &ExplainContext<'a>) -> Vec<Change<'a>> {
    let mut changes = Vec::new();
    let document = context.document;
    for cohort in document.cohorts.iter().filter(|cohort| cohort.planned).take(MAX_COHORTS) {
        let Some(first) = cohort.tenants.first() else { continue };
        let who = match cohort.tenants.len() {
            1 => first.to_string(),
            _ => format!("one of {}", crate::text::escape::names_of(cohort.tenants.iter())),
        };
        if cohort.rows.is_empty() {
            continue;
        }
        changes.push(evidence(format!("no row answered for {who}"), |document| {
            isolate_tenant(document, first).rows.clear();
        }));
        let worse: [(&str, Worsen); 2] = [
            ("\"verified_on_target\": false", |row| row.verified_on_target = Field::Given(false)),
            ("\"healthz_ok\": false", |row| row.healthz_ok = Field::Given(false)),
        ];
        for (words, edit) in worse {
            changes.push(evidence(format!("the row of {who} said {words}"), move |document| {
                isolate_tenant(document, first).rows.last_mut().into_iter().for_each(edit);
            }));
        }
    }
    for (i, call) in document.calls.iter().enumerate().take(MAX_COHORTS) {
        changes.push(evidence(format!("call {i} ({}) failed with HTTP 500", names(call)), move |document| {
            if let Some(call) = document.calls.get_mut(i) {
                call.ok = Field::Given(false);
                call.attempts.last_mut().into_iter().for_each(|last| last.status = Some(500));
            }
        }));
    }
    if document.archive.is_some() {
        changes.push(evidence("the archived response said \"ok\": false", |document| {
            document.archive.iter_mut().for_each(|archive| archive.ok = Field::Given(false));
        }));
        changes.push(evidence("the fleet were not given", |document| document.fleet.source = FleetSource::Response));
    }
    if document.rollout.max_stragglers > 0 {
        changes.push(evidence("no straggler were tolerated", |document| document.rollout.max_stragglers = 0));
    }
    params(context, &mut changes);
    changes
}

/// An edit of a cohort, and it in words.
type Edit<'a> = (String, Box<dyn Fn(&mut Cohort) + 'a>);

/// The rows of a cohort, or of one tenant of it, as they could have been better. `whose` names them, and `apply` applies
/// an edit to their cohort.
fn better_rows<'a, F>(context: &ExplainContext<'a>, cohort: usize, whose: &str, apply: &F) -> Vec<Change<'a>>
where
    F: Fn(&mut Document, &dyn Fn(&mut Cohort)) + Clone + 'a,
{
    let document = context.document;
    let edits = edits(&document.cohorts[cohort], context.counting_row(cohort), document.rollout.target_tag.as_ref());
    let change = |(words, edit): Edit<'a>| {
        let apply = apply.clone();
        evidence(format!("{whose} {words}"), move |document| apply(document, &*edit))
    };
    edits.into_iter().map(change).collect()
}

/// A row that says no more than that its tenant runs the target.
fn verified() -> Row {
    Row { verified_on_target: Field::Given(true), ..Row::default() }
}

fn edits<'a>(cohort: &'a Cohort, counts: Option<usize>, target: Option<&Text>) -> Vec<Edit<'a>> {
    // Without a row that counts it is one that another change of a pair adds.
    let row_says = |words: &str, edit: Box<dyn Fn(&mut Row) + 'a>| -> Edit<'a> {
        let edit = move |cohort: &mut Cohort| {
            let last = cohort.rows.len().saturating_sub(1);
            cohort.rows.get_mut(counts.unwrap_or(last)).into_iter().for_each(&edit);
        };
        (format!("said {words}"), Box::new(edit))
    };
    let mut edits = Vec::new();
    let Some(row) = counts.and_then(|row| cohort.rows.get(row)) else {
        let row = verified();
        let words = "were there and said \"verified_on_target\": true".to_owned();
        edits.push((words, Box::new(move |cohort: &mut Cohort| cohort.rows = vec![row.clone()]) as Box<_>));
        edits.push(row_says("\"healthz_ok\": true", Box::new(|row| row.healthz_ok = Field::Given(true))));
        return edits;
    };
    if row.verified_on_target != Field::Given(true) {
        let edit = |row: &mut Row| row.verified_on_target = Field::Given(true);
        edits.push(row_says("\"verified_on_target\": true", Box::new(edit)));
    }
    if row.healthz_ok != Field::Given(true) {
        edits.push(row_says("\"healthz_ok\": true", Box::new(|row| row.healthz_ok = Field::Given(true))));
    }
    if row.ssm_exit_code.given().is_some_and(|code| *code != 0) {
        edits.push(row_says("\"ssm_exit_code\": 0", Box::new(|row| row.ssm_exit_code = Field::Given(0))));
    }
    if row.ssm_status.given().is_some_and(|status| !status.trim().eq_ignore_ascii_case("success")) {
        let edit = |row: &mut Row| row.ssm_status = Field::Given(Text::from("Success"));
        edits.push(row_says("\"ssm_status\": \"Success\"", Box::new(edit)));
    }
    if row.error.given().is_some_and(|error| !error.trim().is_empty()) {
        edits.push(row_says("no error", Box::new(|row| row.error = Field::Absent)));
    }
    if let (Some(image), Some(target)) = (row.running_image.given(), target) {
        let name = image.rsplit_once(':').map_or(&**image, |(name, _)| name);
        let other = Text::from(format!("{name}:{target}"));
        if other != *image {
            let words = format!("\"running_image\": \"{other}\"");
            edits.push(row_says(&words, Box::new(move |row| row.running_image = Field::Given(other.clone()))));
        }
    }
    if cohort.rows.len() > 1 {
        let alone = row.clone();
        let edit = move |cohort: &mut Cohort| cohort.rows = vec![alone.clone()];
        edits.push(("stood alone, without the rows before and behind it".to_owned(), Box::new(edit)));
    }
    edits
}

/// The tenant's own cohort: it is taken out of a larger one.
fn isolate_tenant<'d>(document: &'d mut Document, tenant: &str) -> &'d mut Cohort {
    let at = place(document, tenant);
    let cohorts = &mut document.cohorts;
    if let Some((i, position)) = at {
        cohorts[i].origins = crate::model::document::origins::Origins::default();
        if cohorts[i].tenants.len() == 1 {
            return &mut cohorts[i];
        }
        let name = cohorts[i].tenants.remove(position);
        let mut own = cohorts[i].without_tenants();
        own.tenants.push(name);
        cohorts.push(own);
    }
    let last = cohorts.len().saturating_sub(1);
    &mut cohorts[last]
}

fn calls<'a>(context: &ExplainContext<'a>, wanted: impl Fn(&Call) -> bool, changes: &mut Vec<Change<'a>>) {
    for (i, call) in context.document.calls.iter().enumerate().filter(|(_, call)| wanted(call)).take(MAX_COHORTS) {
        let last = call.attempts.last();
        let fine = call.ok == Field::Given(true)
            && last.is_some_and(|last| last.status == Some(200) && last.malformed.is_none() && last.last);
        if !fine {
            changes.push(evidence(
                format!("call {i} ({}) were answered with HTTP 200 and ok", names(call)),
                move |document| {
                    if let Some(call) = document.calls.get_mut(i) {
                        call.ok = Field::Given(true);
                        let at = call.attempts.pop().and_then(|last| last.at);
                        let well = Attempt::in_flight(Text::from(""));
                        call.attempts.push(Attempt { at, status: Some(200), last: true, ..well });
                    }
                },
            ));
        }
    }
}

fn names(call: &Call) -> String {
    match call.purpose {
        crate::model::document::Purpose::Plan => "the plan call".to_owned(),
        _ => crate::text::escape::names_of(call.tenants.iter()),
    }
}

/// More stragglers that are tolerated: one more, and as many as there are.
fn tolerance(context: &ExplainContext<'_>, changes: &mut Vec<Change<'_>>) {
    let tolerated = context.report.summary.tolerated;
    let by_param = context.report.params.iter().any(|param| param.name == "max_stragglers" && param.value.is_some());
    let mut limits = vec![tolerated + 1, context.report.summary.stragglers];
    limits.dedup();
    for limit in limits.into_iter().filter(|limit| *limit > tolerated) {
        let many = if limit == 1 { "1 straggler".to_owned() } else { format!("{limit} stragglers") };
        let words = format!("{many} were tolerated, not {tolerated}");
        changes.push(if by_param {
            Change { words, apply: Apply::Param("max_stragglers".into(), limit.to_string()) }
        } else {
            evidence(words, move |document| document.rollout.max_stragglers = limit)
        });
    }
}

/// A waiver for each code that blocks, for one tenant or for all that the finding names.
fn waivers(context: &ExplainContext<'_>, tenant: Option<&str>, changes: &mut Vec<Change<'_>>) {
    let Some((day, when)) = day(context.document) else { return };
    let mut codes = std::collections::BTreeSet::new();
    for finding in context.report.findings.iter().filter(|finding| blocks(finding)) {
        let tenants: Vec<Text> = match tenant {
            Some(tenant) => finding.tenants.iter().filter(|named| ***named == *tenant).cloned().collect(),
            None => finding.tenants.clone(),
        };
        if tenants.is_empty() || !codes.insert(&finding.code) {
            continue;
        }
        let who = crate::text::escape::names_of(tenants.iter());
        let waiver = Waiver {
            code: finding.code.clone(),
            tenants: Some(tenants),
            labels: None,
            reason: "a trial".into(),
            owner: "explain".into(),
            granted: day.clone(),
            expires: day.clone(),
        };
        let words = format!("a waiver in force {when} covered {} for {who}", finding.code);
        changes.push(Change { words, apply: Apply::Waiver(waiver) });
    }
}

/// The day by which waivers are judged, and it in words. Where the rollout has no date of its own it is the day of
/// collection, which the words leave open: they stay the same whenever the evidence is read.
fn day(document: &Document) -> Option<(Day, String)> {
    let rollout = &document.rollout;
    let day = |at: &Text| Day::new(at.get(..10)?);
    match rollout.finished_at.as_ref().or(rollout.started_at.as_ref()) {
        Some(at) => day(at).map(|day| (day.clone(), format!("on {}", String::from(day)))),
        None => Some((day(&document.provenance.collected_at)?, "when the evidence was collected".to_owned())),
    }
}

/// Every boolean parameter, the other way round.
fn params(context: &ExplainContext<'_>, changes: &mut Vec<Change<'_>>) {
    for param in &context.report.params {
        let declared = context.evaluation.policies().declared().get(&param.name);
        if declared.is_some_and(|declared| declared.kind == Kind::Boolean) {
            let other = param.value != Some(true.into());
            let words = format!("the parameter {} were {other}", param.name);
            changes.push(Change { words, apply: Apply::Param(param.name.clone(), other.to_string()) });
        }
    }
}

/// What a whole rollout could have been instead.
fn of_rollout(document: &Document, changes: &mut Vec<Change<'_>>) {
    let rollout = &document.rollout;
    if matches!(rollout.outcome, Outcome::Halted | Outcome::Interrupted) {
        changes.push(evidence("the rollout had gone on to its end", |document| {
            document.rollout.outcome = Outcome::Completed;
        }));
        let words = "the rollout had gone on to its end and verified everybody whom no row answers for";
        changes.push(evidence(words, |document| {
            document.rollout.outcome = Outcome::Completed;
            for cohort in document.cohorts.iter_mut().filter(|cohort| cohort.rows.is_empty()) {
                cohort.rows.push(verified());
            }
        }));
    }
    if rollout.dry_run {
        changes.push(evidence("it were no dry run", |document| document.rollout.dry_run = false));
    }
    if rollout.canary.is_some() {
        changes.push(evidence("no canary were named", |document| document.rollout.canary = None));
    }
    if document.gates.as_ref().is_some_and(|gates| gates.plan_disabled.is_some()) {
        changes.push(evidence("the plan were enabled", |document| document.gates = None));
    }
    if document.fleet.source == FleetSource::Response {
        let words = "an independent fleet of the same tenants were given";
        changes.push(evidence(words, |document| document.fleet.source = FleetSource::File));
    }
    if !document.fleet.inventory.is_empty() {
        let words = "the control plane enumerated every tenant of the inventory";
        changes.push(evidence(words, |document| document.fleet.inventory.clear()));
    }
    if !document.fleet.dropped.is_empty() {
        let words = "every attempt of the plan call enumerated the same tenants";
        changes.push(evidence(words, |document| document.fleet.dropped.clear()));
    }
    if document.archive.as_ref().is_some_and(|archive| archive.ok != Field::Given(true)) {
        changes.push(evidence("the archived response said \"ok\": true", |document| {
            document.archive.iter_mut().for_each(|archive| archive.ok = Field::Given(true));
        }));
    }
    if document.anomalies.iter().any(|anomaly| anomaly.kind == AnomalyKind::LiveRowInPlanCall) {
        changes.push(evidence("the plan call's answer held no live row", |document| {
            document.anomalies.retain(|anomaly| anomaly.kind != AnomalyKind::LiveRowInPlanCall);
        }));
    }
}

/// Whether anything stands against a pass that names the tenant.
pub fn is_blocked(report: &Report, tenant: &str) -> bool {
    let named = |finding: &&Finding| finding.tenants.iter().any(|named| **named == *tenant);
    report.findings.iter().filter(named).any(blocks)
}
