//! A single change of the evidence, the plan, the parameters or the waivers: its words, and what it does.

use crate::explain::context::place;
use crate::model::document::origins::Origins;
use crate::model::document::text::Field;
use crate::model::document::{Cohort, Document, Row};
use crate::model::finding::{Finding, Severity};
use crate::policy::waivers::Waiver;
use crate::report::Report;

/// How many cohorts are looked at one by one.
pub(crate) const MAX_COHORTS: usize = 12;

/// A single change.
pub struct Change<'a> {
    /// It in words, as a condition.
    pub words: String,
    /// What it does.
    pub apply: Apply<'a>,
}

/// What a change does.
pub enum Apply<'a> {
    /// Something of the document.
    Document(Box<dyn Fn(&mut Document) + 'a>),
    /// A parameter's value.
    Param(String, String),
    /// One waiver more.
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
pub fn evidence<'a>(words: impl Into<String>, apply: impl Fn(&mut Document) + 'a) -> Change<'a> {
    Change { words: words.into(), apply: Apply::Document(Box::new(apply)) }
}

/// Whether a finding stands against a pass.
pub fn blocks(finding: &Finding) -> bool {
    finding.waived.is_none() && matches!(finding.severity, Severity::Deny | Severity::Inconclusive)
}

/// Whether anything stands against a pass that names the tenant.
pub fn is_blocked(report: &Report, tenant: &str) -> bool {
    let named = |finding: &&Finding| finding.tenants.iter().any(|named| **named == *tenant);
    report.findings.iter().filter(named).any(blocks)
}

/// A row that says no more than that its tenant runs the target.
pub fn verified() -> Row {
    Row { verified_on_target: Field::Given(true), ..Row::default() }
}

/// The tenant's own cohort: it is taken out of a larger one.
pub fn isolate_tenant<'d>(document: &'d mut Document, tenant: &str) -> &'d mut Cohort {
    let at = place(document, tenant);
    let cohorts = &mut document.cohorts;
    if let Some((i, position)) = at {
        cohorts[i].origins = Origins::default();
        if cohorts[i].tenants.len() == 1 {
            return &mut cohorts[i];
        }
        let name = cohorts[i].tenants.remove(position);
        let mut own = cohorts[i].without_tenants();
        own.tenants.push(name);
        cohorts.push(own);
    }
    let last = cohorts.len().saturating_sub(1);
    &mut cohorts[last]
}
