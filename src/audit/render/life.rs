//! One tenant's life as text: since when it is there, when it was behind, and each rollout.

use std::io::{self, Write};

use crate::audit::life::{History, Life, Step};
use crate::audit::render::text::minute;
use crate::audit::render::words::{called, duration, group_name};
use crate::render::view::View;
use crate::render::words::verdict;
use crate::text::escape::for_terminal;
use crate::text::plural::plural;
use crate::text::table::lines;
use crate::text::wrap::wrap;

/// How far a table is indented.
const INDENT: usize = 2;

/// Writes the life of a tenant for a person.
pub fn render(history: &History, view: &View, out: &mut dyn Write) -> io::Result<()> {
    for (i, life) in history.lives.iter().enumerate() {
        if i > 0 {
            writeln!(out)?;
        }
        let summary = &life.summary;
        let group = group_name(summary.group.as_ref(), summary.control_plane.as_ref());
        let of = if history.lives.len() > 1 { format!(" ({group})") } else { String::new() };
        let title = format!("{}{of}: {}", history.tenant, in_words(life));
        for line in wrap(&for_terminal(&title), view.width, "", "  ") {
            writeln!(out, "{line}")?;
        }
        writeln!(out)?;
        let rows: Vec<[String; 5]> = life.rollouts.iter().map(row).collect();
        for line in
            lines(&["when", "target", "rollout", "tenant", "why"], &rows, view.line_width.saturating_sub(INDENT))
        {
            writeln!(out, "{:INDENT$}{line}", "")?;
        }
    }
    let unreadable = history.unreadable.len();
    if unreadable > 0 {
        writeln!(out, "\n{} could not be read; `rollproof audit` says why", plural(unreadable, "archive"))?;
    }
    Ok(())
}

/// A life in one sentence.
fn in_words(life: &Life) -> String {
    let summary = &life.summary;
    let rollouts = plural(summary.rollouts, "rollout");
    let mut parts = vec![format!("in the fleet of {rollouts} since {}", minute(&summary.first_seen))];
    if !summary.labels.is_empty() {
        let labels: Vec<String> = summary.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        parts.push(labels.join(", "));
    }
    let behind = summary.behind.len() as u64;
    if behind == 0 {
        parts.push("never behind".to_owned());
    } else {
        let seconds = summary.behind.iter().map(|behind| behind.seconds).sum();
        parts.push(format!("behind {}, for {} altogether", plural(behind, "time"), duration(seconds)));
    }
    if let Some(open) = summary.behind.last().filter(|last| last.until.is_none()) {
        parts.push(format!("still behind since {}", minute(&open.since)));
    }
    parts.extend(summary.gone_since.as_ref().map(|gone| format!("gone since {}", minute(gone))));
    parts.extend(summary.missing_since.as_ref().map(|missing| format!("without a row since {}", minute(missing))));
    parts.join("; ")
}

fn row(step: &Step) -> [String; 5] {
    let target = step.target.as_ref().map_or_else(|| "unknown".to_owned(), |target| for_terminal(target));
    let rollout = format!("{}, called {}", verdict(step.decision).to_lowercase(), called(step.called));
    let mut tenant = for_terminal(&step.state);
    for (mark, is_there) in [("behind", step.behind), ("shipped past", step.quarantined), ("waived", step.waived)] {
        if is_there {
            tenant.push_str(&format!(", {mark}"));
        }
    }
    let why = step.reason.as_ref().map_or_else(String::new, |reason| for_terminal(reason));
    [minute(&step.at), target, rollout, tenant, why]
}
