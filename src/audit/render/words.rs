//! Sentences that more than one format shares. Not escaped: that is each format's own.

use crate::audit::report::AuditReport;
use crate::model::audit::{Called, Rollout};
use crate::model::decision::Decision;

/// The verdict in one sentence.
pub fn headline(report: &AuditReport) -> String {
    let heaviest = report.findings.iter().map(|finding| finding.severity).min();
    let heaviest_findings = report.findings.iter().filter(|finding| Some(finding.severity) == heaviest);
    match report.decision {
        Decision::Fail | Decision::Inconclusive => {
            heaviest_findings.map(|finding| finding.message.as_str()).collect::<Vec<_>>().join("; ")
        }
        Decision::Pass | Decision::NotAsserted => {
            "no rollout was called green that is not, and nobody is behind for too long".to_owned()
        }
    }
}

/// Whether the tenants' control planes have to be told apart.
pub fn several(report: &AuditReport) -> bool {
    let mut planes = report.audit.tenants.iter().map(|tenant| &tenant.control_plane);
    let first = planes.next();
    planes.any(|plane| Some(plane) != first)
}

/// Whether a rollout was called something else than it is.
pub fn is_miscalled(rollout: &Rollout) -> bool {
    match rollout.called {
        Called::Green => matches!(rollout.decision, Decision::Fail | Decision::Inconclusive),
        Called::Red => rollout.decision == Decision::Pass,
        Called::Unknown => false,
    }
}

/// What a rollout was called, in a word.
pub const fn called(called: Called) -> &'static str {
    match called {
        Called::Green => "green",
        Called::Red => "red",
        Called::Unknown => "unknown",
    }
}

/// Seconds as a person would say them.
pub fn duration(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}
