//! Grouping: which tenants have identical evidence. Loses nothing, and its result does not depend on the order in
//! which rows of different tenants arrived.

mod in_place;
mod interned;
mod names;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::ops::Range;

use foldhash::fast::{FixedState, RandomState};

use crate::model::document::cohort::in_place::{Key, Listed, Order};
use crate::model::document::cohort::interned::{Histories, HistoryId, Interner, index};
pub use crate::model::document::cohort::interned::{LabelsId, PhaseId, RowId};
use crate::model::document::cohort::names::Names;
use crate::model::document::origins::{Origin, Origins};
use crate::model::document::text::{Field, Map, Text};
use crate::model::document::{Cohort, Row, Run};

/// How many names after the last one are compared before any name is hashed: rows mostly come in the fleet's order.
const LOOK_AHEAD: usize = 4;

/// Rows, tenants and labels as they come in; [`Grouping::finish`] makes cohorts of them.
#[derive(Debug, Clone, Default)]
pub struct Grouping {
    names: Names,
    /// How many of the first `names` the fleet enumerates.
    planned: usize,
    duplicates: Vec<Text>,
    /// Parallel to `names`.
    labels: Vec<LabelsId>,
    label_sets: Interner<Map<Text>>,
    rows: Interner<Row>,
    phases: Interner<Text>,
    histories: Histories,
    /// Parallel to `names`: the rows so far.
    history: Vec<HistoryId>,
    /// Parallel to `names`: the last call that named the tenant.
    call: Vec<Option<u32>>,
    /// What was known of tenants before the call that names them, where it has not ended.
    in_flight: HashMap<u32, (HistoryId, Option<u32>), RandomState>,
    sightings: Vec<Sighting>,
    next: usize,
    /// The cohorts of a rollout that is being driven, as they were last listed. Absent: they have not been, or not since
    /// the fleet changed.
    listed: Option<Listed>,
}

/// A row of a tenant, as it was seen.
#[derive(Debug, Clone)]
struct Sighting {
    tenant: u32,
    phase: Option<PhaseId>,
    origin: Origin,
}

/// What grouping gives.
pub struct Grouped {
    pub cohorts: Vec<Cohort>,
    /// Phase name to tenants.
    pub phases: Map<Vec<Text>>,
    /// The fleet's own order.
    pub order: Vec<Run>,
    /// Tenants enumerated more than once, sorted.
    pub duplicates: Vec<Text>,
    /// How many different tenants were enumerated.
    pub planned: usize,
}

impl Grouping {
    /// Nothing seen yet.
    pub fn new() -> Self {
        let mut grouping = Self::default();
        grouping.label_sets.intern(Map::default());
        grouping
    }

    /// A set of labels for [`Grouping::enumerate`].
    pub fn labels(&mut self, labels: Map<Text>) -> LabelsId {
        LabelsId(self.label_sets.intern(labels))
    }

    /// A row for [`Grouping::record_row`].
    pub fn row(&mut self, row: Row) -> RowId {
        RowId(self.rows.intern(row))
    }

    /// A phase for [`Grouping::record_row`].
    pub fn phase(&mut self, phase: &str) -> PhaseId {
        PhaseId(self.phases.intern(Text::from(phase)))
    }

    /// The next tenant of the fleet. Of one that comes twice the first place counts, and labels add up.
    pub fn enumerate(&mut self, slug: &str, labels: LabelsId) {
        self.listed = None;
        if let Some(tenant) = self.names.find_unless_ascending(slug) {
            self.duplicates.push(Text::from(slug));
            if labels != self.labels[tenant] {
                let [first, second] = [self.labels[tenant], labels].map(|id| self.label_sets.get(id.0).clone());
                let both = second.iter().chain(first.iter()).map(|(k, v)| (k.clone(), v.clone())).collect();
                self.labels[tenant] = self.labels(both);
            }
            return;
        }
        self.add(slug, labels);
        self.planned += 1;
    }

    /// A row of a tenant.
    pub fn record_row(&mut self, slug: &str, row: RowId, phase: Option<PhaseId>, origin: Origin) {
        let tenant = self.tenant(slug);
        self.note_change(tenant);
        self.history[tenant] = self.histories.extend(self.history[tenant], row);
        self.sightings.push(Sighting { tenant: index(tenant), phase, origin });
    }

    /// Whether the fleet enumerates a tenant.
    pub fn plans(&mut self, slug: &str) -> bool {
        self.names.find(slug).is_some_and(|tenant| tenant < self.planned)
    }

