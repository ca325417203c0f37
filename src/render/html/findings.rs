//! What the policies say, and what would have to change for them to say something else.

use maud::{Markup, PreEscaped, html};

use crate::model::decision::Decision;
use crate::model::finding::{Finding, Severity};
use crate::render::html::components::{count, prose, shown, tenants};
use crate::render::view::View;
use crate::render::words::{verdict, waiver_note};
use crate::report::Report;
use crate::report::counterfactual::Counterfactuals;
use crate::text::escape::{clipped, place};

/// How many names of a finding are shown.
const MAX_NAMES: usize = 24;

/// How many bytes all findings of a page may take.
const MAX_BYTES: usize = 1 << 20;

/// How many characters a text of a finding may have.
const MAX_TEXT: usize = 2_000;

/// How many changes that would turn the verdict are shown.
const MAX_COUNTERFACTUALS: usize = 12;

/// The section around the findings that [`first`] gave.
pub fn section(first: &First) -> Markup {
    html! {
        section #findings aria-labelledby="findings-title" {
            h2 #findings-title { "Findings" }
            div.content {
                @if first.many == 0 && first.left_out == 0 { p.lede { "No policy has anything to say." } }
                (first.markup)
            }
        }
    }
}

/// The findings that a page has room for: the first, which are the heaviest.
pub struct First {
    /// They, and how many of what weight are left out.
    pub markup: Markup,
    /// How many they are.
    many: usize,
    /// How many there are beside them.
    left_out: usize,
}

/// As many findings as a page has room for.
pub fn first(findings: &[Finding], view: &View) -> First {
    let (mut text, mut many) = (String::new(), 0);
    for (i, item) in findings.iter().enumerate() {
        let markup = finding(i, item, view).into_string();
        if text.len() + markup.len() > MAX_BYTES {
            break;
        }
        text.push_str(&markup);
        many += 1;
    }
    let rest = &findings[many..];
    let weighed = Severity::ALL.into_iter().filter_map(|severity| {
        let many = rest.iter().filter(|finding| finding.severity == severity).count() as u64;
        (many > 0).then(|| format!("{} {}", count(many), severity.name()))
    });
    let markup = html! {
        (PreEscaped(text))
        @if !rest.is_empty() {
            p.note {
                (count(rest.len() as u64)) " more had no room in this page: " (weighed.collect::<Vec<_>>().join(", "))
                ". The JSON report has all."
            }
        }
    };
    First { markup, many, left_out: rest.len() }
}

fn brief(text: &str) -> String {
    clipped(&shown(text), MAX_TEXT).into_owned()
}

/// A sentence, which is not too long.
fn sentence(text: &str) -> Markup {
    prose(&clipped(text, MAX_TEXT))
}

/// A finding; `i` counts them.
fn finding(i: usize, finding: &Finding, view: &View) -> Markup {
    let lifted = finding.waived.is_some() || finding.softened.is_some();
    let more = finding.tenants.len().saturating_sub(MAX_NAMES) as u64;
    html! {
        article.finding.{ (finding.severity.name()) }.lifted[lifted] id={ "finding-" (i + 1) } {
            h3 {
                span.severity { (finding.severity.name()) }
                @if finding.waived.is_some() { " " span.lift { "waived" } }
                @if finding.softened.is_some() { " " span.lift { "only reported" } }
                " " code { (shown(&finding.code)) }
            }
            p.message { (sentence(&finding.message)) }
            dl.pairs {
                @if let Some(but) = waiver_note(finding) { div { dt { "But" } dd { (sentence(&but)) } } }
                @if !finding.tenants.is_empty() {
                    div { dt { "Who" } dd {
                        ul.names {
                            @for tenant in finding.tenants.iter().take(MAX_NAMES) { li { code { (brief(tenant)) } } }
                            @if more > 0 { li { "and " (count(more)) " more" } }
                        }
                    } }
                }
                @if let (true, Some(observed)) = (view.errors, &finding.observed) {
                    div { dt { "Seen" } dd { code { (brief(&observed.to_string())) } } }
                }
                @if let (true, Some(expected)) = (view.errors, &finding.expected) {
                    div { dt { "Expected" } dd { code { (brief(&expected.to_string())) } } }
                }
                @if let Some(at) = &finding.at { div { dt { "At" } dd { code { (brief(&place(at))) } } } }
                div { dt { "Rule" } dd {
                    (prose(&finding.title)) " " code.quiet { (shown(&finding.rule.file)) ":" (finding.rule.line) }
                } }
                @if let Some(remedy) = &finding.remedy { div { dt { "Next" } dd { (sentence(remedy.trim())) } } }
            }
        }
    }
}

