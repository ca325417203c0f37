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

// The cohorts of a rollout that is being driven. They are changed in place: what that costs follows from how many tenants
// have other evidence than before and how many cohorts there are, and not from the size of the fleet.

/// By tenant what the cohort that lists it has in common; nothing where no cohort does.
type Changed = HashMap<u32, Option<Key>, RandomState>;

/// The tenants of each cohort as they were last listed, and whose evidence may have changed since.
#[derive(Debug, Clone, Default)]
struct Listed {
    /// Parallel to the cohorts.
    members: Vec<Members>,
    changed: Changed,
}

#[derive(Debug, Clone)]
struct Members {
    key: Key,
    /// The numbers of the tenants, in the order of the cohort.
    tenants: Vec<u32>,
}

/// The tenants that leave a cohort and those that join it.
#[derive(Debug, Default)]
struct Moves {
    leaving: Vec<u32>,
    joining: Vec<u32>,
}

impl Listed {
    /// A tenant that is in no cohort yet.
    fn add(&mut self, tenant: u32) {
        self.changed.insert(tenant, None);
    }
}

impl Grouping {
    /// Brings the cohorts so far up to date, without origins and without what belongs to a call that has not ended: those
    /// of the fleet in its order, then the others by name. `cohorts` are those of the last time, or none.
    pub fn list(&mut self, cohorts: &mut Vec<Cohort>) {
        let mut listed = self.listed.take().unwrap_or_else(|| {
            cohorts.clear();
            Listed {
                changed: (0..index(self.names.list.len())).map(|tenant| (tenant, None)).collect(),
                ..Listed::default()
            }
        });
        let moves = self.moves(std::mem::take(&mut listed.changed));
        if !moves.is_empty() {
            let places = listed.members.iter().enumerate().map(|(place, members)| (members.key, place));
            let places: HashMap<Key, usize, RandomState> = places.collect();
            for (key, moves) in moves {
                let place = places.get(&key).copied().unwrap_or_else(|| {
                    cohorts.push(self.cohort(key));
                    listed.members.push(Members { key, tenants: Vec::new() });
                    cohorts.len() - 1
                });
                self.apply(moves, &mut listed.members[place].tenants, &mut cohorts[place].tenants);
            }
            let all = std::mem::take(cohorts).into_iter().zip(std::mem::take(&mut listed.members));
            let mut all: Vec<(Cohort, Members)> = all.filter(|(cohort, _)| !cohort.tenants.is_empty()).collect();
            all.sort_by(|(_, a), (_, b)| self.rank(a.tenants[0]).cmp(&self.rank(b.tenants[0])));
            (*cohorts, listed.members) = all.into_iter().unzip();
        }
        self.listed = Some(listed);
    }

    /// Before the evidence of a tenant changes.
    fn note_change(&mut self, tenant: usize) {
        if self.listed.is_some() {
            let key = self.key_so_far(tenant);
            self.listed.iter_mut().for_each(|listed| {
                listed.changed.entry(index(tenant)).or_insert(Some(key));
            });
        }
    }

    /// Who leaves and joins which cohort.
    fn moves(&self, changed: Changed) -> HashMap<Key, Moves, RandomState> {
        let mut moves: HashMap<Key, Moves, RandomState> = HashMap::default();
        for (tenant, before) in changed {
            let now = self.key_so_far(tenant as usize);
            if before != Some(now) {
                if let Some(before) = before {
                    moves.entry(before).or_default().leaving.push(tenant);
                }
                moves.entry(now).or_default().joining.push(tenant);
            }
        }
        moves
    }

    /// Changes the tenants of a cohort, and their names. Whoever comes before the first and after the last of those that
    /// move stays in place.
    fn apply(&self, Moves { mut leaving, joining }: Moves, tenants: &mut Vec<u32>, names: &mut Vec<Text>) {
        leaving.sort_unstable();
        let ranks = || leaving.iter().chain(&joining).map(|tenant| self.rank(*tenant));
        let (Some(first), Some(last)) = (ranks().min(), ranks().max()) else { return };
        let start = tenants.partition_point(|tenant| self.rank(*tenant) < first);
        let end = tenants.partition_point(|tenant| self.rank(*tenant) <= last);
        let staying = tenants[start..end].iter().copied().filter(|tenant| leaving.binary_search(tenant).is_err());
        let mut between: Vec<u32> = staying.chain(joining.iter().copied()).collect();
        between.sort_by(|a, b| self.rank(*a).cmp(&self.rank(*b)));
        names.splice(start..end, between.iter().map(|tenant| self.names.list[*tenant as usize].clone()));
        tenants.splice(start..end, between);
    }

