//! What the script reads: the fleet in a compact form, as JSON that cannot end its element.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use serde::Serialize;

use crate::render::html::components::{class, evidence, labels, shown};
use crate::render::html::stragglers::mark;
use crate::report::Report;
use crate::report::fleet_view::FleetView;

/// How many bytes of text a page's data holds. Beside it stand at most some 50 bytes of numbers a tenant.
const MAX_TEXT: usize = 12 << 20;

/// What stands for a text that had no room.
pub const LEFT_OUT: &str = "left out of this page; the JSON report has it";

/// The data of a page. Numbers stand for places in lists: runs of kinds and groups, kinds of states and texts.
#[derive(Serialize)]
struct Data {
    /// Proof states: name, symbol, and whether it proves anything.
    states: Vec<(String, &'static str, bool)>,
    /// What is said of tenants, each once.
    texts: Vec<String>,
    /// What is known of a tenant: its state, why it is not proven, what its row says, and its labels.
    kinds: Vec<KindOfTenant>,
    /// Whether a tenant has labels.
    labelled: bool,
    /// Who was called together.
    groups: Vec<String>,
    /// The fleet: how many neighbours are of the same kind and group (-1: none).
    runs: Vec<(usize, i64, usize)>,
    /// The fleet's names; one that had no room is empty.
    names: Vec<String>,
    /// The canary's place in the fleet.
    canary: Option<usize>,
    /// The places in the fleet of the tenants that a deny names.
    denied: Vec<usize>,
    /// The stragglers by name: place in the fleet, whether it is waived, quarantined or denied, where its row stands.
    stragglers: Vec<(usize, &'static str, String)>,
}

/// A state and texts, by their places.
type KindOfTenant = (usize, usize, usize, usize);

/// The element that holds the data.
pub fn json_script(report: &Report) -> String {
    element(&report.fleet_view.as_ref().map(|fleet_view| data(report, fleet_view)))
}

/// The element that holds some data.
pub fn element(data: &impl Serialize) -> String {
    // It holds nothing but text and numbers, which cannot fail.
    let json = serde_json::to_string(data).unwrap_or_else(|_| "null".into());
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

fn data(report: &Report, fleet_view: &FleetView) -> Data {
    let stragglers_by_name = report.stragglers_by_name();
    let cells = fleet_view.cells.iter().enumerate();
    let mut places: Vec<_> =
        cells.filter_map(|(place, cell)| Some((place, *stragglers_by_name.get(&*cell.tenant)?))).collect();

    // Where there is no room for everything, stragglers keep their names longest.
    let mut room = Room(MAX_TEXT);
    let mut names = vec![String::new(); fleet_view.cells.len()];
    for place in places.iter().map(|(place, _)| *place).chain(0..fleet_view.cells.len()) {
        if names[place].is_empty() {
            names[place] = room.take(shown(&fleet_view.cells[place].tenant)).unwrap_or_default();
        }
    }
    let groups = fleet_view.groups.iter().map(|group| room.take(shown(&group.name)).unwrap_or_else(|| LEFT_OUT.into()));
    let groups: Vec<String> = groups.collect();
    let (kinds, kind_of, tables) = kinds(fleet_view, &mut room);

    let mut runs: Vec<(usize, i64, usize)> = Vec::new();
    for cell in &fleet_view.cells {
        let kind = kind_of[cell.kind];
        let group = cell.group.and_then(|group| i64::try_from(group).ok()).unwrap_or(-1);
        match runs.last_mut() {
            Some((same_kind, same_group, many)) if *same_kind == kind && *same_group == group => *many += 1,
            _ => runs.push((kind, group, 1)),
        }
    }
    places.sort_by(|a, b| a.1.tenant.cmp(&b.1.tenant));
    let stragglers = places.into_iter().map(|(place, straggler)| {
        let source = straggler.source.as_ref().map_or_else(String::new, |source| shown(&source.pointer));
        (place, mark(report, straggler).unwrap_or_default(), source)
    });
    Data {
        states: tables.states.list,
        texts: tables.texts.list,
        kinds,
        labelled: fleet_view.is_labelled(),
        groups,
        canary: fleet_view.cells.iter().position(|cell| fleet_view.rollout.canary.as_ref() == Some(&cell.tenant)),
        denied: (0..fleet_view.cells.len())
            .filter(|place| report.is_denied(&fleet_view.cells[*place].tenant))
            .collect(),
        runs,
        names,
        stragglers: stragglers.collect(),
    }
}

/// What kinds say, each text once.
struct Tables {
    states: Once<(String, &'static str, bool)>,
    texts: Once<String>,
}

/// The kinds that differ on the page, and for each kind of the picture which of them it is.
fn kinds(fleet_view: &FleetView, room: &mut Room) -> (Vec<KindOfTenant>, Vec<usize>, Tables) {
    let mut tables = Tables { states: Once::default(), texts: Once::default() };
    let mut kinds = Once::default();
    let mut text = |text: String, room: &mut Room| match tables.texts.places.get(&text) {
        Some(place) => *place,
        None => tables.texts.place(room.take(text).unwrap_or_else(|| LEFT_OUT.into())),
    };
    let kind_of = fleet_view.kinds.iter().map(|kind| {
        let state = tables.states.place((shown(&kind.state), class(&kind.state), kind.proven));
        let reason = text(shown(&kind.reason), room);
        // Only stragglers are in the table.
        let row = if kind.proven { String::new() } else { evidence(kind.row.as_ref()) };
        kinds.place((state, reason, text(row, room), text(labels(&kind.labels), room)))
    });
    let kind_of = kind_of.collect();
    (kinds.list, kind_of, tables)
}

/// Equal values once, by their place.
pub struct Once<T> {
    pub list: Vec<T>,
    places: HashMap<T, usize, FixedState>,
}

impl<T> Default for Once<T> {
    fn default() -> Self {
        Self { list: Vec::new(), places: HashMap::default() }
    }
}

impl<T: Clone + Eq + std::hash::Hash> Once<T> {
    /// Whether a value is there.
    pub fn has(&self, value: &T) -> bool {
        self.places.contains_key(value)
    }

    /// Where a value is; it is put in where it is not there yet.
    pub fn place(&mut self, value: T) -> usize {
        *self.places.entry(value).or_insert_with_key(|value| {
            self.list.push(value.clone());
            self.list.len() - 1
        })
    }
}

/// How many bytes of text there is still room for.
pub struct Room(pub usize);

impl Room {
    /// A text, if there is room for it as it will be written.
    pub fn take(&mut self, text: String) -> Option<String> {
        let bytes = text.chars().map(|c| match c {
            '<' | '>' | '&' => 6,
            '"' | '\\' => 2,
            c => c.len_utf8(),
        });
        self.0 = self.0.checked_sub(bytes.sum())?;
        Some(text)
    }
}
