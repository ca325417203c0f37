//! `[plan]` of `rollproof.toml`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::error::Error;
use crate::io::environment::{nonblank_var, refuse_misspelt};

/// The variable that allows a plan to name another control plane than the configured one.
pub const ALLOW_OTHER_CP_URL: &str = "PROD_ALLOW_NON_PROD_CP_URL";

/// The plan's variables, without their prefix.
const VARIABLES: [&str; 9] = [
    "DISABLED",
    "TARGET_TAG",
    "CANARY_SLUG",
    "SOAK_SECONDS",
    "BATCH_SIZE",
    "MAX_STRAGGLERS",
    "DRY_RUN",
    "ROLLOUT_HTTP_TIMEOUT_SECONDS",
    "REQUIRED_CONTEXTS",
];

/// Variables that an operator sets for other stages of a rollout. Those that the forge itself sets are not among them: they
/// are many, and some have nearly the same names.
const OTHER_VARIABLES: [&str; 9] = [
    ALLOW_OTHER_CP_URL,
    "CP_URL",
    "CP_ADMIN_API_TOKEN",
    "GITEA_HOST",
    "GITEA_TOKEN",
    "CI_STATUS_POLL_INTERVAL_SECONDS",
    "CI_STATUS_TIMEOUT_SECONDS",
    "ROLLPROOF_FORMAT",
    "ROLLPROOF_MAX_INPUT_BYTES",
];

/// How long the canary soaks where nothing says so, in seconds.
pub const SOAK_SECONDS: u32 = 60;

/// How many tenants a call names where nothing says so.
pub const BATCH_SIZE: u32 = 3;

/// How many stragglers are tolerated where nothing says so: shipping past a tenant has to be an explicit choice.
pub const MAX_STRAGGLERS: u32 = 0;

/// The time limit of an attempt where nothing says so, in seconds.
pub const HTTP_TIMEOUT_SECONDS: u32 = 600;

/// What of a plan is the operator's own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PlanConfig {
    /// What the names of the plan's variables begin with.
    #[schemars(extend("pattern" = "^[A-Za-z_][A-Za-z0-9_]*$"))]
    pub prefix: String,
    /// The canary where no variable names one. Absent: none.
    pub canary: Option<String>,
    /// The control plane's URL. Another one needs an explicit opt-in.
    pub control_plane: Option<String>,
    /// The CI contexts that must be green where no variable lists them.
    pub required_contexts: Vec<String>,
}

impl Default for PlanConfig {
    fn default() -> Self {
        Self { prefix: "PROD_AUTO_DEPLOY_".into(), canary: None, control_plane: None, required_contexts: Vec::new() }
    }
}

impl PlanConfig {
    /// The name of one of the plan's variables.
    ///
    /// # Errors
    /// [`Error::Usage`] where no name can begin with the prefix; it also stands in a URL.
    pub fn variable(&self, name: &str) -> Result<String, Error> {
        let mut letters = self.prefix.chars();
        let is_start = letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
        if is_start && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_') {
            return Ok(format!("{}{name}", self.prefix));
        }
        let problem = format!("[plan] prefix: got {:?}, but letters, digits and `_` are expected", self.prefix);
        Err(Error::usage(problem, "write what the names of variables begin with, such as PROD_AUTO_DEPLOY_"))
    }

    /// Refuses variables whose names are misspelt, the prefix too.
    ///
    /// # Errors
    /// [`Error::Environment`] with each of them.
    pub fn refuse_misspelt(&self) -> Result<(), Error> {
        self.variable("")?;
        let prefixed = VARIABLES.iter().map(|name| format!("{}{name}", self.prefix));
        refuse_misspelt(&prefixed.chain(OTHER_VARIABLES.map(str::to_owned)).collect::<Vec<_>>())
    }

    /// The CI contexts that must be green, each once: the variable's comma or newline list, else the configured ones. A
    /// comma inside brackets is part of a name, such as `ci / test (linux, 3.12) (push)`.
    ///
    /// # Errors
    /// [`Error::Usage`] where a list is given and names nothing: `","` once passed with nothing checked.
    pub fn required_contexts(&self) -> Result<Vec<String>, Error> {
        let name = self.variable("REQUIRED_CONTEXTS")?;
        let (from, listed) = match nonblank_var(&name)? {
            Some(text) => (name, text.lines().flat_map(split_outside_brackets).map(str::to_owned).collect()),
            None => ("[plan] required_contexts".to_owned(), self.required_contexts.clone()),
        };
        let mut contexts: Vec<String> = Vec::new();
        for context in listed.iter().map(|context| context.trim()).filter(|context| !context.is_empty()) {
            if !contexts.iter().any(|known| known == context) {
                contexts.push(context.to_owned());
            }
        }
        if contexts.is_empty() && !listed.is_empty() {
            let problem = format!("{from}: got {:?}, which names no context", listed.join(","));
            return Err(Error::usage(problem, "name what must be green, or leave it out"));
        }
        Ok(contexts)
    }
}

/// Splits a line at commas, but not at those inside brackets. A bracket that is not closed does not count.
fn split_outside_brackets(line: &str) -> Vec<&str> {
    let (mut parts, mut start, mut at) = (Vec::new(), 0, 0);
    while let Some(letter) = line[at..].chars().next() {
        if letter == ',' {
            parts.push(&line[start..at]);
            start = at + 1;
        }
        at = after_closing(line, at).unwrap_or(at + letter.len_utf8());
    }
    parts.push(&line[start..]);
    parts
}

/// The byte after the bracket that closes the one at `open`; none where no bracket opens there, or it is not closed.
fn after_closing(line: &str, open: usize) -> Option<usize> {
    let mut expected = Vec::new();
    for (at, letter) in line[open..].char_indices() {
        match letter {
            '(' => expected.push(')'),
            '[' => expected.push(']'),
            '{' => expected.push('}'),
            _ if expected.last() == Some(&letter) => drop(expected.pop()),
            _ => {}
        }
        if expected.is_empty() {
            return (at > 0).then_some(open + at + 1);
        }
    }
    None
}
