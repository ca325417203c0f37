//! The cohorts of a rollout that is being driven. They are changed in place: what that costs follows from how many tenants
//! have other evidence than before and how many cohorts there are, and not from the size of the fleet.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::model::document::Cohort;
use crate::model::document::cohort::interned::{HistoryId, LabelsId};
use crate::model::document::text::Text;

/// What the tenants of a cohort have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) planned: bool,
    pub(super) labels: LabelsId,
    pub(super) history: HistoryId,
    /// The last call that named them, where no row answers.
    pub(super) call: Option<u32>,
}

/// The order of tenants in a document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order<'a> {
    pub(super) names: &'a [Text],
    /// How many of the first ones the fleet enumerates.
    pub(super) planned: usize,
}

impl<'a> Order<'a> {
    /// Where a tenant stands: one of the fleet by its number, another by its name.
    pub(super) fn rank(self, tenant: u32) -> (usize, &'a str) {
        let number = tenant as usize;
        if number < self.planned { (number, "") } else { (self.planned, &self.names[number]) }
    }
}

/// The tenants of each cohort as they were last listed, and whose evidence may have changed since.
#[derive(Debug, Clone, Default)]
pub(super) struct Listed {
    /// Parallel to the cohorts.
    members: Vec<Members>,
    /// By tenant the key of the cohort that lists it; nothing where no cohort does.
    changed: HashMap<u32, Option<Key>, RandomState>,
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
    /// So many tenants, of which none is in a cohort yet.
    pub(super) fn new(tenants: u32) -> Self {
        Self { members: Vec::new(), changed: (0..tenants).map(|tenant| (tenant, None)).collect() }
    }

    /// A tenant that is in no cohort yet.
    pub(super) fn add(&mut self, tenant: u32) {
        self.changed.insert(tenant, None);
    }

    /// The evidence of a tenant changes; `key` is what it had so far.
    pub(super) fn note_change(&mut self, tenant: u32, key: Key) {
        self.changed.entry(tenant).or_insert(Some(key));
    }

    /// Brings the cohorts up to date: `key` gives what a tenant has now, and `cohort` makes one without tenants.
    pub(super) fn update(
        &mut self,
        cohorts: &mut Vec<Cohort>,
        order: Order<'_>,
        key: impl Fn(u32) -> Key,
        cohort: impl Fn(Key) -> Cohort,
    ) {
        let moves = self.moves(key);
        if moves.is_empty() {
            return;
        }
        let places = self.members.iter().enumerate().map(|(place, members)| (members.key, place));
        let places: HashMap<Key, usize, RandomState> = places.collect();
        for (key, moves) in moves {
            let place = places.get(&key).copied().unwrap_or_else(|| {
                cohorts.push(cohort(key));
                self.members.push(Members { key, tenants: Vec::new() });
                cohorts.len() - 1
            });
            moves.apply(order, &mut self.members[place].tenants, &mut cohorts[place].tenants);
        }
        let all = std::mem::take(cohorts).into_iter().zip(std::mem::take(&mut self.members));
        let mut all: Vec<(Cohort, Members)> = all.filter(|(cohort, _)| !cohort.tenants.is_empty()).collect();
        all.sort_by(|(_, a), (_, b)| order.rank(a.tenants[0]).cmp(&order.rank(b.tenants[0])));
        (*cohorts, self.members) = all.into_iter().unzip();
    }

    /// Who leaves and joins which cohort.
    fn moves(&mut self, key: impl Fn(u32) -> Key) -> HashMap<Key, Moves, RandomState> {
        let mut moves: HashMap<Key, Moves, RandomState> = HashMap::default();
        for (tenant, before) in std::mem::take(&mut self.changed) {
            let now = key(tenant);
            if before != Some(now) {
                if let Some(before) = before {
                    moves.entry(before).or_default().leaving.push(tenant);
                }
                moves.entry(now).or_default().joining.push(tenant);
            }
        }
        moves
    }
}

impl Moves {
    /// Changes the tenants of a cohort, and their names. Whoever comes before the first and after the last of those that
    /// move stays in place.
    fn apply(mut self, order: Order<'_>, tenants: &mut Vec<u32>, names: &mut Vec<Text>) {
        self.leaving.sort_unstable();
        let ranks = || self.leaving.iter().chain(&self.joining).map(|tenant| order.rank(*tenant));
        let (Some(first), Some(last)) = (ranks().min(), ranks().max()) else { return };
        let start = tenants.partition_point(|tenant| order.rank(*tenant) < first);
        let end = tenants.partition_point(|tenant| order.rank(*tenant) <= last);
        let staying = tenants[start..end].iter().filter(|tenant| self.leaving.binary_search(tenant).is_err());
        let mut between: Vec<u32> = staying.chain(&self.joining).copied().collect();
        between.sort_by(|a, b| order.rank(*a).cmp(&order.rank(*b)));
        names.splice(start..end, between.iter().map(|tenant| order.names[*tenant as usize].clone()));
        tenants.splice(start..end, between);
    }
}
