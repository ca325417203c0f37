//! The table of stragglers. Its first rows are in the markup, so that they are there without the script; all of them
//! are in the page's data.

use std::collections::{HashMap, HashSet};

use foldhash::fast::FixedState;
use maud::{Markup, html};

use crate::render::html::components::{evidence, labels, prose, shown, symbol, tenants};
use crate::render::html::table::{PAGE, Table};
use crate::report::Report;
use crate::report::fleet_view::{Cell, FleetView};
use crate::report::stragglers::Straggler;

pub fn section(report: &Report) -> Markup {
    let many = report.stragglers.len() as u64;
    html! {
        section #stragglers aria-labelledby="stragglers-title" {
            h2 #stragglers-title { "Stragglers" }
            div.content {
                @if many == 0 {
                    p.lede { @if report.summary.dry_run { "A dry run has none." } @else { "Nobody is behind." } }
                } @else {
                    p.lede { (tenants(many)) @if many == 1 { " is" } @else { " are" } " not proven on the target." }
                    (table(report))
                }
            }
        }
    }
}

/// The columns of the table; the last one where tenants have labels.
const COLUMNS: [&str; 7] = ["Tenant", "State", "Why", "Batch", "The row says", "Where", "Labels"];

fn table(report: &Report) -> Markup {
    let shown_rows: Vec<&Straggler> = report.stragglers.iter().take(PAGE).collect();
    let wanted: HashSet<&str, FixedState> = shown_rows.iter().map(|row| &*row.tenant).collect();
    let cells = report.fleet_view.iter().flat_map(|fleet_view| &fleet_view.cells);
    let cells: HashMap<&str, &Cell, FixedState> =
        cells.filter(|cell| wanted.contains(&*cell.tenant)).map(|cell| (&*cell.tenant, cell)).collect();
    let labelled = report.fleet_view.as_ref().is_some_and(FleetView::is_labelled);
    let rows = html! {
        @for straggler in shown_rows { (row(report, straggler, cells.get(&*straggler.tenant).copied())) }
    };
    Table {
        label: "Table of stragglers",
        placeholder: if labelled { "tenant, state, reason, batch, label" } else { "tenant, state, reason, batch" },
        columns: if labelled { &COLUMNS } else { &COLUMNS[..COLUMNS.len() - 1] },
        sorted: Some(0),
        many: report.stragglers.len(),
    }
    .around(&rows)
}

fn row(report: &Report, straggler: &Straggler, cell: Option<&Cell>) -> Markup {
    let known = report.fleet_view.as_ref().zip(cell);
    let group = known.and_then(|(fleet_view, cell)| fleet_view.groups.get(cell.group?)).map(|group| shown(&group.name));
    let row = known.and_then(|(fleet_view, cell)| fleet_view.kinds.get(cell.kind)?.row.as_ref());
    html! {
        tr {
            th scope="row" { code { (shown(&straggler.tenant)) } }
            td { (symbol(&straggler.state)) (shown(&straggler.state)) @if let Some(mark) = mark(report, straggler) { " " span.lift { (mark) } } }
            td { (prose(&straggler.reason)) }
            td { (group.unwrap_or_else(|| "–".into())) }
            td { (evidence(row)) }
            td { @if let Some(source) = &straggler.source { code { (shown(&source.pointer)) } } @else { "–" } }
            @if let Some((fleet_view, cell)) = known.filter(|(fleet_view, _)| fleet_view.is_labelled()) {
                td { (prose(&labels(&fleet_view.kinds[cell.kind].labels))) }
            }
        }
    }
}

/// Whether a straggler is waived, quarantined or denied.
pub fn mark(report: &Report, straggler: &Straggler) -> Option<&'static str> {
    match (straggler.waived, straggler.quarantined, report.is_denied(&straggler.tenant)) {
        (true, _, false) => Some("waived"),
        (true, _, true) => Some("waived, but denied"),
        (false, true, false) => Some("quarantined"),
        (false, true, true) => Some("quarantined, but denied"),
        (false, false, true) => Some("denied"),
        (false, false, false) => None,
    }
}
