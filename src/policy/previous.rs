//! The rollout before this one, as policies read it: `data.previous`.

use serde_json::Value;

use crate::error::Error;
use crate::model::document::InputFile;
use crate::model::document::text::Text;

/// What is known of the previous rollout.
#[derive(Debug, Clone, Default)]
pub struct Previous {
    /// Its report; absent where none was given.
    pub report: Option<Value>,
    /// Tenants that were taken out of the fleet since.
    pub retired: Vec<Text>,
    /// The files that this was read from.
    pub files: Vec<InputFile>,
}

/// A policy that says nothing without the previous rollout.
#[derive(Debug, Clone)]
pub struct Dependent {
    /// Its package.
    pub package: String,
    /// Its file.
    pub file: String,
}

/// Fails where a policy needs the previous rollout and none was given.
///
/// # Errors
/// [`Error::Facts`], which names the policies.
pub fn check(given: &Previous, dependents: &[&Dependent]) -> Result<(), Error> {
    if given.report.is_some() || dependents.is_empty() {
        return Ok(());
    }
    let lacking = |dependent: &&Dependent| {
        let Dependent { package, file } = dependent;
        format!("{file}: the policy {package} needs the previous rollout, which was not given")
    };
    let problem = dependents.iter().map(lacking).collect::<Vec<_>>().join("\n");
    let help = "add --previous FILE, the report or the document of the rollout before this one; a policy that may go \
                without says `previous: optional` in its METADATA";
    Err(Error::Facts { problem, help: help.into() })
}
