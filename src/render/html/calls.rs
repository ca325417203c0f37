//! The rollout over time: a bar of it, and every call in a table.

use maud::{Markup, html};

use crate::model::document::text::Field;
use crate::model::document::{Attempt, Call, Outcome, Purpose};
use crate::render::html::components::{count, duration, prose, scroll, shown, tenants};
use crate::render::html::timeline::{Span, SpanKind, Timeline};
use crate::render::view::View;
use crate::report::fleet_view::FleetView;
use crate::text::escape::names_of;

/// How many calls the table holds.
const MAX_CALLS: usize = 500;

/// How many pixels wide the bar may be drawn, on the narrowest screen that labels are chosen for.
const NARROW: u64 = 320;

pub fn section(fleet_view: &FleetView, timeline: Option<&Timeline>, view: &View) -> Markup {
    html! {
        section #rollout aria-labelledby="rollout-title" {
            h2 #rollout-title { "Rollout" }
            div.content {
                p.lede { (introduction(fleet_view)) }
                @if let Some(because) = &fleet_view.rollout.halted_because {
                    p.because { (prose(because)) }
                }
                @if let Some(timeline) = timeline {
                    (bar(fleet_view, timeline))
                    (table(fleet_view, timeline, view))
                } @else {
                    p.quiet { "An archived response does not say who was called when; the document or the journal of a rollout does." }
                }
            }
        }
    }
}

fn introduction(fleet_view: &FleetView) -> String {
    let calls = fleet_view.calls.len() as u64;
    let attempts: usize = fleet_view.calls.iter().map(|call| call.attempts.len()).sum();
    let all = || fleet_view.calls.iter().flat_map(|call| &call.attempts);
    let answered = all().all(|attempt| attempt.status.is_some());
    let open = all().filter(|attempt| attempt.status.is_none() && attempt.duration_ms.is_none()).count();
    let calls = match (calls, attempts as u64) {
        (0, _) => String::new(),
        (1, 1) if answered => " 1 call.".into(),
        (calls, attempts) if calls == attempts && answered => {
            format!(" {} calls, each answered at the first attempt.", count(calls))
        }
        (calls, attempts) if calls == attempts => format!(" {}.", several(calls, "call")),
        (calls, attempts) => format!(" {} in {}.", several(calls, "call"), several(attempts, "attempt")),
    };
    let open = match open {
        0 => "",
        1 => " One attempt was never seen to end.",
        _ => " Some attempts were never seen to end.",
    };
    let end = match fleet_view.rollout.outcome {
        Outcome::Running => "Still being driven.",
        Outcome::Completed if fleet_view.rollout.dry_run => "A dry run: nothing was changed.",
        Outcome::Completed => "Every call was made.",
        Outcome::Halted => "Halted by a policy.",
        Outcome::Interrupted => "Interrupted.",
        Outcome::Unknown => "The evidence does not say how the rollout ended.",
    };
    format!("{end}{calls}{open}")
}

fn several(many: u64, what: &str) -> String {
    if many == 1 { format!("1 {what}") } else { format!("{} {what}s", count(many)) }
}

fn label(fleet_view: &FleetView, span: &Span) -> String {
    let name = |call: usize| match fleet_view.calls.get(call).map(|call| call.purpose) {
        Some(Purpose::Batch) => {
            let before = fleet_view.calls[..=call].iter().filter(|call| call.purpose == Purpose::Batch);
            format!("batch {}", before.count())
        }
        Some(Purpose::Canary) => "canary".into(),
        _ => "plan".into(),
    };
    let name =
        if span.first == span.last { name(span.first) } else { format!("{} to {}", name(span.first), name(span.last)) };
    match span.kind {
        SpanKind::Soak => "soak".into(),
        SpanKind::Pause => "pause".into(),
        SpanKind::Wait => format!("waiting to try {name} again"),
        SpanKind::Failed => format!("{name}, failed"),
        SpanKind::InFlight => format!("{name}, no end known"),
        SpanKind::Plan | SpanKind::Canary | SpanKind::Batch => name,
    }
}

const fn class(what: SpanKind) -> &'static str {
    match what {
        SpanKind::Batch => "batch",
        SpanKind::Pause => "pause",
        SpanKind::Wait => "wait",
        SpanKind::Plan => "plan",
        SpanKind::Canary => "canary",
        SpanKind::Soak => "soak",
        SpanKind::InFlight => "in-flight",
        SpanKind::Failed => "failed",
    }
}

/// A part of the whole, in percent of it.
fn percent(part: u64, total: u64) -> String {
    let thousandths = u128::from(part) * 100_000 / u128::from(total);
    format!("{}.{:03}%", thousandths / 1000, thousandths % 1000)
}

