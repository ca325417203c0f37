//! What other policies say of the same archives: what turned verdicts, which ones flip, and what the two sides judge by.
//! All of it is markup, and needs no script.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use crate::audit::against::{Comparison, Flip, Side, SidePolicy, Sides};
use crate::audit::render::html::components::time;
use crate::audit::render::html::tables::{MAX_ROWS, reason};
use crate::audit::render::words;
use crate::io::config::ModeName;
use crate::model::audit::Because;
use crate::model::document::text::Text;
use crate::render::html::components::{count, prose, scroll, shown, tenants};
use crate::render::words::verdict;
use crate::text::escape::names_of;

/// How many digits of a hash are shown beside another one.
const DIGITS: usize = 12;

/// Parts of a basis that policies and parameters are not, each with its name in words.
const PARTS: [(&str, &str); 5] = [
    ("libraries", "Libraries"),
    ("data", "Data of policies"),
    ("modes", "Modes"),
    ("waivers", "Waivers"),
    ("facts", "Facts"),
];

pub fn section(comparison: &Comparison) -> Markup {
    html! {
        section #flips aria-labelledby="flips-title" {
            h2 #flips-title { "Verdicts that flip" }
            div.content {
                p.lede { (prose(&words::flips(comparison))) "." }
                @if !comparison.flips.is_empty() {
                    h3 { "What turned them" }
                    (turned(&comparison.flips))
                    h3 { "Each of them" }
                    (table(&comparison.flips))
                }
                @if let Some(sides) = &comparison.sides {
                    h3 { "What the two sides judge by" }
                    (differences(sides))
                }
            }
        }
    }
}

/// What is said on one side alone: of how many verdicts, and of whom.
#[derive(Default)]
struct Turned<'a> {
    verdicts: u64,
    tenants: BTreeSet<&'a Text>,
}

fn turned(flips: &[Flip]) -> Markup {
    let mut all: BTreeMap<(&Text, &str), Turned<'_>> = BTreeMap::new();
    for flip in flips {
        for (side, said) in [("only now", &flip.only_now), ("only before", &flip.only_before)] {
            let codes: BTreeSet<&Text> = said.iter().map(|because| &because.code).collect();
            for code in codes {
                let turned = all.entry((code, side)).or_default();
                turned.verdicts += 1;
                let of_code = said.iter().filter(|because| because.code == *code);
                turned.tenants.extend(of_code.flat_map(|because| &because.tenants));
            }
        }
    }
    let mut all: Vec<_> = all.into_iter().collect();
    all.sort_by_key(|(_, turned)| std::cmp::Reverse(turned.verdicts));
    scroll(
        "What turned verdicts",
        &html! {
            table.doubted {
                thead { tr { @for name in ["Code", "Said", "Verdicts", "Tenants"] { th scope="col" { (name) } } } }
                tbody { @for ((code, side), turned) in &all {
                    tr {
                        th scope="row" { code { (shown(code)) } }
                        td { (side) }
                        td { (count(turned.verdicts)) }
                        td { @if turned.tenants.is_empty() { "–" } @else {
                            (tenants(turned.tenants.len() as u64)) ": " (prose(&names_of(turned.tenants.iter())))
                        } }
                    }
                } }
            }
        },
    )
}

fn table(flips: &[Flip]) -> Markup {
    let more = flips.len().saturating_sub(MAX_ROWS) as u64;
    html! {
        (scroll("Each verdict that flips", &html! {
            table.doubted {
                thead { tr { @for name in ["When", "Before", "Now", "Why"] { th scope="col" { (name) } } } }
                tbody { @for flip in flips.iter().take(MAX_ROWS) { (row(flip)) } }
            }
        }))
        @if more > 0 { p.note { "and " (count(more)) " more; the JSON report has them." } }
    }
}

