//! From the document to findings: loads the policies and evaluates all of them at once. What they say is Rego's alone.

mod blame;
mod catalog;
mod check;
mod embedded;
mod engine;
mod files;
mod guard;
mod metadata;
mod needs;
mod params;
mod problem;
mod query;
mod said;
mod source;
mod syntax;
pub mod test_runner;
mod whom;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

pub use catalog::{Code, Entry, ParamEntry};
pub use check::{is_ours, reserved};
pub use engine::{Alone, Held, Input, Lines, Module};
pub use files::Tested as TestFiles;
pub use params::{Declaration, Given, Kind, Param, ParamSource};
pub use problem::{Problem, Problems};
pub use said::Said;
pub use source::RuleText;

use crate::config::{Mode, ModeName};
use crate::document::{Document, InputFile, Text};
use crate::error::{Error, nearest};
use crate::facts::{self, FactFiles, Facts, Needed};
use crate::finding::{Element, Finding, RulePlace, Severity, Softened, Stated, Waived};
use crate::waivers::{self, Day, Waivers};
use blame::Suspect;
use engine::{Answer, Outline};
use guard::{Limits, Pending, start};
use syntax::Place;

/// Shared helpers lie below this package; they state nothing.
const LIBRARIES: &str = "rollproof.lib.";

/// Every bundled package lies below this one, and no other.
const OURS: &str = "rollproof.";

/// Where facts lie in the engine's data; no package may be there.
const FACTS: &str = "facts";

/// The package that a report's counts come from.
const SUMMARY: &str = "rollproof.lib.summary";

/// The package of the generated query.
const QUERY: &str = "rollproof.query";

/// The package that alone is asked behind a reading of a gate.
pub const GATES: &str = "rollproof.gates";

/// The policy about waivers, which is asked behind all others.
const WAIVERS: &str = "rollproof.waivers";

/// Which of a finding's tenants are waived, each by the waiver of that index.
type Applied = BTreeMap<String, usize>;

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
    /// The facts that a team's own policies declare.
    facts: Vec<Needed>,
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
    /// The first day of rollouts on which it denies.
    effective_from: Option<Day>,
    /// Whether it is evaluated, and what it says enforced.
    mode: Option<Mode>,
    /// Where it is declared.
    place: RulePlace,
    /// What evidence must hold for it to say anything.
    needs: Vec<String>,
    /// The parameters that it declares.
    params: Vec<String>,
}

#[derive(Debug)]
struct Rule {
    severity: Severity,
    place: RulePlace,
    codes: Vec<String>,
    waivable: bool,
    title: String,
    description: String,
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
    /// Stragglers that are waived, and so count toward no tolerance.
    pub waived: Vec<Text>,
    /// Policies that only report, and why.
    pub reporting: BTreeMap<String, Softened>,
    /// The newer commit, where the job was superseded before its first call: nothing is asserted.
    pub superseded_by: Option<String>,
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

/// What the policies say of a rollout that is being driven.
#[derive(Debug)]
pub struct SoFar {
    /// Why it must stop here, each beginning with its code; nothing where it may go on.
    pub halts: Vec<String>,
    /// How many tenants are proven.
    pub proven: u64,
    /// How many are not although a call named them.
    pub not_proven: u64,
}

/// What `rollproof.lib.summary` counts of a rollout that is being driven.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Counts {
    proven: u64,
    not_proven: u64,
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
    /// [`Error::Policy`] where one cannot be read, [`Error::Policies`] with everything that is wrong with them.
    pub fn with(paths: &[PathBuf]) -> Result<Self, Error> {
        let mut modules = embedded::modules();
        let own = files::all(paths)?;
        if !own.is_empty() {
            let problems = check::files(modules.clone(), own.clone()).map_err(Error::Policy)?;
            if !problems.is_empty() {
                return Err(Error::Policies(problems));
            }
            modules.extend(own);
        }
        let (engine, outlines) = engine::Loaded::new(modules).map_err(Error::Policy)?;
        Self::read(engine, outlines)
    }

