//! Tenants that are not proven to be on the target.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::document::text::Text;
use crate::model::document::{Document, Role};
use crate::policy::prepared::Summary as Counted;

/// A tenant that is not proven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Straggler {
    /// The tenant.
    pub tenant: Text,
    /// Its proof state (design section 3).
    pub state: String,
    /// Why, in words; for an unreached tenant it begins with `skipped`, `not_called`, `call_failed` or `in_flight`.
    pub reason: String,
    /// Whether the tolerance let the rollout ship past it.
    pub quarantined: bool,
    /// Whether somebody has agreed to live with it. Absent: no.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waived: bool,
    /// The row that counts. Absent: there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<RowSource>,
}

/// A place in an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RowSource {
    /// The input's name.
    pub input: Text,
    /// JSON pointer into it.
    pub pointer: String,
}

pub(crate) fn stragglers(document: &Document, counted: &Counted) -> Vec<Straggler> {
    let response = document.provenance.inputs.iter().find(|input| input.role == Role::Response);
    let waived: HashSet<&Text> = counted.waived.iter().collect();
    let mut stragglers = Vec::new();
    for (cohort, summary) in document.cohorts.iter().zip(&counted.cohorts).filter(|(_, summary)| summary.straggler) {
        for (i, tenant) in cohort.tenants.iter().enumerate() {
            let origin = summary
                .row
                .and_then(|row| cohort.origins.get(i, usize::try_from(row).ok()?))
                .filter(|origin| origin.call.is_none());
            stragglers.push(Straggler {
                tenant: tenant.clone(),
                state: summary.state.clone(),
                reason: summary.reason.clone(),
                quarantined: counted.quarantined && !waived.contains(tenant),
                waived: waived.contains(tenant),
                source: origin.zip(response).map(|(origin, response)| RowSource {
                    input: response.name.clone(),
                    pointer: document.row_pointer(origin.row),
                }),
            });
        }
    }
    stragglers.sort_by(|a, b| a.tenant.cmp(&b.tenant));
    stragglers
}
