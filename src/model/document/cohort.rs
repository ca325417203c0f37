//! Grouping: which tenants have identical evidence. Loses nothing, and its result does not depend on the order in
//! which rows of different tenants arrived.

use std::collections::HashMap;
use std::hash::BuildHasher as _;
use std::ops::Range;

use foldhash::fast::{FixedState, RandomState};
use hashbrown::HashTable;

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
}

/// A row of a tenant, as it was seen.
#[derive(Debug, Clone)]
struct Sighting {
    tenant: u32,
    phase: Option<PhaseId>,
    origin: Origin,
}

/// A row that was seen before, whoever's it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RowId(u32);

/// A phase's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PhaseId(u32);

/// A set of labels that was seen before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct LabelsId(u32);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
struct HistoryId(u32);

/// What the tenants of a cohort have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    planned: bool,
    labels: LabelsId,
    history: HistoryId,
    /// The last call that named them, where no row answers.
    call: Option<u32>,
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
        self.in_flight.entry(index(tenant)).or_insert((self.history[tenant], self.call[tenant]));
        self.call[tenant] = Some(call);
    }

    /// The call that names a tenant has ended.
    pub fn end_call(&mut self, slug: &str) {
        let tenant = self.tenant(slug);
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

    /// The cohorts so far, without origins and without what belongs to a call that has not ended: those of the fleet in
    /// its order, then the others by name.
    pub fn cohorts(&self) -> Vec<Cohort> {
        self.build(self.names.list.clone(), None).0
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
        let (cohorts, order) = self.build(names, Some(&origins));
        Grouped {
            cohorts,
            order,
            duplicates: self.duplicates(),
            phases: self.phases.list.into_iter().zip(phases).collect(),
            planned: self.planned,
        }
    }

    fn build(&self, mut names: Vec<Text>, origins: Option<&OriginsByTenant>) -> (Vec<Cohort>, Vec<Run>) {
        let mut strays: Vec<(Text, usize)> = names.split_off(self.planned).into_iter().zip(self.planned..).collect();
        strays.sort();
        let (mut cohorts, mut order): (Vec<Cohort>, Vec<Run>) = (Vec::new(), Vec::new());
        let mut places: HashMap<Key, usize, FixedState> = HashMap::default();
        let mut place = |key: Key, cohorts: &mut Vec<Cohort>| {
            *places.entry(key).or_insert_with(|| {
                let rows = self.histories.rows(key.history);
                cohorts.push(Cohort {
                    planned: key.planned,
                    labels: self.label_sets.get(key.labels.0).clone(),
                    call: key.call,
                    tenants: Vec::new(),
                    origins: origins.map_or_else(Origins::default, |_| Origins::new(rows.len())),
                    rows: rows.into_iter().map(|row| self.rows.get(row.0).clone()).collect(),
                });
                cohorts.len() - 1
            })
        };
        let come_from = |cohort: &mut Cohort, tenants: Range<usize>| {
            if let Some(origins) = origins {
                tenants.for_each(|tenant| cohort.origins.push(origins.of(tenant)));
            }
        };
        let key_of = |tenant| self.key(tenant, origins.is_none());
        // Neighbours mostly have the same evidence.
        let (mut names, mut at) = (names.into_iter(), 0);
        while at < self.planned {
            let key = key_of(at);
            let end = (at + 1..self.planned).find(|tenant| key_of(*tenant) != key).unwrap_or(self.planned);
            let place = place(key, &mut cohorts);
            order.push(Run(index(place), index(end - at)));
            cohorts[place].tenants.extend(names.by_ref().take(end - at));
            come_from(&mut cohorts[place], at..end);
            at = end;
        }
        for (name, tenant) in strays {
            let place = place(key_of(tenant), &mut cohorts);
            cohorts[place].tenants.push(name);
            come_from(&mut cohorts[place], tenant..tenant + 1);
        }
        (cohorts, order)
    }

    fn key(&self, tenant: usize, is_driven: bool) -> Key {
        let now = (self.history[tenant], self.call[tenant]);
        let before = if is_driven && !self.in_flight.is_empty() { self.in_flight.get(&index(tenant)) } else { None };
        let (mut history, call) = before.copied().unwrap_or(now);
        if is_driven && call.is_none() {
            // What an answer to somebody else's call says of it is not judged before its own.
            history = HistoryId::default();
        }
        let call = call.filter(|_| history == HistoryId::default());
        Key { planned: tenant < self.planned, labels: self.labels[tenant], history, call }
    }

    fn add(&mut self, slug: &str, labels: LabelsId) -> usize {
        self.labels.push(labels);
        self.history.push(HistoryId::default());
        self.call.push(None);
        self.names.push(slug)
    }
}

