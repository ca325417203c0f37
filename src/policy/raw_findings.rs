//! The findings of single policies as their rules give them: nothing is decided, waived or downgraded.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::declared::names::{HALT, QUERY};
use crate::error::Error;
use crate::model::document::Document;
use crate::model::document::text::Text;
use crate::model::finding::{Element, Finding, Severity};
use crate::policy::failure::CandidateRule;
use crate::policy::package::Package;
use crate::policy::prepared::{Prepared, needed};
use crate::rego::engine::input::Input;
use crate::rego::engine::module::Module;
use crate::rego::guard::{Failure, Limits};

/// What a rule says.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RawFinding {
    /// The policy.
    pub policy: String,
    /// The name of its rule: a severity, or `halt`.
    pub severity: &'static str,
    /// The finding's code.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// The tenants that it is about, sorted.
    pub tenants: Vec<Text>,
    /// What was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed: Option<Value>,
    /// What should have been seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<Value>,
    /// JSON pointer into the document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

impl Package {
    /// Whether it is declared in one of these files.
    pub fn is_in(&self, files: &[String]) -> bool {
        files.contains(&self.place.file)
    }

    /// The names of the rules that it has, heaviest first.
    pub fn rules(&self) -> impl Iterator<Item = &'static str> {
        self.severities().map(Severity::name).chain(self.halts.then_some(HALT))
    }
}

impl Prepared {
    /// The policy of this name, in which `rollproof.` may be left out.
    pub fn package(&self, name: &str) -> Option<&Package> {
        let full = format!("rollproof.{name}");
        let is = |wanted: &str| self.packages.iter().find(|package| package.name == wanted);
        is(name).or_else(|| is(&full))
    }

    /// Whether any file has this package, also one that states no findings.
    pub fn has_package(&self, name: &str) -> bool {
        self.modules().iter().any(|(package, _)| package == name)
    }

    /// Every file of every policy and library, with its package.
    pub fn modules(&self) -> Vec<(String, Module)> {
        // The generated module that evaluates all of them is of no use outside.
        self.engine.modules().into_iter().filter(|(package, _)| package != QUERY).collect()
    }

    /// What policies are given beside the evidence, as it lies under `data`.
    ///
    /// # Errors
    /// [`Error::Internal`] where it is no JSON: a bug of ours.
    pub fn data(&self) -> Result<Value, Error> {
        self.engine.data().map_err(Error::bug)
    }

    /// What a policy says of a document, by rule, code and message.
    ///
    /// # Errors
    /// [`Error::Policy`] and [`Error::Policies`], as for a verdict.
    pub fn raw_findings(&self, package: &Package, document: &Document) -> Result<Vec<RawFinding>, Error> {
        needed(std::iter::once(package), document)?;
        let input = Input::new(document).map_err(|error| Error::bug(error.to_string()))?;
        let limits = Limits::for_cohorts(document.cohorts.len()).within(self.time);
        let mut all = Vec::new();
        for rule in package.rules() {
            let path = format!("{}.{rule}", package.name);
            let answer = self.engine.evaluate(&format!("data.{path}"), input.clone(), limits).map_err(|failure| {
                let place = package.rule(rule).unwrap_or(&package.place).clone();
                self.locate_failure(vec![CandidateRule { path: path.clone(), place }], &input, limits, failure)
            })?;
            let elements = answer.elements::<Element>();
            let elements = elements.map_err(|error| Error::Policy(format!("{path}: {error}")))?;
            let mut findings: Vec<_> =
                elements.into_iter().map(|element| raw_finding(package, rule, element)).collect();
            findings.sort_by(|a, b| (&a.code, &a.message, &a.tenants).cmp(&(&b.code, &b.message, &b.tenants)));
            all.extend(findings);
        }
        Ok(all)
    }

    /// What a Rego expression is in a package, on a document: a value for each way in which it holds.
    ///
    /// # Errors
    /// [`Error::Policy`] with what the engine says.
    pub fn query(&self, package: &str, expression: &str, document: &Document) -> Result<Vec<Value>, Error> {
        let input = Input::new(document).map_err(|error| Error::bug(error.to_string()))?;
        let limits = Limits::for_cohorts(document.cohorts.len()).within(self.time);
        self.engine.query(package, expression, input, limits).map_err(|failure| match failure {
            Failure::Policy(problem) => Error::Policy(format!("{expression}: {}", problem.trim())),
            other => other.into(),
        })
    }
}

impl From<Finding> for RawFinding {
    fn from(finding: Finding) -> Self {
        Self {
            policy: finding.policy,
            severity: finding.severity.name(),
            code: finding.code,
            message: finding.message,
            tenants: finding.tenants,
            observed: finding.observed,
            expected: finding.expected,
            at: finding.at,
        }
    }
}

fn raw_finding(package: &Package, rule: &'static str, element: Element) -> RawFinding {
    let stated = package.stated(rule, element);
    RawFinding {
        policy: package.name.clone(),
        severity: rule,
        code: stated.code,
        message: stated.message,
        tenants: stated.tenants,
        observed: stated.observed,
        expected: stated.expected,
        at: stated.at,
    }
}
