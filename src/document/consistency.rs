//! What a document's parts say of each other: every count, list and outcome that the others determine. A document that
//! was written by rollproof agrees with itself; one that does not was changed since, and proves nothing.

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;

use super::{
    AnomalyKind, Attempt, Call, Cohort, Document, Field, FleetSource, HeadState, Outcome, Probe, Purpose, Role, Run,
    Text,
};

/// A part of a document that contradicts another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// JSON pointer to it.
    pub at: String,
    /// What was found, and what the other parts say.
    pub problem: String,
}

type Checked = Result<(), Contradiction>;

fn wrong(at: impl Into<String>, problem: impl Into<String>) -> Checked {
    Err(Contradiction { at: at.into(), problem: problem.into() })
}

fn ensure(holds: bool, at: impl Into<String>, problem: impl Into<String>) -> Checked {
    if holds { Ok(()) } else { wrong(at, problem) }
}

/// Checks a document as a whole.
///
/// # Errors
/// The first contradiction.
pub fn check(document: &Document) -> Checked {
    let whole = Whole::new(document)?;
    whole.provenance()?;
    whole.plan()?;
    whole.times()?;
    whole.fleet()?;
    whole.order()?;
    whole.archive()?;
    let steps = whole.calls()?;
    whole.outcome(&steps)?;
    whole.cohorts()?;
    whole.phases()?;
    whole.gates()?;
    whole.probes()?;
    whole.anomalies()
}

/// A document, with what is looked up in it.
struct Whole<'a> {
    document: &'a Document,
    /// The cohort of each tenant.
    cohort_of: HashMap<&'a str, usize, RandomState>,
    /// The calls that name a tenant, in order.
    calls_of: HashMap<&'a str, Vec<u32>, RandomState>,
}

impl<'a> Whole<'a> {
    fn new(document: &'a Document) -> Result<Self, Contradiction> {
        let mut cohort_of = HashMap::default();
        for (i, cohort) in document.cohorts.iter().enumerate() {
            ensure(!cohort.tenants.is_empty(), format!("/cohorts/{i}/tenants"), "found a cohort without a tenant")?;
            for (j, tenant) in cohort.tenants.iter().enumerate() {
                let at = || format!("/cohorts/{i}/tenants/{j}");
                if tenant.trim().is_empty() {
                    wrong(at(), "found a blank name, but a tenant has one")?;
                }
                if cohort_of.insert(&**tenant, i).is_some() {
                    wrong(at(), format!("found the tenant {tenant:?} a second time, but each is in one cohort"))?;
                }
            }
        }
        let mut calls_of: HashMap<&str, Vec<u32>, RandomState> = HashMap::default();
        for (i, call) in (0..).zip(&document.calls) {
            for tenant in &call.tenants {
                calls_of.entry(&**tenant).or_default().push(i);
            }
        }
        Ok(Self { document, cohort_of, calls_of })
    }

    /// Whether it is of an archived response, and not of a rollout that was driven.
    const fn is_archived(&self) -> bool {
        self.document.archive.is_some()
    }

    fn is_planned(&self, tenant: &str) -> bool {
        self.cohort_of.get(tenant).is_some_and(|cohort| self.document.cohorts[*cohort].planned)
    }

    fn has_input(&self, role: Role) -> bool {
        self.document.provenance.inputs.iter().any(|input| input.role == role)
    }

    fn provenance(&self) -> Checked {
        let mut seen = Vec::new();
        for (i, input) in self.document.provenance.inputs.iter().enumerate() {
            let at = format!("/provenance/inputs/{i}");
            let may = match input.role {
                Role::Response => self.is_archived(),
                Role::Plan | Role::Fleet => true,
                Role::Journal | Role::Document | Role::Waivers | Role::Facts => false,
            };
            ensure(may, format!("{at}/role"), "found an input in a role that no document is collected from")?;
            ensure(!seen.contains(&input.role), format!("{at}/role"), "found a second input in the same role")?;
            seen.push(input.role);
            let is_hash = input.sha256.len() == 64 && input.sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
            ensure(is_hash, format!("{at}/sha256"), "found no SHA-256, which has 64 hexadecimal digits")?;
        }
        let (role, what) = if self.is_archived() {
            (Role::Response, "an archived response, but no input in the role \"response\"")
        } else {
            (Role::Plan, "a rollout that was driven, but no input in the role \"plan\"")
        };
        ensure(self.has_input(role), "/provenance/inputs", format!("found {what}"))
    }

