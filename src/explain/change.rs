//! A single change of the evidence, the plan, the parameters or the waivers: a description, and how it is applied.

use crate::explain::context::find_tenant;
use crate::model::document::origins::Origins;
use crate::model::document::text::Field;
use crate::model::document::{Cohort, Document, Row};
use crate::model::finding::{Finding, Severity};
use crate::policy::waivers::Waiver;
use crate::report::Report;

/// How many cohorts, calls or probes are changed one by one.
pub(crate) const MAX_COHORTS: usize = 12;

/// A single change.
pub struct Change<'a> {
    /// The change in words, as a condition.
    pub words: String,
    /// How it is applied.
    pub apply: Apply<'a>,
}

/// How a change is applied.
pub enum Apply<'a> {
    /// Edits the document.
    Document(Box<dyn Fn(&mut Document) + 'a>),
    /// Sets a parameter.
    Param(String, String),
    /// Adds a waiver.
    Waiver(Waiver),
}

impl std::fmt::Debug for Apply<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Document(_) => f.write_str("Document"),
            Self::Param(name, text) => write!(f, "{name}={text}"),
            Self::Waiver(waiver) => write!(f, "{waiver:?}"),
        }
    }
}

/// A change of the document.
pub fn change_document<'a>(words: impl Into<String>, apply: impl Fn(&mut Document) + 'a) -> Change<'a> {
    Change { words: words.into(), apply: Apply::Document(Box::new(apply)) }
}

/// Whether a finding stands against a pass.
pub fn blocks(finding: &Finding) -> bool {
    finding.waived.is_none() && matches!(finding.severity, Severity::Deny | Severity::Inconclusive)
}

/// Whether a finding that names the tenant stands against a pass.
pub fn is_blocked(report: &Report, tenant: &str) -> bool {
    let names_tenant = |finding: &&Finding| finding.tenants.iter().any(|named| **named == *tenant);
    report.findings.iter().filter(names_tenant).any(blocks)
}

/// A row that says no more than that its tenant runs the target.
pub fn verified_row() -> Row {
    Row { verified_on_target: Field::Given(true), ..Row::default() }
}

/// Gives a tenant a cohort of its own, where it is in a larger one, and returns that cohort.
pub fn isolate_tenant<'d>(document: &'d mut Document, tenant: &str) -> &'d mut Cohort {
    let at = find_tenant(document, tenant);
    let cohorts = &mut document.cohorts;
    if let Some((i, position)) = at {
        cohorts[i].origins = Origins::default();
        if cohorts[i].tenants.len() == 1 {
            return &mut cohorts[i];
        }
        let name = cohorts[i].tenants.remove(position);
        let mut isolated = cohorts[i].without_tenants();
        isolated.tenants.push(name);
        cohorts.push(isolated);
    }
    let last = cohorts.len().saturating_sub(1);
    &mut cohorts[last]
}
