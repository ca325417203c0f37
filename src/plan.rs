//! `rollproof plan`: from a CI job's environment to a rollout plan (contract section 2). It reads no credential: a plan
//! that is disabled is so before any is looked at, and `run` alone needs one.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cli;
use crate::config::Config;
use crate::environment::{asks, given, is_truthy, required, set, whole_number};
use crate::error::Error;
use crate::http::base_url;
use crate::output;
use crate::render::escape::write_json;

/// What lets a plan name another control plane than the configured one.
const OPT_IN: &str = "PROD_ALLOW_NON_PROD_CP_URL";

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
        let (from, listed) = match given(&name)? {
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

/// Writes the plan.
///
/// # Errors
/// [`Error::Usage`] where a variable is missing or has a wrong value, [`Error::Output`] where it cannot be written.
pub fn plan(options: &cli::Plan) -> Result<u8, Error> {
    let settings = Config::read(options.config.as_deref())?.plan;
    let plan = build(&settings)?;
    match &options.out {
        Some(path) => output::replace(path, |out| write_json(out, &plan)),
        None => output::print(|out| write_json(out, &plan)),
    }
    .map(|()| 0)
}

/// The plan, keys sorted.
fn build(settings: &Settings) -> Result<Value, Error> {
    let sha = sha()?;
    let switch = settings.variable("DISABLED")?;
    if let Some(word) = given(&switch)?.filter(|word| is_truthy(word)) {
        return Ok(json!({"disabled_reason": format!("{switch}={word}"), "enabled": false, "sha": sha}));
    }
    let name = |name: &str| settings.variable(name);
    let short_sha = &sha[..7];
    let target_tag = given(&name("TARGET_TAG")?)?.unwrap_or_else(|| format!("staging-{short_sha}"));
    let canary = match set(&name("CANARY_SLUG")?)? {
        Some(canary) => Some(canary),
        None => settings.canary.clone(),
    };
    let mut body = json!({
        "batch_size": whole_number(&name("BATCH_SIZE")?, 1, 3)?,
        "canary_slug": canary.as_deref().map_or("", str::trim),
        "confirm": true,
        "dry_run": asks(&name("DRY_RUN")?)?,
        "max_stragglers": whole_number(&name("MAX_STRAGGLERS")?, 0, 1)?,
        "soak_seconds": whole_number(&name("SOAK_SECONDS")?, 0, 60)?,
        "target_tag": target_tag,
    });
    if let Some(fields) = body.as_object_mut() {
        fields.retain(|key, value| key != "canary_slug" || value != "");
    }
    // A list that names nothing is found here, before anything waits for it.
    settings.required_contexts()?;
    Ok(json!({
        "body": body,
        "cp_url": control_plane(settings)?,
        "enabled": true,
        "rollout_http_timeout": whole_number(&name("ROLLOUT_HTTP_TIMEOUT_SECONDS")?, 120, 600)?,
        "sha": sha,
        "short_sha": short_sha,
        "target_tag": target_tag,
    }))
}

/// The commit that the job is for, in small letters.
///
/// # Errors
/// [`Error::Usage`] where it is missing or is none.
pub fn sha() -> Result<String, Error> {
    let sha = required("GITHUB_SHA", "the commit that the job is for")?;
    if is_sha(&sha) {
        return Ok(sha.to_ascii_lowercase());
    }
    let problem = format!("GITHUB_SHA: got {sha:?}, but a commit is expected");
    Err(Error::usage(problem, "a commit has 40 hexadecimal digits"))
}

/// Whether a text is a commit's name: 7 hexadecimal digits at least, 64 at most.
pub fn is_sha(text: &str) -> bool {
    (7..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn control_plane(settings: &Settings) -> Result<String, Error> {
    let wrong = |problem: String| Error::usage(problem, "it is where the control plane's token will be sent");
    let configured = settings.control_plane.as_deref().map(str::trim).filter(|url| !url.is_empty());
    let given = given("CP_URL")?;
    let Some(url) = given.as_deref().or(configured) else {
        let help = "set CP_URL, or [plan] control_plane in rollproof.toml";
        return Err(Error::usage("no control plane is named: CP_URL is not set", help));
    };
    let from = if given.is_some() { "CP_URL" } else { "[plan] control_plane" };
    let base = base_url(url, from).map_err(wrong)?;
    if let Some(configured) = configured {
        let expected = base_url(configured, "[plan] control_plane").map_err(wrong)?;
        let path = |url: &reqwest::Url| url.path().trim_end_matches('/').to_owned();
        let same = base.origin() == expected.origin() && path(&base) == path(&expected);
        if !same && !asks(OPT_IN)? {
            let problem = format!("CP_URL: got {url:?}, but {configured:?} is configured");
            return Err(Error::usage(problem, format!("if it is meant, set {OPT_IN}=true")));
        }
    }
    Ok(url.trim_end_matches('/').to_owned())
}