/// Tenant names, in order; hashed only when something is asked that order does not answer.
#[derive(Debug, Clone, Default)]
struct Names {
    list: Vec<Text>,
    descended: bool,
    table: Option<HashTable<u32>>,
    hasher: RandomState,
}

impl Names {
    fn from_sorted(list: Vec<Text>) -> Self {
        Self { list, ..Self::default() }
    }

    fn push(&mut self, slug: &str) -> usize {
        let at = self.list.len();
        self.descended |= self.list.last().is_some_and(|last| **last >= *slug);
        self.list.push(Text::from(slug));
        if let Some(table) = &mut self.table {
            let hash = self.hasher.hash_one(slug);
            table.insert_unique(hash, index(at), |i| self.hasher.hash_one(&*self.list[*i as usize]));
        }
        at
    }

    /// Finds a name; one that is beyond all of an ascending list cannot be in it, and needs no table.
    fn find_unless_ascending(&mut self, slug: &str) -> Option<usize> {
        if !self.descended && self.list.last().is_none_or(|last| **last < *slug) {
            return None;
        }
        self.find(slug)
    }

    fn find(&mut self, slug: &str) -> Option<usize> {
        let table = self.table.get_or_insert_with(|| {
            let mut table = HashTable::with_capacity(self.list.len());
            for (i, name) in self.list.iter().enumerate() {
                let hash = self.hasher.hash_one(&**name);
                table.insert_unique(hash, index(i), |i| self.hasher.hash_one(&*self.list[*i as usize]));
            }
            table
        });
        let hash = self.hasher.hash_one(slug);
        table.find(hash, |i| *self.list[*i as usize] == *slug).map(|i| *i as usize)
    }
}

/// Equal values once, by number.
#[derive(Debug, Clone)]
struct Interner<T> {
    list: Vec<T>,
    table: HashTable<u32>,
    hasher: RandomState,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Self { list: Vec::new(), table: HashTable::new(), hasher: RandomState::default() }
    }
}

impl<T: Eq + std::hash::Hash> Interner<T> {
    fn intern(&mut self, value: T) -> u32 {
        let hash = self.hasher.hash_one(&value);
        if let Some(id) = self.table.find(hash, |i| self.list[*i as usize] == value) {
            return *id;
        }
        let id = index(self.list.len());
        self.list.push(value);
        self.table.insert_unique(hash, id, |i| self.hasher.hash_one(&self.list[*i as usize]));
        id
    }

    fn get(&self, id: u32) -> &T {
        &self.list[id as usize]
    }
}

/// Sequences of rows, each as one number: the sequence before it and its last row. Number 0 is "no row".
#[derive(Debug, Clone, Default)]
struct Histories {
    list: Vec<(HistoryId, RowId)>,
    ids: HashMap<(HistoryId, RowId), HistoryId, RandomState>,
}

impl Histories {
    fn extend(&mut self, before: HistoryId, row: RowId) -> HistoryId {
        *self.ids.entry((before, row)).or_insert_with(|| {
            self.list.push((before, row));
            HistoryId(index(self.list.len()))
        })
    }

    fn last(&self, history: HistoryId) -> Option<RowId> {
        history.0.checked_sub(1).map(|last| self.list[last as usize].1)
    }

    fn rows(&self, mut history: HistoryId) -> Vec<RowId> {
        let mut rows = Vec::new();
        while let Some(last) = history.0.checked_sub(1) {
            let (before, row) = self.list[last as usize];
            rows.push(row);
            history = before;
        }
        rows.reverse();
        rows
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

/// Numbers of tenants and rows fit 32 bits: the size limit of inputs sees to it.
fn index(i: usize) -> u32 {
    u32::try_from(i).unwrap_or(u32::MAX)
}
