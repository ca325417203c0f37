//! Loads policies: bundled ones and a team's own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::declared::metadata::{Blocks, Metadata, NeedsPrevious};
use crate::declared::names::{FACTS, HALT, LIBRARIES, NOT_APPLICABLE, OURS, PREVIOUS, QUERY, READY};
use crate::declared::params::{Declaration, GivenParam, Param, ParamSource};
use crate::declared::subject::Subject;
use crate::declared::{bundled, metadata, names, params};
use crate::error::{Error, Errors};
use crate::io::config::{Config, Mode};
use crate::lint;
use crate::lint::data::Data;
use crate::model::finding::{RulePlace, Severity};
use crate::policy::basis::Basis;
use crate::policy::facts::{FactFiles, Facts, NeededFact, OpenedFact};
use crate::policy::package::{Package, Rule, key};
use crate::policy::prepared::Prepared;
use crate::policy::previous::{Dependent, Previous};
use crate::policy::waivers::Waivers;
use crate::policy::{basis, data, facts, files, order, previous, query};
use crate::rego::engine;
use crate::rego::engine::module::{Module, Outline, RuleOutline};
use crate::rego::guard::{Limits, Pending, start};
use crate::text::suggest::nearest;

/// Loaded policies.
#[derive(Debug)]
pub struct Policies {
    subject: Subject,
    pub(crate) engine: engine::Loaded,
    pub(crate) packages: Vec<Package>,
    pub(crate) params: BTreeMap<String, Declaration>,
    /// The facts that a team's own policies declare.
    facts: Vec<NeededFact>,
    /// The SHA-256 of the text of every package, libraries too.
    texts: BTreeMap<String, String>,
    /// The policies that need the previous rollout.
    dependents: Vec<Dependent>,
    /// The data beside a team's own policies.
    beside: Data,
    /// Whether a team's own policies can see the fleet's order and the phases.
    sees_order: bool,
}

impl Policies {
    /// The bundled policies.
    ///
    /// # Errors
    /// [`Error::Policy`] or [`Error::Internal`] where one is not as it should be: a bug of ours.
    pub fn bundled() -> Result<Self, Error> {
        Self::with(&[])
    }

    /// The bundled policies, and a team's own from these folders and files. Unit tests (`*_test.rego`) are left out.
    ///
    /// # Errors
    /// [`Error::Policy`] where one cannot be read, [`Error::Policies`] with everything that is wrong with them.
    pub fn with(paths: &[PathBuf]) -> Result<Self, Error> {
        Self::of(files::all(paths)?, data::read(paths)?)
    }

    /// The bundled policies, and a team's own with the data beside them.
    ///
    /// # Errors
    /// [`Error::Policies`] with everything that is wrong with them.
    pub fn of(own: Vec<Module>, beside: Data) -> Result<Self, Error> {
        Self::about(Subject::Rollout, own, beside)
    }

    /// The bundled policies that judge audits.
    ///
    /// # Errors
    /// [`Error::Policy`] or [`Error::Internal`] where one is not as it should be: a bug of ours.
    pub fn of_audits() -> Result<Self, Error> {
        Self::about(Subject::Audit, Vec::new(), Data::default())
    }

    fn about(subject: Subject, own: Vec<Module>, data: Data) -> Result<Self, Error> {
        let mut modules = bundled::modules(subject);
        let bundled = modules.len();
        let sees_order = own.iter().any(|module| order::is_seen(&module.text));
        if !own.is_empty() {
            let problems = lint::files(subject, modules.clone(), own.clone(), &data)?;
            if !problems.is_empty() {
                return Err(Error::Policies(problems));
            }
            modules.extend(own);
        }
        let (engine, outlines) = engine::Loaded::new(modules, bundled)?;
        let mut metadata = bundled::metadata().map_err(Error::bug)?;
        let blocks = |(i, outline): (usize, &Outline)| match metadata.remove(&outline.file) {
            Some(blocks) if i < bundled => Ok(blocks),
            _ => metadata::blocks(outline).map_err(|problem| Error::Policy(format!("{}: {problem}", outline.file))),
        };
        let blocks = outlines.iter().enumerate().map(blocks).collect::<Result<Vec<_>, _>>()?;
        let policies = Self::read(subject, engine, outlines.into_iter().zip(blocks))?;
        Ok(Self { beside: data, sees_order, ..policies })
    }

