//! Applies the control plane's answers to the state of a rollout.

use std::collections::{BTreeSet, HashSet};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::collect::fleet::is_enumeration;
use crate::collect::rollout::anomalies::malformed;
use crate::collect::rollout::state::Rollout;
use crate::collect::row::ResponseRow;
use crate::collect::scan::{ParsedObject, Refused, parse_known_fields};
use crate::collect::wire::Translated;
use crate::model::document::cohort::LabelsId;
use crate::model::document::failure::{Failure, FailureKind};
use crate::model::document::origins::Origin;
use crate::model::document::text::{Field, Text};
use crate::model::document::{AnomalyKind, Attempt, Fleet, FleetSource, Purpose};
use crate::text::json::without_place;
use crate::text::misspelt::misspelt;

/// An answer of the control plane (contract section 3), its rows unread.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(default)]
    ok: Field<bool>,
    #[serde(default)]
    error: Option<Text>,
    #[serde(default)]
    message: Option<Text>,
    #[serde(default, borrow)]
    results: Option<Vec<&'a RawValue>>,
}

impl Rollout {
    pub(crate) fn record_answer(&mut self, index: u32, attempt: u16, mut ended: Attempt, body: Option<&str>) {
        let Some(call) = self.document.calls.get(index as usize) else { return };
        let (purpose, tenants) = (call.purpose, call.tenants.clone());
        let mut ok = Field::Absent;
        // An answer that broke off after some rows still holds them, but it is no success.
        let is_whole = ended.error.is_none();
        let body = body.filter(|_| ended.malformed.is_none());
        let translated = body.and_then(|body| self.translate(body, index, attempt));
        let problem = translated.as_ref().and_then(|translated| translated.problem.as_ref());
        let problem = problem.map(|problem| malformed(problem, body.unwrap_or_default()));
        let body = translated.as_ref().map_or(body, |translated| Some(&*translated.text));
        match body.map(parse_known_fields::<Answer<'_>>) {
            Some(Ok(ParsedObject { value: answer, unknown, present, fields })) => {
                let misspelt = |field: &str| misspelt(field, fields.iter().copied(), |known| present.contains(known));
                for (field, known) in unknown.iter().filter_map(|field| Some((&**field, misspelt(field)?))) {
                    let place = || format!("/calls/{index}/attempts/{attempt}");
                    self.anomalies.add_unknown_field(place, Text::from(field), Some(known));
                }
                if is_whole {
                    ok = answer.ok;
                }
                let is_answered = is_whole && ended.status == Some(200) && problem.is_none();
                if is_answered && ok == Field::Absent && ended.failure.is_none() {
                    ended.failure = Some(Failure::new(FailureKind::NoOk, "HTTP 200, and the answer has no ok"));
                }
                let is_success = is_answered && ok == Field::Given(true);
                if is_whole {
                    let is_given = |text: &Text| !text.trim().is_empty();
                    // A success may well have something to say; it has no error to report.
                    let message = answer.message.filter(|_| !is_success);
                    ended.error = answer.error.filter(is_given).or_else(|| message.filter(is_given));
                }
                let origin = |row| Origin { call: Some(index), attempt: Some(attempt), row };
                let rows = answer.results.unwrap_or_default();
                ended.malformed = match purpose {
                    Purpose::Plan => self.enumerate(&rows, is_success, origin),
                    Purpose::Canary | Purpose::Batch => self.record_rows(&rows, &tenants, origin),
                };
            }
            Some(Err(error)) if is_whole => {
                let error = if error.is_data() { without_place(&error) } else { error.to_string() };
                ended.malformed = Some(malformed(&error, body.unwrap_or_default()));
            }
            Some(Err(_)) | None => {}
        }
        ended.malformed = problem.filter(|_| is_whole).or(ended.malformed);
        if ended.last {
            self.end_call(tenants);
        }
        let call = &mut self.document.calls[index as usize];
        call.ok = ok;
        if let Some(attempt) = call.attempts.get_mut(attempt as usize) {
            ended.at = attempt.at.take();
            *attempt = ended;
        }
    }

    /// Records that a call has ended: its tenants have been called.
    fn end_call(&mut self, tenants: Vec<Text>) {
        for tenant in &tenants {
            self.grouping.end_call(tenant);
        }
        self.called.extend(tenants);
        while self.fleet.get(self.called_prefix).is_some_and(|tenant| self.called.contains(tenant)) {
            self.called_prefix += 1;
        }
    }

    /// An answer of another wire as one of the contract; nothing where the wire is the contract's. Skipped items and labels
    /// are kept; labels of an independent list count more.
    fn translate(&mut self, body: &str, index: u32, attempt: u16) -> Option<Translated> {
        let call = self.document.calls.get(index as usize)?;
        let translated = self.wire.as_ref()?.translate(body, call.purpose, &call.tenants)?;
        for (at, reason) in &translated.skipped {
            self.anomalies.add_skipped_item(format!("/calls/{index}/attempts/{attempt}/answer{at}"), reason);
        }
        for (slug, labels) in &translated.labels {
            self.labels.entry(slug.clone()).or_insert_with(|| labels.clone());
        }
        Some(translated)
    }

