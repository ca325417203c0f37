//! From the document to findings: loads the policies and evaluates all of them at once. What they say is Rego's alone.

mod embedded;
mod engine;
mod files;
mod guard;
mod metadata;
mod params;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Map, Value, json};

pub use engine::Input;
pub use params::{Declaration, Given, Kind, Param, ParamSource};

use crate::document::Document;
use crate::error::Error;
use crate::finding::{Element, Finding, RulePlace, Severity, Stated};
use engine::{Answer, Module, Outline};
use guard::{Limits, Pending, start};

/// Shared helpers lie below this package; they state nothing.
const LIBRARIES: &str = "rollproof.lib.";

/// Every bundled package lies below this one, and no other.
const OURS: &str = "rollproof.";

/// The package that a report's counts come from.
const SUMMARY: &str = "rollproof.lib.summary";

/// The package of the generated query.
const QUERY: &str = "rollproof.query";

/// What the generated query says without looking at anything.
const READY: &str = "data.rollproof.query.ready";

/// The rule that stops a rollout while it is driven.
const HALT: &str = "halt";

/// Loaded policies.
#[derive(Debug)]
pub struct Policies {
    engine: engine::Loaded,
    packages: Vec<Package>,
    params: BTreeMap<String, Declaration>,
}

/// A policy: a package with at least one rule of findings.
#[derive(Debug)]
pub struct Package {
    /// Its name, such as `rollproof.coverage`.
    pub name: String,
    /// Its title.
    pub title: String,
    /// What it says, in one sentence or two.
    pub description: String,
    /// The definitions of its finding rules, in order.
    rules: Vec<Rule>,
    /// Whether it has a rule that can stop a rollout.
    halts: bool,
}

#[derive(Debug)]
struct Rule {
    severity: Severity,
    place: RulePlace,
    codes: Vec<String>,
    title: String,
    remedy: Option<String>,
}

/// What the policies say of a document.
#[derive(Debug)]
pub struct Outcome {
    /// In no particular order.
    pub findings: Vec<Finding>,
    /// What the report counts.
    pub summary: Summary,
}

/// What `rollproof.lib.summary` says.
#[derive(Debug)]
pub struct Summary {
    /// Parallel to the document's cohorts.
    pub cohorts: Vec<CohortSummary>,
    /// The tolerance in force.
    pub tolerated: u64,
    /// Whether stragglers were shipped past.
    pub quarantined: bool,
}

/// What `rollproof.lib.summary` says of a cohort.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CohortSummary {
    /// Its proof state, such as `verified`.
    pub state: String,
    /// Whether that state proves anything.
    pub proven: bool,
    /// Whether its tenants are stragglers.
    pub straggler: bool,
    /// Why it is not proven, in words.
    pub reason: String,
    /// Which of its rows counts; none or -1 where it has no row.
    #[serde(default)]
    pub row: Option<i64>,
}

impl Policies {
    /// The bundled policies.
    ///
    /// # Errors
    /// [`Error::Policy`] where one is not as it should be: a bug of ours.
    pub fn bundled() -> Result<Self, Error> {
        Self::with(&[])
    }

    /// The bundled policies, and a team's own from these folders and files. Unit tests (`*_test.rego`) are left out.
    ///
    /// # Errors
    /// [`Error::Policy`] where one cannot be read, is not as it should be, or is in a package of ours.
    pub fn with(paths: &[PathBuf]) -> Result<Self, Error> {
        let mut modules = embedded::modules();
        let bundled = modules.len();
        for path in paths {
            modules.extend(files::modules(path)?);
        }
        let (engine, outlines) = engine::Loaded::new(modules).map_err(Error::Policy)?;
        for Outline { file, package, .. } in &outlines[bundled..] {
            if format!("{package}.").starts_with(OURS) {
                return Err(Error::Policy(format!("{file}: the package {package} is in {OURS} which is ours")));
            }
        }
        Self::read(engine, outlines)
    }

