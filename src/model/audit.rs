//! The document of an audit: what lies in a folder of archives, rollout by rollout and tenant by tenant, as facts.
//! Policies of audits read it as `input`. Published as `rollproof.audit/v1`; it may grow by optional keys and no more.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::decision::Decision;
use crate::model::document::FleetSource;
use crate::model::document::text::{Map, Text};

/// Many rollouts, and what became of each tenant in them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    /// The format's name and version.
    pub format: Format,
    /// Only rollouts from this moment on, and tenants that were behind after it, are listed, RFC 3339. Every archive was
    /// read all the same, so no time begins here. Absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Text>,
    /// Only rollouts from this moment on were read, RFC 3339: what was before it is not known. Absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_since: Option<Text>,
    /// Up to which moment rollouts are listed and lag is counted, RFC 3339.
    pub until: Text,
    /// What was found in the folders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<FoundFiles>,
    /// When the newest of the rollouts that assert something was made, RFC 3339: nothing is known of the time after it.
    /// Absent: none asserts anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<Text>,
    /// The longest time between two rollouts of a group that assert something. Absent: there are fewer than two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<Gap>,
    /// Rollouts that judge each other: those of one control plane and one group, by both.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Group>,
    /// Every rollout that could be read and is to be listed, by time and then by archive; those without a time come last.
    pub rollouts: Vec<Rollout>,
    /// Every tenant that was ever in a fleet of a rollout that asserts something, by group, control plane and name.
    pub tenants: Vec<Tenant>,
    /// Archives that could not be read, by name.
    pub unreadable: Vec<Unreadable>,
    /// Plans and fleets that belong to no archive, by name.
    pub unpaired: Vec<Text>,
    /// Name and version of the tool.
    pub tool: Text,
}

impl Audit {
    /// All but what is as many as rollouts or tenants are, which would be a second copy of months.
    pub fn without_lists(&self) -> Self {
        Self {
            format: self.format,
            since: self.since.clone(),
            read_since: self.read_since.clone(),
            until: self.until.clone(),
            found: self.found.clone(),
            newest: self.newest.clone(),
            gap: self.gap.clone(),
            groups: self.groups.clone(),
            rollouts: Vec::new(),
            tenants: Vec::new(),
            unreadable: self.unreadable.clone(),
            unpaired: self.unpaired.clone(),
            tool: self.tool.clone(),
        }
    }
}

/// The name and version of the document's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum Format {
    /// Version 1.
    #[serde(rename = "rollproof.audit/v1")]
    V1,
}

/// What was found in the folders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FoundFiles {
    /// How many files are archives or belong to one, by their names.
    pub files: u64,
    /// How many rollouts these files are.
    pub rollouts: u64,
    /// How many rollouts were read and are not listed: made before `since` or after `until`.
    pub not_listed: u64,
    /// How many rollouts were not read for being made before `read_since`.
    pub not_read: u64,
    /// All other files, by name: nobody looked into them.
    pub ignored: Vec<Text>,
}

/// A time without a rollout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gap {
    /// When the rollout before it was made, RFC 3339.
    pub since: Text,
    /// When the rollout after it was made, RFC 3339.
    pub until: Text,
    /// How long it is, in seconds.
    pub seconds: u64,
}

/// Rollouts that judge each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// What `--group-by` or the file of `--times` tells it by. Absent: nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[expect(clippy::struct_field_names, reason = "as rollouts and tenants have it")]
    pub group: Option<Text>,
    /// The control plane's URL. Absent: nothing names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control_plane: Option<Text>,
    /// How many of its rollouts were read, also such as are not listed.
    pub rollouts: u64,
    /// How many tenants were ever in its fleet.
    pub tenants: u64,
    /// When the newest of its rollouts that assert something was made, RFC 3339. Absent: none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<Text>,
    /// The longest time between two of these. Absent: there are fewer than two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<Gap>,
    /// Fleets in it that hardly overlap, so that they are probably of several environments. Nobody is missing in the
    /// rollouts of another one. Absent: there is one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fleets: Vec<Fleet>,
}

/// A fleet that hardly overlaps with others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fleet {
    /// How many tenants it has.
    pub tenants: u64,
    /// In how many rollouts it was seen.
    pub rollouts: u64,
    /// The archive of the first of these.
    pub archive: Text,
}

