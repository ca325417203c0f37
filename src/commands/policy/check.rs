//! `rollproof policy check`.

pub(crate) mod advice;

use std::io::{self, Write};
use std::path::PathBuf;

use crate::cli::policy;
use crate::cli::policy::CheckFormat;
use crate::commands::outcome;
use crate::error::Error;
use crate::io::config::Config;
use crate::io::output;
use crate::policy::load::Policies;
use crate::policy::{data, files};
use crate::render::view::{View, file_view, view};
use crate::render::{checked, sarif};
use crate::report::checked::Checked;
use crate::text::escape::write_json;

pub(crate) fn check(options: &policy::PolicyCheck, report_error: &mut dyn FnMut(&Error)) -> Result<u8, Error> {
    let config = Config::read(options.config.as_deref())?;
    let paths: Vec<PathBuf> = config.policies.paths.iter().chain(&options.paths).cloned().collect();
    if paths.is_empty() {
        return Err(Error::usage(
            "no policy is named",
            "name a file or a folder, or [policies] paths in rollproof.toml",
        ));
    }
    let modules = files::all(&paths)?;
    let (policies, problems) = match Policies::of(modules.clone(), data::read(&paths)?) {
        Ok(policies) => (policies.own().map(|package| package.name.clone()).collect(), Vec::new()),
        Err(Error::Policies(problems)) => (Vec::new(), problems),
        Err(error) => return Err(error),
    };
    let advice = if problems.is_empty() { advice::of(&paths, &modules)? } else { Vec::new() };
    let found = Checked::new(&modules, policies, &problems, &advice);
    let files = options.reports.iter();
    let mut written: Vec<_> = files
        .map(|(format, path)| output::write_report(path, |out| write(*format, &found, &file_view(false), out)))
        .collect();
    written.push(output::print(|out| write(options.format, &found, &view(false), out)));
    let is_denied = options.deny_advice && !found.advice.is_empty();
    if !found.sound {
        written.insert(0, Err(Error::Policies(problems)));
    } else if is_denied {
        written.insert(0, Err(Error::Policy(format!("there is advice, which --deny-advice denies: {}", advice.len()))));
    }
    Ok(outcome::exit_code(if found.sound && !is_denied { 0 } else { 5 }, written, report_error))
}

fn write(format: CheckFormat, found: &Checked, view: &View, out: &mut dyn Write) -> io::Result<()> {
    match format {
        CheckFormat::Text => checked::text(found, view, out),
        CheckFormat::Json => write_json(out, found),
        CheckFormat::Github => checked::github(found, view, out),
        CheckFormat::Sarif => sarif::checked::render(found, view, out),
    }
}
