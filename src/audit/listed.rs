//! Which rollouts an audit lists, and which times of being behind: a choice of what is shown and judged. It is made after
//! everything that was read has been put together, so it moves no beginning and no end.

use jiff::Timestamp;

use crate::audit::verdict::EvaluatedRollout;
use crate::model::audit::Tenant;
use crate::model::document::text::Text;

/// Takes away what was made after `last`, and says how many rollouts that are. `rollouts` are in the order of time.
pub fn up_to(rollouts: &mut Vec<EvaluatedRollout>, last: Timestamp) -> u64 {
    let before = rollouts.len();
    rollouts.retain(|one| one.at.is_none_or(|at| at <= last));
    (before - rollouts.len()) as u64
}

/// Takes away what was made before `since`, what tenants had behind them by then, and says how many rollouts that are.
pub fn from(since: Timestamp, rollouts: &mut Vec<EvaluatedRollout>, tenants: &mut [Tenant]) -> u64 {
    let earlier = rollouts.partition_point(|one| one.at.is_some_and(|at| at < since));
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
