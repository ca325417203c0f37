//! The fleet and the calls, as a page draws them: every tenant in the fleet's order, and every call. Made only for a
//! page, and never published.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::model::document::text::{Map, Text};
use crate::model::document::{Call, Document, Purpose, Rollout, Row, Run};
use crate::policy::prepared::Summary;

/// The fleet and the calls of a rollout.
#[derive(Debug, Clone, PartialEq)]
pub struct FleetView {
    /// What was to be rolled out, and how far it came.
    pub rollout: Rollout,
    /// Every request, in order.
    pub calls: Vec<Call>,
    /// Every tenant of the fleet, one group after the other. Within each in the fleet's own order where `ordered`, else one
    /// cohort after the other.
    pub cells: Vec<Cell>,
    /// Whether the fleet's own order is known.
    pub ordered: bool,
    /// What cells say of their tenants, once for all that say the same.
    pub kinds: Vec<Kind>,
    /// Who was called together.
    pub groups: Vec<Group>,
    /// Tenants with rows that the fleet does not enumerate.
    pub outside: Vec<Text>,
}

/// A tenant of the fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    pub tenant: Text,
    /// Index in [`FleetView::kinds`].
    pub kind: usize,
    /// Index in [`FleetView::groups`]. None: no call named the tenant, or no row tells its phase.
    pub group: Option<usize>,
}

/// What is known of the tenants of a cohort.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    /// The proof state (design section 3).
    pub state: String,
    /// Whether that state proves anything.
    pub proven: bool,
    /// Why it is not proven, in words.
    pub reason: String,
    /// The row that counts, else the last one.
    pub row: Option<Row>,
    /// The labels that the fleet gives them.
    pub labels: Map<Text>,
}

/// Tenants that were called together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// `canary`, `batch 2`, or a phase as rows name it.
    pub name: String,
    /// Whether it is the canary's own.
    pub canary: bool,
}

impl FleetView {
    /// The view of a document, with what the policies say of its cohorts.
    pub fn of(document: &Document, counted: &Summary) -> Self {
        let kinds = document.cohorts.iter().zip(&counted.cohorts).map(|(cohort, summary)| Kind {
            state: summary.state.clone(),
            proven: summary.proven,
            reason: summary.reason.clone(),
            row: summary
                .row
                .and_then(|row| cohort.rows.get(usize::try_from(row).ok()?))
                .or_else(|| cohort.rows.last())
                .cloned(),
            labels: cohort.labels.clone(),
        });
        let (mut groups, group_of) = groups(document);
        let mut cells = Vec::new();
        let mut cell = |tenant: &Text, kind| {
            cells.push(Cell { tenant: tenant.clone(), kind, group: group_of.get(&**tenant).copied() });
        };
        let mut next: Vec<_> = document.cohorts.iter().map(|cohort| cohort.tenants.iter()).collect();
        for Run(cohort, many) in &document.order {
            let tenants = next.get_mut(*cohort as usize).into_iter().flatten();
            tenants.take(*many as usize).for_each(|tenant| cell(tenant, *cohort as usize));
        }
        if document.order.is_empty() {
            for (kind, cohort) in document.cohorts.iter().enumerate().filter(|(_, cohort)| cohort.planned) {
                cohort.tenants.iter().for_each(|tenant| cell(tenant, kind));
            }
        }
        if document.calls.is_empty() {
            sort_phases(&mut groups, &mut cells, document.rollout.canary.as_ref());
        }
        cells.sort_by_key(|cell| cell.group.unwrap_or(usize::MAX));
        let mut outside: Vec<Text> =
            document.cohorts.iter().filter(|cohort| !cohort.planned).fold(Vec::new(), |mut outside, cohort| {
                outside.extend(cohort.tenants.iter().cloned());
                outside
            });
        outside.sort();
        Self {
            rollout: document.rollout.clone(),
            calls: document.calls.clone(),
            ordered: !document.order.is_empty(),
            kinds: kinds.collect(),
            cells,
            groups,
            outside,
        }
    }
}

impl FleetView {
    /// Whether a tenant has labels.
    pub fn is_labelled(&self) -> bool {
        self.kinds.iter().any(|kind| !kind.labels.is_empty())
    }
}

/// Who was called together: as the calls say, or where there are none as the rows' phases do. Of several the last counts.
fn groups(document: &Document) -> (Vec<Group>, HashMap<&str, usize, FixedState>) {
    let (mut groups, mut group_of) = (Vec::new(), HashMap::default());
    let mut batches = 0;
    for call in document.calls.iter().filter(|call| call.purpose != Purpose::Plan) {
        let canary = call.purpose == Purpose::Canary;
        batches += usize::from(!canary);
        let name = if canary { "canary".to_owned() } else { format!("batch {batches}") };
        group_of.extend(call.tenants.iter().map(|tenant| (&**tenant, groups.len())));
        groups.push(Group { name, canary });
    }
    if document.calls.is_empty() {
        for (phase, tenants) in document.phases.iter() {
            group_of.extend(tenants.iter().map(|tenant| (&**tenant, groups.len())));
            groups.push(Group { name: phase.to_string(), canary: false });
        }
    }
    (groups, group_of)
}

/// The canary's phase first, then by name, where `batch-2` is before `batch-10`. A phase of no tenant of the fleet is
/// left out.
fn sort_phases(groups: &mut Vec<Group>, cells: &mut [Cell], canary: Option<&Text>) {
    let mut tenants = vec![0_usize; groups.len()];
    cells.iter().filter_map(|cell| cell.group).for_each(|group| tenants[group] += 1);
    let own = cells.iter().find(|cell| Some(&cell.tenant) == canary).and_then(|cell| cell.group);
    for (i, group) in groups.iter_mut().enumerate() {
        group.canary = group.name.eq_ignore_ascii_case("canary") || (own == Some(i) && tenants[i] == 1);
    }
    let mut order: Vec<usize> = (0..groups.len()).filter(|group| tenants[*group] > 0).collect();
    order.sort_by_cached_key(|group| (!groups[*group].canary, numbered(&groups[*group].name)));
    let mut place = vec![0; groups.len()];
    order.iter().enumerate().for_each(|(at, group)| place[*group] = at);
    for cell in cells {
        cell.group = cell.group.map(|group| place[group]);
    }
    *groups = order.into_iter().map(|group| groups[group].clone()).collect();
}

/// A name by which numbers are sorted as numbers.
fn numbered(name: &str) -> Vec<(String, u64)> {
    let mut parts = vec![(String::new(), 0_u64)];
    let mut after_digit = false;
    for c in name.chars() {
        let Some((text, number)) = parts.last_mut() else { continue };
        match c.to_digit(10) {
            Some(digit) => *number = number.saturating_mul(10).saturating_add(digit.into()),
            None if after_digit => parts.push((c.to_string(), 0)),
            None => text.push(c),
        }
        after_digit = c.is_ascii_digit();
    }
    parts
}
