//! Waivers: findings that somebody has agreed to live with, for a while. Reads their files and checks that each is
//! complete; what a waiver covers and whether it is in force is Rego's word (`rollproof.lib.waivers`).

use std::collections::BTreeMap;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::declared::day::Day;
use crate::diagnostic::fault::{fault_at, hand_written};
use crate::error::Error;
use crate::io::input::{Input, Source};
use crate::model::document::text::Text;
use crate::model::document::{InputFile, Role};

/// A file of waivers, TOML or JSON.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WaiverFile {
    /// The waivers.
    #[schemars(with = "Vec<Waiver>")]
    waiver: Vec<Spanned<Waiver>>,
}

/// A finding that somebody has agreed to live with. Either `tenants` or `labels` says for whom.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{"required": ["tenants"]}, {"required": ["labels"]}]))]
pub struct Waiver {
    /// The finding's code, or a pattern in which `*` stands for anything. Codes that are never waivable are not meant.
    pub code: String,
    /// The tenants that it covers; `*` stands for any characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub tenants: Option<Vec<Text>>,
    /// It covers the tenants that the fleet gives all of these labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub labels: Option<BTreeMap<String, String>>,
    /// Why the finding is accepted.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The first day on which it counts.
    pub granted: Day,
    /// The last day on which it counts.
    pub expires: Day,
}

/// A waiver, and where it stands.
#[derive(Debug, Clone)]
pub struct PlacedWaiver {
    /// The waiver.
    pub waiver: Waiver,
    /// File and line.
    pub place: String,
}

/// Waivers from files.
#[derive(Debug, Default)]
pub struct Waivers {
    /// The waivers, file by file.
    pub given: Vec<PlacedWaiver>,
    /// The files.
    pub files: Vec<InputFile>,
}

/// What to do about a bad waiver.
pub const WAIVER_HELP: &str =
    "a waiver has code, tenants or labels, reason, owner, granted and expires; rollproof schema waivers";

/// Reads files of waivers. None may last longer than `max_days`.
///
/// # Errors
/// [`Error::Usage`] with every fault, its file and line.
pub fn read<'a>(paths: impl IntoIterator<Item = &'a Path>, max_days: u32, max_bytes: u64) -> Result<Waivers, Error> {
    let (mut waivers, mut faults) = (Waivers::default(), Vec::new());
    // What to do about the first fault that is of a file and not of a waiver in it.
    let mut remedy = None;
    for path in paths {
        let input = match Source::new(path.to_owned()).read(max_bytes) {
            Ok(input) => input,
            Err(error) => {
                remedy = remedy.or_else(|| error.help().map(str::to_owned));
                faults.push(error.to_string());
                continue;
            }
        };
        match parse(&input) {
            Ok(given) => waivers.given.extend(given),
            Err(fault) => faults.push(fault),
        }
        waivers.files.push(input.file(Role::Waivers, input.sha256()));
    }
    for given in &waivers.given {
        faults.extend(given.waiver.faults(max_days).map(|fault| format!("{}: {fault}", given.place)));
    }
    if faults.is_empty() {
        return Ok(waivers);
    }
    let is_file_alone = faults.len() == 1;
    let help = match remedy {
        Some(remedy) if is_file_alone => remedy,
        Some(remedy) => format!("{remedy}\n{WAIVER_HELP}"),
        None => WAIVER_HELP.to_owned(),
    };
    Err(Error::usage(faults.join("\n"), help))
}

fn parse(input: &Input) -> Result<Vec<PlacedWaiver>, String> {
    let wrong = |problem: String| format!("{}: {problem}", input.name);
    let text = hand_written(&input.bytes).map_err(|fault| wrong(fault.sentence()))?;
    let placed = |line: usize, waiver| PlacedWaiver { waiver, place: format!("{}, line {line}", input.name) };
    if text.trim_start().starts_with('{') {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Json {
            waiver: Vec<Waiver>,
        }
        let read: Json = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
        let line =
            |i| fault_at(text.as_bytes(), &format!("/waiver/{i}"), String::new()).place.map_or(1, |(line, _)| line);
        return Ok(read.waiver.into_iter().enumerate().map(|(i, waiver)| placed(line(i), waiver)).collect());
    }
    let read: WaiverFile = toml::from_str(text).map_err(|error| wrong(error.to_string().trim_end().to_owned()))?;
    let line = |offset: usize| 1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count();
    Ok(read.waiver.into_iter().map(|waiver| placed(line(waiver.span().start), waiver.into_inner())).collect())
}

impl Waiver {
    fn faults(&self, max_days: u32) -> impl Iterator<Item = String> {
        let lasts = self.granted.days_until(&self.expires);
        let for_nobody = self.tenants.as_ref().is_none_or(Vec::is_empty);
        let for_no_label = self.labels.as_ref().is_none_or(BTreeMap::is_empty);
        let charset = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '*');
        let faults = [
            (self.reason.trim().is_empty(), "the reason is blank".to_owned()),
            (self.owner.trim().is_empty(), "the owner is blank".to_owned()),
            (for_nobody && for_no_label, "it covers nobody: give tenants or labels".to_owned()),
            (self.tenants.is_some() && self.labels.is_some(), "give either tenants or labels, not both".to_owned()),
            (lasts < 0, "it expires before it is granted".to_owned()),
            (lasts > i64::from(max_days), format!("it lasts {lasts} days, but at most {max_days} are allowed")),
            (
                !self.code.chars().all(charset),
                format!("found the code {:?}, but letters, digits, \"_\", \".\" and \"*\" are allowed", self.code),
            ),
        ];
        faults.into_iter().filter_map(|(wrong, fault)| wrong.then_some(fault))
    }
}
