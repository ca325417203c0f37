//! The two evaluations of an audit: each rollout (with `fanned_out`), then the audit document.

use crate::declared::names::SUMMARY;
use crate::error::Error;
use crate::model::audit::Audit;
use crate::model::document::Document;
use crate::model::finding::{Element, Finding};
use crate::policy::ask::AUDITED;
use crate::policy::package::key;
use crate::policy::prepared::{Outcome, Prepared};
use crate::rego::engine::input::{Input, Inputs};
use crate::rego::guard::Limits;

impl Prepared {
    /// What every policy says of a document, and whether its rollout reached anybody but the canary.
    ///
    /// # Errors
    /// As [`Prepared::evaluate`].
    pub fn audited(&self, document: &Document) -> Result<(Outcome, bool), Error> {
        self.needs_of(document)?;
        let answers = self.ask(AUDITED, self.projection(document)?, &mut Inputs::default())?;
        let fanned_out = answers.bundled.get("fanned_out").only().and_then(|fanned_out| fanned_out.value());
        let fanned_out = fanned_out.map_err(|error| Error::bug(format!("{SUMMARY}.fanned_out: {error}")))?;
        Ok((self.read(&answers)?, fanned_out))
    }

    /// What policies of audits say of one.
    ///
    /// # Errors
    /// As [`Prepared::evaluate`].
    pub fn evaluate_audit(&self, audit: &Audit) -> Result<Vec<Finding>, Error> {
        let input = Input::audit(audit).map_err(|error| Error::bug(error.to_string()))?;
        let limits = Limits::for_cohorts(audit.rollouts.len() + audit.tenants.len()).within(self.time);
        let mut findings = Vec::new();
        for package in &self.packages {
            for severity in package.severities() {
                let path = key(package, severity);
                let answer = self
                    .engine
                    .evaluate(&format!("data.{path}"), input.clone(), limits)
                    .map_err(|failure| self.locate_failure(self.candidates(), &input, limits, failure))?;
                let elements = answer.elements::<Element>();
                let elements = elements.map_err(|error| Error::Policy(package.at_rule(severity, &error)))?;
                findings.extend(elements.into_iter().map(|element| package.finding(severity, element, None)));
            }
        }
        self.name_rules(&mut findings, |places| Ok(self.engine.elements(places, &input, limits)?))?;
        Ok(findings)
    }
}
