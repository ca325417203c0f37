//! Fleets that hardly overlap, among rollouts that nothing else tells apart: probably those of several environments.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use crate::audit::verdict::{Cell, EvaluatedRollout};
use crate::model::audit::Fleet;
use crate::model::document::text::Text;

/// In how many rollouts a fleet has to be seen to be one of its own.
const MIN_ROLLOUTS: u64 = 2;

/// How many tenants a fleet has to have to be one of its own: a few rows may be what is left of a larger one.
const MIN_TENANTS: u32 = 4;

/// Two fleets are one if they share more than one tenant in this many of the smaller one, and more than one: a canary may
/// be in each environment.
const SHARED: u32 = 4;

/// A set of tenants, by number: a bit each.
type Tenants = Vec<u64>;

/// The fleets of some rollouts. Empty: there is only one.
#[derive(Debug, Default)]
pub struct Fleets {
    /// Who is in each of them.
    members: Vec<Tenants>,
    /// To which of them a rollout belongs, by its index; one that is not here may belong to any.
    rollouts: HashMap<usize, usize>,
}

/// Fleets that were seen, and the rollouts with them.
struct Cluster {
    tenants: Tenants,
    rollouts: Vec<usize>,
}

impl Fleets {
    /// Finds the fleets of rollouts that are given by their indices, oldest first.
    pub fn of(evaluated: &[EvaluatedRollout], rollouts: &[usize]) -> Self {
        let mut distinct: HashMap<Tenants, Vec<usize>> = HashMap::new();
        for &i in rollouts {
            distinct.entry(tenants(&evaluated[i].cells)).or_default().push(i);
        }
        let mut distinct: Vec<(Tenants, Vec<usize>)> = distinct.into_iter().collect();
        // Tenants are numbered as they were met, in no order.
        distinct.sort_by_key(|(tenants, rollouts)| (Reverse(size(tenants)), rollouts.first().copied()));
        let mut clusters = joined(distinct.into_iter().map(|(tenants, rollouts)| Cluster { tenants, rollouts }));
        // What was joined may overlap with what it did not overlap with before.
        loop {
            let before = clusters.len();
            clusters = joined(clusters.into_iter());
            if clusters.len() == before {
                break;
            }
        }
        clusters
            .retain(|cluster| cluster.rollouts.len() as u64 >= MIN_ROLLOUTS && size(&cluster.tenants) >= MIN_TENANTS);
        if clusters.len() < 2 {
            return Self::default();
        }
        clusters.sort_by_key(|cluster| cluster.rollouts.iter().min().copied());
        let mut fleets = Self::default();
        for (number, cluster) in clusters.into_iter().enumerate() {
            fleets.rollouts.extend(cluster.rollouts.into_iter().map(|rollout| (rollout, number)));
            fleets.members.push(cluster.tenants);
        }
        fleets
    }

    /// Whether a rollout may say something of a tenant that it does not have.
    pub fn concerns(&self, rollout: usize, tenant: usize) -> bool {
        let Some(fleet) = self.rollouts.get(&rollout) else { return true };
        has(&self.members[*fleet], tenant) || !self.members.iter().any(|members| has(members, tenant))
    }

    /// What is published of them.
    pub fn published(&self, evaluated: &[EvaluatedRollout]) -> Vec<Fleet> {
        let fleet = |(number, tenants): (usize, &Tenants)| {
            let of_fleet = self.rollouts.iter().filter(|(_, fleet)| **fleet == number).map(|(rollout, _)| *rollout);
            let rollouts: BTreeSet<usize> = of_fleet.collect();
            Fleet {
                tenants: size(tenants).into(),
                rollouts: rollouts.len() as u64,
                archive: rollouts
                    .first()
                    .map_or_else(|| Text::from(""), |first| evaluated[*first].published.archive.clone()),
            }
        };
        self.members.iter().enumerate().map(fleet).collect()
    }
}

/// Joins each cluster with those before it that are the same fleet.
fn joined(all: impl Iterator<Item = Cluster>) -> Vec<Cluster> {
    let mut clusters: Vec<Cluster> = Vec::new();
    for mut cluster in all {
        let (same, others): (Vec<Cluster>, Vec<Cluster>) =
            clusters.into_iter().partition(|known| is_one_fleet(&known.tenants, &cluster.tenants));
        for mut known in same {
            unite(&mut cluster.tenants, &known.tenants);
            cluster.rollouts.append(&mut known.rollouts);
        }
        clusters = others;
        clusters.push(cluster);
    }
    clusters
}

fn tenants(cells: &[Cell]) -> Tenants {
    let mut bits = vec![0; cells.len().div_ceil(64)];
    for (number, _) in cells.iter().enumerate().filter(|(_, cell)| **cell != Cell::OUTSIDE) {
        bits[number / 64] |= 1 << (number % 64);
    }
    bits.truncate(bits.iter().rposition(|bits| *bits != 0).map_or(0, |last| last + 1));
    bits
}

fn has(tenants: &Tenants, tenant: usize) -> bool {
    tenants.get(tenant / 64).is_some_and(|bits| bits & (1 << (tenant % 64)) != 0)
}

fn size(tenants: &Tenants) -> u32 {
    tenants.iter().map(|bits| bits.count_ones()).sum()
}

fn is_one_fleet(one: &Tenants, other: &Tenants) -> bool {
    let shared: u32 = one.iter().zip(other).map(|(one, other)| (one & other).count_ones()).sum();
    let smaller = size(one).min(size(other));
    shared * SHARED > smaller && (shared > 1 || shared == smaller)
}

fn unite(one: &mut Tenants, other: &Tenants) {
    one.resize(one.len().max(other.len()), 0);
    for (one, other) in one.iter_mut().zip(other) {
        *one |= other;
    }
}
