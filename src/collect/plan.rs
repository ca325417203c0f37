//! A rollout plan (contract section 2), older ones too.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::collect::response::ResponseAnomalies;
use crate::collect::scan::{ParsedObject, Refused, near_keys, parse_known_fields};
use crate::diagnostic::fault::Fault;
use crate::model::document::gates::Gates;
use crate::model::document::text::{Scalar, Text};
use crate::model::document::{Anomaly, Rollout, unknown_rollout};
use crate::schema::published::Name;
use crate::text::json::{Entries, escape_pointer};

/// The value of `rollout_http_timeout` in older plans, which lack it.
const DEFAULT_TIMEOUT_SECONDS: u64 = 600;

/// A rollout plan. It may hold fields that are not described here.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("if" = {"properties": {"enabled": {"const": true}}}, "then" = {"required": ["body"], "properties": {"body": {"type": "object"}}}))]
pub struct Plan<'a> {
    /// Whether there is anything to roll out. A disabled plan has no body.
    enabled: bool,
    /// The commit.
    sha: Option<Text>,
    /// Its first 7 digits.
    short_sha: Option<Text>,
    /// The target tag; the same as in the body.
    target_tag: Option<Text>,
    /// The control plane's URL.
    cp_url: Option<Text>,
    /// The time limit of each attempt, in seconds. Older plans lack it.
    rollout_http_timeout: Option<u64>,
    /// Why the plan is disabled.
    disabled_reason: Option<Text>,
    /// What is sent to the control plane.
    #[serde(borrow)]
    #[schemars(with = "Option<KnownBody>")]
    body: Option<&'a RawValue>,
}

/// What is sent to the control plane.
#[derive(Deserialize, JsonSchema)]
struct KnownBody {
    /// The image tag to roll out.
    #[schemars(extend("pattern" = r"\S", "description" = "a tag that is not blank"))]
    target_tag: Text,
    /// The tenant that goes first. Absent or blank: none.
    canary_slug: Option<Text>,
    /// How long the canary soaks, in seconds.
    soak_seconds: Option<u64>,
    /// How many tenants a call names.
    #[schemars(range(min = 1))]
    batch_size: Option<u64>,
    /// How many stragglers are tolerated. Older plans lack it, which is 0.
    max_stragglers: Option<u64>,
    /// Whether to change nothing.
    dry_run: Option<bool>,
    /// Whether it is meant. A control plane refuses a body that says it is not.
    #[schemars(extend("enum" = [true, null]))]
    confirm: Option<bool>,
    /// no such key (each call names its own tenants, and the plan call names none)
    #[serde(default)]
    #[allow(dead_code, reason = "described, so that it is refused")]
    only_slugs: Forbidden,
}

/// A key that must not be there, whatever its value.
#[derive(Default)]
struct Forbidden;

impl<'de> Deserialize<'de> for Forbidden {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(D::Error::custom("it is not allowed"))
    }
}

impl JsonSchema for Forbidden {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Forbidden".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"not": {}})
    }
}

/// What a plan says.
#[derive(Debug, Clone)]
pub struct PlanFile {
    /// Whether there is anything to roll out.
    pub enabled: bool,
    /// Why the plan is disabled.
    pub disabled_reason: Text,
    /// The rollout that it describes.
    pub rollout: Rollout,
    /// What is sent to the control plane.
    pub body: Body,
    /// The time limit of each attempt of a call that names tenants, in seconds.
    pub timeout_seconds: u64,
    /// The plan's anomalies.
    pub anomalies: Vec<Anomaly>,
    /// The fields that are not described, with the JSON pointer and the text of each.
    unknown: BTreeMap<String, (String, String)>,
}

impl PlanFile {
    /// The gates of the document of a disabled plan; nothing where the plan is enabled.
    pub fn disabled_gates(&self) -> Option<Gates> {
        let gates = || Gates { plan_disabled: Some(self.disabled_reason.clone()), ..Gates::default() };
        (!self.enabled).then(gates)
    }