    /// Where a tenant stands in the order of a document: one of the fleet by its number, another by its name.
    fn rank(&self, tenant: u32) -> (usize, &str) {
        let number = tenant as usize;
        if number < self.planned { (number, "") } else { (self.planned, &self.names.list[number]) }
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
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// What happens while a rollout is driven. Tenants are given by number.
    #[derive(Debug, Clone)]
    enum Event {
        Call(Vec<usize>),
        /// A row of a tenant, in the answer to whatever call.
        Row(usize, &'static str),
        /// The calls of these tenants have ended.
        End(Vec<usize>),
        /// The cohorts are listed.
        List,
    }

    const NAMES: [&str; 7] = ["m", "b", "x", "stray 2", "a", "stray 1", "k"];

    fn event() -> impl Strategy<Value = Event> {
        let tenants = || vec(0..NAMES.len(), 1..4);
        prop_oneof![
            tenants().prop_map(Event::Call),
            (0..NAMES.len(), prop::sample::select(vec!["Success", "Failed"]))
                .prop_map(|(who, row)| Event::Row(who, row)),
            tenants().prop_map(Event::End),
            Just(Event::List),
        ]
    }

    /// The cohorts so far, put together anew from each tenant's evidence.
    fn anew(grouping: &Grouping) -> Vec<Cohort> {
        let mut tenants: Vec<u32> = (0..index(grouping.names.list.len())).collect();
        tenants.sort_by(|a, b| grouping.rank(*a).cmp(&grouping.rank(*b)));
        let (mut keys, mut cohorts): (Vec<Key>, Vec<Cohort>) = (Vec::new(), Vec::new());
        for tenant in tenants {
            let key = grouping.key_so_far(tenant as usize);
            let place = keys.iter().position(|known| *known == key).unwrap_or_else(|| {
                keys.push(key);
                cohorts.push(grouping.cohort(key));
                keys.len() - 1
            });
            cohorts[place].tenants.push(grouping.names.list[tenant as usize].clone());
        }
        cohorts
    }

    fn check(fleet: &[(usize, bool)], events: &[Event]) -> Result<(), TestCaseError> {
        let (mut grouping, mut cohorts, mut calls) = (Grouping::new(), Vec::new(), 0);
        let gold = grouping.labels(std::iter::once((Text::from("tier"), Text::from("gold"))).collect());
        let none = grouping.labels(Map::default());
        // So it is while the plan call is not answered.
        grouping.list(&mut cohorts);
        prop_assert!(cohorts.is_empty());
        for (tenant, is_gold) in fleet {
            grouping.enumerate(NAMES[*tenant], if *is_gold { gold } else { none });
        }
        for event in events {
            match event {
                Event::Call(tenants) => {
                    for tenant in tenants {
                        grouping.record_call(NAMES[*tenant], calls);
                    }
                    calls += 1;
                }
                Event::Row(tenant, status) => {
                    let row = Row { ssm_status: Field::Given(Text::from(*status)), ..Row::default() };
                    let row = grouping.row(row);
                    grouping.record_row(NAMES[*tenant], row, None, Origin { call: None, attempt: None, row: 0 });
                }
                Event::End(tenants) => {
                    for tenant in tenants {
                        grouping.end_call(NAMES[*tenant]);
                    }
                }
                Event::List => {
                    grouping.list(&mut cohorts);
                    prop_assert_eq!(&cohorts, &anew(&grouping));
                }
            }
        }
        grouping.list(&mut cohorts);
        prop_assert_eq!(&cohorts, &anew(&grouping));
        let names: HashSet<&Text> = cohorts.iter().flat_map(|cohort| &cohort.tenants).collect();
        prop_assert_eq!(names.len(), grouping.names().len(), "every tenant is in a cohort");
        Ok(())
    }

    #[test]
    fn cohorts_that_are_changed_in_place_are_those_put_together_anew() {
        let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
        proptest!(config, |(fleet in vec((0..NAMES.len(), any::<bool>()), 0..6), events in vec(event(), 0..30))| {
            check(&fleet, &events)?;
        });
    }
}
