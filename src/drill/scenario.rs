//! Scenarios: a fleet, what its tenants answer, and what goes wrong, as data. Each bundled one is an incident or a hole
//! of contract sections 6 and 7.

use std::collections::BTreeMap;
use std::path::Path;

use include_dir::{Dir, include_dir};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::drill::build::{Build, Probe};
use crate::drill::gitea::Gitea;
use crate::drill::names::{SHA, TARGET};
use crate::drill::wire::{Speaker, Wire};
use crate::error::Error;
use crate::io::config::plan;
use crate::io::input::{MAX_WRITTEN, Source};
use crate::text::suggest::nearest;

static SCENARIOS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/scenarios");

/// The scenario that is played where none is named.
pub const SEED: &str = "skipped-tenant";

/// A rehearsal.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it shows, in one sentence.
    pub about: String,
    /// The tenants that the control plane enumerates, in its order.
    pub fleet: Vec<String>,
    /// A list of tenants that is independent of the control plane.
    #[serde(default)]
    pub inventory: Vec<String>,
    /// The rollout plan.
    #[serde(default)]
    pub plan: Plan,
    /// What tenants answer, where it is not that they are well and on the target.
    #[serde(default)]
    pub tenants: BTreeMap<String, Tenant>,
    /// Whether tenants are asked for their build, and how; not asked where it is absent.
    #[serde(default)]
    pub probe: Option<Probe>,
    /// What goes wrong.
    #[serde(default)]
    pub faults: Vec<Fault>,
    /// The Gitea whose gates are asked. Absent: none are.
    #[serde(default)]
    pub gitea: Option<Gitea>,
    /// Another wire than the contract's, which the control plane speaks. `rollproof drill serve` serves it.
    #[serde(default)]
    pub wire: Option<Wire>,
    /// The expected verdict.
    #[serde(default)]
    pub expect: Option<Expect>,
}

/// The part of a rollout plan that a scenario chooses; the rest is as `rollproof plan` writes it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Plan {
    /// Whether there is anything to roll out.
    pub enabled: bool,
    /// The canary; none where it is blank.
    pub canary: String,
    /// How long the canary soaks, in seconds; the time scale shortens it.
    pub soak_seconds: u64,
    /// How many tenants a call names.
    pub batch_size: u64,
    /// How many stragglers are tolerated.
    pub max_stragglers: u64,
    /// Whether to change nothing.
    pub dry_run: bool,
    /// The time limit of an attempt, in seconds.
    pub rollout_http_timeout: u64,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            enabled: true,
            canary: String::new(),
            soak_seconds: plan::SOAK_SECONDS.into(),
            batch_size: plan::BATCH_SIZE.into(),
            max_stragglers: plan::MAX_STRAGGLERS.into(),
            dry_run: false,
            rollout_http_timeout: plan::HTTP_TIMEOUT_SECONDS.into(),
        }
    }
}

/// What a tenant answers.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Tenant {
    /// Whether the control plane leaves it out of its answer.
    pub skipped: bool,
    /// Keys of its row that are other than usual.
    pub row: Map<String, Value>,
    /// Keys that its row lacks.
    pub without: Vec<String>,
    /// A further row for it, ahead of its own.
    pub before: Option<Map<String, Value>>,
    /// Another name that its row bears.
    pub answers_as: Option<String>,
    /// What it says of its build, where it is not the target's commit.
    pub build: Option<Build>,
    /// Its labels, as the list of tenants that is independent of the control plane names them. Where a tenant has any and
    /// there is no such list, it is the fleet.
    pub labels: BTreeMap<String, String>,
}

/// Something that goes wrong with a call.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Fault {
    /// `plan`, or a tenant: calls that name it.
    pub call: String,
    /// At which attempts, from 1; at all where none is named.
    pub attempts: Vec<u64>,
    /// The HTTP status.
    pub status: Option<u16>,
    /// `ok` of the answer.
    pub ok: Option<bool>,
    /// `error` of the answer.
    pub error: Option<String>,
    /// The answer's whole body, instead of JSON.
    pub body: Option<String>,
    /// Whether the answer holds no rows.
    pub no_rows: bool,
    /// How long the answer takes, in seconds.
    pub delay_seconds: f64,
    /// Whether the connection is dropped in the middle of the answer.
    pub drop: bool,
}

/// The expected verdict.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The exit code.
    pub exit: u8,
    /// Codes of findings that deny.
    pub denies: Vec<String>,
    /// The stragglers.
    pub stragglers: Vec<String>,
}

impl Scenario {
    /// The names of the bundled scenarios.
    pub fn names() -> Vec<String> {
        let stem = |file: &include_dir::File<'_>| Some(file.path().file_stem()?.to_string_lossy().into_owned());
        let mut names: Vec<String> = SCENARIOS.files().filter_map(stem).collect();
        names.sort();
        names
    }

    /// The bundled scenario of a name.
    ///
    /// # Errors
    /// [`Error::Usage`] where there is none of that name.
    pub fn bundled(name: &str) -> Result<Self, Error> {
        let names = Self::names();
        let Some(file) = SCENARIOS.get_file(format!("{name}.toml")) else {
            let near = nearest(name, names.iter().map(String::as_str)).map(|near| format!("did you mean {near:?}? "));
            let help = format!("{}rollproof drill --list names all", near.unwrap_or_default());
            return Err(Error::usage(format!("there is no scenario {name:?}"), help));
        };
        Self::parse(file.contents_utf8().unwrap_or_default(), name)
    }

