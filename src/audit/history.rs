//! From rollouts in the order of time to what became of each tenant: a pure fold, one tenant at a time.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rayon::prelude::*;

use crate::audit::fleets::Fleets;
use crate::audit::verdict::{Cell, EvaluatedRollout, Straggling};
use crate::model::audit::{Behind, Gap, Group, Tenant};
use crate::model::document::FleetSource;
use crate::model::document::text::{Map, Text};

/// The proof state of a tenant that earlier rollouts had, where nobody enumerated the fleet and no row answers for it.
pub const MISSING: &str = "missing";

/// Why such a tenant is not proven.
pub const WHY_MISSING: &str = "missing: nobody enumerated the fleet, and no row answers for it";

/// What became of each tenant, by group, control plane and name; and the groups. `evaluated` is in the order of time,
/// `names` are the tenants by number, and a tenant that is still behind is so up to `until`.
pub fn tenants(evaluated: &[EvaluatedRollout], names: &[Text], until: Timestamp) -> (Vec<Tenant>, Vec<Group>) {
    let (mut tenants, mut groups) = (Vec::new(), Vec::new());
    for ((group, control_plane), all) in series(evaluated) {
        // What has no date has no place among the others.
        let is_dated = |i: &usize| evaluated[*i].at.is_some() && !evaluated[*i].cells.is_empty();
        let rollouts: Vec<usize> = all.iter().copied().filter(is_dated).collect();
        let (newest, gap) = newest_and_gap(rollouts.iter().filter_map(|i| evaluated[*i].at));
        let fleets = Fleets::of(evaluated, &rollouts);
        let published = fleets.published(evaluated);
        let series = Series { evaluated, group, control_plane, rollouts, fleets, until };
        let before = tenants.len();
        tenants.par_extend(names.par_iter().enumerate().filter_map(|(number, name)| series.tenant(number, name)));
        groups.push(Group {
            group: series.group,
            control_plane: series.control_plane,
            rollouts: all.len() as u64,
            tenants: (tenants.len() - before) as u64,
            newest,
            gap,
            fleets: published,
        });
    }
    let key = |tenant: &Tenant| (tenant.group.clone(), tenant.control_plane.clone(), tenant.tenant.clone());
    tenants.sort_by_cached_key(key);
    (tenants, groups)
}

/// The rollouts of each group and control plane.
fn series(evaluated: &[EvaluatedRollout]) -> BTreeMap<(Option<Text>, Option<Text>), Vec<usize>> {
    let mut series: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (i, rollout) in evaluated.iter().enumerate() {
        series.entry((rollout.published.group.clone(), rollout.published.control_plane.clone())).or_default().push(i);
    }
    series
}

/// Names, in each rollout of which nobody enumerated the fleet, the tenants of earlier ones for which no row answers, but
/// those that no later row names either: they have vanished, and not in this rollout alone.
pub fn name_missing(evaluated: &mut [EvaluatedRollout], tenants: &[Tenant]) {
    for tenant in tenants {
        let letters: Vec<char> = tenant.history.iter().flat_map(|letters| letters.chars()).collect();
        let is_missing = |letter: char| letter.eq_ignore_ascii_case(&'m');
        let last = letters.iter().rposition(|letter| !is_missing(*letter) && *letter != '.').unwrap_or_default();
        for (rollout, letter) in evaluated.iter_mut().zip(&letters[..last]) {
            if is_missing(*letter) {
                rollout.published.missing.push(tenant.tenant.clone());
            }
        }
    }
}

/// How many rollouts have a date. They come first.
pub fn dated(evaluated: &[EvaluatedRollout]) -> usize {
    evaluated.partition_point(|rollout| rollout.at.is_some())
}

/// The dated rollouts of one group and control plane that assert something.
struct Series<'a> {
    evaluated: &'a [EvaluatedRollout],
    group: Option<Text>,
    control_plane: Option<Text>,
    /// Indices into `evaluated`.
    rollouts: Vec<usize>,
    fleets: Fleets,
    until: Timestamp,
}

/// What is known of a tenant so far.
#[derive(Default)]
struct TenantHistory {
    rollouts: u64,
    first: Option<usize>,
    last: Option<usize>,
    gone: Option<usize>,
    /// The first rollout since which no row answers for it, where nobody enumerated the fleet.
    missing: Option<usize>,
    /// Whether it was proven in the last rollout that says so.
    proven: bool,
    falls: u64,
    quarantined_running: u64,
    behind: Vec<Span>,
    /// Whether it was anything but always proven.
    eventful: bool,
}

/// A time during which it was behind, by indices of rollouts.
struct Span {
    since: usize,
    until: Option<usize>,
    rollouts: u64,
    last: Straggling,
}

impl TenantHistory {
    fn record_straggling(&mut self, rollout: usize, straggling: Straggling) {
        self.eventful = true;
        self.falls += u64::from(self.proven);
        self.proven = false;
        match self.behind.last_mut().filter(|span| span.until.is_none()) {
            Some(open) => {
                open.rollouts += 1;
                open.last = straggling;
            }
            None => self.behind.push(Span { since: rollout, until: None, rollouts: 1, last: straggling }),
        }
    }