    fn read(engine: engine::Loaded, outlines: Vec<Outline>) -> Result<Self, Error> {
        let mut packages: BTreeMap<String, Package> = BTreeMap::new();
        let mut params = BTreeMap::new();
        let mut facts = Vec::new();
        for outline in outlines {
            let failed = |problem| Error::Policy(format!("{}: {problem}", outline.file));
            let blocks = metadata::blocks(&outline).map_err(failed)?;
            let about = blocks.get(&outline.package_line).cloned().unwrap_or_default();
            let declared: Vec<String> = about.custom.params.keys().cloned().collect();
            for (name, declaration) in about.custom.params {
                if params.get(&name).is_some_and(|other| *other != declaration) {
                    return Err(failed(format!("the parameter {name} is declared differently by another policy")));
                }
                params.insert(name, declaration);
            }
            facts.extend(about.custom.facts.into_iter().map(|(name, fact)| Needed {
                package: outline.package.clone(),
                file: outline.file.clone(),
                name,
                description: fact.description,
            }));
            if format!("{}.", outline.package).starts_with(LIBRARIES) {
                continue;
            }
            let package = packages.entry(outline.package.clone()).or_insert_with(|| Package {
                name: outline.package.clone(),
                title: about.title.clone(),
                description: about.description.trim().to_owned(),
                rules: Vec::new(),
                halts: false,
                effective_from: about.custom.effective_from.clone(),
                mode: None,
                place: RulePlace { file: outline.file.clone(), line: outline.package_line },
                needs: Vec::new(),
                params: Vec::new(),
            });
            package.params.extend(declared);
            package.needs.extend(about.custom.needs);
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
                    waivable: said.custom.waivable.or(about.custom.waivable) != Some(false),
                    title: if said.title.is_empty() { about.title.clone() } else { said.title },
                    description: said.description.trim().to_owned(),
                    remedy: said.custom.remedy.or_else(|| about.custom.remedy.clone()),
                });
            }
        }
        // What only others import states nothing.
        let speaks = |package: &Package| !package.rules.is_empty() || package.halts;
        let packages: Vec<Package> = packages.into_values().filter(speaks).collect();
        if packages.is_empty() {
            return Err(Error::Policy("there is no policy, so nothing would be checked".into()));
        }
        Ok(Self { engine, packages, params, facts })
    }

    /// The policies, by name.
    pub fn packages(&self) -> &[Package] {
        &self.packages
    }

    /// A team's own policies, by name.
    pub fn own(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| !check::is_ours(&package.name))
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

    /// How much each policy weighs, as the configuration has it.
    ///
    /// # Errors
    /// [`Error::Usage`] where a policy is not there, or must not be softened, or no reason is given.
    fn soften(&mut self, modes: BTreeMap<String, Mode>) -> Result<(), Error> {
        for (name, mode) in modes {
            let names: Vec<&str> = self.packages.iter().map(|package| &*package.name).collect();
            let full = if names.contains(&&*name) { name.clone() } else { format!("{OURS}{name}") };
            let near = nearest(&name, names.iter().map(|known| known.strip_prefix(OURS).unwrap_or(known)))
                .map_or_else(String::new, |near| format!("did you mean {near:?}? "));
            let Some(package) = self.packages.iter_mut().find(|package| package.name == full) else {
                let problem = format!("the configuration softens a policy {name:?}, which is not there");
                return Err(Error::usage(problem, format!("{near}rollproof policy list names all")));
            };
            if let Some(code) = package.rules.iter().filter(|rule| !rule.waivable).flat_map(|rule| &rule.codes).next() {
                let problem = format!("the configuration softens {name}, which has {code}, and that is never waivable");
                return Err(Error::usage(problem, "take the mode out; a parameter or a waiver may be what is wanted"));
            }
            if full.starts_with(OURS) && mode.reason.as_ref().is_none_or(|reason| reason.trim().is_empty()) {
                let problem = format!("the configuration softens the bundled policy {name} and gives no reason");
                return Err(Error::usage(problem, format!("say why: [policies.{name}] reason = \"...\"")));
            }
            package.mode = Some(mode);
        }
        Ok(())
    }

    /// What the policies' libraries are told beside the evidence.
    fn data(&self, params: &[Param], waivers: &Waivers, facts: &Facts) -> Value {
        let params: Map<String, Value> =
            params.iter().filter_map(|param| Some((param.name.clone(), param.value.clone()?))).collect();
        let codes = |waivable: bool| {
            let rules = self.packages.iter().flat_map(|package| package.rules.iter().map(move |rule| (package, rule)));
            let codes = rules.filter(|(_, rule)| waivable || !rule.waivable).flat_map(|(package, rule)| {
                let bare = rule.codes.is_empty().then(|| key(package, rule.severity));
                rule.codes.iter().cloned().chain(bare)
            });
            codes.collect::<BTreeSet<_>>()
        };
        let modes = self.packages.iter().filter_map(|package| Some((&package.name, package.mode.as_ref()?)));
        let days = self.packages.iter().filter_map(|package| Some((&package.name, package.effective_from.as_ref()?)));
        let given: Vec<_> = waivers.given.iter().map(|given| &given.waiver).collect();
        let mut data = json!({"rollproof": {"params": params, "given": {
            "waivers": given,
            "codes": {"declared": codes(true), "unwaivable": codes(false)},
            "modes": {
                "configured": modes.collect::<BTreeMap<_, _>>(),
                "effective_from": days.collect::<BTreeMap<_, _>>(),
            },
        }}});
        if !facts.values.is_empty() {
            data[FACTS] = facts.values.clone().into();
        }
        data
    }

    /// Makes them ready to be asked.
    ///
    /// # Errors
    /// [`Error::Policy`] where that fails, [`Error::Usage`] for a waiver that is meant for no code; those of
    /// [`facts::read`].
    fn prepare(self, params: Vec<Param>, waivers: Waivers, facts: Option<&FactFiles>) -> Result<Prepared, Error> {
        let is_off = |name: &str| self.packages.iter().any(|package| package.name == name && !package.is_on());
        let needed: Vec<Needed> = self.facts.iter().filter(|needed| !is_off(&needed.package)).cloned().collect();
        let facts = facts.map_or_else(|| Ok(Facts::default()), |facts| facts::read(facts, &self.facts, &needed))?;
        let data = self.data(&params, &waivers, &facts);
        let query =
            Module { file: format!("{QUERY}.rego"), text: query::module(&self.packages, !waivers.given.is_empty()) };
        let engine = self.engine.prepare(query, data, READY).map_err(Error::Policy)?;
        let prepared =
            Prepared { packages: self.packages, declared: self.params, params, waivers, facts, engine, time: None };
        prepared.check_waivers()?;
        Ok(prepared)
    }
}

