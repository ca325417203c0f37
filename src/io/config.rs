//! `rollproof.toml`: the operator's own settings. An unknown key is an error.

pub mod control_plane;
pub(crate) mod gitea;
pub mod http;
pub(crate) mod plan;
pub(crate) mod probe;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::io::config::control_plane::{ControlPlane, SettingFault};
use crate::io::config::http::Http;
use crate::io::config::probe::{MIN_SECONDS, Probe};
use crate::io::input::{MAX_WRITTEN, Source, remedy};
use crate::io::repository::{Repository, may_exist};
use crate::model::document::{InputFile, Role};
use crate::text::suggest::{meant, nearest};
use crate::time::seconds;

/// The file that is looked for where `--config` names none.
const FILE: &str = "rollproof.toml";

/// The key of `[policies]` that is no policy.
const PATHS: &str = "paths";

/// The configuration. Times are in seconds and may be fractions.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Calls to the control plane, and how every service is reached.
    pub http: Http,
    /// How a control plane of another wire is called, and how its answers are read.
    pub control_plane: ControlPlane,
    /// Questions to the Gitea that the gates are read from.
    pub gitea: crate::io::config::gitea::GiteaConfig,
    /// What of a plan is the operator's own.
    pub plan: crate::io::config::plan::PlanConfig,
    /// Values of the policies' parameters.
    pub params: BTreeMap<String, ParamValue>,
    /// Which policies are evaluated, and how much each of them weighs.
    pub policies: PolicySettings,
    /// Findings that somebody has agreed to live with.
    pub waivers: WaiverSettings,
    /// What policies know besides the evidence: by a fact's name, the file that holds it, from the configuration's own
    /// folder.
    pub facts: BTreeMap<String, PathBuf>,
    /// Asking tenants for their build.
    pub probe: Probe,
    /// The file that it was read from. Absent: there is none, or it is empty.
    #[serde(skip)]
    pub file: Option<InputFile>,
}

/// Which policies are evaluated beside the bundled ones, and how much each of them weighs.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[serde(default)]
pub struct PolicySettings {
    /// Folders and files of policies, from the configuration's own folder.
    pub paths: Vec<PathBuf>,
    /// By a policy's package: whether it enforces what it says.
    #[serde(flatten)]
    pub modes: BTreeMap<String, Mode>,
}

/// By hand: `flatten` would lose the line of what is wrong.
impl<'de> Deserialize<'de> for PolicySettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PoliciesVisitor)
    }
}

struct PoliciesVisitor;

impl<'de> Visitor<'de> for PoliciesVisitor {
    type Value = PolicySettings;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of policies")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<PolicySettings, A::Error> {
        let mut settings = PolicySettings::default();
        while let Some(key) = table.next_key::<String>()? {
            if key == PATHS {
                settings.paths = table.next_value()?;
            } else {
                let mode = table.next_value_seed(ModeSeed(&key))?;
                settings.modes.insert(key, mode);
            }
        }
        Ok(settings)
    }
}

/// Reads the mode of the policy with this name.
struct ModeSeed<'k>(&'k str);

impl ModeSeed<'_> {
    /// The error for a list or a text under a key, which is no policy's mode.
    fn type_error<E: serde::de::Error>(&self, found: Unexpected<'_>) -> E {
        if matches!(found, Unexpected::Seq) || nearest(self.0, [PATHS]).is_some() {
            let key = self.0;
            return E::custom(format!("unknown field `{key}`, expected `{PATHS}` or a table for a policy's mode"));
        }
        E::invalid_type(found, self)
    }
}

impl<'de> DeserializeSeed<'de> for ModeSeed<'_> {
    type Value = Mode;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Mode, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ModeSeed<'_> {
    type Value = Mode;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table with the keys mode and reason")
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<Mode, A::Error> {
        Mode::deserialize(MapAccessDeserializer::new(table))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Mode, A::Error> {
        Err(self.type_error(Unexpected::Seq))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Mode, E> {
        Err(self.type_error(Unexpected::Str(text)))
    }
}

/// Whether a policy enforces what it says. What enforces it needs no mode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mode {
    /// How much it weighs.
    pub mode: ModeName,
    /// Why. A bundled policy needs one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How much a policy weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum ModeName {
    /// What it denies is a warning, and it halts nothing.
    Report,
    /// It is not evaluated.
    Off,
}

/// Findings that somebody has agreed to live with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WaiverSettings {
    /// Files of waivers, from the configuration's own folder.
    pub files: Vec<PathBuf>,
    /// How long a waiver may last, in days.
    pub max_days: u32,
}

impl Default for WaiverSettings {
    fn default() -> Self {
        Self { files: Vec::new(), max_days: 90 }
    }
}

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "found a list, a table or a day, but only true, false, a number or text is allowed")]
pub enum ParamValue {
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// Text.
    String(String),
}

impl fmt::Display for ParamValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Number(value) => value.fmt(f),
            Self::String(value) => value.fmt(f),
        }
    }
}

