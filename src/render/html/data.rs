//! What the script reads: the fleet in a compact form, as JSON that cannot end its element.

use serde::Serialize;

use super::parts::{class, evidence, shown};
use super::stragglers::mark;
use crate::report::{Picture, Report};

/// How many bytes of names a page holds. Those of stragglers come first.
const MAX_NAMES: usize = 14 << 20;

/// The data of a page. Numbers stand for things that come before them.
#[derive(Serialize)]
struct Data {
    /// What is known of a tenant: its state, that state's symbol, whether it is proven, why not, and what its row says.
    kinds: Vec<(String, &'static str, bool, String, String)>,
    /// Who was called together.
    groups: Vec<String>,
    /// The fleet: how many neighbours are of the same kind and group (-1: none).
    runs: Vec<(usize, i64, usize)>,
    /// The fleet's names; one that had no room is empty.
    names: Vec<String>,
    /// The canary's place in the fleet.
    canary: Option<usize>,
    /// The stragglers by name: place in the fleet, what lets the verdict live with it, where its row stands.
    stragglers: Vec<(usize, &'static str, String)>,
}

/// The element that holds the data.
pub fn island(report: &Report) -> String {
    let data = report.picture.as_ref().map(|picture| data(report, picture));
    // It holds nothing but text and numbers, which cannot fail.
    let json = serde_json::to_string(&data).unwrap_or_else(|_| "null".into());
    let mut safe = String::with_capacity(json.len() + 64);
    safe.push_str("<script type=\"application/json\" id=\"data\">");
    for c in json.chars() {
        // All of these stand inside of JSON strings, if anywhere.
        match c {
            '<' => safe.push_str("\\u003c"),
            '>' => safe.push_str("\\u003e"),
            '&' => safe.push_str("\\u0026"),
            _ => safe.push(c),
        }
    }
    safe.push_str("</script>");
    safe
}

fn data(report: &Report, picture: &Picture) -> Data {
    let behind = report.stragglers_by_name();
    let mut runs: Vec<(usize, i64, usize)> = Vec::new();
    let mut places = Vec::new();
    for (place, cell) in picture.cells.iter().enumerate() {
        let group = cell.group.and_then(|group| i64::try_from(group).ok()).unwrap_or(-1);
        match runs.last_mut() {
            Some((kind, same, many)) if *kind == cell.kind && *same == group => *many += 1,
            _ => runs.push((cell.kind, group, 1)),
        }
        if let Some(straggler) = behind.get(&*cell.tenant) {
            places.push((place, *straggler));
        }
    }
    let mut names = vec![String::new(); picture.cells.len()];
    let mut room = MAX_NAMES;
    let first = places.iter().map(|(place, _)| *place);
    for place in first.chain(0..picture.cells.len()) {
        let name = &picture.cells[place].tenant;
        if names[place].is_empty() && name.len() <= room {
            names[place] = shown(name);
            room = room.saturating_sub(names[place].len());
        }
    }
    places.sort_by(|a, b| a.1.tenant.cmp(&b.1.tenant));
    let stragglers = places.into_iter().map(|(place, straggler)| {
        let source = straggler.source.as_ref().map_or_else(String::new, |source| shown(&source.pointer));
        (place, mark(straggler).unwrap_or_default(), source)
    });
    let kinds = picture.kinds.iter().map(|kind| {
        (shown(&kind.state), class(&kind.state), kind.proven, shown(&kind.reason), evidence(kind.row.as_ref()))
    });
    Data {
        kinds: kinds.collect(),
        groups: picture.groups.iter().map(|group| shown(&group.name)).collect(),
        canary: picture.cells.iter().position(|cell| picture.rollout.canary.as_ref() == Some(&cell.tenant)),
        runs,
        names,
        stragglers: stragglers.collect(),
    }
}
