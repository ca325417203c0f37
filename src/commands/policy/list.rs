//! `rollproof policy list`: every policy in a table, or as JSON.

use schemars::JsonSchema;
use serde::Serialize;

use crate::cli::policy;
use crate::cli::policy::ListFormat;
use crate::commands::policy::shared;
use crate::commands::policy::shared::print_json;
use crate::error::Error;
use crate::io::config::Config;
use crate::io::output;
use crate::policy::basis::Basis;
use crate::policy::catalog::{Entry, PolicyMode};
use crate::policy::load::Policies;
use crate::render::view::view;
use crate::render::words::DECIDED;
use crate::text::escape::{for_terminal, line};
use crate::text::table::lines;

/// The name and version of the list's format.
const FORMAT: &str = "rollproof.policies/v1";

/// The list as JSON. Published as `rollproof.policies/v1`: it may grow by optional keys, no more.
#[derive(Debug, Serialize, JsonSchema)]
pub struct List {
    /// The format's name and version.
    #[schemars(extend("const" = FORMAT))]
    format: &'static str,
    /// The policies, by name.
    policies: Vec<Entry>,
    /// What verdicts on rollouts follow from. Absent: a fact that a policy needs was not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    basis: Option<Basis>,
}

/// Prints the list.
///
/// # Errors
/// [`Error`], where policies cannot be loaded.
pub fn list(options: &policy::PolicyList) -> Result<u8, Error> {
    let config = Config::read(options.own.config.as_deref())?;
    let mut policies = shared::policies(&options.own, &config)?.catalog();
    policies.extend(Policies::of_audits()?.catalog());
    policies.sort_by(|a, b| a.name.cmp(&b.name));
    let basis = match shared::decisive(options, &config) {
        Ok(prepared) => Ok(prepared.basis().clone()),
        Err(Error::Facts { problem, help }) => Err(format!("not known: {problem}; {help}")),
        Err(error) => return Err(error),
    };
    match options.format {
        ListFormat::Json => print_json(&List { format: FORMAT, policies, basis: basis.ok() }),
        ListFormat::Text => {
            let table = table(&policies, view(false).line_width);
            output::print(|out| {
                out.write_all(table.as_bytes())?;
                writeln!(out)?;
                match &basis {
                    Ok(Basis { digest, tool, engine, .. }) => {
                        line!(out, "sha256  {digest}  {DECIDED} of rollouts ({tool}, {engine})")
                    }
                    Err(unknown) => line!(out, "sha256  {unknown}"),
                }
            })
            .map(|()| 0)
        }
    }
}

fn table(policies: &[Entry], width: usize) -> String {
    let row = |policy: &Entry| {
        let params: Vec<&str> = policy.params.iter().map(|param| &*param.name).collect();
        let source = if policy.bundled { "bundled" } else { &*policy.file };
        let mode = mode(policy);
        let sha256 = policy.sha256.as_ref().and_then(|hash| hash.get(..12)).unwrap_or_default();
        let cells = [&*policy.name, &policy.title, &policy.rules.join(" "), &params.join(" "), &mode, source, sha256];
        cells.map(for_terminal)
    };
    let rows: Vec<[String; 7]> = policies.iter().map(row).collect();
    let lines = lines(&["policy", "title", "rules", "params", "mode", "source", "sha256"], &rows, width);
    lines.into_iter().map(|line| line + "\n").collect()
}

/// How much a policy weighs, in a word or two. A day says when it begins to deny: which rollouts are earlier is not known.
pub(crate) fn mode(policy: &Entry) -> String {
    match (policy.mode, &policy.effective_from) {
        (PolicyMode::Enforce, Some(day)) => format!("from {}", String::from(day.clone())),
        (weight, _) => weight.name().to_owned(),
    }
}