fn row(flip: &Flip) -> Markup {
    html! {
        tr {
            th scope="row" { @if let Some(at) = &flip.at { (time(at)) } @else { "undated" } }
            td { (verdict(flip.was).to_lowercase()) }
            td { strong { (verdict(flip.now).to_lowercase()) } }
            td {
                (said("only now", &flip.only_now))
                (said("only before", &flip.only_before))
                p.archive { code { (shown(&flip.archive)) } }
            }
        }
    }
}

fn said(side: &str, all: &[Because]) -> Markup {
    html! {
        @if !all.is_empty() {
            p.quiet { (side) }
            @for because in all.iter().take(words::MAX_REASONS) { (reason(because)) }
            @if let Some(more) = words::more_reasons(all.len()) { p { (more) } }
        }
    }
}

/// What the two sides are, and what differs. What is the same on both is only named.
fn differences(sides: &Sides) -> Markup {
    let Sides { before, now } = sides;
    let packages: BTreeSet<&str> =
        [before, now].into_iter().flat_map(|side| &side.policies).map(|policy| &*policy.package).collect();
    let params: BTreeSet<&str> =
        [before, now].into_iter().flat_map(|side| &side.params).map(|param| &*param.name).collect();
    let (same, others): (Vec<&str>, Vec<&str>) =
        packages.into_iter().partition(|package| policy(before, package) == policy(now, package));
    let differs = |name: &&str| param(before, name) != param(now, name);
    let parts = PARTS.iter().filter(|(part, _)| before.basis.parts.get(*part) != now.basis.parts.get(*part));
    html! {
        (scroll("What the two sides judge by", &html! {
            table.sides {
                thead { tr { @for name in ["What", "Before", "Now"] { th scope="col" { (name) } } } }
                tbody {
                    tr { th scope="row" { "Named" } td { (named(before)) } td { (named(now)) } }
                    tr { th scope="row" { "Digest" } td { code { (before.basis.digest) } } td { code { (now.basis.digest) } } }
                    @for package in others {
                        tr { th scope="row" { code { (shown(package)) } } td { (weight(policy(before, package))) } td { (weight(policy(now, package))) } }
                    }
                    @for name in params.into_iter().filter(differs) {
                        tr { th scope="row" { code { (shown(name)) } } td { code { (param(before, name)) } } td { code { (param(now, name)) } } }
                    }
                    @for (part, name) in parts {
                        tr { th scope="row" { (name) } td { (hash(before.basis.parts.get(*part))) } td { (hash(now.basis.parts.get(*part))) } }
                    }
                }
            }
        }))
        @if before.basis.digest == now.basis.digest { p.note { "Both judge by the same." } }
        @if !same.is_empty() { p.note { "The same on both sides: " (prose(&same.join(", "))) "." } }
    }
}

fn named(side: &Side) -> Markup {
    html! {
        @if side.named.is_empty() { "the bundled policies" }
        @for (i, path) in side.named.iter().enumerate() { @if i > 0 { ", " } code { (shown(path)) } }
    }
}

fn policy<'s>(side: &'s Side, package: &str) -> Option<&'s SidePolicy> {
    side.policies.iter().find(|policy| policy.package == package)
}

fn param(side: &Side, name: &str) -> String {
    let value = side.params.iter().find(|param| param.name == name).and_then(|param| param.value.as_ref());
    shown(&value.map_or_else(|| "none".to_owned(), ToString::to_string))
}

fn weight(policy: Option<&SidePolicy>) -> Markup {
    html! {
        @if let Some(policy) = policy {
            (hash(policy.sha256.as_ref())) " " (prose(&policy.title))
            @match policy.mode {
                Some(ModeName::Off) => { " " span.lift { "off" } }
                Some(ModeName::Report) => { " " span.lift { "only reports" } }
                None => {}
            }
        } @else { "not there" }
    }
}

fn hash(hash: Option<&String>) -> Markup {
    html! { @if let Some(hash) = hash { code { (hash.get(..DIGITS).unwrap_or(hash)) } } @else { "none" } }
}
