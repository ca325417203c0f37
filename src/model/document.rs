//! The document: plan and evidence of one rollout, normalized. Types; the grouping of rows into cohorts (`cohort`), and the checks that the parts agree (`consistency`).
//!
//! Everything a verdict needs is in here, so that an archive can be judged again from the document alone
//! (design section 2).

pub(crate) mod cohort;
pub mod consistency;
mod digest;
pub mod failure;
pub(crate) mod gates;
pub(crate) mod labels;
pub(crate) mod lookalikes;
pub mod mapping;
pub(crate) mod origins;
pub(crate) mod probe;
pub(crate) mod projection;
pub mod text;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::document::failure::Failure;
use crate::model::document::gates::Gates;
use crate::model::document::mapping::{ItemRun, UsedMapping};
use crate::model::document::origins::Origins;
use crate::model::document::probe::Probe;
use crate::model::document::text::{Field, Map, Scalar, Text};
use crate::text::misspelt::FormDifference;

/// Name and version of the tool, as provenance has it.
pub const TOOL: &str = concat!("rollproof ", env!("CARGO_PKG_VERSION"));

/// What is known of a rollout without a plan.
pub fn unknown_rollout() -> Rollout {
    Rollout {
        target_tag: None,
        target_sha: None,
        dry_run: false,
        canary: None,
        batch_size: None,
        soak_seconds: None,
        max_stragglers: 0,
        control_plane: None,
        started_at: None,
        finished_at: None,
        outcome: Outcome::Unknown,
        halted_because: None,
        next: None,
        time_scale: None,
        extra: Map::default(),
    }
}

/// The only value of [`Document::format`] that this version reads and writes.
pub const FORMAT: &str = "rollproof.document/v1";

/// The plan and the result rows of one rollout, with everything that a verdict needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// The format's name and version.
    pub format: Format,
    /// What was to be rolled out, and how far it came.
    pub rollout: Rollout,
    /// Which tenants the rollout had to cover, and who says so.
    pub fleet: Fleet,
    /// What an archived response says of itself. Absent where the evidence is no archived response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<Archive>,
    /// Every request to the control plane, in order.
    pub calls: Vec<Call>,
    /// The evidence: tenants grouped by identical evidence.
    pub cohorts: Vec<Cohort>,
    /// Phase name to the tenants that a row names in it, in the order of the rows. Policies see it as `phases` of `rollproof.lib.fleet`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub phases: Map<Vec<Text>>,
    /// The fleet's own order, in which cohorts take turns. Absent: it is not known. Policies see it as `in_order` of
    /// `rollproof.lib.fleet`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub order: Vec<Run>,
    /// The mapping by which another system's evidence was read as rows. Absent: the rows are the control plane's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<UsedMapping>,
    /// Where the items of the evidence are that a mapping read as rows, in order: the number of one is the `row` of an
    /// origin. Policies do not see it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<ItemRun>,
    /// What else was read before or while the rollout was driven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gates: Option<Gates>,
    /// What tenants say of their own build. Absent: builds are not probed; empty: they are, and no tenant has been asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probes: Option<Vec<Probe>>,
    /// What could not be attributed to a tenant or is not known to the schema.
    pub anomalies: Vec<Anomaly>,
    /// What the document was collected from, when, and by which version.
    pub provenance: Provenance,
}

impl Document {
    /// A document without evidence: nobody was enumerated, and nobody was called.
    pub fn empty(rollout: Rollout, collected_at: Text) -> Self {
        Self {
            format: Format::V1,
            rollout,
            fleet: Fleet {
                source: FleetSource::None,
                tenants: 0,
                duplicates: Vec::new(),
                inventory: Vec::new(),
                dropped: Vec::new(),
                lookalikes: Vec::new(),
            },
            archive: None,
            calls: Vec::new(),
            cohorts: Vec::new(),
            phases: Map::default(),
            order: Vec::new(),
            mapping: None,
            items: Vec::new(),
            gates: None,
            probes: None,
            anomalies: Vec::new(),
            provenance: Provenance { tool: Text::from(TOOL), collected_at, inputs: Vec::new() },
        }
    }
}