    fn plan(&self) -> Checked {
        let rollout = &self.document.rollout;
        let disabled = self.document.gates.as_ref().is_some_and(|gates| gates.plan_disabled.is_some());
        if self.has_input(Role::Plan) {
            let says = rollout.target_tag.is_some() || disabled;
            return ensure(
                says,
                "/rollout",
                "found a plan among the inputs, but neither a target tag nor a disabled plan",
            );
        }
        let without = super::Rollout {
            started_at: rollout.started_at.clone(),
            finished_at: rollout.finished_at.clone(),
            outcome: rollout.outcome,
            halted_because: rollout.halted_because.clone(),
            time_scale: rollout.time_scale.clone(),
            ..crate::collect::unknown_rollout()
        };
        ensure(
            *rollout == without && !disabled,
            "/rollout",
            "found what only a plan says, but no plan among the inputs",
        )
    }

    fn times(&self) -> Checked {
        let rollout = &self.document.rollout;
        let collected = &self.document.provenance.collected_at;
        if self.is_archived() {
            return Ok(());
        }
        let begun = rollout.started_at.as_ref() == Some(collected);
        ensure(begun, "/rollout/started_at", "found another time than the document's own, which a rollout begins with")
    }

    fn fleet(&self) -> Checked {
        let Document { fleet, cohorts, .. } = self.document;
        let planned: u64 =
            cohorts.iter().filter(|cohort| cohort.planned).map(|cohort| cohort.tenants.len() as u64).sum();
        let found = fleet.tenants;
        ensure(
            found == planned,
            "/fleet/tenants",
            format!("found {found}, but {planned} tenants in the cohorts are planned"),
        )?;
        let enumerated = self.document.calls.iter().any(|call| call.purpose == Purpose::Plan && succeeded(call));
        let acted = self.document.anomalies.iter().any(|anomaly| anomaly.kind == AnomalyKind::LiveRowInPlanCall);
        let (fits, should) = match (self.is_archived(), fleet.source) {
            (true, FleetSource::File) => (self.has_input(Role::Fleet), "no input is a fleet"),
            (true, FleetSource::Response) => (!self.has_input(Role::Fleet), "an input is a fleet"),
            (true, FleetSource::PlanCall | FleetSource::None) => (false, "the evidence is an archived response"),
            (false, FleetSource::PlanCall) => (enumerated, "no plan call succeeded"),
            (false, FleetSource::None) => (!enumerated || acted, "a plan call succeeded"),
            (false, FleetSource::File | FleetSource::Response) => (false, "the evidence is no archived response"),
        };
        ensure(fits, "/fleet/source", format!("found another source than the rest says: {should}"))?;
        if fleet.source == FleetSource::None {
            ensure(planned == 0, "/fleet/source", "found nobody who enumerates, but tenants that are planned")?;
        }
        let sorted = fleet.duplicates.windows(2).all(|pair| pair[0] < pair[1]);
        ensure(sorted, "/fleet/duplicates", "found tenants that are not sorted, or one twice")?;
        if let Some(i) = fleet.duplicates.iter().position(|tenant| !self.is_planned(tenant)) {
            wrong(format!("/fleet/duplicates/{i}"), "found a tenant that no cohort of the fleet has")?;
        }
        let has_list = fleet.source == FleetSource::PlanCall && self.has_input(Role::Fleet);
        ensure(
            fleet.inventory.is_empty() || has_list,
            "/fleet/inventory",
            "found an inventory, but no input is a fleet that a plan call was compared with",
        )?;
        let mut seen = HashSet::new();
        for (i, tenant) in fleet.inventory.iter().enumerate() {
            let at = format!("/fleet/inventory/{i}");
            ensure(!self.is_planned(tenant), at.clone(), "found a tenant that the control plane did enumerate")?;
            ensure(seen.insert(tenant), at, "found a tenant twice")?;
        }
        Ok(())
    }

