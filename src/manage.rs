//! `rollproof policy`: what a team does with policies of its own, without a verdict.

use std::path::PathBuf;

use crate::cli;
use crate::config::Config;
use crate::error::Error;
use crate::output;
use crate::policy::Policies;

/// Does what `rollproof policy` is asked for.
///
/// # Errors
/// [`Error`], where it cannot be done or something is wrong with a policy.
pub fn manage(options: &cli::Policy) -> Result<u8, Error> {
    match &options.command {
        cli::PolicyCommand::Check(options) => check(options),
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
    output::print(|out| writeln!(out, "sound: {names}")).map(|()| 0)
}