/// Tenants that are neighbours in the fleet and in the same cohort: the cohort's index in `cohorts`, and how many they
/// are. A cohort's tenants come in its own order, so that runs of a few numbers tell the order of a large fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Run(pub u32, pub u32);

/// The name and version of the document's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum Format {
    /// Version 1.
    #[serde(rename = "rollproof.document/v1")]
    V1,
}

/// What was to be rolled out, and how far it came (contract section 2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rollout {
    /// The image tag that every tenant must run. Absent: no plan was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_tag: Option<Text>,
    /// The commit behind the tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_sha: Option<Text>,
    /// A dry run changes nothing and asserts nothing.
    pub dry_run: bool,
    /// The tenant that goes first and alone. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<Text>,
    /// How many tenants a call names, at least 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_size: Option<u64>,
    /// How long the canary soaks, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soak_seconds: Option<u64>,
    /// How many stragglers the plan tolerates; 0 where it does not say.
    pub max_stragglers: u64,
    /// The control plane's URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control_plane: Option<Text>,
    /// When the first call was made, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Text>,
    /// When the last call ended, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Text>,
    /// How the rollout ended.
    pub outcome: Outcome,
    /// Which policies halted it and why, or which signal interrupted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub halted_because: Option<Text>,
    /// The call that would be made now: what a rule of `halt` may stop before it happens. Absent: no call is left, or the
    /// rollout is not being driven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<NextCall>,
    /// By how much waiting was shortened in a rehearsal on loopback. Absent in a real rollout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_scale: Option<Text>,
    /// Fields of the plan or of its body that the contract does not have and that somebody named, by name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<Scalar>,
}

/// A call that has not been made yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NextCall {
    /// What it is for.
    pub purpose: Purpose,
    /// The tenants that it would name, in order; empty for the plan call.
    pub tenants: Vec<Text>,
}

/// How a rollout ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Outcome {
    /// It is still being driven.
    Running,
    /// Every call was made.
    Completed,
    /// A policy stopped it.
    Halted,
    /// Something from outside stopped it.
    Interrupted,
    /// An archived response does not say.
    Unknown,
}

/// Which tenants the rollout had to cover (contract section 1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fleet {
    /// Who enumerated the tenants.
    pub source: FleetSource,
    /// How many different tenants were enumerated.
    pub tenants: u64,
    /// Tenants that were enumerated more than once, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub duplicates: Vec<Text>,
    /// Tenants of a list that is independent of the control plane, which the control plane did not enumerate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inventory: Vec<Text>,
    /// Tenants that an attempt of the plan call enumerated, and the one that counts did not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<Text>,
    /// Names that differ from that of a tenant of the fleet only in form, such as case or invisible characters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lookalikes: Vec<Lookalike>,
}

/// A name that differs from that of a tenant of the fleet only in form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lookalike {
    /// The name: of a row, of the canary, of the inventory, or of another tenant of the fleet.
    pub name: Text,
    /// The tenant of the fleet that it looks like.
    pub tenant: Text,
    /// What the two differ in.
    pub differs_in: Vec<FormDifference>,
}

/// Who enumerated the fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum FleetSource {
    /// The control plane, in the plan call of the rollout itself.
    PlanCall,
    /// A file given beside the response.
    File,
    /// Nobody: guessed from the rows and the stragglers that the archive lists.
    Response,
    /// Nobody, and there are no rows to guess from.
    None,
}

/// What an archived response says of itself (contract section 4.6).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    /// Whether the rollout was called a success.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub ok: Field<bool>,
    /// Why it was not. May hold sensitive text.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub error: Field<Text>,
    /// Why it was not, in a control plane's other spelling. May hold sensitive text.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub message: Field<Text>,
    /// The stragglers that it names.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub stragglers: Field<Vec<Text>>,
}