    /// Records the rows of a plan call's answer: they enumerate, and are never evidence. Gives what is wrong with the answer.
    fn enumerate(&mut self, rows: &[&RawValue], is_success: bool, origin: impl Fn(u32) -> Origin) -> Option<Text> {
        let (mut fleet, mut is_live, mut problem) = (Vec::new(), false, None);
        for (i, raw) in (0..).zip(rows) {
            let row = match serde_json::from_str::<ResponseRow<'_>>(raw.get()) {
                Ok(row) => row,
                Err(error) => {
                    problem = problem.or_else(|| Some(malformed(&error.to_string(), raw.get())));
                    continue;
                }
            };
            let at = || pointer(&origin(i));
            for field in row.unknown.keys() {
                let field = Text::from(&**field);
                if let Some(known) = self.anomalies.misspelt_field(&field, row.present_fields()) {
                    self.anomalies.add_unknown_field(at, field, Some(known));
                }
            }
            let slug = row.slug().map(Text::from);
            if !is_enumeration(&row.row) {
                self.anomalies.add(AnomalyKind::LiveRowInPlanCall, at, slug.clone());
                is_live = true;
            }
            match slug {
                Some(slug) => fleet.push(slug),
                None => self.anomalies.add(AnomalyKind::UnattributedRow, at, None),
            }
        }
        if self.is_enumerated || !is_success || is_live || problem.is_some() {
            let known: HashSet<&Text> = self.fleet.iter().collect();
            self.named_by_plan_calls.extend(fleet.into_iter().filter(|slug| !known.contains(slug)));
            if self.is_enumerated {
                self.document.fleet.dropped = self.named_by_plan_calls.iter().cloned().collect();
            }
            return problem;
        }
        self.set_fleet(fleet);
        None
    }

    /// Sets the fleet as a plan call enumerated it.
    fn set_fleet(&mut self, fleet: Vec<Text>) {
        self.is_enumerated = true;
        for slug in &fleet {
            let labels =
                self.labels.get(slug).map_or_else(LabelsId::default, |labels| self.grouping.labels(labels.clone()));
            self.grouping.enumerate(slug, labels);
        }
        let mut enumerated = HashSet::new();
        self.fleet = fleet.into_iter().filter(|slug| enumerated.insert(slug.clone())).collect();
        self.inventory.retain(|tenant| !enumerated.contains(tenant));
        self.named_by_plan_calls.retain(|tenant| !enumerated.contains(tenant));
        self.document.fleet = Fleet {
            source: FleetSource::PlanCall,
            tenants: self.fleet.len() as u64,
            duplicates: self.grouping.duplicates(),
            inventory: std::mem::take(&mut self.inventory),
            dropped: self.named_by_plan_calls.iter().cloned().collect(),
            lookalikes: Vec::new(),
        };
    }

    /// Records the rows of an answer to a call that names tenants. Gives what is wrong with the answer.
    fn record_rows(&mut self, rows: &[&RawValue], tenants: &[Text], origin: impl Fn(u32) -> Origin) -> Option<Text> {
        let named: BTreeSet<&str> = tenants.iter().map(|tenant| &**tenant).collect();
        let mut problem = None;
        for (i, raw) in (0..).zip(rows) {
            let mut row = match serde_json::from_str::<ResponseRow<'_>>(raw.get()) {
                Ok(row) => row,
                Err(error) => {
                    problem = problem.or_else(|| Some(malformed(&error.to_string(), raw.get())));
                    continue;
                }
            };
            let at = origin(i);
            let place = || pointer(&at);
            if let Err(Refused) = self.fields.move_to_evidence(&mut row) {
                let error = "an evidence field holds no text, number, boolean or null that can be kept";
                problem = problem.or_else(|| Some(malformed(error, raw.get())));
                continue;
            }
            let present = row.present_fields();
            for field in std::mem::take(&mut row.unknown).into_keys() {
                let field = Text::from(&*field);
                let known = self.anomalies.misspelt_field(&field, present);
                self.anomalies.add_unknown_field(place, field, known);
            }
            let slug = row.slug().map(Text::from);
            let phase = row.phase().map(|phase| self.grouping.phase(phase));
            let is_evidence = match &slug {
                None => {
                    self.anomalies.add(AnomalyKind::UnattributedRow, place, None);
                    true
                }
                Some(slug) if named.contains(&**slug) => {
                    let row = self.grouping.row(row.row);
                    self.grouping.record_row(slug, row, phase, at);
                    true
                }
                Some(slug) => {
                    self.anomalies.add(AnomalyKind::UnrequestedRow, place, Some(slug.clone()));
                    !self.grouping.plans(slug) || self.grouping.record_unrequested_row(slug, row.row, phase, at)
                }
            };
            // A row that proves nothing here must not prove anything in the response file.
            if is_evidence {
                self.results.push((*raw).to_owned());
            }
        }
        problem
    }
}

/// Where a row of an answer stands.
fn pointer(origin: &Origin) -> String {
    let (call, attempt) = (origin.call.unwrap_or(0), origin.attempt.unwrap_or(0));
    format!("/calls/{call}/attempts/{attempt}/results/{}", origin.row)
}
