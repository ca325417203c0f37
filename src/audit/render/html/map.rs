//! Tenants and rollouts as a heat map, which the script paints; what its signs mean, and who is not in it.

use maud::{Markup, html};

use crate::audit::render::html::data::{Data, letter};
use crate::audit::render::html::tables::false_greens;
use crate::audit::render::words::several;
use crate::audit::report::AuditReport;
use crate::model::audit::Called;
use crate::model::decision::Decision;
use crate::render::html::components::{count, symbol, tenants};

/// Letters of histories in the order of the legend, each with the name of its state.
const STATES: [(char, &str); 8] = [
    ('v', "verified"),
    ('a', "assumed"),
    ('m', "missing"),
    ('u', "unreached"),
    ('o', "off_target"),
    ('e', "errored"),
    ('d', "dry_run"),
    ('x', "other"),
];

/// How many tenants paper shows; the script has the same number.
const PRINTED: u64 = 60;

pub fn section(report: &AuditReport, data: &Data) -> Markup {
    let audit = &report.audit;
    let rows = data.tenants.iter().filter(|row| row.2.is_some()).count() as u64;
    let quiet = audit.tenants.iter().filter(|tenant| tenant.history.is_none()).count() as u64;
    let rollouts = data.columns as u64;
    html! {
        section #over-time aria-labelledby="over-time-title" {
            h2 #over-time-title { "Over time" }
            div.content {
                @if rows == 0 || rollouts == 0 {
                    p.lede {
                        @if quiet == 0 { "No rollout asserts anything of any tenant." }
                        @else { (everybody(quiet)) ", in " (count(rollouts)) @if rollouts == 1 { " rollout." } @else { " rollouts." } }
                    }
                } @else {
                    p.lede { (tenants(rows)) " with something to tell, worst first, in " (count(rollouts)) @if rollouts == 1 { " rollout." } @else { " rollouts, the newest on the right." } }
                    (legend(report))
                    @if several(report) { div #groups.steps role="group" aria-label="Groups" hidden {} }
                    (map(rows, rollouts))
                    @if quiet > 0 { p.everybody { (symbol("verified")) (everybody(quiet)) "." } }
                    @if data.others > 0 { p.note { (tenants(data.others as u64)) " more have something to tell, but no room on this page; the JSON report has them." } }
                    @if data.older > 0 { p.note { (count(data.older as u64)) " older rollouts have no room on this page; the JSON report has them." } }
                }
            }
        }
    }
}

/// The summary of those that have no row.
fn everybody(quiet: u64) -> String {
    let were = if quiet == 1 { "was" } else { "were" };
    format!("{} {were} in every fleet and never behind", tenants(quiet))
}

/// What a cell means.
#[derive(Clone, Copy)]
enum Meaning {
    Proven,
    Behind,
    Nobody,
}

fn legend(report: &AuditReport) -> Markup {
    let histories = report.audit.tenants.iter().filter_map(|tenant| tenant.history.as_ref());
    let mut there = [false; 128];
    for letter in histories.flat_map(|history| history.chars()).map(letter) {
        there[letter as usize] = true;
    }
    let seen: Vec<char> = (0..128_u8).map(char::from).filter(|letter| there[*letter as usize]).collect();
    let known = |letter: char| letter == '.' || STATES.iter().any(|(known, _)| letter.eq_ignore_ascii_case(known));
    let states = |upper: bool| -> Vec<&'static str> {
        let of_case: Vec<char> = seen.iter().copied().filter(|letter| letter.is_ascii_uppercase() == upper).collect();
        let has = |sign: char| of_case.iter().any(|letter| letter.eq_ignore_ascii_case(&sign));
        let strange = of_case.iter().any(|letter| !known(*letter));
        let states = STATES.iter().filter(|(sign, _)| has(*sign) || (*sign == 'x' && strange));
        states.map(|(_, state)| *state).collect()
    };
    let is_proof = |state: &&str| ["verified", "assumed"].contains(state);
    let (proven, nobody): (Vec<&str>, Vec<&str>) = states(false).into_iter().partition(is_proof);
    html! {
        ul.legend.cells aria-label="Signs" {
            @for state in proven { (entry(Meaning::Proven, state, if state == "assumed" { "an older control plane could not say" } else { "seen running the target" })) }
            @for state in states(true) { (entry(Meaning::Behind, state, behind(state))) }
            @if !nobody.is_empty() { (entry(Meaning::Nobody, nobody[0], "")) }
            @if seen.contains(&'.') { li { span.cell.outside { "–" } span.quiet { "outside the fleet, or the rollout asserts nothing" } } }
            @if false_greens(report) > 0 {
                li { span.cell.flag aria-hidden="true" { "▼" } span.state { "false green" } span.quiet { "called green, and it was not" } }
            }
            (strips(report))
        }
    }
}

