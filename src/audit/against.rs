//! Compares the verdicts of an audit with those of other policies on the same archives: which flip, and why.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::io::config::ModeName;
use crate::model::audit::{Because, Rollout};
use crate::model::decision::Decision;
use crate::model::document::text::Text;
use crate::policy::basis::Basis;
use crate::policy::prepared::Prepared;
use crate::report::{self, ParamValue};

/// Verdicts by the policies of an audit, compared with those of others.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Comparison {
    /// The policies or the configuration of the others, as they were named.
    pub against: Vec<Text>,
    /// How many rollouts were judged by both.
    pub compared: u64,
    /// Rollouts of which the two say something else, in the order of the audit.
    pub flips: Vec<Flip>,
    /// Whether a flip is exit code 1. Absent: it is not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub denied: bool,
    /// What each of the two judges by. Absent: an older version wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sides: Option<Sides>,
}

/// What two verdicts on the same archive are by.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Sides {
    /// The others.
    pub before: Side,
    /// The policies of the audit.
    pub now: Side,
}

/// What verdicts are by.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Side {
    /// The policies and the configuration, as they were named. Empty: the bundled policies, and the configuration that was
    /// found, if any.
    pub named: Vec<Text>,
    /// What the verdicts follow from beside the archives, as digests.
    pub basis: Basis,
    /// Every policy, by package.
    pub policies: Vec<SidePolicy>,
    /// The value of every parameter that they read.
    pub params: Vec<ParamValue>,
}

/// A policy of a side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SidePolicy {
    /// Its package.
    pub package: String,
    /// Its title.
    pub title: String,
    /// The SHA-256 of its text, as a report has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// How much it weighs, where that is less than all. Absent: what it says is enforced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<ModeName>,
}

impl Side {
    /// That of policies, and how they were named.
    pub fn of(named: Vec<Text>, policies: &Prepared) -> Self {
        let policy = |policy: report::Policy| SidePolicy {
            package: policy.package,
            title: policy.title,
            sha256: policy.sha256,
            mode: policy.mode,
        };
        let all = report::policies(policies.packages(), &[], &std::collections::BTreeMap::new());
        Self {
            named,
            basis: policies.basis().clone(),
            policies: all.into_iter().map(policy).collect(),
            params: report::params(policies.params()),
        }
    }
}

/// A verdict that flips.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Flip {
    /// The rollout's archive.
    pub archive: Text,
    /// When it was made, RFC 3339. Absent: nothing says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Text>,
    /// What the others say.
    pub was: Decision,
    /// What the policies of the audit say.
    pub now: Decision,
    /// What only the others say against a pass.
    pub only_before: Vec<Because>,
    /// What only the policies of the audit say against it.
    pub only_now: Vec<Because>,
}

/// The name of an archive, and what policies say of it.
pub type Verdict = (Text, Decision, Vec<Because>);

/// What other policies say of the archives.
pub struct OtherVerdicts {
    /// What the command line names them by.
    pub against: Vec<Text>,
    pub verdicts: Vec<Verdict>,
    pub side: Side,
}

/// Compares rollouts, judged by `now`, with what others say of them.
pub fn compare(rollouts: &[Rollout], other: OtherVerdicts, now: Side) -> Comparison {
    let OtherVerdicts { against, verdicts, side } = other;
    let others: HashMap<Text, (Decision, Vec<Because>)> =
        verdicts.into_iter().map(|(archive, decision, because)| (archive, (decision, because))).collect();
    let both = rollouts.iter().filter_map(|rollout| Some((rollout, others.get(&rollout.archive)?)));
    let only = |some: &[Because], others: &[Because]| -> Vec<Because> {
        some.iter().filter(|because| !others.contains(because)).cloned().collect()
    };
    let (mut compared, mut flips) = (0, Vec::new());
    for (rollout, (was, before)) in both {
        compared += 1;
        if *was != rollout.decision {
            flips.push(Flip {
                archive: rollout.archive.clone(),
                at: rollout.at.clone(),
                was: *was,
                now: rollout.decision,
                only_before: only(before, &rollout.because),
                only_now: only(&rollout.because, before),
            });
        }
    }
    Comparison { against, compared, flips, denied: false, sides: Some(Sides { before: side, now }) }
}
