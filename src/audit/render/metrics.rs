//! OpenMetrics text, for the textfile collector of Prometheus' node exporter. docs/audit.md is the word on the metrics.

use std::collections::BTreeMap;
use std::io::{self, Write};

use jiff::Timestamp;

use crate::audit::render::words::{is_false_green, is_of};
use crate::audit::report::AuditReport;
use crate::model::audit::{Audit, Group, Tenant};
use crate::model::document::text::Text;

/// The states of a tenant, each of which has a number, also where that is 0.
const STATES: [&str; 4] = ["behind", "current", "missing", "gone"];

/// Writes the metrics.
pub fn render(report: &AuditReport, out: &mut dyn Write) -> io::Result<()> {
    let audit = &report.audit;
    head(out, "rollproof_tenants", "Tenants of archived rollouts, by state.")?;
    for group in &audit.groups {
        let tenants =
            audit.tenants.iter().filter(|tenant| is_of(group, tenant.group.as_ref(), tenant.control_plane.as_ref()));
        let mut states: BTreeMap<&str, u64> = STATES.iter().map(|state| (*state, 0)).collect();
        tenants.for_each(|tenant| *states.entry(state(tenant)).or_default() += 1);
        for (state, many) in states {
            let labels = labels(group, &[("state", state)]);
            writeln!(out, "rollproof_tenants{{{labels}}} {many}")?;
        }
    }
    head(
        out,
        "rollproof_tenant_behind_seconds",
        "For how long a tenant has been behind, up to when the audit was made.",
    )?;
    for group in &audit.groups {
        for tenant in
            audit.tenants.iter().filter(|tenant| is_of(group, tenant.group.as_ref(), tenant.control_plane.as_ref()))
        {
            let Some(open) = tenant.behind.last().filter(|_| state(tenant) == "behind") else { continue };
            let labels = labels(group, &[("tenant", &tenant.tenant)]);
            writeln!(out, "rollproof_tenant_behind_seconds{{{labels}}} {}", open.seconds)?;
        }
    }
    head(out, "rollproof_false_greens", "Rollouts that were called green and were not.")?;
    for group in &audit.groups {
        let rollouts = audit
            .rollouts
            .iter()
            .filter(|rollout| is_of(group, rollout.group.as_ref(), rollout.control_plane.as_ref()));
        let many = rollouts.filter(|rollout| is_false_green(rollout)).count();
        writeln!(out, "rollproof_false_greens{{{}}} {many}", labels(group, &[]))?;
    }
    head(out, "rollproof_newest_evidence_age_seconds", "How old the newest rollout was when the audit was made.")?;
    for (group, newest) in newest(audit) {
        let until: Timestamp = audit.until.parse().unwrap_or(newest);
        let age = until.duration_since(newest).as_secs().max(0);
        writeln!(out, "rollproof_newest_evidence_age_seconds{{{}}} {age}", labels(group, &[]))?;
    }
    head(
        out,
        "rollproof_newest_evidence_timestamp_seconds",
        "When the newest rollout was made, in seconds since 1970.",
    )?;
    for (group, newest) in newest(audit) {
        let labels = labels(group, &[]);
        writeln!(out, "rollproof_newest_evidence_timestamp_seconds{{{labels}}} {}", newest.as_second())?;
    }
    head(out, "rollproof_unreadable_archives", "Archives that could not be read.")?;
    writeln!(out, "rollproof_unreadable_archives {}", audit.unreadable.len())?;
    writeln!(out, "# EOF")
}

fn head(out: &mut dyn Write, name: &str, help: &str) -> io::Result<()> {
    writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge")
}

/// What a tenant is now.
fn state(tenant: &Tenant) -> &'static str {
    let is_open = tenant.behind.last().is_some_and(|last| last.until.is_none());
    match tenant {
        _ if tenant.gone_since.is_some() => "gone",
        _ if is_open => "behind",
        _ if tenant.missing_since.is_some() => "missing",
        _ => "current",
    }
}

fn newest(audit: &Audit) -> impl Iterator<Item = (&Group, Timestamp)> {
    audit.groups.iter().filter_map(|group| Some((group, group.newest.as_ref()?.parse().ok()?)))
}

/// Labels of a group and others; one that a group does not have is left out.
fn labels(group: &Group, others: &[(&str, &str)]) -> String {
    let of_group = [("group", &group.group), ("control_plane", &group.control_plane)];
    let of_group =
        of_group.into_iter().filter_map(|(name, value): (_, &Option<Text>)| Some((name, &**value.as_ref()?)));
    let labels = of_group.chain(others.iter().copied()).map(|(name, value)| format!("{name}=\"{}\"", escaped(value)));
    labels.collect::<Vec<_>>().join(",")
}

/// A label's value; whatever could end its line or direct a terminal is left out by its escaped form.
fn escaped(value: &str) -> String {
    crate::text::escape::for_line(value).replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
