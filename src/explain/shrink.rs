//! Shrinking: everything is left out of a document that it does not need to keep a property, such as a finding.

use std::collections::HashSet;

use crate::explain::trial::Trials;
use crate::model::document::consistency::check;
use crate::model::document::gates::Gates;
use crate::model::document::lookalikes::lookalikes;
use crate::model::document::origins::Origins;
use crate::model::document::text::{Field, Map, Text};
use crate::model::document::{Archive, Call, Cohort, Document, FleetSource, Purpose, Role, Row};
use crate::report::Report;

/// The collection time of a smallest document on which its finding does not depend.
const EPOCH: &str = "1970-01-01T00:00:00Z";

/// A smaller document that still has the property; the document itself where none is found.
pub fn shrink(trials: &mut Trials<'_>, document: Document, has_property: &impl Fn(&Report) -> bool) -> Document {
    // The order names cohorts by index, which changes with every cohort that is left out.
    let document = Document { order: Vec::new(), ..document };
    let mut shrinking = Shrinking { trials, has_property, document };
    // Fewer cohorts first: the other steps look at every piece of what is left.
    shrinking.cohorts();
    loop {
        let before = shrinking.document.clone();
        shrinking.tenants();
        shrinking.cohorts();
        shrinking.calls();
        shrinking.rows();
        shrinking.gates();
        shrinking.probes();
        shrinking.other_parts();
        if shrinking.document == before {
            return shrinking.document;
        }
    }
}

struct Shrinking<'s, 'a, K> {
    trials: &'s mut Trials<'a>,
    has_property: &'s K,
    document: Document,
}

impl<K: Fn(&Report) -> bool> Shrinking<'_, '_, K> {
    /// Tries an edit, and keeps it where the document keeps the property.
    fn attempt(&mut self, edit: impl FnOnce(&mut Document)) -> bool {
        if self.trials.is_over() {
            return false;
        }
        let mut smaller = self.document.clone();
        edit(&mut smaller);
        make_consistent(&mut smaller);
        let is_kept = smaller != self.document
            && check(&smaller).is_ok()
            && self.trials.evaluate(&smaller).is_some_and(|report| (self.has_property)(&report));
        if is_kept {
            self.document = smaller;
        }
        is_kept
    }

    fn tenants(&mut self) {
        let single = |cohort: &mut Cohort| {
            cohort.tenants.truncate(1);
            cohort.origins = Origins::default();
        };
        self.attempt(|document| {
            document.cohorts.iter_mut().for_each(single);
            document.phases = Map::default();
        });
        for i in 0..self.document.cohorts.len() {
            let mut count = self.document.cohorts[i].tenants.len();
            if !self.attempt(|document| single(&mut document.cohorts[i])) {
                while count > 1 && self.attempt(|document| document.cohorts[i].tenants.truncate(count / 2)) {
                    count /= 2;
                }
                // The last tenants, one by one.
                while count > 1 && self.attempt(|document| document.cohorts[i].tenants.truncate(count - 1)) {
                    count -= 1;
                }
            }
        }
    }

    /// Leaves cohorts out, large stretches of them first.
    fn cohorts(&mut self) {
        let mut size = self.document.cohorts.len();
        while size > 0 {
            let mut at = 0;
            while at < self.document.cohorts.len() {
                let end = (at + size).min(self.document.cohorts.len());
                if !self.attempt(|document| drop(document.cohorts.drain(at..end))) {
                    at = end;
                }
            }
            size /= 2;
        }
    }

    fn calls(&mut self) {
        for i in (0..self.document.calls.len()).rev() {
            if self.attempt(|document| remove_call(document, i)) {
                continue;
            }
            self.attempt(|document| {
                let attempts = &mut document.calls[i].attempts;
                attempts.drain(..attempts.len().saturating_sub(1));
            });
            self.attempt(|document| document.calls[i].tenants.truncate(1));
            let edits: [fn(&mut Call); 4] = [
                |call| call.attempts.iter_mut().for_each(|attempt| attempt.error = None),
                |call| call.attempts.iter_mut().for_each(|attempt| attempt.malformed = None),
                |call| call.attempts.iter_mut().for_each(|attempt| attempt.failure = None),
                |call| call.attempts.iter_mut().for_each(|attempt| attempt.duration_ms = None),
            ];
            for edit in edits {
                self.attempt(|document| edit(&mut document.calls[i]));
            }
        }
    }

    fn rows(&mut self) {
        let edits: [fn(&mut Row); 7] = [
            |row| row.error = Field::Absent,
            |row| row.running_image = Field::Absent,
            |row| row.extra = Map::default(),
            |row| row.ssm_status = Field::Absent,
            |row| row.ssm_exit_code = Field::Absent,
            |row| row.healthz_ok = Field::Absent,
            |row| row.verified_on_target = Field::Absent,
        ];
        for i in 0..self.document.cohorts.len() {
            for k in (0..self.document.cohorts[i].rows.len()).rev() {
                self.attempt(|document| drop(document.cohorts[i].rows.remove(k)));
            }
            for k in 0..self.document.cohorts[i].rows.len() {
                for edit in edits {
                    self.attempt(|document| edit(&mut document.cohorts[i].rows[k]));
                }
            }
            self.attempt(|document| document.cohorts[i].labels = Map::default());
            self.attempt(|document| document.cohorts[i].call = None);
        }
    }