/// What is asked for beside the bundled policies.
#[derive(Debug, Default)]
pub struct Settings {
    /// Folders and files of a team's own policies.
    pub paths: Vec<PathBuf>,
    /// Values of parameters.
    pub params: Vec<Given>,
    /// How much policies weigh, by package.
    pub modes: BTreeMap<String, Mode>,
    /// What is waived.
    pub waivers: Waivers,
    /// How much time all policies together may take for an answer, if not what their own limits say.
    pub time: Option<Duration>,
    /// What a team's own policies know besides the evidence.
    /// None asks for none: what only tries policies out gives them itself.
    pub facts: Option<FactFiles>,
    /// The one package that has its say; all do where none is named.
    pub only: Option<&'static str>,
}

/// Begins to load the bundled policies and a team's own, on a policy thread.
///
/// # Errors
/// [`Error::Policy`] where the operating system refuses.
pub fn load(settings: Settings) -> Result<Loading, Error> {
    let work = move || {
        let mut policies = Policies::with(&settings.paths)?;
        policies.soften(settings.modes)?;
        let params = policies.params(&settings.params)?;
        if let Some(only) = settings.only {
            policies.packages.retain(|package| package.name == only);
        }
        Ok(Prepared { time: settings.time, ..policies.prepare(params, settings.waivers, settings.facts.as_ref())? })
    };
    start(Limits::for_cohorts(0), work).map(Loading).map_err(Error::Policy)
}

/// Policies that are being loaded.
pub struct Loading(Pending<Result<Prepared, Error>>);

impl Loading {
    /// Waits for them.
    ///
    /// # Errors
    /// [`Error::Policy`] where one cannot be loaded, [`Error::Usage`] for parameters, modes and waivers; those of
    /// [`facts::read`].
    pub fn wait(self) -> Result<Prepared, Error> {
        self.0.wait().map_err(Error::Policy)?
    }
}