    /// Records a row for a tenant that the call did not name. Such a row cannot prove the tenant, but one whose
    /// `verified_on_target` is not true counts against it, unless it repeats the tenant's latest row: a control plane may
    /// answer for everybody with every call. Returns whether it counts.
    pub fn record_unrequested_row(&mut self, slug: &str, row: Row, phase: Option<PhaseId>, origin: Origin) -> bool {
        let tenant = self.tenant(slug);
        let claim = |row: &Row| (row.verified_on_target, row.ssm_status.clone());
        let latest = self.histories.last(self.history[tenant]).map(|latest| claim(self.rows.get(latest.0)));
        let is_denied = !matches!(row.verified_on_target, Field::Absent | Field::Given(true));
        let counts = is_denied && latest.as_ref() != Some(&claim(&row));
        if counts {
            let row = self.row(row);
            self.record_row(slug, row, phase, origin);
        }
        counts
    }

    /// The labels of each tenant, in the order of [`Grouping::names`].
    pub fn labels_of_each(&self) -> impl Iterator<Item = &Map<Text>> {
        self.labels.iter().map(|labels| self.label_sets.get(labels.0))
    }

    /// The names of all tenants so far, in order.
    pub fn names(&self) -> &[Text] {
        &self.names.list
    }

    /// A call names a tenant.
    pub fn record_call(&mut self, slug: &str, call: u32) {
        let tenant = self.tenant(slug);
        self.note_change(tenant);
        self.in_flight.entry(index(tenant)).or_insert((self.history[tenant], self.call[tenant]));
        self.call[tenant] = Some(call);
    }

    /// The call that names a tenant has ended.
    pub fn end_call(&mut self, slug: &str) {
        let tenant = self.tenant(slug);
        self.note_change(tenant);
        self.in_flight.remove(&index(tenant));
    }

    /// The number of a tenant.
    fn tenant(&mut self, slug: &str) -> usize {
        let ahead = self.names.list[self.next..].iter().take(LOOK_AHEAD).position(|name| **name == *slug);
        let tenant = match ahead {
            Some(steps) => self.next + steps,
            None => self.names.find(slug).unwrap_or_else(|| self.add(slug, LabelsId::default())),
        };
        self.next = tenant + 1;
        tenant
    }

    /// Every tenant seen so far is the fleet, in the order of their names: nobody enumerated it.
    pub fn guess_fleet(&mut self) {
        let mut order: Vec<usize> = (0..self.names.list.len()).collect();
        order.sort_by(|a, b| self.names.list[*a].cmp(&self.names.list[*b]));
        let mut place = vec![0; order.len()];
        for (new, old) in order.iter().enumerate() {
            place[*old] = index(new);
        }
        self.names = Names::from_sorted(order.iter().map(|old| self.names.list[*old].clone()).collect());
        self.labels = order.iter().map(|old| self.labels[*old]).collect();
        self.history = order.iter().map(|old| self.history[*old]).collect();
        self.call = order.iter().map(|old| self.call[*old]).collect();
        for sighting in &mut self.sightings {
            sighting.tenant = place[sighting.tenant as usize];
        }
        self.planned = order.len();
        self.listed = None;
    }

    /// A tenant that something other than a row names, where there is no fleet.
    pub fn add_unplanned(&mut self, slug: &str) {
        if self.names.find(slug).is_none() {
            self.add(slug, LabelsId::default());
        }
    }

    /// The tenants that were enumerated more than once, sorted.
    pub fn duplicates(&self) -> Vec<Text> {
        let mut duplicates = self.duplicates.clone();
        duplicates.sort();
        duplicates.dedup();
        duplicates
    }

    /// The cohorts with their origins, and all else.
    pub fn finish(mut self) -> Grouped {
        let origins = OriginsByTenant::new(self.names.list.len(), &self.sightings);
        let mut phases: Vec<Vec<Text>> = vec![Vec::new(); self.phases.list.len()];
        for sighting in &self.sightings {
            if let Some(phase) = sighting.phase {
                phases[phase.0 as usize].push(self.names.list[sighting.tenant as usize].clone());
            }
        }
        self.sightings = Vec::new();
        let names = std::mem::take(&mut self.names.list);
        let (cohorts, order) = self.build(names, &origins);
        Grouped {
            cohorts,
            order,
            duplicates: self.duplicates(),
            phases: self.phases.list.into_iter().zip(phases).collect(),
            planned: self.planned,
        }
    }

