//! What other policies would have said of the same archives: the verdicts that flip, with what did it.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::audit::{Because, Rollout};
use crate::model::decision::Decision;
use crate::model::document::text::Text;

/// Verdicts by the policies of an audit, compared with those of others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Comparison {
    /// The policies or the configuration of the others, as they were named.
    pub against: Vec<Text>,
    /// How many rollouts were judged by both.
    pub compared: u64,
    /// Rollouts of which the two say something else, in the order of the audit.
    pub flips: Vec<Flip>,
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

/// What policies say of an archive, by its name.
pub type Verdict = (Text, Decision, Vec<Because>);

/// Compares rollouts with what others say of them.
pub fn compare(rollouts: &[Rollout], others: Vec<Verdict>, against: Vec<Text>) -> Comparison {
    let others: HashMap<Text, (Decision, Vec<Because>)> =
        others.into_iter().map(|(archive, decision, because)| (archive, (decision, because))).collect();
    let both = rollouts.iter().filter_map(|rollout| Some((rollout, others.get(&rollout.archive)?)));
    let only = |some: &[Because], others: &[Because]| -> Vec<Because> {
        some.iter().filter(|one| !others.contains(one)).cloned().collect()
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
    Comparison { against, compared, flips }
}