    fn order(&self) -> Checked {
        let Document { order, cohorts, .. } = self.document;
        let planned = |cohort: &Cohort| if cohort.planned { cohort.tenants.len() as u64 } else { 0 };
        let mut unplaced: Vec<u64> = cohorts.iter().map(planned).collect();
        for (i, Run(cohort, many)) in order.iter().enumerate() {
            let left =
                unplaced.get_mut(*cohort as usize).and_then(|left| Some((left.checked_sub((*many).into())?, left)));
            let Some((less, left)) = left.filter(|_| *many > 0) else {
                return wrong(format!("/order/{i}"), "found no tenants, or more than the cohort has that are planned");
            };
            *left = less;
        }
        ensure(
            order.is_empty() || unplaced.iter().all(|left| *left == 0),
            "/order",
            "found an order that leaves out tenants that are planned",
        )
    }

    /// The fleet in its own order; none where that is not known.
    fn in_order(&self) -> Option<Vec<&'a str>> {
        let Document { order, cohorts, fleet, .. } = self.document;
        if order.is_empty() && fleet.tenants > 0 {
            return None;
        }
        let mut next = vec![0; cohorts.len()];
        let mut tenants = Vec::new();
        for Run(cohort, many) in order {
            let from = &mut next[*cohort as usize];
            let to = *from + *many as usize;
            tenants.extend(cohorts[*cohort as usize].tenants[*from..to].iter().map(|tenant| &**tenant));
            *from = to;
        }
        Some(tenants)
    }

    fn archive(&self) -> Checked {
        let Some(archive) = &self.document.archive else { return Ok(()) };
        let Document { rollout, calls, fleet, gates, .. } = self.document;
        ensure(calls.is_empty(), "/calls", "found calls, but an archived response tells of none")?;
        let is_silent = rollout.started_at.is_none()
            && rollout.finished_at.is_none()
            && rollout.halted_because.is_none()
            && rollout.time_scale.is_none();
        ensure(is_silent, "/rollout", "found what an archived response does not tell of a rollout")?;
        let read = gates.as_ref().is_some_and(|gates| {
            gates.plan_disabled.is_none() || !gates.switch.is_empty() || !gates.head.is_empty() || gates.ci.is_some()
        });
        ensure(!read, "/gates", "found gates that were read, but an archived response tells of none")?;
        if fleet.source != FleetSource::Response {
            return Ok(());
        }
        let named: HashSet<&str> = archive.stragglers.given().into_iter().flatten().map(|slug| slug.trim()).collect();
        for (i, cohort) in self.document.cohorts.iter().enumerate() {
            let at = format!("/cohorts/{i}");
            ensure(
                cohort.planned,
                at.clone(),
                "found tenants that are not planned, but the fleet is whom the response names",
            )?;
            let is_named = !cohort.rows.is_empty() || cohort.tenants.iter().all(|tenant| named.contains(&**tenant));
            ensure(
                is_named,
                at,
                "found a tenant without a row that is no straggler of the archive, but the fleet is whom the response names",
            )?;
        }
        let unknown = named.iter().any(|slug| !slug.is_empty() && !self.cohort_of.contains_key(slug));
        ensure(
            !unknown,
            "/archive/stragglers",
            "found a straggler that no cohort has, but the fleet is whom the response names",
        )
    }

    /// The calls follow each other as the plan and the fleet have it (contract section 4).
    fn calls(&self) -> Result<Steps<'_, 'a>, Contradiction> {
        let mut steps = Steps::new(self);
        for (i, call) in self.document.calls.iter().enumerate() {
            attempts(i, call)?;
            steps.take(i, call)?;
        }
        Ok(steps)
    }

    fn outcome(&self, steps: &Steps<'_, '_>) -> Checked {
        let rollout = &self.document.rollout;
        let disabled = self.document.gates.as_ref().is_some_and(|gates| gates.plan_disabled.is_some());
        let at = "/rollout/outcome";
        if self.is_archived() {
            return ensure(
                rollout.outcome == Outcome::Unknown,
                at,
                "found an outcome, but an archived response tells of none",
            );
        }
        if disabled {
            let nothing = rollout.outcome == Outcome::Halted && self.document.calls.is_empty();
            return ensure(nothing, at, "found a rollout that went on, but its plan is disabled");
        }
        match rollout.outcome {
            Outcome::Unknown => wrong(at, "found no outcome, but a rollout that was driven has one"),
            Outcome::Halted => ensure(rollout.halted_because.is_some(), at, "found a halt, but nothing says why"),
            Outcome::Interrupted => Ok(()),
            Outcome::Running | Outcome::Completed => {
                ensure(rollout.halted_because.is_none(), at, "found no halt, but a reason for one")?;
                if rollout.outcome == Outcome::Running {
                    return Ok(());
                }
                ensure(
                    rollout.finished_at.is_some(),
                    "/rollout/finished_at",
                    "found no end of a rollout that has ended",
                )?;
                ensure(
                    steps.is_done(),
                    at,
                    "found a rollout in which every call was made, but some was not, or has not ended",
                )
            }
        }
    }

    fn cohorts(&self) -> Checked {
        for (i, cohort) in self.document.cohorts.iter().enumerate() {
            let shaped = cohort.origins.is_empty()
                || (cohort.origins.tenants() == cohort.tenants.len() && cohort.origins.width() == cohort.rows.len());
            let at = format!("/cohorts/{i}/origins");
            ensure(shaped, at, "found origins that are not one for each tenant and row")?;
            if cohort.call.is_some() && !cohort.rows.is_empty() {
                wrong(format!("/cohorts/{i}/call"), "found a call of tenants without a row, but they have rows")?;
            }
            for (j, tenant) in cohort.tenants.iter().enumerate() {
                self.tenant(cohort, (i, j), tenant)?;
            }
        }
        let stranger = self.calls_of.keys().find(|tenant| !self.cohort_of.contains_key(**tenant));
        ensure(stranger.is_none(), "/calls", "found a call that names a tenant which no cohort has")
    }

    /// Where a tenant's rows came from, and which call it waits for.
    fn tenant(&self, cohort: &Cohort, (i, j): (usize, usize), tenant: &Text) -> Checked {
        let named = self.calls_of.get(&**tenant).map_or(&[][..], |calls| calls);
        if cohort.rows.is_empty() && cohort.call != named.last().copied() {
            return wrong(format!("/cohorts/{i}"), format!("found another call than the last that names {tenant:?}"));
        }
        let at = || format!("/cohorts/{i}/origins/{j}");
        if !self.is_archived() && named.is_empty() && !cohort.planned {
            return wrong(format!("/cohorts/{i}/tenants/{j}"), format!("found {tenant:?}, which no call names"));
        }
        let mut before = None;
        for row in 0..cohort.origins.width() {
            let Some(origin) = cohort.origins.get(j, row) else { continue };
            let place = (origin.call, origin.attempt, origin.row);
            ensure(before < Some(place), at(), "found rows that do not stand in the order in which they came")?;
            before = Some(place);
            let fits = match (origin.call, origin.attempt) {
                (None, None) => self.is_archived(),
                (Some(call), Some(attempt)) => {
                    // Another one's answer may hold a row of a tenant of the fleet that denies its success.
                    let attempts = self.document.calls.get(call as usize).map_or(0, |call| call.attempts.len());
                    (cohort.planned || named.contains(&call)) && usize::from(attempt) < attempts
                }
                _ => false,
            };
            ensure(
                fits,
                at(),
                format!(
                    "found a row of {tenant:?} from an answer that nobody gave, or to a call that does not name it"
                ),
            )?;
        }
        Ok(())
    }

    fn phases(&self) -> Checked {
        for (phase, tenants) in self.document.phases.iter() {
            let has_row = |tenant: &Text| {
                self.cohort_of.get(&**tenant).is_some_and(|cohort| !self.document.cohorts[*cohort].rows.is_empty())
            };
            if let Some(tenant) = tenants.iter().find(|tenant| !has_row(tenant)) {
                let at = format!("/phases/{}", crate::schema::escape_pointer(phase));
                return wrong(at, format!("found {tenant:?}, which has no row"));
            }
        }
        Ok(())
    }

    fn gates(&self) -> Checked {
        let Some(gates) = &self.document.gates else { return Ok(()) };
        let switches = gates.switch.iter().map(|reading| (&reading.asked, reading.before));
        let heads = gates.head.iter().map(|reading| (&reading.asked, reading.before));
        for (name, readings) in [("switch", switches.collect::<Vec<_>>()), ("head", heads.collect())] {
            let ascending = readings.windows(2).all(|pair| pair[0].1 <= pair[1].1);
            ensure(ascending, format!("/gates/{name}"), "found readings that are not in the order of the calls")?;
            for (i, (asked, before)) in readings.iter().enumerate() {
                let at = format!("/gates/{name}/{i}");
                let many = self.document.calls.len();
                ensure(
                    *before as usize <= many,
                    at.clone(),
                    format!("found a reading before call {before}, but {many} were made"),
                )?;
                ensure(asked.answers <= asked.requests, at, "found more answers than requests")?;
            }
        }
        for (i, reading) in gates.head.iter().enumerate() {
            let says = match &reading.head {
                None => HeadState::Unreadable,
                Some(head) if crate::preflight::is_same_commit(head, &reading.sha) => HeadState::Latest,
                Some(_) => HeadState::Superseded,
            };
            let at = format!("/gates/head/{i}/state");
            ensure(reading.state == says, at, "found another state than the commits say")?;
        }
        Ok(())
    }

    fn probes(&self) -> Checked {
        let mut seen = HashSet::new();
        for (i, probe) in self.document.probes.iter().flatten().enumerate() {
            let Probe { tenants, asked, at, status, git_sha, .. } = probe;
            ensure(!tenants.is_empty(), format!("/probes/{i}/tenants"), "found no tenant")?;
            for (j, tenant) in tenants.iter().enumerate() {
                let place = format!("/probes/{i}/tenants/{j}");
                ensure(self.is_planned(tenant), place.clone(), format!("found {tenant:?}, which is not in the fleet"))?;
                ensure(seen.insert(tenant), place, format!("found {tenant:?} a second time"))?;
            }
            let answered = status.is_some() || !git_sha.is_absent();
            let fits = if *asked == 0 { at.is_none() && !answered } else { at.is_some() };
            ensure(fits, format!("/probes/{i}"), "found what was seen of tenants that nobody asked, or the contrary")?;
        }
        Ok(())
    }

    fn anomalies(&self) -> Checked {
        for (i, anomaly) in self.document.anomalies.iter().enumerate() {
            let at = |key: &str| format!("/anomalies/{i}/{key}");
            ensure(anomaly.count > 0, at("count"), "found 0, but what is listed occurs at least once")?;
            let Some(place) = anomaly.at.strip_prefix("/calls/") else { continue };
            let mut parts = place.split('/');
            let call = parts.next().and_then(|call| self.document.calls.get(call.parse::<usize>().ok()?));
            let attempt = match parts.next() {
                Some("attempts") => parts.next().and_then(|attempt| attempt.parse().ok()),
                _ => Some(0),
            };
            let is_there = call.zip(attempt).is_some_and(|(call, attempt): (_, usize)| attempt < call.attempts.len());
            ensure(is_there || self.is_archived(), at("at"), "found a place in an answer that nobody gave")?;
        }
        Ok(())
    }
}

