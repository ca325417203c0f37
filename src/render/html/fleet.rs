//! The fleet as a picture: a small one as tiles with names, a large one as a canvas that the page's script paints.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use crate::model::document::text::Text;
use crate::render::html::components::{class, count, labels, meaning, prose, scroll, shown, symbol, tenants};
use crate::report::Report;
use crate::report::fleet_view::{Cell, FleetView};

/// Up to this many tenants, each is a tile that shows its name.
const MAX_TILES: usize = 240;

/// How many groups the table of groups holds.
const MAX_GROUPS: usize = 500;

/// How many labels have a table.
const MAX_LABELS: usize = 12;

/// How many names of tenants outside the fleet are shown.
const MAX_OUTSIDE: usize = 100;

pub fn section(report: &Report, fleet_view: &FleetView) -> Markup {
    let large = fleet_view.cells.len() > MAX_TILES;
    html! {
        section #fleet aria-labelledby="fleet-title" {
            h2 #fleet-title { "Fleet" }
            div.content {
                p.lede { (introduction(fleet_view)) }
                @if !fleet_view.cells.is_empty() {
                    (legend(report, fleet_view, large))
                    @if large { (map(report, fleet_view)) } @else { (tiles(report, fleet_view)) }
                    (by_group(fleet_view))
                    (by_label(fleet_view))
                }
                (outside(&fleet_view.outside))
            }
        }
    }
}

fn introduction(fleet_view: &FleetView) -> String {
    let many = fleet_view.cells.len() as u64;
    if many == 0 {
        return "Nobody enumerated a tenant, so there is no fleet to show.".into();
    }
    let order = if fleet_view.ordered { "in the fleet's own order" } else { "in no known order" };
    let groups = fleet_view.groups.len() as u64;
    let called = match (fleet_view.calls.is_empty(), groups) {
        (_, 0) => String::new(),
        (true, 1) => ", all in one phase".into(),
        (true, _) => format!(" in {} phases as the rows name them, one after the other, each", count(groups)),
        (false, 1) => ", in 1 call".into(),
        (false, _) => format!(" in {} calls, one after the other, each", count(groups)),
    };
    let comma = if groups > 1 { "" } else { "," };
    format!("{}{called}{comma} {order}.", tenants(many))
}

fn legend(report: &Report, fleet_view: &FleetView, large: bool) -> Markup {
    let states = |proven: bool| {
        let states = report.summary.states.iter();
        states.filter(move |(state, _)| report.summary.proving.contains(*state) == proven)
    };
    html! {
        ul.legend aria-label="States" {
            @for (proven, (state, many)) in
                states(true).map(|state| (true, state)).chain(states(false).map(|state| (false, state)))
            {
                li.proven[proven].not-proven[!proven] {
                    (symbol(state))
                    span.many { (count(*many)) } " "
                    span.state { (shown(state)) } " "
                    span.quiet { @if proven { "proven: " } @else { "not proven: " } (meaning(state)) }
                }
            }
            @if fleet_view.cells.iter().any(|cell| report.is_denied(&cell.tenant)) {
                li { span.mark.denied aria-hidden="true" {} "denied: a finding that fails the rollout names it" }
            }
            @if large && fleet_view.rollout.canary.is_some() {
                li { span.mark.canary aria-hidden="true" {} "the canary" }
            }
            @if large && (!report.denied.is_empty() || fleet_view.kinds.iter().any(|kind| !kind.proven)) {
                li { span.mark.tick aria-hidden="true" {} "at the right edge: somebody in this line is not proven or is denied" }
            }
            @if large && fleet_view.groups.len() > 1 && report.summary.proven > 0 {
                li { span.mark.bands aria-hidden="true" {} @if fleet_view.calls.is_empty() { "phases" } @else { "calls" } " take turns in two tones" }
            }
        }
    }
}

/// Neighbours in the fleet that were called together.
fn segments(fleet_view: &FleetView) -> impl Iterator<Item = (Option<usize>, &[Cell])> {
    fleet_view.cells.chunk_by(|a, b| a.group == b.group).map(|cells| (cells[0].group, cells))
}

