//! A mapping's file: its keys, as people write them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;

/// The only value of [`MappingFile::format`].
pub const FORMAT: &str = "rollproof.mapping/v1";

/// A mapping: how another system's output is read as rows and as a fleet, by jq filters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MappingFile {
    /// The format's name and version.
    #[schemars(with = "String", extend("const" = FORMAT))]
    pub format: Spanned<String>,
    /// What it reads, in a few words.
    pub title: String,
    /// The form of the input.
    pub input: InputForm,
    /// A filter that is run once, on the whole input, for what the others look up: its one value is their `$index`. It sees
    /// the plan's target as `$target`.
    #[schemars(with = "Option<String>")]
    pub index: Option<Spanned<String>>,
    /// Where the items are: a path of names and `[]` alone, or several with commas. Each item becomes one row or one skip.
    #[schemars(with = "Option<String>")]
    pub items: Option<Spanned<String>>,
    /// A filter that gives `true` for an item that is no tenant's, else `false`.
    #[schemars(with = "Option<String>")]
    pub skip: Option<Spanned<String>>,
    /// Why such an item is skipped; the report says it.
    #[schemars(with = "Option<String>")]
    pub skip_reason: Option<Spanned<String>>,
    /// Says that nothing inspects what runs, and a status is the only proof: tenants are at most assumed.
    #[schemars(with = "Option<Proof>")]
    pub proof: Option<Spanned<StatusProof>>,
    /// A filter for each field of a row. It sees the item as `.`, its path as `$path`, the whole input as `$input`, what
    /// `index` gives as `$index`, and the plan's target as `$target`.
    #[schemars(with = "Option<RowFilters>")]
    pub row: Option<Spanned<RowFilters>>,
    /// The same for an enumeration of tenants.
    pub fleet: Option<FleetFilters>,
}

/// The form of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum InputForm {
    /// One JSON value.
    Json,
    /// A JSON value a line: read as an array of them.
    Jsonl,
    /// A table with a header: read as an array of objects of strings.
    Csv,
    /// One YAML document.
    Yaml,
}

/// The only proof that has to be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum StatusProof {
    /// The status of a command or a rollout.
    Status,
}

/// Stands for [`StatusProof`] in the schema.
type Proof = StatusProof;

/// A filter for each field of a row; each gives exactly one value. `null` leaves a field out.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RowFilters {
    /// The tenant: a string.
    #[schemars(with = "String")]
    pub slug: Spanned<String>,
    /// Whether the tenant was seen on the target: a boolean. `null` is not proven.
    #[schemars(with = "Option<String>")]
    pub verified_on_target: Option<Spanned<String>>,
    /// Whether the tenant is healthy: a boolean.
    #[schemars(with = "Option<String>")]
    pub healthz_ok: Option<Spanned<String>>,
    /// The image that runs: a string.
    #[schemars(with = "Option<String>")]
    pub running_image: Option<Spanned<String>>,
    /// What went wrong: a string.
    #[schemars(with = "Option<String>")]
    pub error: Option<Spanned<String>>,
    /// The state of the command or rollout, `Success` where it went well: a string, `ssm_status` in the row.
    #[schemars(with = "Option<String>")]
    pub status: Option<Spanned<String>>,
    /// The exit code: an integer, `ssm_exit_code` in the row.
    #[schemars(with = "Option<String>")]
    pub exit_code: Option<Spanned<String>>,
    /// Further fields that a policy of your own reads, by name: a string, a number or a boolean.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub extra: BTreeMap<String, Spanned<String>>,
}

/// A filter for each part of a tenant of a fleet.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FleetFilters {
    /// Where the items are, as for rows. Each item becomes one tenant or one skip.
    #[schemars(with = "String")]
    pub items: Spanned<String>,
    /// A filter that gives `true` for an item that is no tenant, else `false`.
    #[schemars(with = "Option<String>")]
    pub skip: Option<Spanned<String>>,
    /// Why such an item is skipped; the report says it.
    #[schemars(with = "Option<String>")]
    pub skip_reason: Option<Spanned<String>>,
    /// The tenant: a string.
    #[schemars(with = "String")]
    pub slug: Spanned<String>,
    /// Its labels: an object of strings, in which `null` leaves a label out.
    #[schemars(with = "Option<String>")]
    pub labels: Option<Spanned<String>>,
}