    fn read(engine: engine::Loaded, outlines: Vec<Outline>) -> Result<Self, Error> {
        let mut packages: BTreeMap<String, Package> = BTreeMap::new();
        let mut params = BTreeMap::new();
        for outline in outlines {
            let failed = |problem| Error::Policy(format!("{}: {problem}", outline.file));
            let blocks = metadata::blocks(&outline).map_err(failed)?;
            let about = blocks.get(&outline.package_line).cloned().unwrap_or_default();
            for (name, declaration) in about.custom.params {
                if params.get(&name).is_some_and(|other| *other != declaration) {
                    return Err(failed(format!("the parameter {name} is declared differently by another policy")));
                }
                params.insert(name, declaration);
            }
            if format!("{}.", outline.package).starts_with(LIBRARIES) {
                continue;
            }
            let package = packages.entry(outline.package.clone()).or_insert_with(|| Package {
                name: outline.package.clone(),
                title: about.title.clone(),
                description: about.description.trim().to_owned(),
                rules: Vec::new(),
                halts: false,
            });
            for rule in &outline.rules {
                let severity = Severity::ALL.into_iter().find(|severity| severity.name() == rule.name);
                if severity.is_none() && rule.name != HALT {
                    continue;
                }
                if !rule.set {
                    return Err(failed(format!("line {}: {} is no set of findings", rule.line, rule.name)));
                }
                let Some(severity) = severity else {
                    package.halts = true;
                    continue;
                };
                let said = blocks.get(&rule.line).cloned().unwrap_or_default();
                package.rules.push(Rule {
                    severity,
                    place: RulePlace { file: outline.file.clone(), line: rule.line },
                    codes: said.custom.codes,
                    title: if said.title.is_empty() { about.title.clone() } else { said.title },
                    remedy: said.custom.remedy.or_else(|| about.custom.remedy.clone()),
                });
            }
        }
        let packages: Vec<Package> = packages.into_values().collect();
        if let Some(silent) = packages.iter().find(|package| package.rules.is_empty() && !package.halts) {
            return Err(Error::Policy(format!("the package {} has no rule that could ever speak", silent.name)));
        }
        if packages.is_empty() {
            return Err(Error::Policy("there is no policy, so nothing would be checked".into()));
        }
        Ok(Self { engine, packages, params })
    }

    /// The policies, by name.
    pub fn packages(&self) -> &[Package] {
        &self.packages
    }

    /// Every parameter that a policy declares, by name.
    pub const fn declared(&self) -> &BTreeMap<String, Declaration> {
        &self.params
    }

    /// The value of every declared parameter, by name.
    ///
    /// # Errors
    /// [`Error::Usage`] where one that is given is not declared or has a wrong value.
    pub fn params(&self, given: &[Given]) -> Result<Vec<Param>, Error> {
        params::resolve(&self.params, given)
    }

    /// Makes them ready to be asked, with the values of their parameters.
    ///
    /// # Errors
    /// [`Error::Policy`] where that fails.
    pub fn prepare(self, params: Vec<Param>) -> Result<Prepared, Error> {
        let given: Map<String, Value> =
            params.iter().filter_map(|param| Some((param.name.clone(), param.value.clone()?))).collect();
        let data = json!({"rollproof": {"params": given}});
        let query = Module { file: format!("{QUERY}.rego"), text: query(&self.packages) };
        let engine = self.engine.prepare(query, data, READY).map_err(Error::Policy)?;
        Ok(Prepared { packages: self.packages, params, engine })
    }
}

/// A module that asks for every rule of findings, and for the summary. A rule that is undefined leaves its list empty,
/// which is how it differs from one that is an empty set.
fn query(packages: &[Package]) -> String {
    let ask = |rules: &mut dyn Iterator<Item = (String, String)>| {
        rules.map(|(key, path)| format!("\t{key:?}: [value | value := data.{path}],\n")).collect::<String>()
    };
    let findings = ask(&mut packages.iter().flat_map(|package| {
        package.severities().map(|severity| (key(package, severity), format!("{}.{}", package.name, severity.name())))
    }));
    let summary = ask(&mut ["cohorts", "tolerated", "quarantined"]
        .iter()
        .map(|rule| ((*rule).into(), format!("{SUMMARY}.{rule}"))));
    let halts = ask(&mut packages.iter().filter(|package| package.halts).map(|package| {
        let path = format!("{}.{HALT}", package.name);
        (path.clone(), path)
    }));
    format!("package {QUERY}\n\nready := true\n\nanswer := {{\n{findings}{summary}}}\n\nhalts := {{\n{halts}}}\n")
}

/// Begins to load the bundled policies and a team's own, with the values of their parameters, on a policy thread.
///
/// # Errors
/// [`Error::Policy`] where the operating system refuses.
pub fn load(paths: Vec<PathBuf>, given: Vec<Given>) -> Result<Loading, Error> {
    let work = move || {
        let policies = Policies::with(&paths)?;
        let params = policies.params(&given)?;
        policies.prepare(params)
    };
    start(Limits::for_cohorts(0), work).map(Loading).map_err(Error::Policy)
}

/// Policies that are being loaded.
pub struct Loading(Pending<Result<Prepared, Error>>);

impl Loading {
    /// Waits for them.
    ///
    /// # Errors
    /// [`Error::Policy`] where one cannot be loaded, [`Error::Usage`] for parameters.
    pub fn wait(self) -> Result<Prepared, Error> {
        self.0.wait().map_err(Error::Policy)?
    }
}

/// Policies that are ready to be asked.
#[derive(Debug)]
pub struct Prepared {
    packages: Vec<Package>,
    params: Vec<Param>,
    engine: engine::Prepared,
}