fn is_canary(fleet_view: &FleetView, cell: &Cell) -> bool {
    fleet_view.rollout.canary.as_ref() == Some(&cell.tenant)
}

fn tiles(report: &Report, fleet_view: &FleetView) -> Markup {
    let has_no_groups = fleet_view.groups.is_empty();
    html! {
        ol.segments aria-label="Every tenant, by call" {
            @for (group, cells) in segments(fleet_view) {
                @let name = group.and_then(|group| fleet_view.groups.get(group)).map(|group| shown(&group.name));
                li.segment.canary[group.is_some_and(|group| fleet_view.groups[group].canary)].nobody[group.is_none()] {
                    @if !has_no_groups {
                        p.group { (name.unwrap_or_else(|| if fleet_view.calls.is_empty() { "no phase" } else { "not called" }.into())) }
                    }
                    ul {
                        @for cell in cells {
                            @let kind = &fleet_view.kinds[cell.kind];
                            @let denied = report.is_denied(&cell.tenant);
                            li.tile.{ "s-" (class(&kind.state)) }.proven[kind.proven].not-proven[!kind.proven].denied[denied] {
                                (symbol(&kind.state))
                                span.name { (shown(&cell.tenant)) }
                                @if is_canary(fleet_view, cell) && !group.is_some_and(|group| fleet_view.groups[group].canary) { span.tag { "canary" } }
                                @if kind.proven { span.sr { (shown(&kind.state)) } } @else { span.state { (shown(&kind.state)) } }
                                @if denied { span.tag { "denied" } }
                                @if !kind.labels.is_empty() { span.tag { (prose(&labels(&kind.labels))) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The canvas is painted by the script; beside it stands a list of which one tenant at a time can be read and heard.
fn map(report: &Report, fleet_view: &FleetView) -> Markup {
    let what = if report.denied.is_empty() { "not proven" } else { "not proven or denied" };
    html! {
        noscript { p.note { "The picture of a fleet this large needs JavaScript; the tables below do not." } }
        div #map.map hidden {
            div.stage {
                canvas aria-hidden="true" {}
                div #cells role="listbox" tabindex="0" aria-describedby="map-help"
                    aria-label={ "Every tenant of the fleet, " (count(fleet_view.cells.len() as u64)) } {
                    div #cell-a role="option" aria-selected="true" { "The first tenant" }
                    div #cell-b role="option" aria-selected="false" { "The next tenant" }
                }
            }
            div.under {
                p #map-tip.tip aria-hidden="true" {}
                p #map-said.sr role="status" {}
                div.steps {
                    button #previous type="button" { "Previous " (what) }
                    button #next type="button" { "Next " (what) }
                }
            }
            p #map-help.quiet { "Point at a cell, or walk with the arrow keys; Home and End lead to the ends, Enter finds a straggler in the table." }
        }
    }
}

#[derive(Default)]
struct GroupCounts<'a> {
    tenants: u64,
    unproven: BTreeMap<&'a str, u64>,
}

fn by_group(fleet_view: &FleetView) -> Markup {
    if fleet_view.groups.len() < 2 {
        return html! {};
    }
    let groups = counted(fleet_view);
    let many = groups.len();
    let interesting = |counted: &GroupCounts<'_>| counted.tenants > 0 && (many <= 50 || !counted.unproven.is_empty());
    let what = if fleet_view.calls.is_empty() { "phase" } else { "call" };
    let shown_groups: Vec<_> = groups.iter().enumerate().filter(|(_, counted)| interesting(counted)).collect();
    let left_out = groups.iter().filter(|counted| counted.tenants > 0).count() - shown_groups.len().min(MAX_GROUPS);
    let nobody = if fleet_view.calls.is_empty() { "no phase" } else { "not called" };
    let label = format!("The fleet by {what}");
    html! {
        details {
            summary { (label) }
            @if !shown_groups.is_empty() {
                (counts(if fleet_view.calls.is_empty() { "Phase" } else { "Call" }, &label, &html! {
                    @for (i, counted) in shown_groups.iter().take(MAX_GROUPS) {
                        (counts_row(fleet_view.groups.get(*i).map_or(nobody, |group| &group.name), counted))
                    }
                }))
            }
            @if left_out > 0 {
                p.note {
                    @if shown_groups.len() > MAX_GROUPS { (count(left_out as u64)) " more are not shown." }
                    @else { (count(left_out as u64)) " in which every tenant is proven are left out." }
                }
            }
        }
    }
}

/// The tenants of each group, and last those of none.
fn counted(fleet_view: &FleetView) -> Vec<GroupCounts<'_>> {
    let mut groups: Vec<GroupCounts<'_>> = (0..=fleet_view.groups.len()).map(|_| GroupCounts::default()).collect();
    for cell in &fleet_view.cells {
        let counted = &mut groups[cell.group.unwrap_or(fleet_view.groups.len())];
        let kind = &fleet_view.kinds[cell.kind];
        counted.tenants += 1;
        if !kind.proven {
            *counted.unproven.entry(&kind.state).or_default() += 1;
        }
    }
    groups
}

/// A table of how many tenants are proven, by something; its rows are those of [`counts_row`].
fn counts(what: &str, label: &str, rows: &Markup) -> Markup {
    let table = html! {
        table {
            thead { tr {
                th scope="col" { (shown(what)) }
                th.number scope="col" { "Tenants" }
                th.number scope="col" { "Proven" }
                th scope="col" { "Not proven" }
            } }
            tbody { (rows) }
        }
    };
    scroll(label, &table)
}

fn counts_row(name: &str, counted: &GroupCounts<'_>) -> Markup {
    let unproven: u64 = counted.unproven.values().sum();
    html! {
        tr {
            th scope="row" { (shown(name)) }
            td.number { (count(counted.tenants)) }
            td.number { (count(counted.tenants - unproven)) }
            td {
                @if unproven == 0 { span.quiet { "none" } }
                @for (state, many) in &counted.unproven {
                    span.inline { (symbol(state)) (count(*many)) " " (shown(state)) }
                }
            }
        }
    }
}

/// A table a label: how many tenants are proven by its values.
fn by_label(fleet_view: &FleetView) -> Markup {
    let mut tenants = vec![0_u64; fleet_view.kinds.len()];
    fleet_view.cells.iter().for_each(|cell| tenants[cell.kind] += 1);
    let kinds = || fleet_view.kinds.iter().zip(&tenants).filter(|(_, many)| **many > 0);
    let keys: BTreeSet<&Text> = kinds().flat_map(|(kind, _)| kind.labels.keys()).collect();
    let more = keys.len().saturating_sub(MAX_LABELS) as u64;
    let by_value = |key: &Text| {
        let mut values: BTreeMap<Option<&Text>, GroupCounts<'_>> = BTreeMap::new();
        for (kind, many) in kinds() {
            let value = kind.labels.iter().find(|(label, _)| *label == key).map(|(_, value)| value);
            let counted = values.entry(value).or_default();
            counted.tenants += many;
            if !kind.proven {
                *counted.unproven.entry(&kind.state).or_default() += many;
            }
        }
        values
    };
    html! {
        @for key in keys.into_iter().take(MAX_LABELS) {
            @let values = by_value(key);
            @let more = values.len().saturating_sub(MAX_GROUPS) as u64;
            @let label = format!("The fleet by the label {}", shown(key));
            details {
                summary { (label) }
                (counts(key, &label, &html! {
                    @for (value, counted) in values.iter().take(MAX_GROUPS) {
                        (counts_row(value.map_or("no such label", |value| &**value), counted))
                    }
                }))
                @if more > 0 { p.note { (count(more)) " more values are not shown." } }
            }
        }
        @if more > 0 { p.note { (count(more)) " more labels have no table." } }
    }
}

fn outside(names: &[Text]) -> Markup {
    let more = names.len().saturating_sub(MAX_OUTSIDE) as u64;
    html! {
        @if !names.is_empty() {
            h3 { "Outside the fleet" }
            p { (tenants(names.len() as u64)) " with rows that nobody enumerated:" }
            ul.names {
                @for name in names.iter().take(MAX_OUTSIDE) { li { code { (shown(name)) } } }
                @if more > 0 { li { "and " (count(more)) " more" } }
            }
        }
    }
}
