//! The data that every explanation needs.

use crate::evaluation::Evaluation;
use crate::explain::finding_rules::FindingRules;
use crate::explain::times::Times;
use crate::model::document::Document;
use crate::policy::prepared::CohortSummary;
use crate::policy::source::RuleText;
use crate::report::Report;

/// The verdict that is explained, and the data that explain it.
pub(crate) struct ExplainContext<'a> {
    pub(crate) document: &'a Document,
    pub(crate) report: &'a Report,
    pub(crate) evaluation: &'a Evaluation,
    pub(crate) rules: &'a [RuleText],
    pub(crate) times: &'a Times,
    /// The definitions that gave the findings.
    pub(crate) finding_rules: &'a FindingRules,
    /// What the policies say of each cohort.
    pub(crate) cohorts: &'a [CohortSummary],
}

/// The indices of a tenant's cohort, and of the tenant in it.
pub fn find_tenant(document: &Document, tenant: &str) -> Option<(usize, usize)> {
    let find = |(i, cohort): (usize, &crate::model::document::Cohort)| {
        Some((i, cohort.tenants.iter().position(|name| **name == *tenant)?))
    };
    document.cohorts.iter().enumerate().find_map(find)
}