    fn read(
        subject: Subject,
        engine: engine::Loaded,
        outlines: impl Iterator<Item = (Outline, Blocks)>,
    ) -> Result<Self, Error> {
        let mut packages: BTreeMap<String, Package> = BTreeMap::new();
        let mut params = BTreeMap::new();
        let (mut facts, mut dependents) = (Vec::new(), Vec::new());
        let texts = basis::texts(&engine.modules());
        for (outline, blocks) in outlines {
            let failed = |problem| Error::Policy(format!("{}: {problem}", outline.file));
            let metadata = blocks.get(&outline.package_line).cloned().unwrap_or_default();
            declare_params(&mut params, &metadata).map_err(failed)?;
            facts.extend(needed_facts(&outline, &metadata));
            if metadata.custom.previous == Some(NeedsPrevious::Required) {
                dependents.push(Dependent { package: outline.package.clone(), file: outline.file.clone() });
            }
            if format!("{}.", outline.package).starts_with(LIBRARIES) {
                continue;
            }
            let package =
                packages.entry(outline.package.clone()).or_insert_with(|| Package::new(&outline, &metadata, &texts));
            package.params.extend(metadata.custom.params.keys().cloned());
            package.needs.extend(metadata.custom.needs.iter().cloned());
            for rule in &outline.rules {
                let of_rule = blocks.get(&rule.line).cloned().unwrap_or_default();
                package.add(&outline.file, rule, of_rule, &metadata).map_err(failed)?;
            }
        }
        // A package without such rules is a library.
        let is_policy = |package: &Package| !package.rules.is_empty() || package.halts;
        let packages: Vec<Package> = packages.into_values().filter(is_policy).collect();
        if packages.is_empty() {
            return Err(Error::Policy("there is no policy, so nothing would be checked".into()));
        }
        Ok(Self {
            subject,
            engine,
            packages,
            params,
            facts,
            texts,
            dependents,
            beside: Data::default(),
            sees_order: false,
        })
    }

    /// The policies, by name.
    pub fn packages(&self) -> &[Package] {
        &self.packages
    }