    /// The scenario in a file.
    ///
    /// # Errors
    /// [`Error::Usage`] where it cannot be read or is none.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let name = path.display().to_string();
        let text = Source::File(path.to_owned()).text(MAX_WRITTEN).map_err(|error| {
            let names = Self::names();
            let near = nearest(&name, names.iter().map(String::as_str)).map(|near| format!("did you mean {near:?}? "));
            let help =
                format!("{}name a file, or a scenario that rollproof drill --list lists", near.unwrap_or_default());
            Error::usage(format!("cannot read the scenario {name}: {error}"), help)
        })?;
        Self::parse(&text, &name)
    }

    /// The bundled scenario of that name, else the one in that file.
    ///
    /// # Errors
    /// [`Error::Usage`] where it cannot be read or is none.
    pub fn named(name: &Path) -> Result<Self, Error> {
        match name.to_str().filter(|name| Self::names().iter().any(|known| known == name)) {
            Some(bundled) => Self::bundled(bundled),
            None => Self::read(name),
        }
    }

    fn parse(text: &str, name: &str) -> Result<Self, Error> {
        let scenario: Self = toml::from_str(text).map_err(|error| {
            let problem = format!("the scenario {name}: {}", error.to_string().trim_end());
            Error::usage(problem, "rollproof schema scenario describes every key")
        })?;
        match scenario.wire.as_ref().map(Speaker::new) {
            Some(Err((problem, help))) => Err(Error::usage(format!("the scenario {name}: {problem}"), help)),
            Some(Ok(_)) | None => Ok(scenario),
        }
    }

    /// The same with a fleet of this many tenants; the first ones keep their names.
    #[must_use]
    pub fn with_tenants(mut self, many: usize) -> Self {
        let more = (self.fleet.len()..many).map(|i| format!("tenant-{i:05}"));
        self.fleet.extend(more);
        self.fleet.truncate(many);
        self
    }

    /// The list of tenants that is independent of the control plane, with their labels; none where there is no such list.
    pub fn inventory_file(&self) -> Option<String> {
        let labels = |slug: &String| self.tenants.get(slug).map(|tenant| &tenant.labels);
        let has_labels = self.tenants.values().any(|tenant| !tenant.labels.is_empty());
        let listed = if self.inventory.is_empty() && has_labels { &self.fleet } else { &self.inventory };
        let entry = |slug: &String| match labels(slug).filter(|labels| !labels.is_empty()) {
            Some(labels) => json!({"slug": slug, "labels": labels}),
            None => json!({"slug": slug}),
        };
        (!listed.is_empty()).then(|| Value::from(listed.iter().map(entry).collect::<Vec<_>>()).to_string())
    }

    /// The plan file (contract section 2).
    pub fn plan_file(&self, url: &str) -> Value {
        let plan = &self.plan;
        if !plan.enabled {
            return json!({"enabled": false, "sha": SHA, "disabled_reason": "PROD_AUTO_DEPLOY_DISABLED=true"});
        }
        let mut body = json!({
            "target_tag": TARGET, "soak_seconds": plan.soak_seconds, "batch_size": plan.batch_size,
            "max_stragglers": plan.max_stragglers, "dry_run": plan.dry_run, "confirm": true,
        });
        if !plan.canary.is_empty() {
            body["canary_slug"] = plan.canary.clone().into();
        }
        json!({
            "enabled": true, "sha": SHA, "short_sha": &SHA[..7], "target_tag": TARGET, "cp_url": url,
            "rollout_http_timeout": plan.rollout_http_timeout, "body": body,
        })
    }

    /// What goes wrong with a call at an attempt, counted from 1.
    pub fn fault(&self, tenants: Option<&[String]>, attempt: u64) -> Option<&Fault> {
        self.faults.iter().find(|fault| {
            let meant = match tenants {
                None => fault.call == "plan",
                Some(tenants) => tenants.contains(&fault.call),
            };
            meant && (fault.attempts.is_empty() || fault.attempts.contains(&attempt))
        })
    }

    /// The rows of an answer.
    pub fn rows(&self, tenants: Option<&[String]>, dry_run: bool) -> Vec<Value> {
        let Some(tenants) = tenants else {
            return self.fleet.iter().map(|slug| json!({"slug": slug, "ssm_status": "DryRun"})).collect();
        };
        let phase = if tenants.len() == 1 && tenants[0] == self.plan.canary { "canary" } else { "batch" };
        let usual = Tenant::default();
        let mut rows = Vec::new();
        for slug in tenants {
            let tenant = self.tenants.get(slug).unwrap_or(&usual);
            if tenant.skipped {
                continue;
            }
            let mut row = json!({"slug": slug, "phase": phase, "ssm_status": "DryRun"});
            if !dry_run {
                row = json!({
                    "slug": slug, "phase": phase, "ssm_status": "Success", "ssm_exit_code": 0, "healthz_ok": true,
                    "verified_on_target": true, "running_image": format!("platform-tenant:{TARGET}"),
                });
            }
            if let Some(before) = &tenant.before {
                rows.push(merged(row.clone(), before));
            }
            row = merged(row, &tenant.row);
            if let Some(fields) = row.as_object_mut() {
                fields.retain(|key, _| !tenant.without.contains(key));
                if let Some(other) = &tenant.answers_as {
                    fields.insert("slug".into(), other.clone().into());
                }
            }
            rows.push(row);
        }
        rows
    }
}

fn merged(mut row: Value, other: &Map<String, Value>) -> Value {
    if let Some(fields) = row.as_object_mut() {
        fields.extend(other.clone());
    }
    row
}