    fn build(&self, mut names: Vec<Text>, origins: &OriginsByTenant) -> (Vec<Cohort>, Vec<Run>) {
        let mut strays: Vec<(Text, usize)> = names.split_off(self.planned).into_iter().zip(self.planned..).collect();
        strays.sort();
        let (mut cohorts, mut order): (Vec<Cohort>, Vec<Run>) = (Vec::new(), Vec::new());
        let mut places: HashMap<Key, usize, FixedState> = HashMap::default();
        let mut place = |key: Key, cohorts: &mut Vec<Cohort>| {
            *places.entry(key).or_insert_with(|| {
                let cohort = self.cohort(key);
                cohorts.push(Cohort { origins: Origins::new(cohort.rows.len()), ..cohort });
                cohorts.len() - 1
            })
        };
        let come_from = |cohort: &mut Cohort, tenants: Range<usize>| {
            tenants.for_each(|tenant| cohort.origins.push(origins.of(tenant)));
        };
        // Neighbours mostly have the same evidence.
        let (mut names, mut at) = (names.into_iter(), 0);
        while at < self.planned {
            let key = self.key(at);
            let end = (at + 1..self.planned).find(|tenant| self.key(*tenant) != key).unwrap_or(self.planned);
            let place = place(key, &mut cohorts);
            order.push(Run(index(place), index(end - at)));
            cohorts[place].tenants.extend(names.by_ref().take(end - at));
            come_from(&mut cohorts[place], at..end);
            at = end;
        }
        for (name, tenant) in strays {
            let place = place(self.key(tenant), &mut cohorts);
            cohorts[place].tenants.push(name);
            come_from(&mut cohorts[place], tenant..tenant + 1);
        }
        (cohorts, order)
    }

    /// A cohort without tenants and origins.
    fn cohort(&self, key: Key) -> Cohort {
        let rows = self.histories.rows(key.history).into_iter();
        Cohort {
            planned: key.planned,
            labels: self.label_sets.get(key.labels.0).clone(),
            call: key.call,
            tenants: Vec::new(),
            origins: Origins::default(),
            rows: rows.map(|row| self.rows.get(row.0).clone()).collect(),
        }
    }

    /// Brings the cohorts so far up to date, without origins and without what belongs to a call that has not ended: those
    /// of the fleet in its order, then the others by name. `cohorts` are those of the last time, or none.
    pub fn list(&mut self, cohorts: &mut Vec<Cohort>) {
        let mut listed = self.listed.take().unwrap_or_else(|| {
            cohorts.clear();
            Listed::new(index(self.names.list.len()))
        });
        let key = |tenant| self.key_so_far(tenant as usize);
        listed.update(cohorts, self.order(), key, |key| self.cohort(key));
        self.listed = Some(listed);
    }

    /// Before the evidence of a tenant changes.
    fn note_change(&mut self, tenant: usize) {
        if self.listed.is_some() {
            let key = self.key_so_far(tenant);
            self.listed.iter_mut().for_each(|listed| listed.note_change(index(tenant), key));
        }
    }

    fn order(&self) -> Order<'_> {
        Order { names: &self.names.list, planned: self.planned }
    }

    /// What a tenant has in common with its cohort, where a call that has not ended does not count.
    fn key_so_far(&self, tenant: usize) -> Key {
        let now = (self.history[tenant], self.call[tenant]);
        let before = if self.in_flight.is_empty() { None } else { self.in_flight.get(&index(tenant)) };
        let (history, call) = before.copied().unwrap_or(now);
        // What an answer to somebody else's call says of a tenant is not judged before its own.
        let history = if call.is_none() { HistoryId::default() } else { history };
        self.key_of(tenant, history, call)
    }

    fn key(&self, tenant: usize) -> Key {
        self.key_of(tenant, self.history[tenant], self.call[tenant])
    }

    fn key_of(&self, tenant: usize, history: HistoryId, call: Option<u32>) -> Key {
        let call = call.filter(|_| history == HistoryId::default());
        Key { planned: tenant < self.planned, labels: self.labels[tenant], history, call }
    }

    fn add(&mut self, slug: &str, labels: LabelsId) -> usize {
        self.labels.push(labels);
        self.history.push(HistoryId::default());
        self.call.push(None);
        let tenant = self.names.push(slug);
        if let Some(listed) = &mut self.listed {
            listed.add(index(tenant));
        }
        tenant
    }
}

/// Origins sorted by tenant, each tenant's in the order of arrival.
struct OriginsByTenant {
    ends: Vec<u32>,
    origins: Vec<Origin>,
}

impl OriginsByTenant {
    fn new(tenants: usize, sightings: &[Sighting]) -> Self {
        let mut starts = vec![0_u32; tenants + 1];
        for sighting in sightings {
            starts[sighting.tenant as usize + 1] += 1;
        }
        for i in 0..tenants {
            starts[i + 1] += starts[i];
        }
        let mut origins = vec![Origin { call: None, attempt: None, row: 0 }; sightings.len()];
        for sighting in sightings {
            let place = &mut starts[sighting.tenant as usize];
            origins[*place as usize] = sighting.origin;
            *place += 1;
        }
        Self { ends: starts, origins }
    }

    fn of(&self, tenant: usize) -> impl Iterator<Item = Origin> {
        let start = tenant.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.origins[start as usize..self.ends[tenant] as usize].iter().copied()
    }
}