fn bar(fleet_view: &FleetView, timeline: &Timeline) -> Markup {
    let total = timeline.total;
    let stop = match fleet_view.rollout.outcome {
        Outcome::Halted => Some("halted"),
        Outcome::Interrupted => Some("interrupted"),
        _ => None,
    };
    html! {
        figure.timeline {
            svg width="100%" height="84" role="img" aria-label=(description(fleet_view, timeline)) {
                line.axis x1="0" x2="100%" y1="58.5" y2="58.5" {}
                @for (i, span) in timeline.spans.iter().enumerate() {
                    g.span.{ (class(span.kind)) }.odd[i % 2 == 1] { (bar_of_span(span, &label(fleet_view, span), total)) }
                }
                @for (at, anchor) in ticks(total) {
                    line.tick x1=(percent(at, total)) x2=(percent(at, total)) y1="58" y2="63" {}
                    text.time.{ (anchor) } x=(percent(at, total)) y="78" { (duration(at)) }
                }
                @if let Some(stop) = stop {
                    line.stop x1="100%" x2="100%" y1="0" y2="58" {}
                    text.stop x="100%" y="12" dx="-6" { (stop) }
                }
            }
            figcaption {
                (key(timeline))
                @if !timeline.timed {
                    p.quiet { "The evidence does not say when each call began, only how long it took: pauses and the soak are left out." }
                }
                @if let Some(scale) = &fleet_view.rollout.time_scale {
                    p.quiet { "A rehearsal: waiting was shortened, " (shown(scale)) " of what the plan asks for." }
                }
            }
        }
    }
}

fn bar_of_span(span: &Span, text: &str, total: u64) -> Markup {
    let (begin, width) = (percent(span.begin, total), percent(span.end - span.begin, total));
    html! {
        title { (text) ", " (duration(span.end - span.begin)) ", from " (duration(span.begin)) " on" }
        @match span.kind {
            SpanKind::Wait | SpanKind::Pause => line x1=(begin) x2=(percent(span.end, total)) y1="36" y2="36" {},
            // A span that is narrower than a stroke would not be seen.
            _ if is_thin(span, total) => line.thin x1=(begin) x2=(begin) y1="20" y2="52" {},
            SpanKind::Failed => {
                rect x=(begin) y="16" width=(width) height="42" {}
                svg x=(begin) y="3" width="10" height="10" overflow="visible" { path d="M0-.5l7 7m0-7-7 7" {} }
            },
            _ => rect x=(begin) y="20" width=(width) height="32" {},
        }
        // A name that does not fit the narrowest screen is only in the key below.
        @if (span.end - span.begin) * NARROW / total > text.len() as u64 * 7 + 10 {
            svg x=(begin) y="20" width=(width) height="32" { text x="6" y="20" { (text) } }
        }
    }
}

/// The key of the colours that are in the bar.
fn key(timeline: &Timeline) -> Markup {
    let present = |what: SpanKind| timeline.spans.iter().any(|span| span.kind == what);
    let keys = [
        (SpanKind::Plan, "plan call"),
        (SpanKind::Canary, "canary"),
        (SpanKind::Soak, "soak"),
        (SpanKind::Batch, "batches"),
        (SpanKind::Failed, "a failed attempt"),
        (SpanKind::Wait, "waiting to try again"),
        (SpanKind::InFlight, "no end known"),
        (SpanKind::Pause, "nothing asked"),
    ];
    html! {
        ul.key {
            @for (what, name) in keys.into_iter().filter(|(what, _)| present(*what)) {
                li { svg.swatch width="18" height="12" aria-hidden="true" { g.span.{ (class(what)) } {
                    @if matches!(what, SpanKind::Wait | SpanKind::Pause) { line x1="0" x2="18" y1="6" y2="6" {} }
                    @else { rect x="0.5" y="0.5" width="17" height="11" {} }
                } } (name) }
            }
        }
    }
}

/// Whether a span that tells of a call is too narrow to be seen.
fn is_thin(span: &Span, total: u64) -> bool {
    let call = matches!(span.kind, SpanKind::Plan | SpanKind::Canary | SpanKind::Batch);
    call && (span.end - span.begin) * NARROW / total < 3
}

/// Round moments for the axis, each with where its text is anchored.
fn ticks(total: u64) -> Vec<(u64, &'static str)> {
    const STEPS: [u64; 19] = [
        1, 10, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000,
        3_600_000, 7_200_000, 21_600_000,
    ];
    let step = STEPS.into_iter().find(|step| total / step <= 5).unwrap_or_else(|| (total / 5).max(1));
    // None stands where the end's own is written.
    let inner = (1..=total / step).map(|i| i * step).filter(|at| at * 100 <= total * 86).map(|at| (at, "inner"));
    [(0, "first")].into_iter().chain(inner).chain([(total, "last")]).collect()
}