/// The steps of a rollout, as the plan and the fleet have them.
struct Steps<'w, 'a> {
    whole: &'w Whole<'a>,
    fleet: Option<Vec<&'a str>>,
    called: HashSet<&'a str, RandomState>,
    /// How many of the first tenants of the fleet were called.
    passed: usize,
    /// Whether a plan call has ended.
    asked: bool,
}

impl<'w, 'a> Steps<'w, 'a> {
    fn new(whole: &'w Whole<'a>) -> Self {
        let fleet = if whole.document.calls.is_empty() { None } else { whole.in_order() };
        Self { whole, fleet, called: HashSet::default(), passed: 0, asked: false }
    }

    fn has_fleet(&self) -> bool {
        self.whole.document.fleet.tenants > 0
    }

    /// Whether no step is left.
    fn is_done(&self) -> bool {
        let fleet = &self.whole.document.fleet;
        let planned = self.called.iter().filter(|tenant| self.whole.is_planned(tenant)).count() as u64;
        let canary = self.whole.document.rollout.canary.as_deref();
        self.asked
            && planned == fleet.tenants
            && (!self.has_fleet() || canary.is_none_or(|canary| self.called.contains(canary)))
    }

    /// Takes the next step.
    fn take(&mut self, i: usize, call: &'a Call) -> Checked {
        let at = |key: &str| format!("/calls/{i}/{key}");
        let rollout = &self.whole.document.rollout;
        if !self.asked || !self.has_fleet() {
            ensure(!self.asked, format!("/calls/{i}"), "found a call after a plan call that enumerated nobody")?;
            ensure(call.purpose == Purpose::Plan, at("purpose"), "found a call before the plan call has ended")?;
            self.asked = call.has_ended();
            return ensure(call.tenants.is_empty(), at("tenants"), "found a plan call that names tenants");
        }
        let canary = rollout.canary.as_deref().filter(|canary| !self.called.contains(canary));
        let size = usize::try_from(rollout.batch_size.unwrap_or(1)).unwrap_or(usize::MAX);
        let names: Vec<&str> = call.tenants.iter().map(|tenant| &**tenant).collect();
        let (purpose, fits) = match (canary, &self.fleet) {
            (Some(canary), _) => (Purpose::Canary, names == [canary]),
            (None, Some(fleet)) => {
                let waiting = fleet[self.passed..].iter().filter(|tenant| !self.called.contains(*tenant));
                (Purpose::Batch, !names.is_empty() && waiting.take(size).eq(&names))
            }
            // Without its order only the members of the fleet are known.
            (None, None) => {
                let mut seen = HashSet::new();
                let is_due = |tenant: &&str| !self.called.contains(tenant) && self.whole.is_planned(tenant);
                let all = names.iter().all(|tenant| is_due(tenant) && seen.insert(*tenant));
                (Purpose::Batch, !names.is_empty() && names.len() <= size && all)
            }
        };
        ensure(call.purpose == purpose, at("purpose"), "found another purpose than the plan and the calls before say")?;
        ensure(fits, at("tenants"), "found other tenants than the plan, the fleet and the calls before say")?;
        if call.has_ended() {
            self.called.extend(names);
            if let Some(fleet) = &self.fleet {
                while fleet.get(self.passed).is_some_and(|tenant| self.called.contains(tenant)) {
                    self.passed += 1;
                }
            }
        }
        Ok(())
    }
}