/// One request to the control plane (contract section 3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// What the call was for.
    pub purpose: Purpose,
    /// The tenants that it named; none for the plan call.
    pub tenants: Vec<Text>,
    /// Every attempt, in order.
    pub attempts: Vec<Attempt>,
    /// `ok` of the last answer.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub ok: Field<bool>,
}

/// What a call is for (contract section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Purpose {
    /// Enumerates the fleet, changes nothing.
    Plan,
    /// Redeploys the canary, alone.
    Canary,
    /// Redeploys some tenants.
    Batch,
}

/// One attempt of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// When the request was sent, RFC 3339. Absent: it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Text>,
    /// The HTTP status, 100 to 599. Absent: no answer came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How long the attempt took, in milliseconds. Absent: it has not ended, or nothing is known of its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// What went wrong. May hold sensitive text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Text>,
    /// Why the answer is none that the contract knows, with its beginning. May hold sensitive text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub malformed: Option<Text>,
    /// Why there is no answer, or none that can be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Whether the call has ended with this attempt.
    pub last: bool,
}

impl Attempt {
    /// An attempt of which nothing is known but when it was begun.
    pub const fn in_flight(at: Text) -> Self {
        Self { at: Some(at), status: None, duration_ms: None, error: None, malformed: None, failure: None, last: false }
    }
}

/// What follows from the end of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptEnd {
    /// Nothing says how it ended.
    Unknown,
    /// Another attempt may follow.
    Transient,
    /// No other attempt follows.
    Final,
}

impl AttemptEnd {
    /// What follows from a status and an error (contract section 4).
    pub const fn of(status: Option<u16>, error: Option<&Text>) -> Self {
        match (status, error) {
            (None, None) => Self::Unknown,
            (Some(502..=504), _) | (_, Some(_)) => Self::Transient,
            (Some(_), None) => Self::Final,
        }
    }
}

/// The tenants whose evidence is identical, with that evidence.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cohort {
    /// Whether the fleet enumerates these tenants.
    pub planned: bool,
    /// Labels that the fleet gives these tenants.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub labels: Map<Text>,
    /// Index in `calls` of the last call that named these tenants, where they have no row. Absent: no call named them,
    /// or it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<u32>,
    /// The tenants, in the fleet's order where it enumerates them, else by name.
    pub tenants: Vec<Text>,
    /// The rows of each of these tenants, in the order in which they arrived.
    pub rows: Vec<Row>,
    /// Parallel to `tenants`: where each of its rows came from. Engines do not get it.
    #[serde(default, skip_serializing_if = "Origins::is_empty")]
    pub origins: Origins,
}

/// What the control plane says of one tenant in one call, without the tenant and the phase (contract section 3).
/// Absent, `null` and a value are three different things.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// State of the remote command, such as `Success` or `DryRun`.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub ssm_status: Field<Text>,
    /// Exit code of the remote command.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    #[schemars(range(min = -9_223_372_036_854_775_808_i64, max = 9_223_372_036_854_775_807_i64))]
    pub ssm_exit_code: Field<i64>,
    /// Whether the tenant's health check passed.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub healthz_ok: Field<bool>,
    /// Whether the control plane saw the running container on the target. Absent on an older control plane.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub verified_on_target: Field<bool>,
    /// The image that the container runs.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub running_image: Field<Text>,
    /// What went wrong. May hold sensitive text.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub error: Field<Text>,
    /// Further fields, by name, that the operator has named as evidence.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<Scalar>,
}

