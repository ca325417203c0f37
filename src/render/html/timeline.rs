//! When what happened: calls, their attempts, the soak and waits as spans of time. Geometry only, no markup.

use jiff::Timestamp;

use crate::model::document::text::{Field, Text};
use crate::model::document::{Attempt, Call, Outcome, Purpose};
use crate::report::fleet_view::FleetView;

/// How many spans are drawn at the most: more would be thinner than a pixel.
const MAX_SPANS: usize = 500;

/// The spans of a rollout, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    /// From the start of the rollout to its end, or to the last that is known, in milliseconds; at least 1.
    pub total: u64,
    pub spans: Vec<Span>,
    /// Whether it is known when each attempt began. Otherwise they follow each other without gaps.
    pub timed: bool,
    /// For each call, when each of its attempts began.
    pub begins: Vec<Vec<u64>>,
}

/// Something that took time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    pub kind: SpanKind,
    /// When it began, in milliseconds since the rollout did.
    pub begin: u64,
    /// When it ended.
    pub end: u64,
    /// Index of the first call that it is of.
    pub first: usize,
    /// Index of the last.
    pub last: usize,
}

/// The kind of a span, the least important first: neighbours that are merged for lack of room have the most important kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SpanKind {
    /// Calls of batches that succeeded.
    Batch,
    /// Nothing was asked, and nobody says why: the process was not running, perhaps.
    Pause,
    /// Before another attempt.
    Wait,
    /// The plan call.
    Plan,
    /// The canary's call.
    Canary,
    /// The canary soaks.
    Soak,
    /// An attempt whose end is not known.
    InFlight,
    /// An attempt that failed.
    Failed,
}

impl Timeline {
    /// The timeline of a rollout whose calls are known.
    pub fn of(fleet_view: &FleetView) -> Option<Self> {
        if fleet_view.calls.is_empty() {
            return None;
        }
        let start = stamp(fleet_view.rollout.started_at.as_ref());
        let since = |at: Option<&Text>| {
            let passed = stamp(at)?.as_millisecond() - start?.as_millisecond();
            u64::try_from(passed).ok()
        };
        let attempts = || fleet_view.calls.iter().flat_map(|call| &call.attempts);
        let timed = attempts().all(|attempt| since(attempt.at.as_ref()).is_some());
        let finished = since(fleet_view.rollout.finished_at.as_ref()).filter(|_| timed);
        let soaks = fleet_view.rollout.soak_seconds.is_some_and(|seconds| seconds > 0) && !fleet_view.rollout.dry_run;
        let mut spans: Vec<Span> = Vec::new();
        let (mut now, mut begins) = (0, Vec::new());
        for (i, call) in fleet_view.calls.iter().enumerate() {
            let mut begun = Vec::new();
            for (j, attempt) in call.attempts.iter().enumerate() {
                let start = since(attempt.at.as_ref()).filter(|_| timed).unwrap_or(now).max(now);
                if start > now {
                    let after_canary = i > 0 && fleet_view.calls[i - 1].purpose == Purpose::Canary;
                    let kind = match j {
                        0 if soaks && after_canary => SpanKind::Soak,
                        0 => SpanKind::Pause,
                        _ => SpanKind::Wait,
                    };
                    spans.push(Span { kind, begin: now, end: start, first: i, last: i });
                }
                let end = match attempt.duration_ms {
                    Some(ms) => start.saturating_add(ms),
                    None => finished.unwrap_or(start).max(start),
                };
                spans.push(Span { kind: span_kind(call, attempt), begin: start, end, first: i, last: i });
                begun.push(start);
                now = end;
            }
            begins.push(begun);
        }
        let last = fleet_view.calls.len() - 1;
        let ended = finished.unwrap_or(now).max(now);
        let unfinished = fleet_view.rollout.outcome != Outcome::Completed;
        if ended > now && soaks && unfinished && fleet_view.calls[last].purpose == Purpose::Canary {
            spans.push(Span { kind: SpanKind::Soak, begin: now, end: ended, first: last, last });
        }
        let total = ended.max(1);
        // A moment between two calls is the work of the gate itself.
        spans.retain(|span| span.kind != SpanKind::Pause || (span.end - span.begin) * 100 > total);
        Some(Self { total, spans: thinned(spans, total), timed, begins })
    }
}

fn stamp(at: Option<&Text>) -> Option<Timestamp> {
    at?.parse().ok()
}

fn span_kind(call: &Call, attempt: &Attempt) -> SpanKind {
    let answered = attempt.status == Some(200) && attempt.error.is_none() && attempt.malformed.is_none();
    let ok = answered && (!attempt.last || call.ok == Field::Given(true));
    match call.purpose {
        _ if attempt.status.is_none() && attempt.duration_ms.is_none() => SpanKind::InFlight,
        _ if !ok => SpanKind::Failed,
        Purpose::Plan => SpanKind::Plan,
        Purpose::Canary => SpanKind::Canary,
        Purpose::Batch => SpanKind::Batch,
    }
}

/// Where there are too many spans, those that would be painted over each other become one: the one that matters most.
fn thinned(spans: Vec<Span>, total: u64) -> Vec<Span> {
    if spans.len() <= MAX_SPANS {
        return spans;
    }
    let slot = |span: &Span| u128::from(span.begin) * (MAX_SPANS as u128) / u128::from(total);
    let mut thinned: Vec<Span> = Vec::new();
    for span in spans {
        match thinned.last_mut() {
            Some(before) if slot(before) == slot(&span) => {
                before.kind = before.kind.max(span.kind);
                before.end = before.end.max(span.end);
                before.last = span.last;
            }
            _ => thinned.push(span),
        }
    }
    thinned
}