/// A time in the configuration.
struct Time {
    /// The table and the key.
    key: &'static str,
    seconds: f64,
    /// The smallest value that is allowed, in seconds.
    min: f64,
}

impl Time {
    fn is_allowed(&self) -> bool {
        seconds(self.seconds).is_some() && self.seconds >= self.min
    }
}

impl Config {
    /// Every time in the configuration.
    fn times(&self) -> Vec<Time> {
        let Self { http, gitea, probe, .. } = self;
        let time = |key, seconds, min| Time { key, seconds, min };
        let delays = |key, delays: &[f64]| delays.iter().map(|delay| time(key, *delay, 0.0)).collect::<Vec<_>>();
        let mut times = delays("[http] retry_delays_seconds", &http.retry_delays_seconds);
        times.extend(delays("[gitea] retry_delays_seconds", &gitea.retry_delays_seconds));
        times.extend([
            time("[http] plan_timeout_seconds", http.plan_timeout_seconds, 0.0),
            time("[gitea] timeout_seconds", gitea.timeout_seconds, 0.0),
            time("[probe] interval_seconds", probe.interval_seconds, MIN_SECONDS),
            time("[probe] timeout_seconds", probe.timeout_seconds, 0.0),
            time("[probe] request_timeout_seconds", probe.request_timeout_seconds, MIN_SECONDS),
        ]);
        times
    }

    /// The files of facts, by the facts' names: those that are `named`, and those of the configuration for all other facts.
    pub fn facts(&self, named: &[(String, PathBuf)]) -> Vec<(String, PathBuf)> {
        let configured = self.facts.iter().filter(|(name, _)| !named.iter().any(|(other, _)| other == *name));
        configured.map(|(name, path)| (name.clone(), path.clone())).chain(named.iter().cloned()).collect()
    }

    /// The path of the configuration: the one that is `named`, else the default.
    pub fn path(named: Option<&Path>) -> PathBuf {
        named.map_or_else(default_path, Path::to_owned)
    }

    /// Reads the file that is named, else the working folder's, else the nearest above it in its repository, else none.
    /// Paths in it are relative to its own folder.
    ///
    /// # Errors
    /// [`Error::Usage`] with line and column, where it cannot be read or is not valid.
    pub fn read(named: Option<&Path>) -> Result<Self, Error> {
        let path = &*Self::path(named);
        if named.is_none() && !may_exist(path) {
            return Ok(Self::default());
        }
        let source = if named.is_some() { Source::File(path.to_owned()) } else { Source::Found(path.to_owned()) };
        let unreadable = |error: io::Error| {
            let problem = format!("cannot read the configuration {}: {error}", path.display());
            Error::usage(problem, remedy(&error))
        };
        let input = source.raw(MAX_WRITTEN).map_err(unreadable)?;
        let text = input.text().map_err(unreadable)?;
        let mut config: Self = toml::from_str(text).map_err(|error| parse_error(path, &error))?;
        config.file = (!input.bytes.is_empty()).then(|| input.file(Role::Config, input.sha256()));
        let folder = path.parent().unwrap_or(Path::new(""));
        let paths = config.policies.paths.iter_mut().chain(&mut config.waivers.files).chain(&mut config.http.ca_file);
        let paths = paths.chain(&mut config.control_plane.answer);
        for path in paths.chain(config.facts.values_mut()) {
            *path = folder.join(&*path);
        }
        if let Some(Time { key, seconds, min }) = config.times().into_iter().find(|time| !time.is_allowed()) {
            let file = path.display();
            let problem = format!("{file}: {key}: found {seconds}, but a time of at least {min} seconds is allowed");
            return Err(Error::usage(problem, "rollproof schema config describes every key"));
        }
        if let Some(SettingFault { problem, help }) = config.control_plane.fault() {
            return Err(Error::usage(format!("{}: [control_plane] {problem}", path.display()), help));
        }
        text.clone_into(&mut config.control_plane.text);
        if let Some(host) = config.http.invalid_host() {
            let problem = format!("{}: [http] plain_http_hosts: {host:?} is no host", path.display());
            return Err(Error::usage(problem, "write a host without a scheme and a port, such as cp.shop.svc"));
        }
        Ok(config)
    }
}

/// The file that is read where none is named: the nearest from the working folder upward, but only inside a repository, up
/// to the folder that holds `.git`. Outside of one, whoever can write to a folder above could decide what is enforced.
fn default_path() -> PathBuf {
    let above = Repository::of_working_folder().levels_to_root().unwrap_or(0);
    let candidates = (0..=above).map(|above| PathBuf::from("../".repeat(above)).join(FILE));
    candidates.into_iter().find(|path| may_exist(path)).unwrap_or_else(|| FILE.into())
}

fn parse_error(path: &Path, error: &toml::de::Error) -> Error {
    let near = meant(error.message());
    let help = near
        .map_or_else(|| "rollproof schema config describes every key".into(), |near| format!("did you mean {near:?}?"));
    Error::usage(format!("{}: {}", path.display(), error.to_string().trim_end()), help)
}
