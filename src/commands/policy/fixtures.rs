//! Fixtures of a team's own policies: evidence in a folder, and the findings that are expected of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::collect::fields::EvidenceFields;
use crate::collect::{Sources, collect};
use crate::declared::params::{GivenParam, ParamSource};
use crate::error::Error;
use crate::evaluation::previous;
use crate::io::config::Config;
use crate::io::input::{Bytes, Input, MAX_WRITTEN, Source};
use crate::io::output;
use crate::model::document::text::Text;
use crate::policy::facts::FactFiles;
use crate::policy::files::TestFiles;
use crate::policy::load::{Settings, load};
use crate::policy::prepared::Prepared;
use crate::policy::previous::Previous;
use crate::policy::test_runner::{Failure, Outcome, Shown, Test, Tested};
use crate::schema::document;
use crate::text::suggest::nearest;

/// The file with what is expected.
const CASE: &str = "case.json";

/// Evidence, by the name of its file; one of them.
const EVIDENCE: [&str; 3] = ["document.json", "response.json", "run.journal"];

/// The keys of a finding that may be expected.
const KEYS: [&str; 8] = ["policy", "severity", "code", "message", "tenants", "observed", "expected", "at"];

/// How large evidence may be, in bytes.
const MAX_BYTES: u64 = 1 << 30;

/// What is expected of a fixture of a team's own policies.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What the case shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    about: Option<String>,
    /// Parameters, by name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    params: Map<String, Value>,
    /// What policies know besides the evidence, by name: the name of a file in the case's folder, or the value itself
    /// where that is no text.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    facts: Map<String, Value>,
    /// The report of the previous rollout, or the name of a file in the case's folder that holds its report or its
    /// document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<Value>,
    /// When a response is said to be collected, in RFC 3339; a document says so itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    collected_at: Option<String>,
    /// The findings of all policies that are tested, in any order. A key that is absent may have any value.
    findings: Vec<Map<String, Value>>,
}

/// Judges every fixture whose name is `wanted`, by the policies in these files, or writes what they say where `update`
/// is set.
///
/// # Errors
/// [`Error::Usage`] where the folder cannot be read, [`Error::Policy`] where there is no fixture in it, [`Error::Facts`]
/// where a case lacks a fact that a policy needs.
pub fn run(
    folder: &Path,
    files: &TestFiles,
    config: &Config,
    wanted: Option<&Regex>,
    update: bool,
) -> Result<Tested, Error> {
    let unreadable = |error| {
        let problem = format!("cannot read the fixtures {}: {error}", folder.display());
        Error::usage(problem, "--fixtures names a folder with a folder for each case")
    };
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() && !name_of(&path).starts_with('.') {
            cases.push(path);
        }
    }
    cases.sort();
    if cases.is_empty() {
        let problem = format!("{}: there is no fixture here, no folder at all", folder.display());
        let help = "check the path; --fixtures takes a folder with a folder for each case";
        return Err(Error::NoPolicy { problem, help: help.into() });
    }
    let paths = config.policies.paths.iter().chain(&files.policy_paths).cloned().collect();
    let mut runner = FixtureRunner { paths, tested: files, config, loaded: BTreeMap::new(), update };
    let mut tested = Tested { declared: cases.len(), ..Tested::default() };
    for case in cases {
        let name = format!("fixtures/{}", name_of(&case));
        if wanted.is_none_or(|wanted| wanted.is_match(&name)) {
            tested.tests.push(runner.test(name, &case)?);
        }
    }
    Ok(tested)
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

struct FixtureRunner<'a> {
    /// The files and folders of all policies.
    paths: Vec<PathBuf>,
    /// Those that are tested.
    tested: &'a TestFiles,
    config: &'a Config,
    /// Policies, by their parameters and facts.
    loaded: BTreeMap<String, Prepared>,
    update: bool,
}

