//! What the script reads: rollouts, tenants and the times for which they were behind, in a compact form.

use std::cmp::Reverse;
use std::collections::HashMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::audit::render::html::components::{key, open};
use crate::audit::render::words::{group_name, several};
use crate::audit::report::AuditReport;
use crate::model::audit::{Called, Rollout, Tenant};
use crate::model::decision::Decision;
use crate::render::html::components::{labels, shown};
use crate::render::html::data::{LEFT_OUT, Once, Room};

/// How many bytes of text a page's data holds. What follows here adds at most some 7 MB of numbers to it.
const MAX_TEXT: usize = 12 << 20;

/// How many rollouts a page shows: the newest.
const MAX_ROLLOUTS: usize = 20_000;

/// How many tenants a page shows: the worst.
const MAX_TENANTS: usize = 50_000;

/// How many times that a tenant was behind a page shows: those that last first, then the longest.
const MAX_LAG: usize = 50_000;

/// The data of a page. Where a number stands for a text, it is the text's place in `texts`.
#[derive(Serialize)]
pub struct Data {
    /// What is said, each once.
    texts: Vec<String>,
    /// The rollouts, oldest first.
    rollouts: Rollouts,
    /// The tenants with more to tell than that they were always proven, worst first.
    pub tenants: Vec<Row>,
    /// When tenants were behind, in the report's order.
    lag: Vec<Lag>,
    /// How many rollouts have a column.
    #[serde(skip)]
    pub columns: usize,
    /// How many rollouts had no room, all of them older.
    #[serde(skip)]
    pub older: usize,
    /// How many tenants had no room.
    #[serde(skip)]
    pub others: usize,
    /// How many times that a tenant was behind had no room.
    #[serde(skip)]
    pub left_out: usize,
}

/// What is said of rollouts: a list a thing, so that no name is written ten thousand times.
#[derive(Default, Serialize)]
struct Rollouts {
    /// Seconds since 1970.
    at: Vec<Option<i64>>,
    /// The tag, as a text.
    target: Vec<Option<usize>>,
    /// Where the evidence is.
    archive: Vec<String>,
    /// Why it is no pass, as a text.
    because: Vec<Option<usize>>,
    /// The group, as a text. Empty: all are of one.
    group: Vec<Option<usize>>,
    /// How many tenants are proven.
    proven: Vec<u64>,
    /// How many tenants it had to cover.
    fleet: Vec<u64>,
    /// What each was called: a letter, `g`reen, `r`ed or `u`nknown.
    called: String,
    /// What each is: a letter, `p`ass, `f`ail, `i`nconclusive or `n`ot asserted.
    decision: String,
}

/// A tenant: its name, its group as a text where there are several, a letter a rollout, equal neighbours as one letter and
/// their number (none: there was no room), and its labels as a text where it has any.
#[derive(Serialize)]
pub struct Row(
    String,
    Option<usize>,
    pub Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] Option<usize>,
);

/// The place of the tenant, since and until when (seconds since 1970; none: it lasts), in how many rollouts, how long in
/// seconds, state and reason as texts, and whether that was waived (1) or the tenant has left its fleet since (2).
#[derive(Serialize)]
struct Lag(usize, Option<i64>, Option<i64>, u64, u64, usize, usize, u8);

/// The texts that were taken so far, and how much room is left for more.
struct Texts {
    once: Once<String>,
    room: Room,
}

impl Texts {
    fn place(&mut self, text: String) -> usize {
        if self.once.has(&text) {
            return self.once.place(text);
        }
        let text = self.room.take(text).unwrap_or_else(|| LEFT_OUT.into());
        self.once.place(text)
    }
}