/// Something in an input that belongs to no tenant, or that the schema does not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Anomaly {
    /// What it is.
    pub kind: AnomalyKind,
    /// The input's name.
    pub input: Text,
    /// JSON pointer into the input, to the first of its kind.
    pub at: Text,
    /// The field's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<Text>,
    /// The known field that the field nearly is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<Text>,
    /// The tenant that it names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Text>,
    /// Why a mapping skips it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
    /// How often it occurs, at least 1.
    pub count: u64,
    /// How many more of its kind the input holds that are not listed. Only the last one listed says so.
    #[serde(default, skip_serializing_if = "is_none")]
    pub more: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
const fn is_none(many: &u64) -> bool {
    *many == 0
}

/// What is strange about an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum AnomalyKind {
    /// A row whose slug is blank or absent.
    UnattributedRow,
    /// A field that the schema does not know.
    UnknownField,
    /// A field that is nearly one that the schema knows, so that what it says was not read.
    MisspeltField,
    /// A row for a tenant that its call did not name.
    UnrequestedRow,
    /// A live row in the answer to a plan call.
    LiveRowInPlanCall,
    /// An item that a mapping skips: it is no tenant's.
    SkippedItem,
}

/// What the document was collected from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Name and version of the tool that collected it.
    pub tool: Text,
    /// When it was first collected, RFC 3339, UTC.
    pub collected_at: Text,
    /// The files that it was collected from.
    pub inputs: Vec<InputFile>,
}

/// A file that evidence was read from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InputFile {
    /// What it was read as.
    pub role: Role,
    /// Its name, as it was given.
    pub name: Text,
    /// Its size in bytes.
    pub bytes: u64,
    /// SHA-256 of its bytes, 64 hexadecimal digits.
    pub sha256: Text,
}

/// What an input is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Role {
    /// An archived response.
    Response,
    /// The journal of a rollout.
    Journal,
    /// A list of the tenants that had to be covered.
    Fleet,
    /// Labels of tenants.
    Labels,
    /// A rollout plan.
    Plan,
    /// A document that was written before.
    Document,
    /// Waivers.
    Waivers,
    /// A fact for a team's own policies.
    Facts,
    /// The configuration.
    Config,
    /// The previous rollout.
    Previous,
    /// Tenants that were taken out of the fleet since the previous rollout.
    Retired,
    /// The mapping by which rows were read.
    Mapping,
    /// The mapping by which the fleet was read.
    FleetMapping,
}

impl Document {
    /// The JSON pointer of a row into the evidence that is no journal, by the number of its origin.
    #[must_use]
    pub fn row_pointer(&self, row: u32) -> String {
        mapping::item_pointer(&self.items, row as usize).unwrap_or_else(|| format!("/results/{row}"))
    }

    /// All but the evidence: no call, no cohort, no phase.
    #[must_use]
    pub fn without_evidence(&self) -> Self {
        Self {
            format: self.format,
            rollout: self.rollout.clone(),
            fleet: self.fleet.clone(),
            archive: self.archive.clone(),
            mapping: self.mapping.clone(),
            items: Vec::new(),
            gates: self.gates.clone(),
            probes: self.probes.clone(),
            calls: Vec::new(),
            cohorts: Vec::new(),
            phases: Map::default(),
            order: Vec::new(),
            anomalies: self.anomalies.clone(),
            provenance: self.provenance.clone(),
        }
    }
}

impl Call {
    /// A copy without the tenants that it named.
    #[must_use]
    pub fn without_tenants(&self) -> Self {
        Self { purpose: self.purpose, tenants: Vec::new(), attempts: self.attempts.clone(), ok: self.ok }
    }

    /// Whether its last attempt has ended and no other follows.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.attempts.last().is_some_and(|attempt| attempt.last)
    }
}

impl Cohort {
    /// A copy without tenants and origins.
    #[must_use]
    pub fn without_tenants(&self) -> Self {
        Self {
            planned: self.planned,
            labels: self.labels.clone(),
            call: self.call,
            tenants: Vec::new(),
            rows: self.rows.clone(),
            origins: Origins::default(),
        }
    }
}
