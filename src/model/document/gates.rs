//! What was read of the gates before and while a rollout was driven (contract section 5). Facts only: what follows from
//! them is `rollproof.gates`'s to say.

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::model::commit::is_same_commit;
use crate::model::document::text::Text;
use crate::text::switch::switch;

/// What was read before or while a rollout was driven.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gates {
    /// Why the plan is disabled. Absent: it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_disabled: Option<Text>,
    /// Every reading of the kill switch, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub switch: Vec<SwitchReading>,
    /// How the wait for CI ended; the last one, where a rollout was resumed. Absent: nobody waited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ci: Option<CiWait>,
    /// Every reading of the branch's head, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub head: Vec<HeadReading>,
}

/// How often a service was asked, and what came last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// How many requests were made; none without a token.
    pub requests: u32,
    /// How many of them were answered.
    pub answers: u32,
    /// The HTTP status of the last answer. Absent: none came.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "http_status")]
    #[schemars(range(min = 100, max = 999))]
    pub status: Option<u16>,
    /// Why it could not be read, in our words. Absent: it could.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Text>,
    /// The beginning of an answer that could not be read. May hold sensitive text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Text>,
}

/// Where something in a reading contradicts the rest of it, as a pointer within the reading, and the problem in words.
pub(crate) type Contradiction = (&'static str, &'static str);

impl Asked {
    /// What contradicts itself in it, where the answers gave something (`is_known`) or nothing.
    fn contradiction(&self, is_known: bool) -> Option<Contradiction> {
        if self.answers > self.requests {
            return Some(("/asked", "found more answers than requests"));
        }
        (is_known && self.answers == 0).then_some(("/asked", "found a reading that nobody answered"))
    }
}

/// A reading of the kill switch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SwitchReading {
    /// When, RFC 3339.
    pub at: Text,
    /// Index of the call that it was read before.
    pub before: u32,
    /// The variable's name.
    pub variable: Text,
    /// What it says.
    pub state: SwitchState,
    /// Where that was read.
    pub source: SwitchSource,
    /// The repository's owner, where its variable decided. Absent: the repository's own did, or nobody has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Text>,
    /// The variable's value. Absent: it is not set, or not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Text>,
    /// How it was asked for.
    pub asked: Asked,
}

impl SwitchReading {
    /// What contradicts itself in it.
    pub(crate) fn contradiction(&self) -> Option<Contradiction> {
        let says = self.value.as_deref().map(switch);
        let fits = match self.state {
            SwitchState::Off => matches!(says, None | Some(Some(false))),
            SwitchState::Armed => says == Some(Some(true)),
            // The beginning of a long value may look like a word.
            SwitchState::Unreadable => true,
        };
        let state = (!fits).then_some(("/state", "found another state than the value says"));
        let is_known = self.source == SwitchSource::Live && self.state != SwitchState::Unreadable;
        state.or_else(|| self.asked.contradiction(is_known))
    }
}

/// What the kill switch says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum SwitchState {
    /// Nothing is to be held.
    Off,
    /// Nothing may be rolled out.
    Armed,
    /// Nobody knows.
    Unreadable,
}

/// Where the kill switch was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum SwitchSource {
    /// The service, just now.
    Live,
    /// The job's own environment, as it was when the job began.
    Job,
}

/// A reading of the branch's head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeadReading {
    /// When, RFC 3339.
    pub at: Text,
    /// Index of the call that it was read before.
    pub before: u32,
    /// The branch.
    pub branch: Text,
    /// The commit that is rolled out.
    pub sha: Text,
    /// How that stands to the head.
    pub state: HeadState,
    /// The head. Absent: it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Text>,
    /// How it was asked for.
    pub asked: Asked,
}

impl HeadReading {
    /// What contradicts itself in it.
    pub(crate) fn contradiction(&self) -> Option<Contradiction> {
        let says = match &self.head {
            None => HeadState::Unreadable,
            Some(head) if is_same_commit(head, &self.sha) => HeadState::Latest,
            Some(_) => HeadState::Superseded,
        };
        let state = (self.state != says).then_some(("/state", "found another state than the commits say"));
        state.or_else(|| self.asked.contradiction(self.head.is_some()))
    }
}

/// How a commit stands to its branch's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum HeadState {
    /// It is the head.
    Latest,
    /// The head is another commit.
    Superseded,
    /// Nobody knows.
    Unreadable,
}

/// How the wait for CI ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CiWait {
    /// When it ended, RFC 3339.
    pub at: Text,
    /// The commit.
    pub sha: Text,
    /// The contexts that have to be green, in the order in which they were required.
    pub contexts: Vec<CiContext>,
    /// How it ended.
    pub end: CiEnd,
    /// Contexts that the commit has and nobody requires, where a required one is missing: those that are spelt most alike
    /// first, the first 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub present: Vec<Text>,
    /// How often all pages were read.
    pub polls: u32,
    /// How it was asked for.
    pub asked: Asked,
}

impl CiWait {
    /// What contradicts itself in it.
    pub(crate) fn contradiction(&self) -> Option<Contradiction> {
        self.asked.contradiction(self.end == CiEnd::Answered)
    }
}

/// A CI context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CiContext {
    /// Its name.
    pub name: Text,
    /// Its last state, in small letters. Absent: the commit has no such context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Text>,
}

/// How a wait for CI ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum CiEnd {
    /// There was nothing left to wait for.
    Answered,
    /// The time was over.
    TimedOut,
    /// A page could not be read.
    Unreadable,
}

/// How many requests the gates needed, and how many of them were answered.
pub fn contacts(gates: &Gates) -> (u32, u32) {
    let asked = gates.switch.iter().map(|reading| &reading.asked);
    let asked = asked.chain(gates.head.iter().map(|reading| &reading.asked)).chain(gates.ci.iter().map(|ci| &ci.asked));
    asked.fold((0, 0), |(requests, answers), asked: &Asked| (requests + asked.requests, answers + asked.answers))
}

/// Journals are read by their types alone, so that a status out of range is refused here.
fn http_status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u16>, D::Error> {
    let status = Option::deserialize(deserializer)?;
    match status {
        Some(status) if !(100..=999).contains(&status) => {
            Err(D::Error::custom(format!("found the status {status}, but only one from 100 to 999 is allowed")))
        }
        status => Ok(status),
    }
}
