//! Rows as a table shows them (contract section 4.7): all of a small fleet's, else those of the tenants that a deny
//! names and of the stragglers.

use std::collections::{HashMap, HashSet};

use foldhash::fast::FixedState;

use crate::model::document::text::Text;
use crate::model::document::{Document, Row};
use crate::report::stragglers::Straggler;

/// How many rows a table holds at the most.
pub const MAX_ROWS: usize = 500;

/// A row of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowLine {
    pub tenant: Text,
    /// The phase, where a row of the tenant names one.
    pub phase: Option<Text>,
    pub row: Row,
}

impl RowLine {
    /// Whether the row reports an error; its text is not shown.
    pub fn error_present(&self) -> bool {
        self.row.error.given().is_some_and(|error| !error.trim().is_empty())
    }
}

/// The rows of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows {
    pub lines: Vec<RowLine>,
    /// Whether only rows of denied tenants and of stragglers were wanted.
    pub selected: bool,
    /// Whether there are more than [`MAX_ROWS`] of those that were wanted.
    pub cut: bool,
}

/// The rows of every tenant where there are at most [`MAX_ROWS`], else those of the denied ones and of the stragglers, in
/// the order in which they arrived.
pub fn rows(document: &Document, denied: &[Text], stragglers: &[Straggler]) -> Rows {
    let all = document.cohorts.iter().map(|cohort| cohort.rows.len() * cohort.tenants.len()).sum::<usize>() <= MAX_ROWS;
    let wanted = denied.iter().chain(stragglers.iter().map(|straggler| &straggler.tenant));
    let wanted: HashSet<&str> = wanted.take(MAX_ROWS + 1).map(|tenant| &**tenant).collect();
    if !all && wanted.is_empty() {
        return Rows::default();
    }
    let mut lines = Vec::new();
    for cohort in document.cohorts.iter().filter(|cohort| !cohort.rows.is_empty()) {
        for (i, tenant) in cohort.tenants.iter().enumerate().filter(|(_, tenant)| all || wanted.contains(&***tenant)) {
            for (j, row) in cohort.rows.iter().enumerate() {
                let origin = cohort.origins.get(i, j).map(|origin| (origin.call, origin.attempt, origin.row));
                lines.push((origin, RowLine { tenant: tenant.clone(), phase: None, row: row.clone() }));
            }
        }
    }
    lines.sort_by(|a, b| (&a.0, &a.1.tenant).cmp(&(&b.0, &b.1.tenant)));
    let cut = lines.len() > MAX_ROWS;
    lines.truncate(MAX_ROWS);
    let shown: HashSet<&str, FixedState> = lines.iter().map(|(_, line)| &*line.tenant).collect();
    let mut phases: HashMap<&str, &Text> = HashMap::new();
    for (phase, tenants) in document.phases.iter() {
        for tenant in tenants.iter().filter(|tenant| shown.contains(&***tenant)) {
            phases.insert(tenant, phase);
        }
    }
    let phases: HashMap<String, Text> =
        phases.into_iter().map(|(tenant, phase)| (tenant.into(), phase.clone())).collect();
    let lines = lines.into_iter().map(|(_, line)| RowLine { phase: phases.get(&*line.tenant).cloned(), ..line });
    Rows { lines: lines.collect(), selected: !all, cut }
}
