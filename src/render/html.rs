//! The verdict as one page for a browser: nothing is loaded, and evidence is only ever text.
//!
//! Markup, style and script are ours. What comes from elsewhere stands in escaped text or in the page's data, which
//! cannot end its element; should it ever get out, the page's policy runs and loads nothing but what it names by hash.

pub(crate) mod calls;
pub(crate) mod components;
pub(crate) mod data;
pub(crate) mod findings;
pub(crate) mod fleet;
pub(crate) mod stragglers;
pub(crate) mod table;
pub(crate) mod timeline;

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use crate::error::report::ErrorReport;
use crate::model::decision::Decision;
use crate::model::document::FleetSource;
use crate::render::html::components::{count, duration, prose, shown};
use crate::render::html::timeline::Timeline;
use crate::render::view::View;
use crate::render::words::{
    DECIDED, MAX_PROBLEMS, NO_VERDICT, downgrades, headline, more_problems, problem_lines, verdict,
};
use crate::report::Report;
use crate::report::fleet_view::FleetView;

const STYLE: &str = include_str!("html/page.css");

const SCRIPT: &str = concat!(include_str!("html/shared.js"), include_str!("html/page.js"));

/// How many stragglers are named beside the verdict.
const MAX_BEHIND: usize = 6;

/// A symbol for every proof state: told apart by its shape.
pub const SYMBOLS: &str = include_str!("html/symbols.svg");

/// Writes the page.
///
/// # Errors
/// Those of `out`.
pub fn render(report: &Report, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let timeline = report.fleet_view.as_ref().and_then(Timeline::of);
    let findings = findings::first(&report.findings, view);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (preamble(&format!("{}: {}", verdict(report.decision), headline(report)), STYLE, SCRIPT))
            body {
                (PreEscaped(SYMBOLS.trim()))
                a.skip href="#main" { "Skip to the fleet" }
                (head(report, timeline.as_ref()))
                main #main tabindex="-1" {
                    @if let Some(fleet_view) = &report.fleet_view {
                        (fleet::section(report, fleet_view))
                        (calls::section(fleet_view, timeline.as_ref(), view))
                    }
                    (findings::section(&findings))
                    (findings::changes(report, &findings))
                    (stragglers::section(report))
                    (basis(report))
                }
                footer {
                    p { "Written by rollproof " (env!("CARGO_PKG_VERSION")) ". The verdict is the policies'; this page only shows it." }
                }
                (PreEscaped(data::json_script(report)))
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    write(page, out)
}

/// Writes the page that says why there is no verdict.
///
/// # Errors
/// Those of `out`.
pub fn error(report: &ErrorReport, out: &mut dyn Write) -> io::Result<()> {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (preamble(&format!("{NO_VERDICT}: {}", report.meaning), STYLE, ""))
            body {
                a.skip href="#main" { "Skip to what is wrong" }
                header.(decision_class(Decision::Fail)) {
                    div.bar { p.brand { "rollproof" } }
                    div.verdict {
                        h1 { (NO_VERDICT) }
                        p.headline { (report.meaning) }
                    }
                    dl.facts { (fact("Exit code", &html! { (report.exit_code) })) }
                }
                main #main tabindex="-1" {
                    section #problems aria-labelledby="problems-title" {
                        h2 #problems-title { "What is wrong" }
                        div.content {
                            @for problem in report.problems.iter().take(MAX_PROBLEMS) {
                                @for line in problem_lines(problem, str::to_owned) { p.lede { (prose(&line)) } }
                                @if let Some(help) = &problem.help { p.note { "Next: " (prose(help)) } }
                            }
                            @if let Some(more) = more_problems(report) { p.note { (more) } }
                            @if let Some(help) = report.more_help() { p.note { "Next: " (prose(help)) } }
                        }
                    }
                }
                footer {
                    p { "Written by rollproof " (env!("CARGO_PKG_VERSION")) ". No earlier verdict holds for this run." }
                }
            }
        }
    };
    write(page, out)
}

fn write(page: Markup, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(page.into_string().as_bytes())?;
    writeln!(out)
}

/// The head of a page that has this style and this script, and no other.
pub fn preamble(title: &str, style: &str, script: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta http-equiv="Content-Security-Policy" content=(content_security_policy(style, script));
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            meta name="generator" content="rollproof";
            title { (shown(title)) }
            style { (PreEscaped(style)) }
        }
    }
}

/// Nothing is fetched, framed, sent or run, but for this style and this script.
fn content_security_policy(style: &str, script: &str) -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'",
        hash(script),
        hash(style)
    )
}

/// The name of a decision in the style.
pub const fn decision_class(decision: Decision) -> &'static str {
    match decision {
        Decision::Pass => "pass",
        Decision::Fail => "fail",
        Decision::Inconclusive => "inconclusive",
        Decision::NotAsserted => "not-asserted",
    }
}

