//! The single changes of the evidence, the plan, the parameters and the waivers that are tried. Whether one turns anything is
//! not known here; the policies are evaluated for that.

use std::collections::{BTreeSet, HashSet};

use crate::declared::day::Day;
use crate::declared::params::Kind;
use crate::explain::change::{Apply, Change, MAX_COHORTS, blocks, change_document, isolate_tenant, verified_row};
use crate::explain::circumstances;
use crate::explain::context::{ExplainContext, find_tenant};
use crate::model::document::origins::Origins;
use crate::model::document::text::{Field, Text};
use crate::model::document::{Cohort, Document, FleetSource, Row};
use crate::policy::waivers::Waiver;
use crate::text::escape::names_of;
use crate::text::plural::plural;

/// An edit that makes a row worse.
type Worsen = fn(&mut Row);

/// The changes that could have gone better for one tenant.
pub fn fixes_for_tenant<'a>(context: &ExplainContext<'a>, tenant: &'a str) -> Vec<Change<'a>> {
    let mut changes = Vec::new();
    if let Some((cohort, position)) = find_tenant(context.document, tenant) {
        let whose = context.row_name(cohort, position);
        changes.extend(better_rows(context, cohort, &whose, &move |document, edit| {
            edit(isolate_tenant(document, tenant));
        }));
    }
    circumstances::add_for_tenant(context, tenant, &mut changes);
    add_tolerance(context, &mut changes);
    add_waivers(context, Some(tenant), &mut changes);
    add_params(context, &mut changes);
    changes
}

/// The changes that could have gone better for the rollout as a whole.
pub fn fixes<'a>(context: &ExplainContext<'a>) -> Vec<Change<'a>> {
    let mut changes = Vec::new();
    // Pairs are tried in this order, and most that turn something have a change of the rollout as a whole.
    circumstances::add_for_rollout(context, &mut changes);
    let document = context.document;
    let blocked = context.report.findings.iter().filter(|finding| blocks(finding));
    let blocked: HashSet<&Text> = blocked.flat_map(|finding| &finding.tenants).collect();
    let named = |cohort: &Cohort| cohort.tenants.iter().any(|tenant| blocked.contains(tenant));
    let concerned = document.cohorts.iter().enumerate().filter(|(_, cohort)| named(cohort)).take(MAX_COHORTS);
    for (i, cohort) in concerned {
        let Some(first) = cohort.tenants.first() else { continue };
        let many = cohort.tenants.len();
        if many > 1 {
            let whose = format!("a row of one of {}", names_of(cohort.tenants.iter()));
            changes.extend(better_rows(context, i, &whose, &move |document, edit| {
                edit(isolate_tenant(document, first));
            }));
        }
        let whose = if many > 1 {
            format!("the rows of {}", names_of(cohort.tenants.iter()))
        } else {
            format!("the row of {first}")
        };
        changes.extend(better_rows(context, i, &whose, &move |document, edit| {
            if let Some(cohort) = document.cohorts.get_mut(i) {
                cohort.origins = Origins::default();
                edit(cohort);
            }
        }));
    }
    add_everywhere(context, &mut changes);
    add_tolerance(context, &mut changes);
    add_waivers(context, None, &mut changes);
    add_params(context, &mut changes);
    changes
}

/// The changes that could have gone worse, for a rollout that passes.
pub fn regressions<'a>(context: &ExplainContext<'a>) -> Vec<Change<'a>> {
    let mut changes = Vec::new();
    let document = context.document;
    for cohort in document.cohorts.iter().filter(|cohort| cohort.planned).take(MAX_COHORTS) {
        let Some(first) = cohort.tenants.first() else { continue };
        let who = match cohort.tenants.len() {
            1 => first.to_string(),
            _ => format!("one of {}", names_of(cohort.tenants.iter())),
        };
        if cohort.rows.is_empty() {
            continue;
        }
        changes.push(change_document(format!("no row answered for {who}"), |document| {
            isolate_tenant(document, first).rows.clear();
        }));
        let worse: [(&str, Worsen); 2] = [
            ("\"verified_on_target\": false", |row| row.verified_on_target = Field::Given(false)),
            ("\"healthz_ok\": false", |row| row.healthz_ok = Field::Given(false)),
        ];
        for (words, edit) in worse {
            changes.push(change_document(format!("the row of {who} said {words}"), move |document| {
                isolate_tenant(document, first).rows.last_mut().into_iter().for_each(edit);
            }));
        }
    }
    for (i, call) in document.calls.iter().enumerate().take(MAX_COHORTS) {
        changes.push(change_document(
            format!("call {i} ({}) failed with HTTP 500", circumstances::call_name(call)),
            move |document| {
                if let Some(call) = document.calls.get_mut(i) {
                    call.ok = Field::Given(false);
                    call.attempts.last_mut().into_iter().for_each(|last| last.status = Some(500));
                }
            },
        ));
    }
    if document.archive.is_some() {
        changes.push(change_document("the archived response said \"ok\": false", |document| {
            document.archive.iter_mut().for_each(|archive| archive.ok = Field::Given(false));
        }));
        changes
            .push(change_document("the fleet was not given", |document| document.fleet.source = FleetSource::Response));
    }
    if document.rollout.max_stragglers > 0 {
        changes.push(change_document("no straggler was tolerated", |document| document.rollout.max_stragglers = 0));
    }
    add_params(context, &mut changes);
    changes
}

