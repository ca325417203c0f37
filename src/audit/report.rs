//! The report of an audit: the decision, who is behind since when, and the audit itself. A published format,
//! `rollproof.audit-report/v1`, which may grow by optional keys and no more.

use std::cmp::Reverse;

use schemars::JsonSchema;
use serde::Serialize;

use crate::audit::against::Comparison;
use crate::model::audit::{Audit, Behind};
use crate::model::decision::Decision;
use crate::model::document::text::Text;
use crate::model::finding::Finding;
use crate::policy::basis::Basis;
use crate::policy::prepared::Prepared;
use crate::report::{self, ParamValue, Policy};

/// The name and version of the report's format.
const FORMAT: &str = "rollproof.audit-report/v1";

/// The verdict on many rollouts.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AuditReport {
    /// The format's name and version.
    #[schemars(extend("const" = FORMAT))]
    pub format: &'static str,
    /// What follows from the findings.
    pub decision: Decision,
    /// Every time for which a tenant was behind: those that still last first, then the longest first.
    pub lag: Vec<Lag>,
    /// What the policies of audits say: heaviest first, then by code.
    pub findings: Vec<Finding>,
    /// Every policy of audits, also one that found nothing.
    pub policies: Vec<Policy>,
    /// The value of every parameter that they read.
    pub params: Vec<ParamValue>,
    /// What the findings follow from beside the archives, as digests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basis: Option<Basis>,
    /// What other policies say of the same archives (`--against`). Absent: nobody asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
    /// What was judged.
    pub audit: Audit,
}

/// A time for which a tenant was behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Lag {
    /// The tenant.
    pub tenant: Text,
    /// The group of its rollouts. Absent: nothing tells groups apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<Text>,
    /// The control plane of its rollouts. Absent: nothing names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control_plane: Option<Text>,
    /// Since when, for how long, and why.
    #[serde(flatten)]
    pub behind: Behind,
}

/// Makes the report of an audit and what policies say of it.
pub fn report(audit: Audit, mut findings: Vec<Finding>, policies: &Prepared) -> AuditReport {
    report::sort(&mut findings);
    let lags = audit.tenants.iter().flat_map(|tenant| {
        let lag = |behind: &Behind| Lag {
            tenant: tenant.tenant.clone(),
            group: tenant.group.clone(),
            control_plane: tenant.control_plane.clone(),
            behind: behind.clone(),
        };
        tenant.behind.iter().map(lag)
    });
    let mut lag: Vec<Lag> = lags.collect();
    lag.sort_by(|a, b| rank(a).cmp(&rank(b)));
    AuditReport {
        format: FORMAT,
        decision: Decision::of(&findings, true),
        lag,
        policies: report::policies(policies.packages(), &findings, &std::collections::BTreeMap::new()),
        params: report::params(policies.params()),
        basis: Some(policies.basis().clone()),
        findings,
        comparison: None,
        audit,
    }
}

fn rank(lag: &Lag) -> impl Ord + '_ {
    let Behind { since, until, seconds, .. } = &lag.behind;
    (until.is_some(), Reverse(*seconds), &lag.tenant, &lag.group, &lag.control_plane, since)
}