    /// Makes the named fields evidence of the rollout, so that they are no anomalies any more. Where a field stands in the
    /// plan and in its body, that of the plan counts.
    ///
    /// # Errors
    /// The pointer and the problem, where a field holds an array, an object, or what is no text or number that can be kept.
    pub fn keep_fields<'a>(&mut self, names: impl Iterator<Item = &'a Text>) -> Result<(), Fault> {
        let mut kept = Vec::new();
        for name in names {
            let Some((pointer, json)) = self.unknown.get(&**name) else { continue };
            let problem = || "found no string, number, boolean or null that can be kept".to_owned();
            let value: Scalar = serde_json::from_str(json).map_err(|_| {
                Fault { pointer: Some(pointer.clone()), ..Fault::whole(problem()) }.help(PLAN_FIELD_HELP)
            })?;
            self.anomalies.retain(|anomaly| anomaly.field.as_ref() != Some(name));
            kept.push((name.clone(), value));
        }
        self.rollout.extra = kept.into_iter().collect();
        Ok(())
    }
}

/// What to do about a field that cannot be kept.
const PLAN_FIELD_HELP: &str = "--plan-field names a field that holds one value; leave it out, or name another";

/// Adds the unknown fields of an object to `fields`, with pointer and text. A field that is there already stays.
fn add_unknown(text: &str, unknown: &[&str], around: &str, fields: &mut BTreeMap<String, (String, String)>) {
    let entries = serde_json::from_str(text).map_or_else(|_| Vec::new(), |Entries(entries)| entries);
    for (key, value) in entries.into_iter().filter(|(key, _)| unknown.contains(&&*key.name())) {
        let pointer = format!("{around}/{}", escape_pointer(&key.name()));
        fields.entry(key.name().into_owned()).or_insert((pointer, value.get().to_owned()));
    }
}

/// What is sent to the control plane: the members of the plan's body as they stand there, also those of a newer control
/// plane.
#[derive(Debug, Clone, Default)]
pub struct Body(Vec<(String, String)>);

impl Body {
    fn read(text: &str) -> Result<Self, Refused> {
        let Entries(entries) = serde_json::from_str(text).map_err(|_| Refused)?;
        let member = |(key, value): (crate::text::json::Key<'_>, &RawValue)| {
            (key.name().into_owned(), format!("{}:{}", key.json(), compact(value.get())))
        };
        Ok(Self(entries.into_iter().map(member).collect()))
    }

    /// Sets the value of a key, whether it is there or not.
    pub fn set(&mut self, key: &str, value: impl Into<Value>) {
        let json = format!("{}:{}", Value::from(key), value.into());
        match self.0.iter_mut().find(|(name, _)| name == key) {
            Some((_, member)) => *member = json,
            None => self.0.push((key.to_owned(), json)),
        }
    }

    /// Takes a key out.
    pub fn remove(&mut self, key: &str) {
        self.0.retain(|(name, _)| name != key);
    }

    /// The JSON that is sent.
    pub fn json(&self) -> String {
        let members: Vec<&str> = self.0.iter().map(|(_, member)| &**member).collect();
        format!("{{{}}}", members.join(","))
    }
}

/// JSON without the white space between its tokens.
fn compact(json: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    let is_kept = |c: &char| {
        let kept = in_string || !c.is_ascii_whitespace();
        in_string ^= *c == '"' && !escaped;
        escaped = in_string && *c == '\\' && !escaped;
        kept
    };
    json.chars().filter(is_kept).collect()
}