    /// A team's own policies, by name.
    pub fn own(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| !names::is_ours(&package.name))
    }

    /// Every parameter that a policy declares, by name.
    pub const fn declared(&self) -> &BTreeMap<String, Declaration> {
        &self.params
    }

    /// The parameters that are meant for these policies: `rollproof.toml` is for rollouts and for audits.
    fn meant(&self, mut given: Vec<GivenParam>) -> Result<Vec<GivenParam>, Error> {
        let strange = |given: &GivenParam| given.from == ParamSource::Config && !self.params.contains_key(&given.name);
        if given.iter().any(strange) {
            let meant = match self.subject {
                Subject::Rollout => Self::of_audits()?.params.into_keys().collect(),
                // A parameter that no policy declares is an error of `verify`, which has a team's own policies.
                Subject::Audit => given.iter().map(|given| given.name.clone()).collect::<BTreeSet<_>>(),
            };
            given.retain(|given| !strange(given) || !meant.contains(&given.name));
        }
        Ok(given)
    }

    /// The value of every declared parameter, by name.
    ///
    /// # Errors
    /// [`Error::Usage`] where one that is given is not declared or has a wrong value.
    pub fn params(&self, given: &[GivenParam]) -> Result<Vec<Param>, Error> {
        params::resolve(&self.params, given, &[])
    }

    /// How much each policy weighs, as the configuration has it.
    ///
    /// # Errors
    /// [`Error::Usage`] where a policy is not there, has two modes or must not have one, or no reason is given.
    pub fn apply_modes(&mut self, config: &Config) -> Result<(), Error> {
        let file = config.file.as_ref().map_or("", |file| &*file.name);
        self.soften(config.policies.modes.clone()).map_err(|error| error.in_file(file))
    }

    fn soften(&mut self, modes: BTreeMap<String, Mode>) -> Result<(), Error> {
        if let Some(name) = modes.keys().find(|name| modes.contains_key(&format!("{OURS}{name}"))) {
            let problem = format!("[policies.{name}] and [policies.\"{OURS}{name}\"] are the same policy");
            return Err(Error::usage(problem, "keep one of the two"));
        }
        for (name, mode) in modes {
            let names: Vec<&str> = self.packages.iter().map(|package| &*package.name).collect();
            let is_full = name.starts_with(OURS) || names.contains(&&*name);
            let full = if is_full { name.clone() } else { format!("{OURS}{name}") };
            let near = nearest(&name, names.iter().map(|known| known.strip_prefix(OURS).unwrap_or(known)))
                .map_or_else(String::new, |near| format!("did you mean {near:?}? "));
            let Some(package) = self.packages.iter_mut().find(|package| package.name == full) else {
                if Self::of_audits()?.packages.iter().any(|package| package.name == full) {
                    let problem = format!(
                        "[policies.{}]: {full} judges audits, and only a policy of rollouts has a mode",
                        quoted(&name)
                    );
                    let help = format!("leave it out; rollproof policy show {full} lists its parameters");
                    return Err(Error::usage(problem, help));
                }
                let problem = format!("[policies.{}]: there is no policy of this name", quoted(&name));
                return Err(Error::usage(problem, format!("{near}rollproof policy list lists all")));
            };
            if let Some(code) = package.rules.iter().filter(|rule| !rule.waivable).flat_map(|rule| &rule.codes).next() {
                let problem =
                    format!("[policies.{}]: a mode is not allowed, because {code} is never waivable", quoted(&name));
                return Err(Error::usage(problem, "take the mode out; a parameter or a waiver may be what is wanted"));
            }
            if full.starts_with(OURS) && mode.reason.as_ref().is_none_or(|reason| reason.trim().is_empty()) {
                let table = quoted(&name);
                let problem = format!("[policies.{table}]: the policy is bundled, and its mode has no reason");
                return Err(Error::usage(problem, format!("say why: [policies.{table}] reason = \"...\"")));
            }
            package.mode = Some(mode);
        }
        Ok(())
    }

    /// What the policies' libraries are told beside the evidence.
    fn data(&self, params: &[Param], waivers: &Waivers, facts: &Facts, previous: &Previous) -> Value {
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
        if let Some(report) = &previous.report {
            data[PREVIOUS] = report.clone();
            data["rollproof"]["given"]["retired"] = json!(previous.retired);
        }
        // None of its keys is one of these.
        if let Value::Object(data) = &mut data {
            data.extend(self.beside.value.clone());
        }
        data
    }

    /// The facts that these files hold; none where no file is read.
    ///
    /// # Errors
    /// Those of [`facts::read`].
    fn facts(&self, opened: Option<Vec<OpenedFact>>) -> Result<Facts, Error> {
        let is_off = |name: &str| self.packages.iter().any(|package| package.name == name && !package.is_on());
        let needed: Vec<NeededFact> = self.facts.iter().filter(|needed| !is_off(&needed.package)).cloned().collect();
        opened.map_or_else(|| Ok(Facts::default()), |opened| facts::read(opened, &self.facts, &needed))
    }

    /// Fails where a policy that is evaluated needs the previous rollout, and none was given.
    fn check_previous(&self, previous: &Previous) -> Result<(), Error> {
        let is_on = |name: &str| self.packages.iter().any(|package| package.name == name && package.is_on());
        let dependents: Vec<_> = self.dependents.iter().filter(|dependent| is_on(&dependent.package)).collect();
        previous::check(previous, &dependents)
    }

    /// Makes them ready to be evaluated.
    ///
    /// # Errors
    /// [`Error::Policy`] where that fails, [`Error::Usage`] for a waiver that is meant for no code.
    fn prepare(
        self,
        params: Vec<Param>,
        waivers: Waivers,
        facts: Facts,
        previous: Previous,
    ) -> Result<Prepared, Error> {
        let data = self.data(&params, &waivers, &facts, &previous);
        let text = match self.subject {
            Subject::Rollout => query::module(&self.packages, !waivers.given.is_empty()),
            Subject::Audit => query::nothing(),
        };
        let given = basis::Sources { params: &params, waivers: &waivers, facts: &facts, beside: &self.beside };
        let basis = Basis::of(&self.packages, &self.texts, &given);
        let query = Module { file: format!("{QUERY}.rego"), text };
        let engine = self.engine.prepare(query, data, READY).map_err(Error::Policy)?;
        let prepared = Prepared {
            packages: self.packages,
            declared: self.params,
            params,
            waivers,
            facts,
            basis,
            engine,
            sees_order: self.sees_order,
            time: None,
            beside: self.beside,
            previous: previous.files,
        };
        prepared.check_waivers()?;
        Ok(prepared)
    }
}

/// A key of TOML as it is written.
fn quoted(key: &str) -> String {
    if key.contains('.') { format!("{key:?}") } else { key.to_owned() }
}

/// Adds the parameters that a package declares.
fn declare_params(params: &mut BTreeMap<String, Declaration>, metadata: &Metadata) -> Result<(), String> {
    for (name, declaration) in &metadata.custom.params {
        if params.get(name).is_some_and(|other| other != declaration) {
            return Err(format!("the parameter {name} is declared differently by another policy"));
        }
        params.insert(name.clone(), declaration.clone());
    }
    Ok(())
}

/// The facts that a package declares.
fn needed_facts(outline: &Outline, metadata: &Metadata) -> impl Iterator<Item = NeededFact> {
    metadata.custom.facts.iter().map(|(name, fact)| NeededFact {
        package: outline.package.clone(),
        file: outline.file.clone(),
        name: name.clone(),
        description: fact.description.clone(),
    })
}