/// A rollout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rollout {
    /// The path of its evidence, from the folder on that was named; with it, where several were.
    pub archive: Text,
    /// SHA-256 of that evidence, unpacked, in hexadecimal digits.
    pub sha256: Text,
    /// When it was made, RFC 3339: as the file of `--times` says, else when it ended, as its document says, else when it began, else the time in its name,
    /// else when its document was collected. Absent: nothing says it, so the rollout has no part in lag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Text>,
    /// The command line that explains its verdict, from where the audit was started. Absent: its verdict is a pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explain: Option<Text>,
    /// The group that `--group-by` or the file of `--times` tells. Absent: nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Text>,
    /// The control plane's URL; where the rollout names none, the only one that those of its group, or of its folder, name.
    /// Absent: nothing names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control_plane: Option<Text>,
    /// The tag that every tenant had to run. Absent: there is no plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Text>,
    /// Whether it was a dry run.
    pub dry_run: bool,
    /// What it was called when it was made.
    pub called: Called,
    /// What the policies say of it now.
    pub decision: Decision,
    /// Why, where that is no pass: what denies it or leaves it undecided.
    pub because: Vec<Because>,
    /// Who enumerated its fleet.
    pub fleet_source: FleetSource,
    /// How many tenants it had to cover.
    pub fleet: u64,
    /// How many of them are proven on the target.
    pub proven: u64,
    /// How many are not, and were not shipped past.
    pub stragglers: u64,
    /// How many stragglers were shipped past.
    pub quarantined: u64,
    /// Tenants that earlier and later rollouts have, and for which no row answers here, though no enumeration of the fleet
    /// leaves them out, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Text>,
    /// Whether anybody but the canary is proven on the target: then those that are not are behind.
    pub fanned_out: bool,
    /// The tenant that goes first and alone. Absent: none, or there is no plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<Text>,
    /// Whether that tenant is in the fleet. Absent: no canary, or nobody was enumerated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary_in_fleet: Option<bool>,
}

/// What a rollout was called when it was made: by the file of `--times`, else by the report beside its evidence, else by the `ok` of its response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Called {
    /// A success.
    Green,
    /// Not a success.
    Red,
    /// Nothing says.
    Unknown,
}

/// Why a rollout is no pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Because {
    /// The finding's code.
    pub code: Text,
    /// One sentence.
    pub message: Text,
    /// The tenants that it is about, sorted.
    pub tenants: Vec<Text>,
}

/// What became of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tenant {
    /// Its name.
    #[expect(clippy::struct_field_names, reason = "as every published format has it")]
    pub tenant: Text,
    /// The group of its rollouts. Absent: nothing tells groups apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Text>,
    /// The control plane of its rollouts. Absent: nothing names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control_plane: Option<Text>,
    /// Its labels, in the newest of its rollouts whose fleet has labels. Absent: it has none.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub labels: Map<Text>,
    /// The number of rollouts whose fleet contained it.
    pub rollouts: u64,
    /// When it was first in a fleet, RFC 3339.
    pub first_seen: Text,
    /// Whether the fleet was without it before that.
    pub appeared: bool,
    /// When it was last in a fleet, RFC 3339.
    pub last_seen: Text,
    /// When the fleet was first without it after that, RFC 3339. Absent: it is still in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone_since: Option<Text>,
    /// How often it was proven in a rollout and behind in its next.
    pub falls: u64,
    /// The first of the rollouts since which no row answers for it, though no enumeration of the fleet leaves it out,
    /// RFC 3339. Absent: its last rollout has a row for it, or an enumeration without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_since: Option<Text>,
    /// In how many of its last rollouts, in a row, it was shipped past.
    pub quarantined_running: u64,
    /// When it was behind, oldest first; the last may still last.
    pub behind: Vec<Behind>,
    /// A letter for each of `rollouts` that has a time: the first of its proof state (`v`erified, `a`ssumed, `o`ff_target, `e`rrored,
    /// `d`ry_run, `u`nreached), `m` where nobody enumerated a fleet and no row answers for it, and `.` where the rollout
    /// has nothing to do with it. Upper case: it was behind. Absent: it was in every fleet and never behind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<Text>,
}

/// A time for which a tenant was behind: not proven on the target of a rollout that reached others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Behind {
    /// The first rollout that left it behind, RFC 3339.
    pub since: Text,
    /// The first rollout then in which it was proven, RFC 3339. Absent: it still is behind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Text>,
    /// How many rollouts left it behind.
    pub rollouts: u64,
    /// How long, in seconds; up to the audit's `until` where it still is.
    pub seconds: u64,
    /// How long up to the newest rollout of its fleet, in seconds: what evidence shows of a time that still lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds_seen: Option<u64>,
    /// Its proof state in the last of these rollouts, or `missing`.
    pub state: Text,
    /// Why it was not proven in it, in words.
    pub reason: Text,
    /// Whether somebody had agreed to live with that in it.
    pub waived: bool,
}

/// An archive that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unreadable {
    /// Its path.
    pub archive: Text,
    /// Why, and where.
    pub problem: Text,
}
