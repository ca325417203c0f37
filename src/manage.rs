//! `rollproof policy`: what a team does with policies of its own, without a verdict.

mod bundle;
mod eval;
mod fixtures;
mod list;
mod new;
mod show;
mod test;

pub use eval::Answer;
pub use fixtures::Case;
pub use list::List;
pub use show::Shown;
pub use test::Results;

use std::io::{self, Write};
use std::path::PathBuf;

use serde::Serialize;

use crate::cli;
use crate::config::Config;
use crate::error::{Error, ErrorReport, nearest};
use crate::output;
use crate::policy::{self, Given, ParamSource, Policies, Prepared, Settings};
use crate::render::escape::{line, write_json};
use crate::render::{Form, Format, View};

impl Form for cli::TestFormat {
    fn error(self, report: &ErrorReport, view: &View, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Text => Ok(()),
            Self::Json => Format::Json.error(report, view, out),
            Self::Junit => Format::Junit.error(report, view, out),
        }
    }
}

/// Does what `rollproof policy` is asked for.
///
/// # Errors
/// [`Error`], where it cannot be done or something is wrong with a policy.
pub fn manage(options: &cli::Policy) -> Result<u8, Error> {
    match &options.command {
        cli::PolicyCommand::Check(options) => check(options),
        cli::PolicyCommand::List(options) => list::list(options),
        cli::PolicyCommand::Show(options) => show::show(options),
        cli::PolicyCommand::New(options) => new::new(options),
        cli::PolicyCommand::Test(options) => test::test(options),
        cli::PolicyCommand::Eval(options) => eval::eval(options),
        cli::PolicyCommand::Bundle(options) => bundle::bundle(options),
    }
}

fn check(options: &cli::PolicyCheck) -> Result<u8, Error> {
    let config = Config::read(options.config.as_deref())?;
    let paths: Vec<PathBuf> = config.policies.paths.iter().chain(&options.paths).cloned().collect();
    if paths.is_empty() {
        return Err(Error::usage(
            "no policy is named",
            "name a file or a folder, or [policies] paths in rollproof.toml",
        ));
    }
    let policies = Policies::with(&paths)?;
    let own: Vec<&str> = policies.own().map(|package| &*package.name).collect();
    let names = if own.is_empty() { "no rule of findings, only what others import".into() } else { own.join(", ") };
    output::print(|out| line!(out, "sound: {names}")).map(|()| 0)
}

/// The policies, each as much as the configuration lets it weigh.
fn policies(own: &cli::Own) -> Result<Policies, Error> {
    let mut policies = Policies::with(&paths(own)?)?;
    policies.soften(Config::read(own.config.as_deref())?.policies.modes)?;
    Ok(policies)
}

/// The folders and files of the configuration's policies and of those that are named.
fn paths(own: &cli::Own) -> Result<Vec<PathBuf>, Error> {
    let config = Config::read(own.config.as_deref())?;
    Ok(config.policies.paths.into_iter().chain(own.policies.iter().cloned()).collect())
}

/// Policies that are ready to be asked, with the configuration's parameters and these.
fn prepared(own: &cli::Own, params: &[(String, String)]) -> Result<Prepared, Error> {
    let config = Config::read(own.config.as_deref())?;
    let given = |name: &str, text: String, from| Given { name: name.to_owned(), text, from };
    let configured = config.params.iter().map(|(name, value)| given(name, value.to_string(), ParamSource::Config));
    let named = params.iter().map(|(name, text)| given(name, text.clone(), ParamSource::CommandLine));
    policy::load(Settings { paths: paths(own)?, params: configured.chain(named).collect(), ..Settings::default() })?
        .wait()
}

/// That there is no policy of this name.
fn unknown<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Error {
    let names: Vec<&str> = names.map(|name| name.strip_prefix("rollproof.").unwrap_or(name)).collect();
    let leaf = names.iter().copied().find(|known| known.ends_with(&format!(".{name}")));
    let near = leaf.or_else(|| nearest(name.strip_prefix("rollproof.").unwrap_or(name), names.iter().copied()));
    let near = near.map_or_else(String::new, |near| format!("did you mean {near:?}? "));
    let help = format!("{near}the policies are: {}; --policy names more", names.join(", "));
    Error::usage(format!("there is no policy {name:?}"), help)
}

/// Prints JSON.
fn print_json(value: &impl Serialize) -> Result<u8, Error> {
    output::print(|out| write_json(out, value)).map(|()| 0)
}