    fn gates(&mut self) {
        let edits: [fn(&mut Gates); 6] = [
            |gates| gates.plan_disabled = None,
            |gates| gates.ci = None,
            |gates| gates.switch.clear(),
            |gates| gates.head.clear(),
            |gates| drop(gates.switch.drain(..gates.switch.len().saturating_sub(1))),
            |gates| drop(gates.head.drain(..gates.head.len().saturating_sub(1))),
        ];
        for edit in edits {
            self.attempt(|document| document.gates.iter_mut().for_each(edit));
        }
    }

    fn probes(&mut self) {
        for i in (0..self.document.probes.as_ref().map_or(0, Vec::len)).rev() {
            self.attempt(|document| document.probes.iter_mut().for_each(|probes| drop(probes.remove(i))));
        }
        self.attempt(|document| document.probes.iter_mut().flatten().for_each(|probe| probe.tenants.truncate(1)));
    }

    fn other_parts(&mut self) {
        for i in (0..self.document.anomalies.len()).rev() {
            self.attempt(|document| drop(document.anomalies.remove(i)));
        }
        let edits: [fn(&mut Document); 21] = [
            // Where the finding does not depend on the day, the document does not either.
            |document| document.provenance.collected_at = Text::from(EPOCH),
            |document| document.phases = Map::default(),
            |document| document.cohorts.iter_mut().for_each(|cohort| cohort.origins = Origins::default()),
            // An archived response stays one, of which only the success is kept.
            |document| {
                let success = Archive { ok: Field::Given(true), ..Archive::default() };
                document.archive.iter_mut().for_each(|archive| *archive = success.clone());
            },
            |document| {
                document.archive.iter_mut().for_each(|archive| archive.stragglers = Field::Absent);
            },
            |document| {
                document.archive.iter_mut().for_each(|archive| archive.error = Field::Absent);
            },
            |document| {
                document.archive.iter_mut().for_each(|archive| archive.message = Field::Absent);
            },
            |document| document.gates = None,
            |document| document.fleet.duplicates.clear(),
            |document| document.fleet.inventory.truncate(1),
            |document| document.fleet.inventory.clear(),
            |document| document.fleet.dropped.truncate(1),
            |document| document.fleet.dropped.clear(),
            |document| document.provenance.inputs.clear(),
            |document| document.rollout.canary = None,
            |document| {
                document.rollout.batch_size = None;
                document.rollout.soak_seconds = None;
                document.rollout.control_plane = None;
                document.rollout.time_scale = None;
            },
            |document| document.rollout.extra = Map::default(),
            |document| {
                document.rollout.started_at = None;
                document.rollout.finished_at = None;
            },
            |document| document.rollout.halted_because = None,
            |document| {
                document.rollout.target_tag = None;
                document.rollout.target_sha = None;
            },
            |document| document.rollout.max_stragglers = 0,
        ];
        for edit in edits {
            self.attempt(edit);
        }
    }
}

/// Updates the parts of a document that follow from its tenants, its calls and the fleet's source.
pub fn make_consistent(document: &mut Document) {
    let tenants = |planned: bool| -> HashSet<Text> {
        let cohorts = document.cohorts.iter().filter(|cohort| cohort.planned || !planned);
        cohorts.flat_map(|cohort| cohort.tenants.iter().cloned()).collect()
    };
    let (all, planned) = (tenants(false), tenants(true));
    document.fleet.tenants = planned.len() as u64;
    document.fleet.lookalikes = lookalikes(document, []);
    document.fleet.duplicates.retain(|tenant| planned.contains(tenant));
    document.fleet.inventory.retain(|tenant| !planned.contains(tenant));
    for probe in document.probes.iter_mut().flatten() {
        probe.tenants.retain(|tenant| planned.contains(tenant));
    }
    document.probes.iter_mut().for_each(|probes| probes.retain(|probe| !probe.tenants.is_empty()));
    for i in (0..document.calls.len()).rev() {
        document.calls[i].tenants.retain(|tenant| all.contains(tenant));
        if document.calls[i].tenants.is_empty() && document.calls[i].purpose != Purpose::Plan {
            remove_call(document, i);
        }
    }
    let goes_on = document.calls.iter().any(|call| call.purpose != Purpose::Plan);
    if goes_on && document.rollout.canary.as_ref().is_some_and(|canary| !all.contains(canary)) {
        document.rollout.canary = None;
    }
    for cohort in &mut document.cohorts {
        let names_tenant = |call: &Call| cohort.tenants.first().is_some_and(|tenant| call.tenants.contains(tenant));
        let last = document.calls.iter().rposition(names_tenant).and_then(|call| u32::try_from(call).ok());
        cohort.call = last.filter(|_| cohort.rows.is_empty());
    }
    if document.fleet.source == FleetSource::Response {
        document.provenance.inputs.retain(|input| input.role != Role::Fleet);
    }
}

/// Removes a call, and updates the indices of calls in cohorts.
fn remove_call(document: &mut Document, i: usize) {
    document.calls.remove(i);
    for cohort in &mut document.cohorts {
        cohort.origins = Origins::default();
        cohort.call = match cohort.call.map(|call| call as usize) {
            Some(call) if call == i => None,
            Some(call) if call > i => u32::try_from(call - 1).ok(),
            _ => cohort.call,
        };
    }
}