/// Policies that are ready to be asked.
#[derive(Debug)]
pub struct Prepared {
    packages: Vec<Package>,
    params: Vec<Param>,
    declared: BTreeMap<String, Declaration>,
    waivers: Waivers,
    facts: Facts,
    engine: engine::Prepared,
    /// How much time all of them may take for an answer, if not what their own limits say.
    time: Option<Duration>,
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

    /// The files of waivers.
    pub fn waiver_files(&self) -> &[InputFile] {
        &self.waivers.files
    }

    /// Every waiver is meant for some code that a policy declares.
    fn check_waivers(&self) -> Result<(), Error> {
        if self.waivers.given.is_empty() {
            return Ok(());
        }
        let failed = |error| Error::Policy(format!("{WAIVERS}: {error}"));
        let answer = self.engine.ask_here("data.rollproof.lib.waivers.meant").map_err(failed)?;
        let meant: Vec<Vec<String>> = answer.value().map_err(failed)?;
        let mut faults = Vec::new();
        let rules = || self.packages.iter().flat_map(|package| &package.rules);
        for (given, codes) in self.waivers.given.iter().zip(meant) {
            let code = &given.waiver.code;
            let fault = match rules().find(|rule| rule.codes.contains(code)) {
                _ if !codes.is_empty() => continue,
                Some(_) => format!("{code} is never waivable"),
                None => {
                    let near = nearest(code, rules().flat_map(|rule| &rule.codes).map(String::as_str));
                    let near = near.map_or_else(String::new, |near| format!("; did you mean {near:?}?"));
                    format!("no policy has a code {code:?} that may be waived{near}")
                }
            };
            faults.push(format!("{}: {fault}", given.place));
        }
        if faults.is_empty() { Ok(()) } else { Err(Error::usage(faults.join("\n       "), waivers::HELP)) }
    }

    /// Every definition of every rule, as it stands in its file.
    ///
    /// # Errors
    /// [`Error::Policy`], where that cannot be told.
    pub fn rules(&self) -> Result<Vec<RuleText>, Error> {
        source::rules(&self.engine).map_err(Error::Policy)
    }

    /// The values with which definitions of rules held on a document, each definition given by file and line.
    ///
    /// # Errors
    /// As [`Prepared::evaluate`].
    pub fn held(&self, places: &[(String, u32)], document: &Document) -> Result<Vec<Held>, Error> {
        let input = Input::new(document).map_err(|error| Error::Policy(error.to_string()))?;
        self.engine.held(places, &input, Limits::for_cohorts(document.cohorts.len())).map_err(Error::Policy)
    }

    /// What single definitions of rules say of a document, each definition given by file and line.
    ///
    /// # Errors
    /// As [`Prepared::evaluate`].
    pub fn elements(&self, places: &[(String, u32)], document: &Document) -> Result<Vec<Alone>, Error> {
        let input = Input::new(document).map_err(|error| Error::Policy(error.to_string()))?;
        self.engine.elements(places, &input, Limits::for_cohorts(document.cohorts.len())).map_err(Error::Policy)
    }

    /// Every parameter that a policy declares, by name.
    pub const fn declared(&self) -> &BTreeMap<String, Declaration> {
        &self.declared
    }

    /// The files of facts.
    pub fn fact_files(&self) -> &[InputFile] {
        &self.facts.files
    }

    /// What every policy says of a document.
    ///
    /// # Errors
    /// [`Error::Policy`] where one fails, is undefined, says something that is no finding, or reaches a limit.
    pub fn evaluate(&self, document: &Document) -> Result<Outcome, Error> {
        needed(self.packages.iter().filter(|package| package.is_on()), document)?;
        let answer = self.ask("data.rollproof.query.answer", document)?;
        self.read(&answer, document.cohorts.len()).map_err(Error::Policy)
    }

    /// What is said of a rollout that is being driven, behind a call: above all, why it must stop here.
    ///
    /// # Errors
    /// As [`Prepared::evaluate`].
    pub fn so_far(&self, document: &Document) -> Result<SoFar, Error> {
        self.stops("data.rollproof.query.halts", document, |_| true)
    }

    /// The same behind a reading of a gate. Other policies have had their say behind the last call, and nothing is new
    /// to them; before the first one, and where a call is to be made again, they would judge what nobody has answered.
    ///
    /// # Errors
    /// As [`Prepared::evaluate`].
    pub fn behind_gate(&self, document: &Document) -> Result<SoFar, Error> {
        self.stops("data.rollproof.query.gates_halt", document, |package| package.name == GATES)
    }

