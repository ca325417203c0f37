//! `rollproof plan`: from a CI job's environment to a rollout plan (contract section 2). It reads no credential: a plan
//! that is disabled is so before any is looked at, and `run` alone needs one.

use serde_json::{Value, json};

use crate::cli::plan;
use crate::error::Error;
use crate::io::config::Config;
use crate::io::config::plan::{ALLOW_OTHER_CP_URL, BATCH_SIZE, HTTP_TIMEOUT_SECONDS, MAX_STRAGGLERS, SOAK_SECONDS};
use crate::io::environment::{EnvironmentFaults, armed, flag, nonblank_var, sha, var, whole_number};
use crate::io::http::base_url;
use crate::io::output;
use crate::text::escape::write_json;

/// Writes the plan.
///
/// # Errors
/// [`Error::Usage`] where a variable is missing or has a wrong value, [`Error::Output`] where it cannot be written.
pub fn plan(options: &plan::Plan) -> Result<u8, Error> {
    let plan = build(&Config::read(options.config.as_deref())?)?;
    match &options.out {
        Some(path) => output::replace(path, |out| write_json(out, &plan)),
        None => output::print(|out| write_json(out, &plan)),
    }
    .map(|()| 0)
}

/// The plan, keys sorted. Whatever is wrong with the environment is told at once, but an armed kill switch comes first.
fn build(config: &Config) -> Result<Value, Error> {
    let settings = &config.plan;
    let switch = settings.variable("DISABLED")?;
    let name = |name: &str| format!("{}{name}", settings.prefix);
    let armed = armed(&switch);
    if let Ok(Some(word)) = &armed {
        return Ok(json!({"disabled_reason": format!("{switch}={word}"), "enabled": false, "sha": sha()?}));
    }
    let mut errors = EnvironmentFaults::default();
    errors.keep_error(settings.refuse_misspelt());
    errors.keep_error(armed);
    let sha = errors.keep_error(sha()).unwrap_or_default();
    let short_sha = sha.get(..7).unwrap_or_default();
    let target_tag = errors.keep_error(nonblank_var(&name("TARGET_TAG"))).flatten();
    let target_tag = target_tag.unwrap_or_else(|| format!("staging-{short_sha}"));
    let canary = errors.keep_error(var(&name("CANARY_SLUG"))).flatten().or_else(|| settings.canary.clone());
    let mut body = json!({
        "batch_size": errors.keep_error(whole_number(&name("BATCH_SIZE"), 1, BATCH_SIZE)),
        "canary_slug": canary.as_deref().map_or("", str::trim),
        "confirm": true,
        "dry_run": errors.keep_error(flag(&name("DRY_RUN"))),
        "max_stragglers": errors.keep_error(whole_number(&name("MAX_STRAGGLERS"), 0, MAX_STRAGGLERS)),
        "soak_seconds": errors.keep_error(whole_number(&name("SOAK_SECONDS"), 0, SOAK_SECONDS)),
        "target_tag": target_tag,
    });
    if let Some(fields) = body.as_object_mut() {
        fields.retain(|key, value| key != "canary_slug" || value != "");
    }
    let timeout = errors.keep_error(whole_number(&name("ROLLOUT_HTTP_TIMEOUT_SECONDS"), 120, HTTP_TIMEOUT_SECONDS));
    // A list that names nothing is found here, before anything waits for it.
    errors.keep_error(settings.required_contexts());
    let is_allowed = errors.keep_error(flag(ALLOW_OTHER_CP_URL)).unwrap_or_default();
    let cp_url = errors.keep_error(control_plane(config, is_allowed));
    errors.end()?;
    Ok(json!({
        "body": body,
        "cp_url": cp_url,
        "enabled": true,
        "rollout_http_timeout": timeout,
        "sha": sha,
        "short_sha": short_sha,
        "target_tag": target_tag,
    }))
}

/// The control plane's URL; another than the configured one where that is allowed.
fn control_plane(config: &Config, is_allowed: bool) -> Result<String, Error> {
    let url_error =
        |problem: String| Error::usage(problem, "correct the URL, where the control plane's token will be sent");
    let configured = config.plan.control_plane.as_deref().map(str::trim).filter(|url| !url.is_empty());
    let given = nonblank_var("CP_URL")?;
    let Some(url) = given.as_deref().or(configured) else {
        let help = "set CP_URL, or [plan] control_plane in rollproof.toml";
        return Err(Error::usage("no control plane is named: CP_URL is not set", help));
    };
    let from = if given.is_some() { "CP_URL" } else { "[plan] control_plane" };
    let base = base_url(url, from, &config.http).map_err(url_error)?;
    if let Some(configured) = configured {
        let expected = base_url(configured, "[plan] control_plane", &config.http).map_err(url_error)?;
        let path = |url: &reqwest::Url| url.path().trim_end_matches('/').to_owned();
        let same = base.origin() == expected.origin() && path(&base) == path(&expected);
        if !same && !is_allowed {
            let problem = format!("CP_URL: got {url:?}, but {configured:?} is configured");
            return Err(Error::usage(problem, format!("if it is meant, set {ALLOW_OTHER_CP_URL}=true")));
        }
    }
    Ok(url.trim_end_matches('/').to_owned())
}
