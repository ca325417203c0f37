//! The results of tests, as `policy test --format json` writes them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::policy::test_runner::Test;

/// What came of tests. Published as `rollproof.tests/v1`: it may grow by optional keys, no more.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Results {
    pub(crate) format: Format,
    /// How many tests and sub-tests passed.
    pub(crate) passed: usize,
    /// How many failed.
    pub(crate) failed: usize,
    /// How many are not to be run yet.
    pub(crate) todo: usize,
    /// Each of them.
    pub(crate) tests: Vec<Test>,
    /// Which lines of the policies were reached. Absent where nobody asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) coverage: Option<Vec<Coverage>>,
    /// The policies' text, by file.
    #[serde(skip)]
    pub(crate) texts: BTreeMap<String, String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) enum Format {
    /// Version 1.
    #[serde(rename = "rollproof.tests/v1")]
    V1,
}

/// Which lines of a policy unit tests reached.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Coverage {
    /// Its file.
    pub(crate) file: String,
    /// How many lines were evaluated.
    pub(crate) covered: usize,
    /// The lines that were not, from 1.
    pub(crate) uncovered: Vec<u32>,
}