    fn record_proven(&mut self, rollout: usize) {
        self.proven = true;
        self.quarantined_running = 0;
        if let Some(open) = self.behind.last_mut().filter(|span| span.until.is_none()) {
            open.until = Some(rollout);
        }
    }
}

impl Series<'_> {
    /// What became of a tenant; nothing where it never was in a fleet.
    fn tenant(&self, number: usize, name: &Text) -> Option<Tenant> {
        let is_there = |i: &usize| self.evaluated[*i].cells.get(number).is_some_and(|cell| *cell != Cell::OUTSIDE);
        if !self.rollouts.iter().any(is_there) {
            return None;
        }
        let mut so_far = TenantHistory::default();
        let mut history = vec![Cell::OUTSIDE.letter; dated(self.evaluated)];
        for &i in &self.rollouts {
            let rollout = &self.evaluated[i];
            let cell = rollout.cells.get(number).copied().unwrap_or(Cell::OUTSIDE);
            let fanned_out = rollout.published.fanned_out;
            let (mut letter, mut behind) = (cell.letter, false);
            if cell == Cell::OUTSIDE {
                if so_far.first.is_none() || so_far.gone.is_some() || !self.fleets.concerns(i, number) {
                    continue;
                }
                so_far.eventful = true;
                if rollout.published.fleet_source == FleetSource::Response {
                    so_far.missing.get_or_insert(i);
                    (letter, behind) = (b'm', fanned_out);
                    if behind {
                        so_far.record_straggling(i, missing());
                    }
                } else {
                    so_far.gone = Some(i);
                }
            } else {
                so_far.rollouts += 1;
                so_far.first.get_or_insert(i);
                so_far.last = Some(i);
                so_far.gone = None;
                so_far.missing = None;
                let straggling = u32::try_from(number).ok().and_then(|number| rollout.stragglers.get(&number));
                if cell.proven {
                    so_far.record_proven(i);
                } else if let Some(straggling) = straggling {
                    so_far.quarantined_running =
                        if straggling.quarantined { so_far.quarantined_running + 1 } else { 0 };
                    behind = fanned_out;
                    if behind {
                        so_far.record_straggling(i, straggling.clone());
                    }
                }
            }
            history[i] = if behind { letter.to_ascii_uppercase() } else { letter };
        }
        self.finish(so_far, &history, number, name)
    }

    /// The entry of the audit's document; nothing where it never was in a fleet.
    fn finish(&self, so_far: TenantHistory, history: &[u8], number: usize, name: &Text) -> Option<Tenant> {
        let (first, last) = (so_far.first?, so_far.last?);
        // The rollouts of a fleet that is not its own say nothing of when it came.
        let is_concerned = |i: &&usize| self.fleets.concerns(**i, number);
        let appeared = self.rollouts.iter().find(is_concerned) != Some(&first);
        let made = |i: usize| self.evaluated[i].at.unwrap_or(self.until);
        let at = |i: usize| Text::from(made(i).to_string());
        let between = |since, end: Timestamp| u64::try_from(end.duration_since(since).as_secs()).unwrap_or_default();
        let newest = self.rollouts.iter().rfind(is_concerned).map_or(self.until, |newest| made(*newest));
        let behind = so_far.behind.into_iter().map(|span| {
            let since = made(span.since);
            Behind {
                since: at(span.since),
                until: span.until.map(at),
                rollouts: span.rollouts,
                seconds: between(since, span.until.map_or(self.until, made)),
                seconds_seen: span.until.is_none().then(|| between(since, newest)),
                state: span.last.state,
                reason: span.last.reason,
                waived: span.last.waived,
            }
        });
        Some(Tenant {
            tenant: name.clone(),
            group: self.group.clone(),
            control_plane: self.control_plane.clone(),
            labels: Map::default(),
            rollouts: so_far.rollouts,
            first_seen: at(first),
            appeared,
            last_seen: at(last),
            gone_since: so_far.gone.map(at),
            missing_since: so_far.missing.filter(|_| so_far.gone.is_none()).map(at),
            falls: so_far.falls,
            quarantined_running: so_far.quarantined_running,
            behind: behind.collect(),
            history: (so_far.eventful || appeared).then(|| Text::from(String::from_utf8_lossy(history).into_owned())),
        })
    }
}

/// The newest of some times in order, and the longest time between two of them.
pub fn newest_and_gap(made: impl Iterator<Item = Timestamp>) -> (Option<Text>, Option<Gap>) {
    let made: Vec<Timestamp> = made.collect();
    let gaps = made.windows(2).filter_map(|two| Some((*two.first()?, *two.last()?)));
    let longest = gaps.max_by_key(|(since, until)| (until.duration_since(*since), std::cmp::Reverse(*since)));
    let gap = longest.map(|(since, until)| Gap {
        since: Text::from(since.to_string()),
        until: Text::from(until.to_string()),
        seconds: u64::try_from(until.duration_since(since).as_secs()).unwrap_or_default(),
    });
    (made.last().map(|newest| Text::from(newest.to_string())), gap)
}

fn missing() -> Straggling {
    Straggling { state: Text::from(MISSING), reason: Text::from(WHY_MISSING), quarantined: false, waived: false }
}