impl FixtureRunner<'_> {
    fn test(&mut self, name: String, folder: &Path) -> Result<Test, Error> {
        let file = folder.display().to_string();
        let failed =
            |message: Option<String>, values| Failure { message, file: file.clone(), values, ..Failure::default() };
        let failure = match self.compare(folder) {
            Ok(values) if values.is_empty() => None,
            Ok(values) => Some(failed(Some(format!("the findings are not those of {CASE}")), values)),
            Err(Unusable::Case(message)) => Some(failed(Some(message), Vec::new())),
            Err(Unusable::Facts(error)) => return Err(error),
        };
        let outcome = if failure.is_some() { Outcome::Failed } else { Outcome::Passed };
        let prints = self.loaded.values().flat_map(Prepared::take_prints).collect();
        Ok(Test { name, file, line: None, outcome, failure, prints })
    }

    /// What is expected and not found, and what is found and not expected.
    fn compare(&mut self, folder: &Path) -> Result<Vec<Shown>, Unusable> {
        let path = folder.join(CASE);
        let case = match Source::Found(path.clone()).text(MAX_WRITTEN) {
            Ok(text) => Some(serde_json::from_str::<Case>(&text).map_err(|error| format!("{CASE}: {error}"))?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && self.update => None,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(format!("it has no {CASE}; --update writes what is found into it").into());
            }
            Err(error) => return Err(format!("{CASE}: {error}").into()),
        };
        let is_new = case.is_none();
        let mut case = case.unwrap_or_default();
        let now = case.collected_at.as_deref().map_or(Ok(Timestamp::UNIX_EPOCH), str::parse);
        let now = now.map_err(|error| format!("{CASE}: collected_at: {error}"))?;
        let found = self.findings(folder, &case, now).map_err(|error| Unusable::of(error, &path))?;
        let different = differences(&mut case.findings, &found)?;
        if self.update && (is_new || !different.is_empty()) {
            case.findings = found;
            let write = |out: &mut dyn std::io::Write| {
                serde_json::to_writer_pretty(&mut *out, &case)?;
                writeln!(out)
            };
            output::replace(&path, write).map_err(|error| Unusable::Case(error.to_string()))?;
            return Ok(Vec::new());
        }
        Ok(different)
    }

    /// What the policies say.
    fn findings(&mut self, folder: &Path, case: &Case, now: Timestamp) -> Result<Vec<Map<String, Value>>, Error> {
        let sources = sources(folder)?;
        let collected = collect(&sources, now)?;
        document::validate(&collected.document)?;
        let tested: Vec<String> = self.tested.policy_paths.iter().map(|path| path.display().to_string()).collect();
        let policies = self.policies(case, folder)?;
        let mut found = Vec::new();
        for package in policies.packages().iter().filter(|package| package.is_in(&tested)) {
            for finding in policies.raw_findings(package, &collected.document)? {
                if let Ok(Value::Object(finding)) = serde_json::to_value(finding) {
                    found.push(finding);
                }
            }
        }
        Ok(found)
    }

    fn policies(&mut self, case: &Case, folder: &Path) -> Result<&Prepared, Error> {
        let (mut files, mut values) = (Vec::new(), Map::new());
        for (name, fact) in &case.facts {
            match fact {
                Value::String(file) => files.push((name.clone(), folder.join(file))),
                value => drop(values.insert(name.clone(), value.clone())),
            }
        }
        let mut files = self.config.facts(&files);
        files.retain(|(name, _)| !values.contains_key(name));
        let previous = previous_of(case.previous.as_ref(), folder)?;
        let key = format!(
            "{} {files:?} {} {:?}",
            Value::from(case.params.clone()),
            Value::from(values.clone()),
            previous.report
        );
        if !self.loaded.contains_key(&key) {
            let params = case.params.iter().map(|(name, value)| GivenParam {
                name: name.clone(),
                text: value.as_str().map_or_else(|| value.to_string(), str::to_owned),
                from: ParamSource::CommandLine,
                file: None,
            });
            let facts = Some(FactFiles { files, values, max_bytes: MAX_BYTES });
            let settings = Settings {
                paths: self.paths.clone(),
                params: params.collect(),
                facts,
                folders: self.tested.folders.clone(),
                previous: Some(previous),
                ..Settings::default()
            };
            let loaded = load(settings)?.wait()?;
            self.loaded.insert(key.clone(), loaded);
        }
        self.loaded.get(&key).ok_or_else(|| Error::bug("the policies are gone"))
    }
}

/// The previous rollout of a case.
fn previous_of(given: Option<&Value>, folder: &Path) -> Result<Previous, Error> {
    let report = match given {
        None => return Ok(Previous::default()),
        Some(Value::String(file)) => previous::report_of(&Arc::new(Source::Found(folder.join(file)).read(MAX_BYTES)?))?,
        Some(report) => {
            let bytes = Bytes::Vec(report.to_string().into_bytes());
            previous::report_of(&Arc::new(Input { name: Text::from("previous"), bytes }))?
        }
    };
    Ok(Previous { report: Some(report), ..Previous::default() })
}

/// Why a case gives no findings to compare.
enum Unusable {
    /// The case is wrong, in words: its test fails.
    Case(String),
    /// A policy would be silent, and nothing can be tested.
    Facts(Error),
}

