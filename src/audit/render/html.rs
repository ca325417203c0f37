//! An audit as one page for a browser, of the same kind as the page of one rollout: nothing is loaded, and evidence is
//! only ever text.

pub(crate) mod components;
pub(crate) mod data;
pub(crate) mod flips;
pub(crate) mod map;
pub(crate) mod tables;

use std::io::{self, Write};

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::audit::render::html::components::{open, time};
use crate::audit::render::words::{duration, headline, judged};
use crate::audit::report::AuditReport;
use crate::render::html::components::{count, parameters, prose, shown};
use crate::render::html::data::element;
use crate::render::html::{SYMBOLS, decision_class, fact, findings, preamble};
use crate::render::view::View;
use crate::render::words::verdict;

const STYLE: &str = concat!(include_str!("../../render/html/page.css"), include_str!("html/audit.css"));

const SCRIPT: &str = concat!(include_str!("../../render/html/shared.js"), include_str!("html/audit.js"));

/// Writes the page.
pub fn render(report: &AuditReport, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let data = data::data(report);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (preamble(&format!("Audit {}: {}", verdict(report.decision), headline(report)), STYLE, SCRIPT))
            body {
                (PreEscaped(SYMBOLS.trim()))
                a.skip href="#main" { "Skip to what was found" }
                (head(report))
                main #main tabindex="-1" {
                    @if let Some(comparison) = &report.comparison { (flips::section(comparison)) }
                    (map::section(report, &data))
                    (findings::section(&findings::first(&report.findings, view)))
                    (tables::behind(report, &data))
                    (tables::miscalled(report))
                    (tables::unread(report))
                    (basis(report))
                }
                footer {
                    p { "Written by rollproof " (env!("CARGO_PKG_VERSION")) ". The verdict is the policies'; this page only shows it." }
                }
                (PreEscaped(element(&data)))
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    out.write_all(page.into_string().as_bytes())?;
    writeln!(out)
}

fn head(report: &AuditReport) -> Markup {
    let audit = &report.audit;
    let false_greens = tables::false_greens(report);
    let mut made = audit.rollouts.iter().filter_map(|rollout| rollout.at.as_ref());
    let first = made.next();
    let last = made.next_back().or(first);
    let behind = audit.tenants.iter().filter_map(open);
    let longest = audit.tenants.iter().flat_map(|tenant| &tenant.behind).map(|behind| behind.seconds).max();
    html! {
        header.(decision_class(report.decision)) {
            div.bar {
                p.brand { "rollproof audit" }
                nav aria-label="Sections" {
                    ul {
                        @if report.comparison.is_some() { li { a href="#flips" { "Flips" } } }
                        li { a href="#over-time" { "Over time" } }
                        li { a href="#findings" { "Findings" } }
                        li { a href="#behind" { "Who was behind" } }
                        li { a href="#called" { "Not as called" } }
                        @if tables::is_unread(report) { li { a href="#unread" { "Not read" } } }
                        li { a href="#basis" { "Basis" } }
                    }
                }
            }
            div.verdict {
                h1 { (verdict(report.decision)) }
                p.headline { (prose(&headline(report))) }
            }
            dl.facts {
                @if let Some(comparison) = &report.comparison {
                    (fact("Verdicts that flip", &html! { (count(comparison.flips.len() as u64)) }))
                }
                (fact("Rollouts", &html! { (count(audit.rollouts.len() as u64)) }))
                (fact("False greens", &html! { (count(false_greens)) }))
                (fact("Tenants", &html! { (count(audit.tenants.len() as u64)) }))
                (fact("Behind now", &html! { (count(behind.count() as u64)) }))
                @if let Some(longest) = longest { (fact("Longest behind", &html! { (duration(longest)) })) }
                @if !audit.unreadable.is_empty() {
                    (fact("Unreadable", &html! { (count(audit.unreadable.len() as u64)) }))
                }
                @if let (Some(first), Some(last)) = (first, last) {
                    (fact("First rollout", &time(first)))
                    (fact("Last rollout", &time(last)))
                }
            }
        }
    }
}

/// What the verdict rests on.
fn basis(report: &AuditReport) -> Markup {
    let audit = &report.audit;
    html! {
        section #basis aria-labelledby="basis-title" {
            h2 #basis-title { "Basis" }
            div.content {
                h3 { "Looked at" }
                dl.pairs {
                    div { dt { "Rollouts from" } dd {
                        @if let Some(since) = &audit.since { (time(since)) } @else { "the first one on" }
                    } }
                    @if let Some(since) = &audit.read_since {
                        div { dt { "Not read before" } dd { (time(since)) span.quiet { ", so what was before that is not known" } } }
                    }
                    div { dt { "Found" } dd { (judged(report)) } }
                    @if let Some(newest) = &audit.newest {
                        div { dt { "Evidence ends" } dd { (time(newest)) span.quiet { ", and nothing is known of the time after it" } } }
                    }
                    @if let Some(gap) = &audit.gap {
                        div { dt { "Longest time without a rollout" } dd { (duration(gap.seconds)) span.quiet { ", from " (time(&gap.since)) } } }
                    }
                    div { dt { "Rollouts until" } dd { (time(&audit.until)) span.quiet { ", and lag is counted up to then" } } }
                    div { dt { "Read by" } dd { (shown(&audit.tool)) } }
                }
                h3 { "Policies" }
                dl.pairs {
                    @for policy in &report.policies {
                        div { dt { code { (shown(&policy.package)) } } dd { (shown(&policy.title)) } }
                    }
                }
                h3 { "Parameters" }
                (parameters(&report.params))
            }
        }
    }
}
