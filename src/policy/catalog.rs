//! What there is to say of each policy before it is asked anything: for `policy list` and `policy show`.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::declared::day::Day;
use crate::declared::names::is_ours;
use crate::declared::params::Kind;
use crate::io::config::ModeName;
use crate::policy::load::Policies;
use crate::policy::package::Package;
use crate::rego::engine::module::Module;

/// A policy.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Entry {
    /// Its package.
    pub name: String,
    /// Its title.
    pub title: String,
    /// What it says.
    pub description: String,
    /// The rules of findings that it has, heaviest first, and `halt`.
    pub rules: Vec<&'static str>,
    /// The codes that its findings have.
    pub codes: Vec<Code>,
    /// Its parameters, by name.
    pub params: Vec<ParamEntry>,
    /// What evidence must hold for it to say anything.
    pub needs: Vec<String>,
    /// How much it weighs.
    pub mode: PolicyMode,
    /// Why it weighs less than all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The first day of rollouts on which it denies; what it denies of earlier ones is only reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_from: Option<Day>,
    /// Whether it comes with rollproof.
    pub bundled: bool,
    /// The file that declares it first.
    pub file: String,
    /// The SHA-256 of its text: of its file; where it has several, of the sorted list of their hashes, a line each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// How much a policy weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum PolicyMode {
    /// What it denies is denied.
    Enforce,
    /// What it denies is a warning, and it halts nothing.
    Report,
    /// It is not evaluated.
    Off,
}

impl PolicyMode {
    /// Its name, as the configuration has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Report => "report",
            Self::Off => "off",
        }
    }
}

/// A code, and the rule that says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[allow(clippy::struct_field_names, reason = "the keys of a published format")]
pub struct Code {
    /// The code.
    pub code: String,
    /// How much it weighs.
    pub severity: &'static str,
    /// The rule's title.
    pub title: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// The rule's file.
    pub file: String,
    /// The rule's line, from 1.
    pub line: u32,
}

/// A parameter.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ParamEntry {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What it is where nobody gives it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// The least that is allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum: Option<i64>,
    /// What it does.
    pub description: String,
}

impl Policies {
    /// Every policy, by name.
    pub fn catalog(&self) -> Vec<Entry> {
        self.packages.iter().map(|package| self.entry(package)).collect()
    }

    fn entry(&self, package: &Package) -> Entry {
        let params = package.params.iter().filter_map(|name| {
            let declared = self.params.get(name)?;
            Some(ParamEntry {
                name: name.clone(),
                kind: match declared.kind {
                    Kind::Boolean => "boolean",
                    Kind::Integer => "integer",
                    Kind::Number => "number",
                    Kind::String => "string",
                },
                default: declared.default.clone(),
                minimum: declared.minimum,
                description: declared.description.trim().to_owned(),
            })
        });
        let codes = package.rules.iter().flat_map(|rule| {
            rule.codes.iter().map(|code| Code {
                code: code.clone(),
                severity: rule.severity.name(),
                title: rule.title.clone(),
                remedy: rule.remedy.clone(),
                file: rule.place.file.clone(),
                line: rule.place.line,
            })
        });
        let mut entry = Entry {
            name: package.name.clone(),
            title: package.title.clone(),
            description: package.description.clone(),
            rules: package.rules().collect(),
            codes: codes.collect(),
            params: params.collect(),
            needs: package.needs.clone(),
            mode: match package.mode().map(|configured| configured.mode) {
                None => PolicyMode::Enforce,
                Some(ModeName::Report) => PolicyMode::Report,
                Some(ModeName::Off) => PolicyMode::Off,
            },
            reason: package.mode().and_then(|configured| configured.reason.clone()),
            effective_from: package.effective_from.clone(),
            bundled: is_ours(&package.name),
            file: package.place.file.clone(),
            sha256: package.sha256.clone(),
        };
        entry.params.sort_by(|a, b| a.name.cmp(&b.name));
        entry.params.dedup();
        entry
    }

    /// The files of a policy.
    pub fn sources(&self, name: &str) -> Vec<Module> {
        self.engine.modules().into_iter().filter(|(package, _)| package == name).map(|(_, module)| module).collect()
    }

    /// The files of a policy as the engine is given them.
    pub fn lowered(&self, name: &str) -> Vec<Module> {
        self.engine.lowered().into_iter().filter(|(package, _)| package == name).map(|(_, module)| module).collect()
    }
}