fn head(report: &Report, timeline: Option<&Timeline>) -> Markup {
    let summary = &report.summary;
    let rollout = report.fleet_view.as_ref().map(|fleet_view: &FleetView| &fleet_view.rollout);
    html! {
        header.(decision_class(report.decision)) {
            div.bar {
                p.brand { "rollproof" }
                nav aria-label="Sections" {
                    ul {
                        @if report.fleet_view.is_some() {
                            li { a href="#fleet" { "Fleet" } }
                            li { a href="#rollout" { "Rollout" } }
                        }
                        li { a href="#findings" { "Findings" } }
                        li { a href="#change" { "What would have to change" } }
                        li { a href="#stragglers" { "Stragglers" } }
                        li { a href="#basis" { "Basis" } }
                    }
                }
            }
            div.verdict {
                h1 { (verdict(report.decision)) }
                p.headline { (prose(&headline(report))) }
                (behind(report))
                @for sentence in downgrades(report) {
                    p.softened { (prose(&sentence)) }
                }
            }
            dl.facts {
                (fact("Proven", &html! { (count(summary.proven)) small { " of " (count(summary.fleet)) } }))
                (fact("Stragglers", &html! {
                    (count(summary.stragglers)) small { " (" (count(summary.tolerated)) " tolerated)" }
                }))
                @if summary.quarantined > 0 { (fact("Quarantined", &html! { (count(summary.quarantined)) })) }
                @if summary.waived > 0 { (fact("Waived", &html! { (count(summary.waived)) })) }
                (fact("Target", &html! { code { (summary.target.as_deref().map_or_else(|| "unknown".into(), shown)) } }))
                @if let Some(sha) = &summary.target_sha {
                    (fact("Commit", &html! { code title=(shown(sha)) { (shown(sha.get(..12).unwrap_or(sha))) } }))
                }
                @if summary.fleet_source != FleetSource::None || summary.target.is_some() {
                    (fact("Fleet says", &html! { (source(summary.fleet_source)) }))
                }
                @if let Some(at) = rollout.and_then(|rollout| rollout.started_at.as_ref()) {
                    (fact("Began", &html! { time datetime=(shown(at)) { (components::minute(at)) } }))
                }
                @if let Some(timeline) = timeline { (fact("Took", &html! { (duration(timeline.total)) })) }
            }
        }
    }
}

/// The stragglers and who else is denied, at the top of the page. Where the verdict is a pass, its sentence names the
/// stragglers.
fn behind(report: &Report) -> Markup {
    let stragglers = report.stragglers_by_name();
    let denied: Vec<_> = report.denied.iter().filter(|tenant| !stragglers.contains_key(&***tenant)).collect();
    let more_denied = denied.len().saturating_sub(MAX_BEHIND) as u64;
    let more = report.stragglers.len().saturating_sub(MAX_BEHIND) as u64;
    html! {
        @if report.decision != Decision::Pass && !report.stragglers.is_empty() {
            ul.behind aria-label="Stragglers" {
                @for straggler in report.stragglers.iter().take(MAX_BEHIND) {
                    li { (components::symbol(&straggler.state)) code { (shown(&straggler.tenant)) } " " span.quiet { (shown(&straggler.state)) } }
                }
                @if more > 0 { li { a href="#stragglers" { "and " (count(more)) " more" } } }
            }
        }
        @if !denied.is_empty() {
            ul.behind aria-label="Denied" {
                @for tenant in denied.iter().take(MAX_BEHIND) {
                    li { code { (shown(tenant)) } " " span.quiet { "denied" } }
                }
                @if more_denied > 0 { li { a href="#findings" { "and " (count(more_denied)) " more" } } }
            }
        }
    }
}

/// A fact in the head: its name, and its value.
pub fn fact(name: &str, value: &Markup) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

const fn source(source: FleetSource) -> &'static str {
    match source {
        FleetSource::PlanCall => "the plan call",
        FleetSource::File => "a file",
        FleetSource::Response => "nobody: guessed from the response",
        FleetSource::None => "nobody",
    }
}

fn policies(report: &Report) -> Markup {
    html! {
        table {
            thead { tr { th scope="col" { "Policy" } th scope="col" { "Says" } th scope="col" { "Mode" } } }
            tbody {
                @for policy in &report.policies {
                    tr {
                        th scope="row" { code { (shown(&policy.package)) } }
                        td { (components::result_of(report, policy)) }
                        td { (components::weight(policy)) }
                    }
                }
            }
        }
    }
}

/// What the verdict rests on: policies, parameters and inputs.
fn basis(report: &Report) -> Markup {
    html! {
        section #basis aria-labelledby="basis-title" {
            h2 #basis-title { "Basis" }
            div.content {
                h3 { "Policies" }
                (components::scroll("Policies", &policies(report)))
                @if let Some(basis) = &report.basis {
                    p.decided {
                        span.quiet { "SHA-256 of " (DECIDED) ": " } code.hash { (shown(&basis.digest)) }
                        span.quiet { " (" (shown(&basis.tool)) ", " (shown(&basis.engine)) ")" }
                    }
                }
                h3 { "Parameters" }
                (components::parameters(&report.params))
                h3 { "Read from" }
                @if report.inputs.is_empty() { p { "No file." } } @else {
                    ul.inputs {
                        @for input in &report.inputs {
                            li {
                                code { (shown(&input.name)) }
                                " " span.quiet { (count(input.bytes)) " bytes, SHA-256 " }
                                code.hash { (shown(&input.sha256)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
