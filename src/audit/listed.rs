//! Selects the rollouts and the times of being behind that an audit lists. This is done once the histories of tenants are
//! complete, so it changes neither the beginning nor the end of any time.

use jiff::Timestamp;

use crate::audit::verdict::EvaluatedRollout;
use crate::model::audit::Tenant;
use crate::model::document::text::Text;

/// Removes the rollouts that were made after `last`, and returns how many they were.
pub fn remove_after(rollouts: &mut Vec<EvaluatedRollout>, last: Timestamp) -> u64 {
    let before = rollouts.len();
    rollouts.retain(|rollout| rollout.at.is_none_or(|at| at <= last));
    (before - rollouts.len()) as u64
}

/// Removes the rollouts that were made before `since`, with the times of being behind that ended before it, and returns
/// how many rollouts they were. `rollouts` are in the order of time.
pub fn remove_before(since: Timestamp, rollouts: &mut Vec<EvaluatedRollout>, tenants: &mut [Tenant]) -> u64 {
    let earlier = rollouts.partition_point(|rollout| rollout.at.is_some_and(|at| at < since));
    rollouts.drain(..earlier);
    for tenant in tenants {
        let ended_before = |until: &Text| until.parse().is_ok_and(|until: Timestamp| until < since);
        tenant.behind.retain(|behind| !behind.until.as_ref().is_some_and(ended_before));
        // A letter is one byte or, of a state of somebody's own policies, a sign of unknown length.
        tenant.history =
            tenant.history.as_ref().map(|letters| Text::from(letters.chars().skip(earlier).collect::<String>()));
    }
    earlier as u64
}
