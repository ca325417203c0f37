//! A policy, and what is said about its rules.

use crate::declared::day::Day;
use crate::declared::{bundled, names};
use crate::io::config::{Mode, ModeName};
use crate::model::finding::{Element, Finding, RulePlace, Severity, Softened, Stated};

/// A policy: a package with at least one rule of findings.
#[derive(Debug)]
pub struct Package {
    /// Its name, such as `rollproof.coverage`.
    pub name: String,
    pub title: String,
    /// What it says, in one sentence or two.
    pub description: String,
    /// The definitions of its finding rules, in order.
    pub(crate) rules: Vec<Rule>,
    /// Whether it has a rule that can stop a rollout.
    pub(crate) halts: bool,
    /// Whether it has a rule that says why it has nothing to judge.
    pub(crate) has_not_applicable: bool,
    /// The first day of rollouts on which it denies.
    pub(crate) effective_from: Option<Day>,
    /// Whether it is evaluated, and what it says enforced.
    pub(crate) mode: Option<Mode>,
    /// Where it is declared.
    pub(crate) place: RulePlace,
    /// What evidence must hold for it to say anything.
    pub(crate) needs: Vec<String>,
    /// The parameters that it declares.
    pub(crate) params: Vec<String>,
    /// The SHA-256 of its text, all files.
    pub(crate) sha256: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) severity: Severity,
    pub(crate) place: RulePlace,
    pub(crate) codes: Vec<String>,
    pub(crate) waivable: bool,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) remedy: Option<String>,
}

impl Rule {
    /// A finding that this definition gave.
    pub(crate) fn gave(&self, finding: Finding) -> Finding {
        Finding {
            rule: self.place.clone(),
            title: self.title.clone(),
            description: self.description.clone(),
            remedy: self.remedy.clone(),
            ..finding
        }
    }
}

/// Where the generated query keeps what a rule says.
pub(crate) fn key(package: &Package, severity: Severity) -> String {
    format!("{}.{}", package.name, severity.name())
}

impl Package {
    /// The severities that it has rules for, heaviest first.
    pub(crate) fn severities(&self) -> impl Iterator<Item = Severity> {
        Severity::ALL.into_iter().filter(|severity| self.rules.iter().any(|rule| rule.severity == *severity))
    }

    /// The codes that its rules declare, by severity.
    pub fn codes(&self) -> impl Iterator<Item = (Severity, &[String])> {
        self.rules.iter().map(|rule| (rule.severity, &*rule.codes))
    }

    /// Whether it is evaluated.
    pub(crate) fn is_on(&self) -> bool {
        self.mode.as_ref().is_none_or(|mode| mode.mode != ModeName::Off)
    }

    /// Where the first rule of a severity stands.
    pub(crate) fn rule(&self, severity: &str) -> Option<&RulePlace> {
        self.rules.iter().find(|rule| rule.severity.name() == severity).map(|rule| &rule.place)
    }

    /// Refuses a code of a bundled policy that another policy gives: such a code has one meaning.
    pub(crate) fn allowed(&self, code: &str) -> Result<(), String> {
        match bundled::reserved(code) {
            Some(prefix) if !names::is_ours(&self.name) => {
                Err(format!("the code {code:?} begins with {prefix:?}, as only those of bundled policies do"))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn at_rule(&self, severity: Severity, error: &str) -> String {
        let place = self.rule(severity.name()).unwrap_or(&self.place);
        format!("{}:{}: {}: {error}", place.file, place.line, key(self, severity))
    }

    /// How much it weighs, where the configuration says so.
    pub const fn mode(&self) -> Option<&Mode> {
        self.mode.as_ref()
    }

    /// What an element of a rule states, its tenants sorted. A bare message has the code of its rule.
    pub(crate) fn stated(&self, rule: &str, element: Element) -> Stated {
        let mut stated = match element {
            Element::Finding(stated) => *stated,
            Element::Message(message) => {
                let code = format!("{}.{rule}", self.name);
                Stated { code, message, tenants: Vec::new(), observed: None, expected: None, at: None }
            }
        };
        stated.tenants.sort();
        stated.tenants.dedup();
        stated
    }

    /// A finding of it; a deny of a policy that only reports is a warning.
    pub(crate) fn finding(&self, severity: Severity, element: Element, softened: Option<&Softened>) -> Finding {
        let stated = self.stated(severity.name(), element);
        let rule = self.candidates(severity, &stated.code).next();
        let finding = Finding {
            code: stated.code,
            severity: if softened.is_some() { Severity::Warn } else { severity },
            softened: softened.cloned(),
            waived: None,
            message: stated.message,
            tenants: stated.tenants,
            observed: stated.observed,
            expected: stated.expected,
            at: stated.at,
            policy: self.name.clone(),
            rule: RulePlace { file: String::new(), line: 0 },
            title: String::new(),
            description: String::new(),
            remedy: None,
        };
        match rule {
            Some(rule) => rule.gave(finding),
            None => finding,
        }
    }

    /// The definitions that can have given a finding: those that declare its code, else all of its severity.
    pub(crate) fn candidates(&self, severity: Severity, code: &str) -> impl Iterator<Item = &Rule> {
        let rules = || self.rules.iter().filter(move |rule| rule.severity == severity);
        let is_declared = rules().any(|rule| rule.codes.iter().any(|declared| declared == code));
        rules().filter(move |rule| !is_declared || rule.codes.iter().any(|declared| declared == code))
    }
}
