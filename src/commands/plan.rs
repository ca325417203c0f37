//! `rollproof plan`: from a CI job's environment to a rollout plan (contract section 2). It reads no credential: a plan
//! that is disabled is so before any is looked at, and `run` alone needs one.

use serde_json::{Value, json};

use crate::cli::plan;
use crate::error::Error;
use crate::io::config::Config;
use crate::io::config::plan::Settings;
use crate::io::environment::{flag, is_truthy, nonblank_var, sha, var, whole_number};
use crate::io::http::base_url;
use crate::io::output;
use crate::text::escape::write_json;

/// What lets a plan name another control plane than the configured one.
const OPT_IN: &str = "PROD_ALLOW_NON_PROD_CP_URL";

/// Writes the plan.
///
/// # Errors
/// [`Error::Usage`] where a variable is missing or has a wrong value, [`Error::Output`] where it cannot be written.
pub fn plan(options: &plan::Plan) -> Result<u8, Error> {
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
    if let Some(word) = nonblank_var(&switch)?.filter(|word| is_truthy(word)) {
        return Ok(json!({"disabled_reason": format!("{switch}={word}"), "enabled": false, "sha": sha}));
    }
    let name = |name: &str| settings.variable(name);
    let short_sha = &sha[..7];
    let target_tag = nonblank_var(&name("TARGET_TAG")?)?.unwrap_or_else(|| format!("staging-{short_sha}"));
    let canary = match var(&name("CANARY_SLUG")?)? {
        Some(canary) => Some(canary),
        None => settings.canary.clone(),
    };
    let mut body = json!({
        "batch_size": whole_number(&name("BATCH_SIZE")?, 1, 3)?,
        "canary_slug": canary.as_deref().map_or("", str::trim),
        "confirm": true,
        "dry_run": flag(&name("DRY_RUN")?)?,
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

pub(crate) fn control_plane(settings: &Settings) -> Result<String, Error> {
    let wrong = |problem: String| Error::usage(problem, "it is where the control plane's token will be sent");
    let configured = settings.control_plane.as_deref().map(str::trim).filter(|url| !url.is_empty());
    let given = nonblank_var("CP_URL")?;
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
        if !same && !flag(OPT_IN)? {
            let problem = format!("CP_URL: got {url:?}, but {configured:?} is configured");
            return Err(Error::usage(problem, format!("if it is meant, set {OPT_IN}=true")));
        }
    }
    Ok(url.trim_end_matches('/').to_owned())
}
