//! One tenant's life, rollout by rollout: what `rollproof history` shows. A published format, `rollproof.history/v1`, which may
//! grow by optional keys and no more.

use schemars::JsonSchema;
use serde::Serialize;

use crate::audit::history::{MISSING, WHY_MISSING};
use crate::audit::verdict::{Cell, EvaluatedRollout};
use crate::model::audit::{Called, Tenant, Unreadable};
use crate::model::decision::Decision;
use crate::model::document::TOOL;
use crate::model::document::text::Text;

/// The name and version of the format.
const FORMAT: &str = "rollproof.history/v1";

/// What became of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct History {
    /// The format's name and version.
    #[schemars(extend("const" = FORMAT))]
    pub format: &'static str,
    /// The tenant.
    pub tenant: Text,
    /// Up to when time is counted, RFC 3339.
    pub until: Text,
    /// Its life in each group and control plane that it was in.
    pub lives: Vec<Life>,
    /// Archives that could not be read, by name: it may be in them.
    pub unreadable: Vec<Unreadable>,
    /// Name and version of the tool.
    pub tool: Text,
}

/// The life of a tenant in one group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Life {
    /// What an audit says of it: its group, since when it is there, and when it was behind.
    pub summary: Tenant,
    /// The rollouts of its group since it was first in a fleet, oldest first.
    pub rollouts: Vec<Step>,
}

/// What a rollout meant for a tenant.
#[expect(clippy::struct_excessive_bools, reason = "a published format")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Step {
    /// When the rollout was made, RFC 3339.
    pub at: Text,
    /// The path of its evidence, as an audit names it.
    pub archive: Text,
    /// The tag that every tenant had to run. Absent: there is no plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Text>,
    /// What it was called when it was made.
    pub called: Called,
    /// What the policies say of it now.
    pub decision: Decision,
    /// The tenant's proof state, `missing` where no row answers for it and nobody enumerated the fleet, or `outside` where it
    /// was not in the fleet.
    pub state: Text,
    /// Whether the policies count it as proven.
    pub proven: bool,
    /// Whether the rollout left it behind.
    pub behind: bool,
    /// Why it was not proven, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
    /// Whether it was shipped past.
    pub quarantined: bool,
    /// Whether somebody had agreed to live with it.
    pub waived: bool,
}

/// The life of a tenant, by its number, in each group that it was in. `evaluated` is in the order of time.
pub fn lives(evaluated: &[EvaluatedRollout], tenants: Vec<Tenant>, number: usize) -> Vec<Life> {
    let life = |summary: Tenant| {
        let letters: Vec<char> = summary.history.iter().flat_map(|letters| letters.chars()).collect();
        let is_of_group = |rollout: &&EvaluatedRollout| {
            rollout.published.group == summary.group
                && rollout.published.control_plane == summary.control_plane
                && !rollout.cells.is_empty()
        };
        let told = evaluated.iter().enumerate().filter(|(_, rollout)| is_of_group(rollout));
        let steps = told.filter_map(|(i, rollout)| step(rollout, number, letters.get(i).copied()));
        let rollouts: Vec<Step> = steps.skip_while(|step| *step.state == *OUTSIDE).collect();
        Life { summary, rollouts }
    };
    tenants.into_iter().map(life).collect()
}

const OUTSIDE: &str = "outside";

fn step(rollout: &EvaluatedRollout, number: usize, letter: Option<char>) -> Option<Step> {
    let at = rollout.published.at.clone()?;
    let cell = rollout.cells.get(number).copied().unwrap_or(Cell::OUTSIDE);
    let straggling = u32::try_from(number).ok().and_then(|number| rollout.stragglers.get(&number));
    let is_missing = cell == Cell::OUTSIDE && letter.is_some_and(|letter| letter.eq_ignore_ascii_case(&'m'));
    let (state, reason) = match straggling {
        Some(straggling) => (straggling.state.clone(), Some(straggling.reason.clone())),
        None if is_missing => (Text::from(MISSING), Some(Text::from(WHY_MISSING))),
        None if cell == Cell::OUTSIDE => (Text::from(OUTSIDE), None),
        None if cell.letter == b'a' => (Text::from("assumed"), None),
        None => (Text::from("verified"), None),
    };
    Some(Step {
        at,
        archive: rollout.published.archive.clone(),
        target: rollout.published.target.clone(),
        called: rollout.published.called,
        decision: rollout.published.decision,
        state,
        proven: cell.proven,
        behind: letter.is_some_and(|letter| letter.is_ascii_uppercase()),
        reason,
        quarantined: straggling.is_some_and(|straggling| straggling.quarantined),
        waived: straggling.is_some_and(|straggling| straggling.waived),
    })
}

/// Puts the history of a tenant together.
pub fn history(tenant: Text, until: Text, lives: Vec<Life>, unreadable: Vec<Unreadable>) -> History {
    History { format: FORMAT, tenant, until, lives, unreadable, tool: Text::from(TOOL) }
}