/// Reads a plan.
///
/// # Errors
/// [`Refused`] where it is none; `schema::explain` says why.
pub fn read(bytes: &[u8], input: &Text) -> Result<PlanFile, Refused> {
    let text = std::str::from_utf8(bytes).map_err(|_| Refused)?;
    let ParsedObject { value: plan, unknown, .. } = parse_known_fields::<Plan<'_>>(text).map_err(|_| Refused)?;
    let (mut anomalies, mut unknown_fields) = (ResponseAnomalies::new(input), BTreeMap::new());
    for field in &unknown {
        anomalies.add_unknown_field(format!("/{}", escape_pointer(field)), field, None);
    }
    add_unknown(text, &unknown.iter().map(|field| &**field).collect::<Vec<_>>(), "", &mut unknown_fields);
    let mut rollout = Rollout { control_plane: plan.cp_url, target_sha: plan.sha, ..unknown_rollout() };
    let mut full_body = Body::default();
    match plan.body {
        None if plan.enabled => return Err(Refused),
        None => {}
        Some(raw) => {
            let ParsedObject { value: body, unknown, .. } =
                parse_known_fields::<KnownBody>(raw.get()).map_err(|_| Refused)?;
            if body.target_tag.trim().is_empty() || body.batch_size == Some(0) || body.confirm == Some(false) {
                return Err(Refused);
            }
            for field in &unknown {
                anomalies.add_unknown_field(format!("/body/{}", escape_pointer(field)), field, None);
            }
            add_unknown(
                raw.get(),
                &unknown.iter().map(|field| &**field).collect::<Vec<_>>(),
                "/body",
                &mut unknown_fields,
            );
            rollout = Rollout {
                target_tag: Some(trimmed(&body.target_tag)),
                dry_run: body.dry_run.unwrap_or_default(),
                canary: body.canary_slug.as_ref().map(trimmed).filter(|slug| !slug.is_empty()),
                batch_size: body.batch_size,
                soak_seconds: body.soak_seconds,
                max_stragglers: body.max_stragglers.unwrap_or_default(),
                ..rollout
            };
            full_body = Body::read(raw.get())?;
        }
    }
    if !plan_faults(text).is_empty() {
        return Err(Refused);
    }
    Ok(PlanFile {
        enabled: plan.enabled,
        disabled_reason: plan.disabled_reason.unwrap_or_else(|| Text::from("the plan gives no reason")),
        rollout,
        body: full_body,
        timeout_seconds: plan.rollout_http_timeout.unwrap_or(DEFAULT_TIMEOUT_SECONDS),
        anomalies: anomalies.finish(),
        unknown: unknown_fields,
    })
}

/// What is wrong with a plan that no schema can express, with JSON pointers: it contradicts itself, or has a key that is
/// nearly a known one, such as `dryRun`. Nobody would read such a key, or only the control plane would, and roll out
/// something else than rollproof expects.
pub fn plan_faults(text: &str) -> Vec<Fault> {
    let mut faults = nearly_known_keys(text);
    let Ok(ParsedObject { value: plan, .. }) = parse_known_fields::<Plan<'_>>(text) else { return faults };
    let body = plan.body.and_then(|body| parse_known_fields::<KnownBody>(body.get()).ok());
    if let Some(ParsedObject { value: body, .. }) = body
        && let Some(tag) = plan.target_tag.filter(|tag| tag.trim() != body.target_tag.trim())
    {
        let problem = format!("found {tag:?}, but only the body's target_tag, {:?}, is allowed", body.target_tag);
        faults.push(contradiction("/target_tag", problem));
    }
    if let (Some(short), Some(sha)) = (plan.short_sha, plan.sha)
        && !sha.to_lowercase().starts_with(&short.to_lowercase())
    {
        let problem = format!("found {short:?}, but only the beginning of sha, {sha:?}, is allowed");
        faults.push(contradiction("/short_sha", problem));
    }
    faults
}

fn contradiction(pointer: &str, problem: String) -> Fault {
    let help = "the plan contradicts itself: make both say the same, or write it again with `rollproof plan`";
    Fault { pointer: Some(pointer.to_owned()), ..Fault::whole(problem) }.help(help)
}

/// Keys of a plan and of its body that are nearly keys of the schema, also where the plan is not valid.
fn nearly_known_keys(text: &str) -> Vec<Fault> {
    let schema = Name::Plan.schema();
    let mut faults = Vec::new();
    let mut check = |text: &str, properties: &Value, around: &str| {
        let known: Vec<&str> = properties.as_object().into_iter().flat_map(Map::keys).map(String::as_str).collect();
        let entries = serde_json::from_str(text).map_or_else(|_| Vec::new(), |Entries(entries)| entries);
        let keys: BTreeSet<Cow<'_, str>> = entries.iter().map(|(key, _)| key.name()).collect();
        faults.extend(near_keys(&keys, &known, |known| keys.contains(known), around));
        entries.into_iter().find(|(key, _)| key.name() == "body").map(|(_, body)| body.get().to_owned())
    };
    if let Some(body) = check(text, &schema["properties"], "") {
        check(&body, &schema["$defs"]["KnownBody"]["properties"], "/body");
    }
    faults
}

fn trimmed(text: &Text) -> Text {
    Text::from(text.trim())
}