    fn stops(&self, rule: &'static str, document: &Document, asked: impl Fn(&Package) -> bool) -> Result<SoFar, Error> {
        let asking = self.packages.iter().filter(|package| package.is_on() && package.halts && asked(package));
        needed(asking, document)?;
        let answer = self.ask(rule, document)?;
        let mut halts = Vec::new();
        let reporting = answer.get("reporting").only().and_then(|reporting| reporting.value());
        let reporting: BTreeMap<String, Softened> = reporting.map_err(Error::Policy)?;
        let halting = |package: &&Package| package.halts && package.is_on() && !reporting.contains_key(&package.name);
        for package in self.packages.iter().filter(halting).filter(|package| asked(package)) {
            let path = format!("{}.{HALT}", package.name);
            let said = answer.get("said").get(&path).only().and_then(|said| said.elements::<Element>());
            let mut waived = self.applied(&answer, &path).map_err(Error::Policy)?.into_iter();
            for element in said.map_err(|error| Error::Policy(format!("{path}: {error}")))? {
                let applied = waived.next().unwrap_or_default();
                if element.tenants().is_some_and(|mut tenants| tenants.all(|tenant| applied.contains_key(&**tenant))) {
                    continue;
                }
                halts.push(match element {
                    Element::Message(message) => format!("{path}: {message}"),
                    Element::Finding(stated) => format!("{}: {}", stated.code, stated.message),
                });
            }
        }
        halts.sort();
        halts.dedup();
        let progress = answer.get("progress").only().and_then(|said| said.value());
        let Counts { proven, not_proven } =
            progress.map_err(|error| Error::Policy(format!("{SUMMARY}.progress: {error}")))?;
        Ok(SoFar { halts, proven, not_proven })
    }

    fn read(&self, answer: &Answer, cohorts: usize) -> Result<Outcome, String> {
        let summary = |rule: &str| answer.get(rule).only().map_err(|error| format!("{SUMMARY}.{rule}: {error}"));
        let summary = Summary {
            cohorts: summary("cohorts")?.elements()?,
            tolerated: summary("tolerated")?.value()?,
            quarantined: summary("quarantined")?.value()?,
            waived: summary("waived")?.elements()?,
            reporting: summary("reporting")?.value()?,
            superseded_by: summary("superseded_by")?.value()?,
        };
        if summary.cohorts.len() != cohorts {
            return Err(format!("{SUMMARY}.cohorts: {} entries for {cohorts} cohorts", summary.cohorts.len()));
        }
        let mut findings = Vec::new();
        for package in self.packages.iter().filter(|package| package.is_on()) {
            for severity in package.severities() {
                let key = key(package, severity);
                let blame = |error: String| package.blame(severity, &error);
                let said = answer.get("said").get(&key).only().map_err(blame)?;
                let mut waived = self.applied(answer, &key).map_err(blame)?.into_iter();
                for element in said.elements::<Element>().map_err(blame)? {
                    let softened = summary.reporting.get(&package.name).filter(|_| severity == Severity::Deny);
                    let finding = package.finding(severity, element, softened);
                    package.allowed(&finding.code).map_err(blame)?;
                    findings.extend(self.split(finding, &waived.next().unwrap_or_default()));
                }
            }
        }
        Ok(Outcome { findings, summary })
    }

    /// What waivers cover of each element that a rule gave.
    fn applied(&self, answer: &Answer, path: &str) -> Result<Vec<Applied>, String> {
        // What is said about waivers is waived by none.
        if self.waivers.given.is_empty() || path.starts_with(WAIVERS) {
            return Ok(Vec::new());
        }
        answer.get("applied").get(path).elements()
    }

