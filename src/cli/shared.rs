//! Texts and parsers that several commands share.

use std::path::PathBuf;

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::render::Format;

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

pub(crate) fn name_and_value(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("NAME=VALUE is expected")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

pub(crate) fn name_and_path(text: &str) -> Result<(String, PathBuf), String> {
    let (name, path) = text.split_once('=').ok_or("NAME=FILE is expected")?;
    if name.trim().is_empty() || path.is_empty() {
        return Err("a name and a file are expected".into());
    }
    Ok((name.trim().to_owned(), path.into()))
}

pub(crate) fn format_and_path(text: &str) -> Result<(Format, PathBuf), String> {
    let (format, path) = text.split_once('=').ok_or("FORMAT=PATH is expected")?;
    if path.is_empty() {
        return Err("the path behind `=` is empty".into());
    }
    Ok((Format::from_str(format, false)?, path.into()))
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