impl Unusable {
    /// What comes of an error in the case with this file.
    fn of(error: Error, case: &Path) -> Self {
        match error {
            Error::Facts { problem, .. } => Self::Facts(Error::Facts {
                problem: format!("{}: {problem}", case.display()),
                help:
                    "name a file of the case's folder: {\"facts\": {\"NAME\": \"FILE\"}} or {\"previous\": \"FILE\"}, or give \
                       the fact under [facts] in rollproof.toml; nothing was written"
                        .into(),
            }),
            error => Self::Case(error.to_string()),
        }
    }
}

impl From<String> for Unusable {
    fn from(problem: String) -> Self {
        Self::Case(problem)
    }
}

/// The evidence of a fixture.
fn sources(folder: &Path) -> Result<Sources, Error> {
    let only_file_of = |names: &[&str]| {
        let paths: Vec<PathBuf> = names.iter().map(|name| folder.join(name)).filter(|path| path.is_file()).collect();
        match &*paths {
            [] | [_] => Ok(paths.into_iter().next()),
            _ => Err(Error::usage(format!("it holds more than one of {}", names.join(", ")), "keep one")),
        }
    };
    let evidence = only_file_of(&EVIDENCE)?;
    let evidence = evidence
        .ok_or_else(|| Error::usage(format!("it holds no evidence: none of {}", EVIDENCE.join(", ")), "add one"))?;
    Ok(Sources {
        evidence: Source::Found(evidence),
        fleet: only_file_of(&["fleet.json", "fleet.txt"])?.map(Source::Found),
        plan: only_file_of(&["plan.json"])?.map(Source::Found),
        fields: EvidenceFields::default(),
        max_bytes: MAX_BYTES,
    })
}

/// What is expected and not found, and what is found and not expected.
fn differences(expected: &mut [Map<String, Value>], found: &[Map<String, Value>]) -> Result<Vec<Shown>, String> {
    for finding in &mut *expected {
        if let Some(key) = finding.keys().find(|key| !KEYS.contains(&key.as_str())) {
            let near = nearest(key, KEYS).map_or_else(String::new, |near| format!("; did you mean {near:?}?"));
            return Err(format!("{CASE}: a finding has no key {key:?}{near}"));
        }
        if let Some(Value::Array(tenants)) = finding.get_mut("tenants") {
            tenants.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
        }
    }
    // Where not all can be matched, those that say most are.
    expected.sort_by_key(|finding| std::cmp::Reverse(finding.len()));
    let mut matching = Matching { expected, found, matched: vec![None; found.len()] };
    let unmatched = (0..expected.len()).filter(|i| !matching.assign(*i, &mut vec![false; found.len()]));
    let missing: Vec<usize> = unmatched.collect();
    let shown = |word: &str, finding: &Map<String, Value>| Shown {
        expression: word.to_owned(),
        value: serde_json::to_string(finding).unwrap_or_default(),
    };
    let missing = missing.into_iter().map(|i| shown("expected, not found", &expected[i]));
    let left = found.iter().zip(&matching.matched).filter(|(_, matched)| matched.is_none());
    Ok(missing.chain(left.map(|(finding, _)| shown("found, not expected", finding))).collect())
}

/// Which expected finding each found one is matched with, if any. One with few keys may match several, so a found finding
/// is given to another expected one where the first can have a different one.
struct Matching<'a> {
    expected: &'a [Map<String, Value>],
    found: &'a [Map<String, Value>],
    /// By the index of a found finding, the index of the expected one.
    matched: Vec<Option<usize>>,
}

impl Matching<'_> {
    /// Matches an expected finding, if that is possible without taking a match away from another one. `tried` are the found
    /// findings that were tried already.
    fn assign(&mut self, expected: usize, tried: &mut [bool]) -> bool {
        for i in 0..self.found.len() {
            let is_match = self.expected[expected].iter().all(|(key, value)| self.found[i].get(key) == Some(value));
            if is_match && !std::mem::replace(&mut tried[i], true) {
                let other = self.matched[i];
                if other.is_none_or(|other| self.assign(other, tried)) {
                    self.matched[i] = Some(expected);
                    return true;
                }
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn expected_findings_that_match_several_are_all_found() {
        let finding = |json: Value| json.as_object().expect("an object").clone();
        let found = [
            finding(json!({"code": "gold.ill", "message": "acme is ill"})),
            finding(json!({"code": "gold.ill", "message": "bolt is ill"})),
        ];
        let any = finding(json!({"code": "gold.ill"}));
        let acme = finding(json!({"message": "acme is ill"}));
        assert_eq!(differences(&mut [any.clone(), acme.clone()], &found), Ok(Vec::new()));
        let different = differences(&mut [acme.clone(), acme], &found).expect("its keys are known");
        let words: Vec<&str> = different.iter().map(|shown| &*shown.expression).collect();
        assert_eq!(words, ["expected, not found", "found, not expected"]);
    }
}