    /// A finding without the tenants for which it is waived, and one a waiver about these.
    fn split(&self, finding: Finding, applied: &Applied) -> Vec<Finding> {
        if applied.is_empty() {
            return vec![finding];
        }
        let mut parts: BTreeMap<Option<usize>, Vec<Text>> = BTreeMap::new();
        for tenant in &finding.tenants {
            parts.entry(applied.get(&**tenant).copied()).or_default().push(tenant.clone());
        }
        let part = |(waiver, tenants): (Option<usize>, Vec<Text>)| {
            let given = waiver.and_then(|index| self.waivers.given.get(index)).map(|given| &given.waiver);
            let waived = given.map(|waiver| Waived {
                reason: waiver.reason.clone(),
                owner: waiver.owner.clone(),
                expires: waiver.expires.clone().into(),
            });
            Finding { tenants, waived, ..finding.clone() }
        };
        parts.into_iter().map(part).collect()
    }

    fn ask(&self, rule: &'static str, document: &Document) -> Result<Answer, Error> {
        let input = Input::new(document).map_err(|error| Error::Policy(error.to_string()))?;
        let limits = Limits::for_cohorts(document.cohorts.len()).within(self.time);
        self.engine
            .ask(rule, input.clone(), limits)
            .map_err(|failure| blame::blame(&self.engine, self.suspects(), &input, limits, &failure))
    }

    /// Every rule that is asked, a team's own first.
    fn suspects(&self) -> Vec<Suspect> {
        let suspects = |package: &Package| -> Vec<Suspect> {
            let names = package.severities().map(Severity::name).chain(package.halts.then_some(HALT));
            let suspect = |name: &str| Suspect {
                path: format!("{}.{name}", package.name),
                place: package.rule(name).unwrap_or(&package.place).clone(),
            };
            names.map(suspect).collect()
        };
        let (ours, own): (Vec<_>, Vec<_>) =
            self.packages.iter().filter(|package| package.is_on()).partition(|package| check::is_ours(&package.name));
        own.into_iter().chain(ours).flat_map(suspects).collect()
    }
}

/// Whether the evidence has what some policies need.
fn needed<'p>(packages: impl Iterator<Item = &'p Package>, document: &Document) -> Result<(), Error> {
    let mut problems = Vec::new();
    for package in packages {
        let (file, place) = (package.place.file.as_str().into(), Place { line: package.place.line, column: 0 });
        if let Some(need) = needs::missing(&package.needs, document) {
            let what = format!("the policy {} needs {need}, and the evidence does not have it", package.name);
            let remedy = "give evidence that has it, or leave the policy out: what is absent would pass unseen";
            problems.push(Problem::new(&file, place, what, remedy));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(Error::Policies(problems)) }
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

    /// Whether it is evaluated.
    fn is_on(&self) -> bool {
        self.mode.as_ref().is_none_or(|mode| mode.mode != ModeName::Off)
    }

    /// Where the first rule of a severity stands.
    fn rule(&self, severity: &str) -> Option<&RulePlace> {
        self.rules.iter().find(|rule| rule.severity.name() == severity).map(|rule| &rule.place)
    }

    /// A bundled policy's code means one thing, whoever reads a report.
    fn allowed(&self, code: &str) -> Result<(), String> {
        match check::reserved(code) {
            Some(prefix) if !check::is_ours(&self.name) => {
                Err(format!("the code {code:?} begins with {prefix:?}, as only those of bundled policies do"))
            }
            _ => Ok(()),
        }
    }

    fn blame(&self, severity: Severity, error: &str) -> String {
        let place = self.rule(severity.name()).unwrap_or(&self.place);
        format!("{}:{}: {}: {error}", place.file, place.line, key(self, severity))
    }

    /// How much it weighs, where the configuration says so.
    pub const fn mode(&self) -> Option<&Mode> {
        self.mode.as_ref()
    }

    /// A finding of it; a deny of a policy that only reports is a warning.
    fn finding(&self, severity: Severity, element: Element, softened: Option<&Softened>) -> Finding {
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
            severity: if softened.is_some() { Severity::Warn } else { severity },
            softened: softened.cloned(),
            waived: None,
            message: stated.message,
            tenants,
            observed: stated.observed,
            expected: stated.expected,
            at: stated.at,
            policy: self.name.clone(),
            rule: rule.map_or_else(|| RulePlace { file: String::new(), line: 0 }, |rule| rule.place.clone()),
            title: rule.map_or_else(String::new, |rule| rule.title.clone()),
            description: rule.map_or_else(String::new, |rule| rule.description.clone()),
            remedy: rule.and_then(|rule| rule.remedy.clone()),
        }
    }
}
