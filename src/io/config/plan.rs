//! `[plan]` of `rollproof.toml`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::error::Error;
use crate::io::environment::nonblank_var;

/// What of a plan is the operator's own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
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

impl Default for Settings {
    fn default() -> Self {
        Self { prefix: "PROD_AUTO_DEPLOY_".into(), canary: None, control_plane: None, required_contexts: Vec::new() }
    }
}

impl Settings {
    /// The name of one of the plan's variables.
    ///
    /// # Errors
    /// [`Error::Usage`] where the prefix could begin no name; it also stands in a URL.
    pub fn variable(&self, name: &str) -> Result<String, Error> {
        let mut letters = self.prefix.chars();
        let begins = letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
        if begins && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_') {
            return Ok(format!("{}{name}", self.prefix));
        }
        let problem = format!("[plan] prefix: got {:?}, but letters, digits and `_` are expected", self.prefix);
        Err(Error::usage(problem, "it begins the names of variables, such as PROD_AUTO_DEPLOY_"))
    }

    /// The CI contexts that must be green, each once: the variable's comma or newline list, else the configured ones.
    ///
    /// # Errors
    /// [`Error::Usage`] where a list is given and names nothing: `","` once passed with nothing checked.
    pub fn required_contexts(&self) -> Result<Vec<String>, Error> {
        let name = self.variable("REQUIRED_CONTEXTS")?;
        let (from, listed) = match nonblank_var(&name)? {
            Some(text) => (name, text.split([',', '\n']).map(str::to_owned).collect()),
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