/// The marks of the two strips above the cells: what each rollout was called, and what it is.
fn strips(report: &AuditReport) -> Markup {
    let rollouts = || report.audit.rollouts.iter();
    let is = |called: Called, decision: Decision| {
        rollouts().any(|rollout| rollout.called == called || rollout.decision == decision)
    };
    let marks = [
        ("good", "●", is(Called::Green, Decision::Pass), "called green, or a pass"),
        ("bad", "×", is(Called::Red, Decision::Fail), "called red, or a fail"),
        (
            "open",
            "?",
            rollouts().any(|rollout| rollout.decision == Decision::Inconclusive),
            "the evidence cannot decide",
        ),
        ("none", "·", is(Called::Unknown, Decision::NotAsserted), "called nothing that is known, or asserts nothing"),
    ];
    html! {
        @for (class, mark, _, words) in marks.into_iter().filter(|(_, _, is_there, _)| *is_there) {
            li { span.cell.{ (class) } aria-hidden="true" { (mark) } span.quiet { (words) } }
        }
        li { span.cell.good aria-hidden="true" { "▂" } span.quiet { "where many rollouts leave no room for these marks: a low bar is good, a high one is not" } }
    }
}

fn entry(meaning: Meaning, state: &str, words: &str) -> Markup {
    html! {
        li {
            @match meaning {
                Meaning::Proven => { span.cell.proven { (symbol(state)) } span.state { (state) } span.quiet { (words) } }
                Meaning::Behind => { span.cell.behind.{ "s-" (state) } { (symbol(state)) } span.state { "behind: " (state) } span.quiet { (words) } }
                Meaning::Nobody => { span.cell.nobody { (symbol(state)) } span.state { "not behind" } span.quiet { "not proven, but nobody beside the canary was" } }
            }
        }
    }
}

fn behind(state: &str) -> &'static str {
    match state {
        "missing" => "no row, and nobody enumerated the fleet",
        "unreached" => "no row answers for it",
        "off_target" => "not seen on the target",
        "errored" => "its row reports a failure",
        "dry_run" => "only dry-run rows",
        "assumed" => "an older control plane could not say, and that is not enough",
        _ => "a state of your own policies",
    }
}

/// The canvas is painted by the script; beside it stands a grid of which one cell at a time can be read and heard.
fn map(rows: u64, rollouts: u64) -> Markup {
    html! {
        noscript { p.note { "The heat map needs JavaScript; the tables below do not." } }
        div #map.heat hidden {
            div.steps {
                button #farther type="button" { "Farther" }
                button #closer type="button" { "Closer" }
            }
            div #sheet.sheet role="grid" tabindex="0" aria-describedby="map-help" aria-rowcount=(rows + 1) aria-colcount=(rollouts)
                aria-label={ "Tenants by rollouts, " (count(rows)) " by " (count(rollouts)) } {
                div #room.room role="presentation" {
                    canvas aria-hidden="true" {}
                    @for row in ["a", "b"] {
                        div.sr id={ "row-" (row) } role="row" { div id={ "cell-" (row) } role="gridcell" { "A tenant in a rollout" } }
                    }
                }
            }
            p #map-tip.tip aria-hidden="true" {}
            @if rows > PRINTED { p.paper { "Paper shows the first " (count(PRINTED)) " of these tenants." } }
            p #map-help.quiet { "Point at a cell, or walk with the arrow keys: up from the first tenant are the rollouts themselves. Home and End lead to the oldest and the newest, + and − come closer and go farther, Enter finds a tenant in the table." }
        }
    }
}