/// Adds changes of all rows at once, where several could have been better.
fn add_everywhere<'a>(context: &ExplainContext<'a>, changes: &mut Vec<Change<'a>>) {
    let cohorts = || context.document.cohorts.iter().zip(context.cohorts).enumerate();
    let unproven = cohorts().filter(|(_, (cohort, summary))| cohort.planned && !summary.proven);
    let unproven: Vec<usize> = unproven.map(|(i, _)| i).collect();
    if !unproven.is_empty() {
        let words = "a later row of every tenant that is not proven said \"verified_on_target\": true";
        changes.push(change_document(words, move |document| {
            for i in &unproven {
                document.cohorts.get_mut(*i).into_iter().for_each(|cohort| cohort.rows.push(verified_row()));
            }
        }));
    }
    let is_ill = |row: &Row| row.healthz_ok == Field::Given(false);
    if cohorts().filter(|(_, (cohort, _))| cohort.rows.iter().any(is_ill)).count() > 1 {
        changes.push(change_document("every row said \"healthz_ok\": true", move |document| {
            let rows = document.cohorts.iter_mut().flat_map(|cohort| &mut cohort.rows);
            rows.filter(|row| is_ill(row)).for_each(|row| row.healthz_ok = Field::Given(true));
        }));
    }
}

/// An edit of a cohort: in words, and as a function.
type Edit<'a> = (String, Box<dyn Fn(&mut Cohort) + 'a>);

/// The changes by which the rows of a cohort, or of one tenant of it, would have been better. `whose` names the rows, and
/// `apply` applies an edit to their cohort.
fn better_rows<'a, F>(context: &ExplainContext<'a>, cohort: usize, whose: &str, apply: &F) -> Vec<Change<'a>>
where
    F: Fn(&mut Document, &dyn Fn(&mut Cohort)) + Clone + 'a,
{
    let document = context.document;
    let edits =
        row_edits(&document.cohorts[cohort], context.counting_row(cohort), document.rollout.target_tag.as_ref());
    let change = |(words, edit): Edit<'a>| {
        let apply = apply.clone();
        change_document(format!("{whose} {words}"), move |document| apply(document, &*edit))
    };
    edits.into_iter().map(change).collect()
}

fn row_edits<'a>(cohort: &'a Cohort, counting_row: Option<usize>, target: Option<&Text>) -> Vec<Edit<'a>> {
    // Where no row counts, the edit is of the row that the other change of a pair adds.
    let row_says = |words: &str, edit: Box<dyn Fn(&mut Row) + 'a>| -> Edit<'a> {
        let edit = move |cohort: &mut Cohort| {
            let last = cohort.rows.len().saturating_sub(1);
            cohort.rows.get_mut(counting_row.unwrap_or(last)).into_iter().for_each(&edit);
        };
        (format!("said {words}"), Box::new(edit))
    };
    let mut edits = Vec::new();
    let Some(row) = counting_row.and_then(|row| cohort.rows.get(row)) else {
        let row = verified_row();
        let words = "existed and said \"verified_on_target\": true".to_owned();
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
        edits.push(("was the only row, without those before and after it".to_owned(), Box::new(edit)));
    }
    edits
}

/// Adds higher tolerances: for one straggler more, and for all.
fn add_tolerance(context: &ExplainContext<'_>, changes: &mut Vec<Change<'_>>) {
    let tolerated = context.report.summary.tolerated;
    let by_param = context.report.params.iter().any(|param| param.name == "max_stragglers" && param.value.is_some());
    let mut limits = vec![tolerated + 1, context.report.summary.stragglers];
    limits.dedup();
    for limit in limits.into_iter().filter(|limit| *limit > tolerated) {
        let many = plural(limit, "straggler");
        let were = if limit == 1 { "was" } else { "were" };
        let words = format!("{many} {were} tolerated, not {tolerated}");
        changes.push(if by_param {
            Change { words, apply: Apply::Param("max_stragglers".into(), limit.to_string()) }
        } else {
            change_document(words, move |document| document.rollout.max_stragglers = limit)
        });
    }
}

/// Adds a waiver for each code that blocks, for one tenant or for all that the finding names.
fn add_waivers(context: &ExplainContext<'_>, tenant: Option<&str>, changes: &mut Vec<Change<'_>>) {
    let Some((day, when)) = day(context.document) else { return };
    let mut codes = BTreeSet::new();
    for finding in context.report.findings.iter().filter(|finding| blocks(finding)) {
        let tenants: Vec<Text> = match tenant {
            Some(tenant) => finding.tenants.iter().filter(|named| ***named == *tenant).cloned().collect(),
            None => finding.tenants.clone(),
        };
        if tenants.is_empty() || !codes.insert(&finding.code) {
            continue;
        }
        let who = names_of(tenants.iter());
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

/// The day on which waivers count, and its description. Where the rollout has no date, it is the day of collection, which the
/// description does not name: it stays the same whenever the evidence is read.
fn day(document: &Document) -> Option<(Day, String)> {
    let rollout = &document.rollout;
    let day = |at: &Text| Day::new(at.get(..10)?);
    match rollout.finished_at.as_ref().or(rollout.started_at.as_ref()) {
        Some(at) => day(at).map(|day| (day.clone(), format!("on {}", String::from(day)))),
        None => Some((day(&document.provenance.collected_at)?, "when the evidence was collected".to_owned())),
    }
}

/// Adds the other value of every boolean parameter.
fn add_params(context: &ExplainContext<'_>, changes: &mut Vec<Change<'_>>) {
    for param in &context.report.params {
        let declared = context.evaluation.policies().declared().get(&param.name);
        if declared.is_some_and(|declared| declared.kind == Kind::Boolean) {
            let other_value = param.value != Some(true.into());
            let words = format!("the parameter {} was {other_value}", param.name);
            changes.push(Change { words, apply: Apply::Param(param.name.clone(), other_value.to_string()) });
        }
    }
}
