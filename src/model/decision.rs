//! What follows from the findings.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::finding::{Finding, Severity};

/// The verdict (design section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Decision {
    /// No policy objects.
    Pass,
    /// A policy denied.
    Fail,
    /// The evidence cannot decide.
    Inconclusive,
    /// A dry run, or a job that was superseded before its first call: nothing is asserted.
    NotAsserted,
}

impl Decision {
    /// Every decision, the best first.
    pub const ALL: [Self; 4] = [Self::Pass, Self::NotAsserted, Self::Inconclusive, Self::Fail];

    /// The decision that follows from findings: the one fold that is not Rego. A dry run and a superseded job assert
    /// nothing.
    pub(crate) fn of(findings: &[Finding], is_asserted: bool) -> Self {
        let any = |severity| findings.iter().any(|finding| finding.severity == severity && finding.waived.is_none());
        match () {
            () if any(Severity::Deny) => Self::Fail,
            () if any(Severity::Inconclusive) => Self::Inconclusive,
            () if !is_asserted => Self::NotAsserted,
            () => Self::Pass,
        }
    }

    /// The exit code (design section 5).
    pub const fn exit_code(self, require_verdict: bool) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Fail => 1,
            Self::NotAsserted if !require_verdict => 0,
            Self::NotAsserted | Self::Inconclusive => 3,
        }
    }
}