impl Package {
    /// A package without rules yet, as its METADATA describes it.
    fn new(outline: &Outline, metadata: &Metadata, texts: &BTreeMap<String, String>) -> Self {
        Self {
            name: outline.package.clone(),
            title: metadata.title.clone(),
            description: metadata.description.trim().to_owned(),
            rules: Vec::new(),
            halts: false,
            has_not_applicable: false,
            effective_from: metadata.custom.effective_from.clone(),
            mode: None,
            place: RulePlace { file: outline.file.clone(), line: outline.package_line },
            needs: Vec::new(),
            params: Vec::new(),
            sha256: texts.get(&outline.package).cloned(),
        }
    }

    /// Adds a definition of a rule, if it is of a rule that this program evaluates.
    fn add(&mut self, file: &str, rule: &RuleOutline, metadata: Metadata, of_package: &Metadata) -> Result<(), String> {
        self.has_not_applicable |= rule.name == NOT_APPLICABLE;
        let severity = Severity::ALL.into_iter().find(|severity| severity.name() == rule.name);
        if severity.is_none() && rule.name != HALT {
            return Ok(());
        }
        if !rule.set {
            return Err(format!("line {}: {} is no set of findings", rule.line, rule.name));
        }
        let Some(severity) = severity else {
            self.halts = true;
            return Ok(());
        };
        self.rules.push(Rule {
            severity,
            place: RulePlace { file: file.to_owned(), line: rule.line },
            codes: metadata.custom.codes,
            waivable: metadata.custom.waivable.or(of_package.custom.waivable) != Some(false),
            title: if metadata.title.is_empty() { of_package.title.clone() } else { metadata.title },
            description: metadata.description.trim().to_owned(),
            remedy: metadata.custom.remedy.or_else(|| of_package.custom.remedy.clone()),
        });
        Ok(())
    }
}

/// What is asked for beside the bundled policies.
#[derive(Debug, Default)]
pub struct Settings {
    /// What is judged.
    pub subject: Subject,
    /// Folders and files of a team's own policies.
    pub paths: Vec<PathBuf>,
    /// Folders whose data is loaded besides that in folders of `paths`.
    pub folders: Vec<PathBuf>,
    /// Values of parameters.
    pub params: Vec<GivenParam>,
    /// Names of parameters that are read elsewhere, and may have been meant.
    pub other_params: Vec<String>,
    /// The configuration: how much policies weigh.
    pub config: Config,
    /// What is waived.
    pub waivers: Waivers,
    /// How much time all policies together may take for an answer, if not what their own limits say.
    pub time: Option<Duration>,
    /// What a team's own policies know besides the evidence.
    /// None asks for none: what only tries policies out gives them itself.
    pub facts: Option<FactFiles>,
    /// The previous rollout. None asks for none, as with facts.
    pub previous: Option<Previous>,
    /// The one package that is evaluated; all are where none is named.
    pub only: Option<&'static str>,
}

/// Reads a team's own policies, and begins to load them and the bundled ones on a policy thread. Files are read before
/// it starts: where one comes slowly, no policy is to blame.
///
/// # Errors
/// [`Error::Policy`] where a file cannot be read, [`Error::Internal`] where the operating system refuses.
pub fn load(settings: Settings) -> Result<Loading, Error> {
    let own = files::all(&settings.paths)?;
    let folders: Vec<PathBuf> = settings.paths.iter().chain(&settings.folders).cloned().collect();
    let data = data::read(&folders)?;
    let facts = settings.facts.map(FactFiles::open);
    let work = move || {
        let mut policies = Policies::about(settings.subject, own, data)?;
        // Whatever is wrong is told at once.
        let mut wrong = Errors::default();
        wrong.keep_error(policies.apply_modes(&settings.config));
        let params = wrong.keep_error(
            policies
                .meant(settings.params)
                .and_then(|given| params::resolve(&policies.params, &given, &settings.other_params)),
        );
        let facts = wrong.keep_error(policies.facts(facts));
        if let Some(previous) = &settings.previous {
            wrong.keep_error(policies.check_previous(previous));
        }
        if let Some(only) = settings.only {
            policies.packages.retain(|package| package.name == only);
        }
        // Waivers are read with the parameters as they are declared where those that are given cannot be used.
        let params = params.map_or_else(|| policies.params(&[]), Ok)?;
        let prepared = wrong.keep_error(policies.prepare(
            params,
            settings.waivers,
            facts.unwrap_or_default(),
            settings.previous.unwrap_or_default(),
        ));
        wrong.end()?;
        let prepared = prepared.ok_or_else(|| Error::bug("the policies are gone"))?;
        Ok(Prepared { time: settings.time, ..prepared })
    };
    Ok(Loading(start(Limits::for_cohorts(0), work)?))
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
        self.0.wait()?
    }
}