/// Only the last attempt of a call may end it, and only what is worth another attempt has one after it.
fn attempts(i: usize, call: &Call) -> Checked {
    let Some((last, before)) = call.attempts.split_last() else {
        return wrong(format!("/calls/{i}/attempts"), "found a call without an attempt");
    };
    for (k, attempt) in before.iter().enumerate() {
        let transient = !attempt.last && (attempt.error.is_some() || matches!(attempt.status, Some(502..=504)));
        ensure(
            transient,
            format!("/calls/{i}/attempts/{k}"),
            "found an attempt after which none is made, but one follows",
        )?;
    }
    let is_open = |attempt: &Attempt| attempt.status.is_none() && attempt.error.is_none();
    let ended = !last.last || !is_open(last);
    ensure(
        ended,
        format!("/calls/{i}/attempts/{}", before.len()),
        "found an attempt that ended its call, but not how",
    )?;
    let answered = call.attempts.iter().any(|attempt| attempt.status.is_some());
    ensure(answered || call.ok == Field::Absent, format!("/calls/{i}/ok"), "found what an answer said, but none came")
}

fn succeeded(call: &Call) -> bool {
    let last = call.attempts.last();
    let well = last.is_some_and(|last| last.last && last.status == Some(200) && last.malformed.is_none());
    well && call.ok == Field::Given(true)
}
