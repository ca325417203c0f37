//! Texts and parsers that several commands share.

use std::path::PathBuf;

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
    Ok((<Format as clap::ValueEnum>::from_str(format, false)?, path.into()))
}