/// Makes the data of a page.
pub fn data(report: &AuditReport) -> Data {
    let audit = &report.audit;
    let several = several(report);
    let mut texts = Texts { once: Once::default(), room: Room(MAX_TEXT) };

    // What has no time has no column.
    let dated = audit.rollouts.partition_point(|rollout| rollout.at.is_some());
    let older = dated.saturating_sub(MAX_ROLLOUTS);
    let mut rollouts = Rollouts::default();
    for rollout in &audit.rollouts[older..dated] {
        rollouts.push(rollout, several, &mut texts);
    }
    let eventful = worst_first(&audit.tenants);
    let names = eventful.iter().take(MAX_TENANTS).map(|tenant| {
        let name = texts.room.take(shown(&tenant.tenant)).unwrap_or_else(|| LEFT_OUT.into());
        let group =
            several.then(|| texts.place(shown(&group_name(tenant.group.as_ref(), tenant.control_plane.as_ref()))));
        let labels = (!tenant.labels.is_empty()).then(|| texts.place(labels(&tenant.labels)));
        (name, group, labels)
    });
    let names: Vec<_> = names.collect();
    let places: HashMap<_, usize> =
        eventful.iter().take(MAX_TENANTS).enumerate().map(|(place, tenant)| (key(tenant), place)).collect();
    let lag = report.lag.iter().filter_map(|lag| {
        let place = *places.get(&(lag.group.as_ref(), lag.control_plane.as_ref(), &lag.tenant))?;
        let behind = &lag.behind;
        let gone = behind.until.is_none() && eventful[place].gone_since.is_some();
        Some(Lag(
            place,
            seconds(&behind.since),
            behind.until.as_ref().and_then(|until| seconds(until)),
            behind.rollouts,
            behind.seconds,
            texts.place(shown(&behind.state)),
            texts.place(shown(&behind.reason)),
            u8::from(behind.waived) | (u8::from(gone) << 1),
        ))
    });
    let lag: Vec<Lag> = lag.take(MAX_LAG).collect();

    let rows = names.into_iter().zip(&eventful).map(|((name, group, labels), tenant)| {
        let history = tenant.history.as_ref().and_then(|history| texts.room.take(runs(history, older)));
        Row(name, group, history, labels)
    });
    let tenants: Vec<Row> = rows.collect();
    Data {
        others: eventful.len() - tenants.iter().filter(|row| row.2.is_some()).count(),
        left_out: report.lag.len() - lag.len(),
        texts: texts.once.list,
        rollouts,
        tenants,
        lag,
        columns: dated - older,
        older,
    }
}

impl Rollouts {
    fn push(&mut self, rollout: &Rollout, several: bool, texts: &mut Texts) {
        self.at.push(rollout.at.as_ref().and_then(|at| seconds(at)));
        self.target.push(rollout.target.as_ref().map(|target| texts.place(shown(target))));
        self.archive.push(texts.room.take(shown(&rollout.archive)).unwrap_or_default());
        let because = rollout.because.first();
        self.because.push(because.map(|why| texts.place(shown(&format!("{}: {}", why.code, why.message)))));
        if several {
            let name = group_name(rollout.group.as_ref(), rollout.control_plane.as_ref());
            self.group.push(Some(texts.place(shown(&name))));
        }
        self.proven.push(rollout.proven);
        self.fleet.push(rollout.fleet);
        self.called.push(match rollout.called {
            Called::Green => 'g',
            Called::Red => 'r',
            Called::Unknown => 'u',
        });
        self.decision.push(match rollout.decision {
            Decision::Pass => 'p',
            Decision::Fail => 'f',
            Decision::Inconclusive => 'i',
            Decision::NotAsserted => 'n',
        });
    }
}

/// The tenants with something to tell: who is behind, longest first; then who was, longest first; then the others.
fn worst_first(tenants: &[Tenant]) -> Vec<&Tenant> {
    let mut eventful: Vec<&Tenant> = tenants.iter().filter(|tenant| tenant.history.is_some()).collect();
    eventful.sort_by_cached_key(|tenant| {
        let all: u64 = tenant.behind.iter().map(|behind| behind.seconds).sum();
        (Reverse(open(tenant)), Reverse(all), Reverse(tenant.behind.len()), tenant.gone_since.is_none(), key(tenant))
    });
    eventful
}

/// Seconds since 1970.
fn seconds(at: &str) -> Option<i64> {
    at.parse().ok().map(Timestamp::as_second)
}

/// A history without its first letters, equal neighbours as one letter and their number.
fn runs(history: &str, without: usize) -> String {
    let mut letters = history.chars().skip(without).map(letter).peekable();
    let mut runs = String::new();
    while let Some(letter) = letters.next() {
        let mut many = 1;
        while letters.next_if_eq(&letter).is_some() {
            many += 1;
        }
        runs.push(letter);
        if many > 1 {
            runs.push_str(&many.to_string());
        }
    }
    runs
}

/// A letter of a history; `x` for that of a state of somebody's own policies that would be taken for something else.
pub const fn letter(letter: char) -> char {
    match letter {
        'a'..='z' | 'A'..='Z' | '.' => letter,
        _ => 'x',
    }
}

#[cfg(test)]
mod tests {
    use crate::audit::render::html::data::runs;

    #[test]
    fn a_history_is_written_in_runs() {
        assert_eq!(runs("..vvvUvUUU1é", 0), ".2v3UvU3x2");
        assert_eq!(runs("..vvvUvUUU", 4), "vUvU3");
        assert_eq!(runs("", 0), "");
    }
}
