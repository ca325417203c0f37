//! Records of a rollout's journal, and how they are read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::collect::wire::settings::WireSettings;
use crate::model::document::Purpose;
use crate::model::document::failure::Failure;
use crate::model::document::gates::{CiWait, HeadReading, SwitchReading};
use crate::model::document::probe::ProbeAnswer;
use crate::model::document::text::Text;

/// What to do where a journal cannot be appended to.
pub(crate) const JOURNAL_HELP: &str =
    "check the path, and let this user write it; nothing was called, and nothing was written";

/// A line of a journal. Times are RFC 3339, UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "record", rename_all = "snake_case", deny_unknown_fields)]
pub enum Record {
    /// The first line: what is to be rolled out.
    Start {
        /// The format's name and version.
        format: Format,
        /// When it happened, RFC 3339.
        at: Text,
        /// The plan's name, as it was given.
        plan_name: Text,
        /// The plan's own bytes.
        plan: Text,
        /// The inventory's name and bytes, where one was given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        inventory: Option<Inventory>,
        /// By how much waiting was shortened in a rehearsal; absent in a real rollout.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        time_scale: Option<Text>,
        /// Extra fields of rows that are evidence.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        evidence_fields: Vec<Text>,
        /// Extra fields of the plan that are evidence.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        plan_fields: Vec<Text>,
        /// Which gates are asked. Absent: none, or it is not known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        gates: Option<AskedGates>,
        /// Whether builds are to be probed once every call was made. Absent: no, unless a record `probe` says so.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        probes: bool,
        /// The rollout's own name, of letters, digits and `-`: the ids of its requests begin with it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rollout_id: Option<Text>,
        /// How the control plane is called and how its answers are read. Absent: as the contract has it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        control_plane: Option<WireSettings>,
    },
    /// A request is about to be sent.
    Request {
        /// Index of the call.
        call: u32,
        /// Index of the attempt.
        attempt: u16,
        /// What the call is for.
        purpose: Purpose,
        /// The tenants that it names.
        tenants: Vec<Text>,
        /// When it happened, RFC 3339.
        at: Text,
        /// The header `Idempotency-Key`: the same for every attempt of a call, and for the call that repeats it where
        /// the rollout was interrupted before it ended.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        idempotency_key: Option<Text>,
        /// The header `X-Request-Id`: the attempt's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request_id: Option<Text>,
    },
    /// An attempt has ended.
    Answer {
        /// Index of the call.
        call: u32,
        /// Index of the attempt.
        attempt: u16,
        /// When it happened, RFC 3339.
        at: Text,
        /// How long it took, in milliseconds.
        duration_ms: u64,
        /// The HTTP status, where an answer came.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        /// Why no whole answer came.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<Text>,
        /// The answer as it came, as far as it came, with tokens masked, whatever `control_plane` makes of it. Of one that is no UTF-8, a backslash is `\\` and
        /// a byte of no character `\xff`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<Text>,
        /// Why nothing in the answer may be read: it is no UTF-8, or holds a token in a name. Absent: it may.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        malformed: Option<Text>,
        /// Why there is no answer, or none that can be used, as far as the transport knows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<Failure>,
        /// Whether the call has ended with it.
        last: bool,
    },
    /// The kill switch was read.
    Switch {
        /// What was read.
        reading: SwitchReading,
    },
    /// The wait for CI has ended.
    Ci {
        /// How.
        wait: CiWait,
    },
    /// The branch's head was read.
    Head {
        /// What was read.
        reading: HeadReading,
    },
    /// The canary soaks from now on.
    Soak {
        /// When it happened, RFC 3339.
        at: Text,
    },
    /// The canary has soaked.
    Soaked {
        /// When it happened, RFC 3339.
        at: Text,
    },
    /// A policy stopped the rollout.
    Halted {
        /// When it happened, RFC 3339.
        at: Text,
        /// Which policies, and why.
        because: Text,
    },
    /// A signal stopped the rollout.
    Interrupted {
        /// When it happened, RFC 3339.
        at: Text,
        /// The signal's name.
        signal: Text,
    },
    /// An interrupted rollout goes on.
    Resumed {
        /// When it happened, RFC 3339.
        at: Text,
    },
    /// Every call was made.
    Completed {
        /// When it happened, RFC 3339.
        at: Text,
    },
    /// Builds are to be probed once every call was made.
    Probe {
        /// When it happened, RFC 3339.
        at: Text,
        /// The URL; `{slug}` stands for the tenant.
        url: Text,
    },
    /// Probing begins.
    Probing {
        /// When it happened, RFC 3339.
        at: Text,
        /// The URL; `{slug}` stands for the tenant.
        url: Text,
        /// Tenants that it asks.
        tenants: Vec<Text>,
        /// Tenants that it never asks, because their slug cannot stand in a URL.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        refused: Vec<Text>,
    },
    /// A round of probing has ended.
    Probed {
        /// When it happened, RFC 3339.
        at: Text,
        /// What was seen. Whoever is not named was not asked in it.
        answers: Vec<ProbeAnswer>,
    },
}

impl Record {
    /// The same first record for a control plane of the contract's wire.
    #[must_use]
    pub(crate) fn without_wire(&self) -> Self {
        let mut record = self.clone();
        if let Self::Start { control_plane, .. } = &mut record {
            *control_plane = None;
        }
        record
    }
}

/// The name and version of the journal's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum Format {
    /// Version 1.
    #[serde(rename = "rollproof.journal/v1")]
    V1,
}

/// Which gates a rollout asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum AskedGates {
    /// The kill switch, before every call that changes anything.
    KillSwitch,
    /// That, and before the first call the branch's head, the kill switch and CI.
    All,
}

/// A list of tenants that is independent of the control plane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Inventory {
    /// Its name, as it was given.
    pub name: Text,
    /// Its own bytes.
    pub text: Text,
}

/// Reads a journal: its records, and where the last whole one ends. A last line that is cut short was being written
/// when the process was killed; it is no fault. One that is whole counts, with its newline or without.
///
/// # Errors
/// Line and message of the first record that is not valid.
pub fn read(bytes: &[u8]) -> Result<(Vec<Record>, u64), (usize, String)> {
    let mut records = Vec::new();
    let mut length = 0;
    for (i, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        match serde_json::from_slice(line) {
            Ok(record) => records.push(record),
            Err(error) if !line.ends_with(b"\n") && !error.is_data() => break,
            Err(error) => return Err((i + 1, error.to_string())),
        }
        length += line.len() as u64;
    }
    Ok((records, length))
}
