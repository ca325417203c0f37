//! `rollproof policy check`.

use std::path::PathBuf;

use crate::cli::policy;
use crate::error::Error;
use crate::io::config::Config;
use crate::io::output;
use crate::policy::load::Policies;
use crate::text::escape::line;

pub(crate) fn check(options: &policy::PolicyCheck) -> Result<u8, Error> {
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
