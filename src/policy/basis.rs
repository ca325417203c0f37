//! What a verdict follows from, as digests, so that two verdicts can be told to follow from the same.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::declared::params::Param;
use crate::lint::data::Data;
use crate::model::document::TOOL;
use crate::policy::facts::Facts;
use crate::policy::package::Package;
use crate::policy::waivers::Waivers;
use crate::rego::engine::ENGINE;
use crate::rego::engine::module::Module;
use crate::text::digest::sha256;

/// What a verdict follows from. Two verdicts with the same digest, by the same versions of engine and tool, followed from
/// the same rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Basis {
    /// The SHA-256 of the parts: a line `NAME SHA-256` for each, by name.
    pub digest: String,
    /// The SHA-256 of each part that is there: `policies`, `libraries` (packages that policies import), `params`, `modes`,
    /// `waivers` and `facts`.
    pub parts: BTreeMap<String, String>,
    /// The SHA-256 of the evidence: what policies are asked about, without where it was collected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// The engine's name and version.
    pub engine: String,
    /// The name and version of the tool.
    pub tool: String,
}

/// What decides beside the texts of policies.
pub(crate) struct Sources<'a> {
    pub(crate) params: &'a [Param],
    pub(crate) waivers: &'a Waivers,
    pub(crate) facts: &'a Facts,
    pub(crate) beside: &'a Data,
}

impl Basis {
    /// That of policies, given the SHA-256 of every package's text.
    pub(crate) fn of(packages: &[Package], texts: &BTreeMap<String, String>, given: &Sources<'_>) -> Self {
        let is_policy = |name: &str| packages.iter().any(|package| package.name == name);
        let (policies, libraries): (BTreeMap<&str, &str>, _) =
            texts.iter().map(|(name, text)| (&**name, &**text)).partition(|(name, _)| is_policy(name));
        let params = given.params.iter().filter_map(|param| Some((&*param.name, param.value.as_ref()?.to_string())));
        let modes = packages.iter().filter_map(|package| Some((&*package.name, json(package.mode()?))));
        let waivers = given.waivers.given.iter().map(|given| ("waiver", json(&given.waiver)));
        let facts = given.facts.files.iter().zip(given.facts.values.keys());
        let facts: BTreeMap<&str, &str> = facts.map(|(file, name)| (&**name, &*file.sha256)).collect();
        let beside = &given.beside.value;
        let parts = [
            ("data", if beside.is_empty() { String::new() } else { json(beside) }),
            ("facts", lines(facts)),
            ("libraries", lines(libraries)),
            ("modes", lines(modes)),
            ("params", lines(params)),
            ("policies", lines(policies)),
            // In their order: the first that covers a tenant is the one that is named.
            ("waivers", lines(waivers)),
        ];
        let there = parts.into_iter().filter(|(_, lines)| !lines.is_empty());
        let parts: BTreeMap<String, String> = there.map(|(name, lines)| (name.to_owned(), sha256(lines))).collect();
        let digest = sha256(lines(parts.iter().map(|(name, hash)| (&**name, hash))));
        Self { digest, parts, evidence: None, engine: ENGINE.to_owned(), tool: TOOL.to_owned() }
    }
}

/// The SHA-256 of the text of each package, as it was written: of its file, or of the sorted list of its files' hashes, a
/// line each.
pub(crate) fn texts(modules: &[(String, Module)]) -> BTreeMap<String, String> {
    let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (package, module) in modules {
        files.entry(package.clone()).or_default().push(sha256(&module.text));
    }
    let hash = |mut files: Vec<String>| {
        files.sort();
        match files.pop() {
            Some(only) if files.is_empty() => only,
            last => sha256(files.into_iter().chain(last).map(|file| file + "\n").collect::<String>()),
        }
    };
    files.into_iter().map(|(package, files)| (package, hash(files))).collect()
}

/// `NAME TEXT`, a line each.
fn lines<'n>(named: impl IntoIterator<Item = (&'n str, impl AsRef<str>)>) -> String {
    named.into_iter().map(|(name, text)| format!("{name} {}\n", text.as_ref())).collect()
}

/// A value of ours in one line.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