/// A remedy, with the findings that ask for it.
struct Change<'a> {
    remedy: &'a str,
    findings: Vec<(usize, &'a Finding)>,
}

/// Remedies in the order of the findings, each once.
fn remedies(findings: &[Finding], wanted: impl Fn(&Finding) -> bool) -> Vec<Change<'_>> {
    let mut changes: Vec<Change<'_>> = Vec::new();
    for (i, finding) in findings.iter().enumerate().filter(|(_, finding)| wanted(finding)) {
        let remedy = finding.remedy.as_deref().map_or("", str::trim);
        match changes.iter_mut().find(|change| change.remedy == remedy) {
            Some(change) => change.findings.push((i, finding)),
            None => changes.push(Change { remedy, findings: vec![(i, finding)] }),
        }
    }
    changes
}

/// What would have to change, as the findings have it that the page shows.
pub fn changes(report: &Report, first: &First) -> Markup {
    let findings = &report.findings[..first.many];
    let weighs = |finding: &Finding, severity| finding.severity == severity && finding.waived.is_none();
    let deciding = match report.decision {
        Decision::Fail => Some(Severity::Deny),
        Decision::Inconclusive => Some(Severity::Inconclusive),
        Decision::Pass | Decision::NotAsserted => None,
    };
    let needed = deciding.map_or_else(Vec::new, |severity| remedies(findings, |finding| weighs(finding, severity)));
    let advised = remedies(findings, |finding| {
        finding.waived.is_none() && Some(finding.severity) != deciding && finding.severity != Severity::Note
    });
    let intro = match report.decision {
        Decision::Pass => "Nothing has to change for this verdict.",
        Decision::NotAsserted => "A dry run asserts nothing: roll out, and the evidence decides.",
        Decision::Fail => "Before this rollout can pass:",
        Decision::Inconclusive => "Before the evidence can decide:",
    };
    html! {
        section #change aria-labelledby="change-title" {
            h2 #change-title { "What would have to change" }
            div.content {
                p.lede { (intro) }
                @if !needed.is_empty() { (list(&needed)) }
                @if !advised.is_empty() {
                    h3 { "Worth a look all the same" }
                    (list(&advised))
                }
                @if first.left_out > 0 {
                    p.note { "That is what the findings ask for that this page shows; " (count(first.left_out as u64)) " more had no room." }
                }
                @if let Some(counterfactuals) = &report.counterfactuals { (counterfactual_list(counterfactuals)) }
            }
        }
    }
}

/// What was found by trying, as `rollproof explain` does.
fn counterfactual_list(counterfactuals: &Counterfactuals) -> Markup {
    let goal = counterfactuals.goal.strip_prefix("it ").unwrap_or(&counterfactuals.goal);
    let more = counterfactuals.found.len().saturating_sub(MAX_COUNTERFACTUALS) as u64;
    html! {
        h3 { "What would turn the verdict" }
        @if counterfactuals.found.is_empty() {
            p { "The rollout " (goal) " by none of the changes that were tried." }
        } @else {
            p { "The rollout " (goal) " if any one of these held:" }
            ul.turns {
                @for counterfactual in counterfactuals.found.iter().take(MAX_COUNTERFACTUALS) {
                    li {
                        (prose(&counterfactual.sentence()))
                        // That it would pass is what was asked for.
                        @if counterfactual.decision != Decision::Pass { span.quiet { " (" (verdict(counterfactual.decision)) ")" } }
                    }
                }
                @if more > 0 { li.quiet { "and " (count(more)) " more; rollproof explain names all" } }
            }
        }
        p.note {
            "Found by trying: " (count(counterfactuals.tried)) @if counterfactuals.tried == 1 { " change" } @else { " changes, and pairs of them," }
            " evaluated again by the same policies"
            @if !counterfactuals.complete { ", and there are more" }
            ". A tolerance or a waiver turns a verdict, and never a tenant."
        }
    }
}

fn list(changes: &[Change<'_>]) -> Markup {
    html! {
        ol.changes {
            @for Change { remedy, findings } in changes {
                li {
                    @if remedy.is_empty() {
                        @for (_, finding) in findings { p { (sentence(&finding.message)) } }
                    } @else { p { (sentence(remedy)) } }
                    p.quiet {
                        @for (i, finding) in findings {
                            a href={ "#finding-" (i + 1) } { code { (shown(&finding.code)) } }
                            @if !finding.tenants.is_empty() { " " (tenants(finding.tenants.len() as u64)) }
                            " "
                        }
                    }
                }
            }
        }
    }
}