impl Prepared {
    /// The policies, by name.
    pub fn packages(&self) -> &[Package] {
        &self.packages
    }

    /// The value of every parameter, by name.
    pub fn params(&self) -> &[Param] {
        &self.params
    }

    /// What every policy says of a document.
    ///
    /// # Errors
    /// [`Error::Policy`] where one fails, is undefined, says something that is no finding, or reaches a limit.
    pub fn evaluate(&self, document: &Document) -> Result<Outcome, Error> {
        let answer = self.ask("data.rollproof.query.answer", document)?;
        self.read(&answer, document.cohorts.len()).map_err(Error::Policy)
    }

    /// Why a rollout that is being driven must stop here; nothing where it may go on. Each begins with its code.
    ///
    /// # Errors
    /// As [`Prepared::evaluate`].
    pub fn halts(&self, document: &Document) -> Result<Vec<String>, Error> {
        let answer = self.ask("data.rollproof.query.halts", document)?;
        let mut halts = Vec::new();
        for package in self.packages.iter().filter(|package| package.halts) {
            let path = format!("{}.{HALT}", package.name);
            let said = answer.get(&path).only().and_then(|said| said.elements::<Element>());
            for element in said.map_err(|error| Error::Policy(format!("{path}: {error}")))? {
                halts.push(match element {
                    Element::Message(message) => format!("{path}: {message}"),
                    Element::Finding(stated) => format!("{}: {}", stated.code, stated.message),
                });
            }
        }
        halts.sort();
        halts.dedup();
        Ok(halts)
    }

    fn read(&self, answer: &Answer, cohorts: usize) -> Result<Outcome, String> {
        let mut findings = Vec::new();
        for package in &self.packages {
            for severity in package.severities() {
                let said =
                    answer.get(&key(package, severity)).only().map_err(|error| package.blame(severity, &error))?;
                for element in said.elements::<Element>().map_err(|error| package.blame(severity, &error))? {
                    findings.push(package.finding(severity, element));
                }
            }
        }
        let summary = |rule: &str| answer.get(rule).only().map_err(|error| format!("{SUMMARY}.{rule}: {error}"));
        let summary = Summary {
            cohorts: summary("cohorts")?.elements()?,
            tolerated: summary("tolerated")?.value()?,
            quarantined: summary("quarantined")?.value()?,
        };
        if summary.cohorts.len() != cohorts {
            return Err(format!("{SUMMARY}.cohorts: {} entries for {cohorts} cohorts", summary.cohorts.len()));
        }
        Ok(Outcome { findings, summary })
    }

    fn ask(&self, rule: &'static str, document: &Document) -> Result<Answer, Error> {
        let input = Input::new(document).map_err(|error| Error::Policy(error.to_string()))?;
        self.engine.ask(rule, input, Limits::for_cohorts(document.cohorts.len())).map_err(Error::Policy)
    }
}

/// Where the generated query keeps what a rule says.
fn key(package: &Package, severity: Severity) -> String {
    format!("{}.{}", package.name, severity.name())
}

impl Package {
    /// The severities that it has rules for, heaviest first.
    fn severities(&self) -> impl Iterator<Item = Severity> {
        Severity::ALL.into_iter().filter(|severity| self.rules.iter().any(|rule| rule.severity == *severity))
    }

    /// The codes that its rules declare, by severity.
    pub fn codes(&self) -> impl Iterator<Item = (Severity, &[String])> {
        self.rules.iter().map(|rule| (rule.severity, &*rule.codes))
    }

    fn blame(&self, severity: Severity, error: &str) -> String {
        format!("{}: {error}", key(self, severity))
    }

    fn finding(&self, severity: Severity, element: Element) -> Finding {
        let stated = match element {
            Element::Finding(stated) => *stated,
            Element::Message(message) => {
                let code = format!("{}.{}", self.name, severity.name());
                Stated { code, message, tenants: Vec::new(), observed: None, expected: None, at: None }
            }
        };
        let mut rules = self.rules.iter().filter(|rule| rule.severity == severity);
        let first = rules.clone().next();
        let rule = rules.find(|rule| rule.codes.contains(&stated.code)).or(first);
        let mut tenants = stated.tenants;
        tenants.sort();
        tenants.dedup();
        Finding {
            code: stated.code,
            severity,
            message: stated.message,
            tenants,
            observed: stated.observed,
            expected: stated.expected,
            at: stated.at,
            policy: self.name.clone(),
            rule: rule.map_or_else(|| RulePlace { file: String::new(), line: 0 }, |rule| rule.place.clone()),
            title: rule.map_or_else(String::new, |rule| rule.title.clone()),
            remedy: rule.and_then(|rule| rule.remedy.clone()),
        }
    }
}
