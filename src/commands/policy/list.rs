//! `rollproof policy list`: every policy in a table, or as JSON.

use comfy_table::{ContentArrangement, Table, presets};
use schemars::JsonSchema;
use serde::Serialize;

use crate::cli::policy;
use crate::cli::policy::ListFormat;
use crate::commands::policy::shared::print_json;
use crate::error::Error;
use crate::io::output;
use crate::policy::catalog::{Entry, Weight};
use crate::policy::load::Policies;
use crate::text::escape::for_terminal;

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
}

/// Prints the list.
///
/// # Errors
/// [`Error`], where policies cannot be loaded.
pub fn list(options: &policy::PolicyList) -> Result<u8, Error> {
    let mut policies = crate::commands::policy::shared::policies(&options.own)?.catalog();
    policies.extend(Policies::of_audits()?.catalog());
    policies.sort_by(|a, b| a.name.cmp(&b.name));
    match options.format {
        ListFormat::Json => print_json(&List { format: FORMAT, policies }),
        ListFormat::Text => {
            let table = table(&policies);
            output::print(|out| out.write_all(table.as_bytes())).map(|()| 0)
        }
    }
}

fn table(policies: &[Entry]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["policy", "title", "rules", "params", "mode", "source"]);
    for policy in policies {
        let params: Vec<&str> = policy.params.iter().map(|param| &*param.name).collect();
        let source = if policy.bundled { "bundled" } else { &*policy.file };
        let mode = mode(policy);
        let cells = [&policy.name, &policy.title, &policy.rules.join(" "), &params.join(" "), &mode, source];
        table.add_row(cells.map(for_terminal));
    }
    table.trim_fmt().lines().map(|line| format!("{}\n", line.trim())).collect()
}

/// How much a policy weighs, in a word or two. A day says when it begins to deny: which rollouts are earlier is not known.
pub(crate) fn mode(policy: &Entry) -> String {
    match (policy.mode, &policy.effective_from) {
        (Weight::Enforce, Some(day)) => format!("from {}", String::from(day.clone())),
        (weight, _) => weight.name().to_owned(),
    }
}
