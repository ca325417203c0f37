//! What several `policy` commands share.

use std::path::PathBuf;

use serde::Serialize;

use crate::cli::evaluation::PolicyArgs;
use crate::cli::policy;
use crate::declared::params;
use crate::error::Error;
use crate::evaluation::Evaluation;
use crate::io::config::Config;
use crate::io::output;
use crate::policy::facts::FactFiles;
use crate::policy::load;
use crate::policy::load::{Policies, Settings};
use crate::policy::prepared::Prepared;
use crate::policy::previous::Previous;
use crate::text::escape::write_json;
use crate::text::suggest::nearest;

/// The policies, each with the mode that the configuration gives it. A configuration is read once: it may be a pipe.
pub(crate) fn policies(own: &policy::PolicyPaths, config: &Config) -> Result<Policies, Error> {
    let mut policies = Policies::with(&paths(own, config))?;
    policies.apply_modes(config)?;
    Ok(policies)
}

/// The folders and files of the configuration's policies and of those that are named.
fn paths(own: &policy::PolicyPaths, config: &Config) -> Vec<PathBuf> {
    config.policies.paths.iter().chain(&own.policies).cloned().collect()
}

/// The size limit of a file of facts where no option sets it, in bytes.
pub(crate) const MAX_FACTS: u64 = 1 << 30;

/// Policies that are ready to be asked, with the configuration's parameters and facts, and these. Without `facts` none is
/// read, and none is missed; so with `previous`.
///
/// # Errors
/// [`Error::Facts`] where a policy needs a fact that nobody gave: it would be silent.
pub(crate) fn prepared(
    own: &policy::PolicyPaths,
    config: &Config,
    params: &[(String, String)],
    facts: Option<&[(String, PathBuf)]>,
    previous: Option<Previous>,
) -> Result<Prepared, Error> {
    let facts =
        facts.map(|facts| FactFiles { files: config.facts(facts), max_bytes: MAX_FACTS, ..FactFiles::default() });
    let params = params::given(config, params);
    load::load(Settings { paths: paths(own, config), params, facts, previous, ..Settings::default() })?.wait()
}

/// The policies with everything that a verdict follows from beside the evidence, as `verify` loads them.
///
/// # Errors
/// [`Error::Facts`] where a policy needs a fact that nobody gave.
pub(crate) fn decisive(options: &policy::PolicyList, config: &Config) -> Result<Prepared, Error> {
    let args = PolicyArgs {
        paths: options.own.policies.clone(),
        params: options.params.clone(),
        waivers: options.waivers.clone(),
        facts: options.facts.clone(),
        ..PolicyArgs::default()
    };
    load::load(Evaluation::settings(&args.options(MAX_FACTS), config, None)?)?.wait()
}

/// That there is no policy of this name.
pub(crate) fn unknown<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Error {
    let names: Vec<&str> = names.map(|name| name.strip_prefix("rollproof.").unwrap_or(name)).collect();
    let leaf = names.iter().copied().find(|known| known.ends_with(&format!(".{name}")));
    let near = leaf.or_else(|| nearest(name.strip_prefix("rollproof.").unwrap_or(name), names.iter().copied()));
    let near = near.map_or_else(String::new, |near| format!("did you mean {near:?}? "));
    let help = format!("{near}the policies are: {}; --policy FILE adds your own", names.join(", "));
    Error::usage(format!("there is no policy {name:?}"), help)
}

pub(crate) fn print_json(value: &impl Serialize) -> Result<u8, Error> {
    output::print(|out| write_json(out, value)).map(|()| 0)
}