fn description(fleet_view: &FleetView, timeline: &Timeline) -> String {
    let sum = |what: SpanKind| {
        let spans = timeline.spans.iter().filter(move |span| span.kind == what);
        spans.fold((0_usize, 0), |(many, ms), span| (many + span.last + 1 - span.first, ms + span.end - span.begin))
    };
    let named = [
        (SpanKind::Plan, "plan call"),
        (SpanKind::Canary, "canary"),
        (SpanKind::Soak, "soak"),
        (SpanKind::Batch, "batches"),
        (SpanKind::Failed, "failed attempts"),
        (SpanKind::Wait, "waits before another attempt"),
        (SpanKind::InFlight, "attempts without a known end"),
    ];
    let parts = named.into_iter().map(|(what, name)| (name, sum(what))).filter(|(_, (many, _))| *many > 0);
    let parts: Vec<String> = parts.map(|(name, (many, ms))| format!("{many} × {name}, {}", duration(ms))).collect();
    format!("The rollout over {}: {}. {}", duration(timeline.total), parts.join("; "), introduction(fleet_view))
}

fn table(fleet_view: &FleetView, timeline: &Timeline, view: &View) -> Markup {
    let more = fleet_view.calls.len().saturating_sub(MAX_CALLS) as u64;
    // Failures first, where there is no room for all.
    let worth =
        |call: &Call| call.purpose != Purpose::Batch || call.attempts.len() != 1 || call.ok != Field::Given(true);
    let mut batches = 0_u64;
    let calls: Vec<_> = fleet_view
        .calls
        .iter()
        .zip(&timeline.begins)
        .map(|(call, begins)| {
            batches += u64::from(call.purpose == Purpose::Batch);
            (call, begins, batches)
        })
        .filter(|(call, ..)| more == 0 || worth(call))
        .take(MAX_CALLS)
        .collect();
    let left_out = (fleet_view.calls.len() - calls.len()) as u64;
    let attempts = html! {
        table {
            thead { tr {
                th scope="col" { "Call" }
                th scope="col" { "Tenants" }
                th.number scope="col" { "After" }
                th.number scope="col" { "Took" }
                th scope="col" { "Answer" }
            } }
            tbody {
                @for (call, begins, batch) in calls {
                    @for (i, (attempt, begin)) in call.attempts.iter().zip(begins).enumerate() {
                        tr {
                            th scope="row" {
                                @match call.purpose {
                                    Purpose::Plan => "plan",
                                    Purpose::Canary => "canary",
                                    Purpose::Batch => { "batch " (count(batch)) },
                                }
                                @if call.attempts.len() > 1 { span.quiet { ", attempt " (i + 1) } }
                            }
                            td { (named(call)) }
                            td.number { @if timeline.timed { (duration(*begin)) } @else { "–" } }
                            td.number { (attempt.duration_ms.map_or_else(|| "–".into(), duration)) }
                            td { (answer(call, attempt, view)) }
                        }
                    }
                }
            }
        }
    };
    html! {
        details {
            summary { "Every call" }
            (scroll("Every call", &attempts))
            @if left_out > 0 { p.note { (count(left_out)) " calls more, most of them answered ok at the first attempt, are left out; the document has all." } }
        }
    }
}

fn named(call: &Call) -> Markup {
    html! {
        @match call.tenants.len() {
            0 => span.quiet { "the fleet" },
            1..=10 => (prose(&names_of(call.tenants.iter()))),
            many => (tenants(many as u64)),
        }
    }
}

fn answer(call: &Call, attempt: &Attempt, view: &View) -> Markup {
    let ok = match call.ok {
        Field::Given(true) => "ok",
        Field::Given(false) => "not ok",
        Field::Null => "ok is null",
        Field::Absent => "does not say ok",
    };
    let reason = attempt.failure.as_ref().map(|failure| &failure.reason);
    let text = attempt.error.as_ref().or(attempt.malformed.as_ref()).filter(|text| Some(*text) != reason);
    html! {
        @match (attempt.status, attempt.duration_ms) {
            (Some(status), _) => { "HTTP " (status) },
            (None, Some(_)) => "no answer",
            (None, None) => "no end known",
        }
        @if attempt.last && attempt.status.is_some() { ", " (ok) }
        @if attempt.malformed.is_some() { ", malformed" }
        @if let Some(reason) = reason { ": " (shown(reason)) }
        @if let (true, Some(text)) = (view.errors, text) { span.raw { (shown(text)) } }
    }
}
