//! Texts and parsers that several commands share.

use std::path::PathBuf;

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::render::Format;
use crate::text::suggest::nearest;

/// What the exit codes mean, as `--help` shows it.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0    pass, or a dry run or superseded job, which asserts nothing
  1    fail: a policy denied
  2    usage
  3    inconclusive: the evidence cannot decide
  4    invalid evidence: unreadable, malformed, or against the schema
  5    a policy could not be loaded or evaluated
  6    a service never answered, and no verdict is possible
  7    the verdict stands but could not be written
  130  interrupted (143: by SIGTERM, 129: by SIGHUP); what was collected is written";

/// What to do about an empty path.
const UNSET_VARIABLE_HELP: &str = "set the variable that it comes from, such as GITHUB_STEP_SUMMARY";

pub(crate) fn name_and_value(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("NAME=VALUE is expected")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

/// Reads a SHA-256.
pub(crate) fn digest(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("it is empty; set the variable that it comes from".into());
    }
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("the 64 hexadecimal digits of a SHA-256 are expected; `rollproof policy list` shows it".into());
    }
    Ok(text.to_ascii_lowercase())
}

pub(crate) fn name_and_path(text: &str) -> Result<(String, PathBuf), String> {
    let (name, path) = text.split_once('=').ok_or("NAME=FILE is expected")?;
    if name.trim().is_empty() {
        return Err("the name before `=` is empty; NAME=FILE is expected".into());
    }
    if path.is_empty() {
        return Err("the path after `=` is empty; set the variable that it comes from".into());
    }
    Ok((name.trim().to_owned(), path.into()))
}

/// Reads FORMAT=PATH, where FORMAT is one of the formats of a command.
pub(crate) fn format_and_path<F: ValueEnum>(text: &str) -> Result<(F, PathBuf), String> {
    let values = F::value_variants().iter().filter_map(ValueEnum::to_possible_value);
    let formats: Vec<String> = values.map(|value| value.get_name().to_owned()).collect();
    let all = formats.join(", ");
    let Some((format, path)) = text.split_once('=') else {
        return Err(format!("FORMAT=PATH is expected; the formats are {all}"));
    };
    let known = F::from_str(format, false).map_err(|_| {
        let near = nearest(format, formats.iter().map(String::as_str));
        let near = near.map_or_else(String::new, |near| format!("did you mean {near:?}? "));
        format!("there is no format {format:?}; {near}the formats are {all}")
    })?;
    if path.is_empty() {
        return Err(format!("the path after `=` is empty; {UNSET_VARIABLE_HELP}"));
    }
    Ok((known, path.into()))
}

/// By hand, since a renderer is none of the command line's types.
impl ValueEnum for Format {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, help) = match self {
            Self::Text => ("text", "For a person at a terminal"),
            Self::Summary => ("summary", "One line for a log or a chat: the verdict, counts and the first causes"),
            Self::Json => ("json", "The whole report, for machines"),
            Self::Markdown => ("markdown", "A CI summary"),
            Self::Github => ("github", "Workflow commands that annotate a CI run, GitHub's and Gitea's"),
            Self::Junit => ("junit", "A test case per policy and per straggler, for a CI's test tab"),
            Self::Sarif => ("sarif", "SARIF 2.1.0, for code scanning"),
            Self::Jsonl => ("jsonl", "The whole report in one line, JSON Lines"),
            Self::Outputs => ("outputs", "Outputs of a CI step, for $GITHUB_OUTPUT"),
            Self::Html => ("html", "One page for a browser, with the fleet as a picture"),
        };
        Some(PossibleValue::new(name).help(help))
    }
}
