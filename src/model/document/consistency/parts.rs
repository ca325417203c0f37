//! The parts of a document against each other.

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;

use crate::model::document::consistency::contradiction::{CheckResult, Contradiction, contradiction, ensure};
use crate::model::document::gates::CiWait;
use crate::model::document::lookalikes::lookalikes;
use crate::model::document::mapping::MappingProof;
use crate::model::document::probe::Probe;
use crate::model::document::text::{Field, Text};
use crate::model::document::{AnomalyKind, Call, Cohort, Document, FleetSource, Purpose, Role, Run};

/// A document, with what is looked up in it.
pub(crate) struct DocumentCheck<'a> {
    pub(crate) document: &'a Document,
    /// The cohort of each tenant.
    cohort_of: HashMap<&'a str, usize, RandomState>,
    /// The calls that name a tenant, in order.
    calls_of: HashMap<&'a str, Vec<u32>, RandomState>,
}

impl<'a> DocumentCheck<'a> {
    pub(crate) fn new(document: &'a Document) -> Result<Self, Contradiction> {
        let mut cohort_of = HashMap::default();
        for (i, cohort) in document.cohorts.iter().enumerate() {
            ensure(!cohort.tenants.is_empty(), format!("/cohorts/{i}/tenants"), "found a cohort without a tenant")?;
            for (j, tenant) in cohort.tenants.iter().enumerate() {
                let at = || format!("/cohorts/{i}/tenants/{j}");
                if tenant.trim().is_empty() {
                    contradiction(at(), "found a blank name, but a tenant has one")?;
                }
                if cohort_of.insert(&**tenant, i).is_some() {
                    contradiction(
                        at(),
                        format!("found the tenant {tenant:?} a second time, but each is in one cohort"),
                    )?;
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
    pub(crate) const fn is_archived(&self) -> bool {
        self.document.archive.is_some()
    }

    pub(crate) fn is_planned(&self, tenant: &str) -> bool {
        self.cohort_of.get(tenant).is_some_and(|cohort| self.document.cohorts[*cohort].planned)
    }

    fn has_input(&self, role: Role) -> bool {
        self.document.provenance.inputs.iter().any(|input| input.role == role)
    }

    pub(crate) fn provenance(&self) -> CheckResult {
        let mut seen = Vec::new();
        for (i, input) in self.document.provenance.inputs.iter().enumerate() {
            let at = format!("/provenance/inputs/{i}");
            let may = match input.role {
                Role::Response => self.is_archived(),
                Role::Plan | Role::Fleet | Role::Labels => true,
                Role::Mapping => self.document.mapping.is_some(),
                Role::FleetMapping => self.has_input(Role::Fleet),
                Role::Journal
                | Role::Document
                | Role::Waivers
                | Role::Facts
                | Role::Config
                | Role::Previous
                | Role::Retired => false,
            };
            ensure(may, format!("{at}/role"), "found an input in a role that no document is collected from")?;
            let may_recur = input.role == Role::Labels;
            ensure(
                may_recur || !seen.contains(&input.role),
                format!("{at}/role"),
                "found a second input in the same role",
            )?;
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

    pub(crate) fn plan(&self) -> CheckResult {
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
        let without = crate::model::document::Rollout {
            started_at: rollout.started_at.clone(),
            finished_at: rollout.finished_at.clone(),
            outcome: rollout.outcome,
            halted_because: rollout.halted_because.clone(),
            time_scale: rollout.time_scale.clone(),
            ..crate::model::document::unknown_rollout()
        };
        ensure(
            *rollout == without && !disabled,
            "/rollout",
            "found what only a plan says, but no plan among the inputs",
        )
    }

    pub(crate) fn times(&self) -> CheckResult {
        let rollout = &self.document.rollout;
        let collected = &self.document.provenance.collected_at;
        if self.is_archived() {
            return Ok(());
        }
        let begun = rollout.started_at.as_ref() == Some(collected);
        ensure(begun, "/rollout/started_at", "found another time than the document's own, which a rollout begins with")
    }

    pub(crate) fn fleet(&self) -> CheckResult {
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
            contradiction(format!("/fleet/duplicates/{i}"), "found a tenant that no cohort of the fleet has")?;
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
        ensure(
            fleet.lookalikes == lookalikes(self.document, []),
            "/fleet/lookalikes",
            "found other names than those that look like that of a tenant of the fleet",
        )
    }

    pub(crate) fn order(&self) -> CheckResult {
        let Document { order, cohorts, .. } = self.document;
        let planned = |cohort: &Cohort| if cohort.planned { cohort.tenants.len() as u64 } else { 0 };
        let mut unplaced: Vec<u64> = cohorts.iter().map(planned).collect();
        for (i, Run(cohort, many)) in order.iter().enumerate() {
            let left =
                unplaced.get_mut(*cohort as usize).and_then(|left| Some((left.checked_sub((*many).into())?, left)));
            let Some((less, left)) = left.filter(|_| *many > 0) else {
                return contradiction(
                    format!("/order/{i}"),
                    "found no tenants, or more than the cohort has that are planned",
                );
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
    pub(crate) fn in_order(&self) -> Option<Vec<&'a str>> {
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

    pub(crate) fn archive(&self) -> CheckResult {
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

    pub(crate) fn cohorts(&self) -> CheckResult {
        for (i, cohort) in self.document.cohorts.iter().enumerate() {
            let shaped = cohort.origins.is_empty()
                || (cohort.origins.tenants() == cohort.tenants.len() && cohort.origins.width() == cohort.rows.len());
            let at = format!("/cohorts/{i}/origins");
            ensure(shaped, at, "found origins that are not one for each tenant and row")?;
            if cohort.call.is_some() && !cohort.rows.is_empty() {
                contradiction(
                    format!("/cohorts/{i}/call"),
                    "found a call of tenants without a row, but they have rows",
                )?;
            }
            for j in 0..cohort.tenants.len() {
                self.tenant(i, j)?;
            }
        }
        let stranger = self.calls_of.keys().find(|tenant| !self.cohort_of.contains_key(**tenant));
        ensure(stranger.is_none(), "/calls", "found a call that names a tenant which no cohort has")
    }

    /// Where the rows of the `j`-th tenant of the `i`-th cohort came from, and which call it waits for.
    fn tenant(&self, i: usize, j: usize) -> CheckResult {
        let cohort = &self.document.cohorts[i];
        let tenant = &cohort.tenants[j];
        let named = self.calls_of.get(&**tenant).map_or(&[][..], |calls| calls);
        if cohort.rows.is_empty() && cohort.call != named.last().copied() {
            return contradiction(
                format!("/cohorts/{i}"),
                format!("found another call than the last that names {tenant:?}"),
            );
        }
        let at = || format!("/cohorts/{i}/origins/{j}");
        if !self.is_archived() && named.is_empty() && !cohort.planned {
            return contradiction(
                format!("/cohorts/{i}/tenants/{j}"),
                format!("found {tenant:?}, which no call names"),
            );
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

    pub(crate) fn phases(&self) -> CheckResult {
        for (phase, tenants) in self.document.phases.iter() {
            let has_row = |tenant: &Text| {
                self.cohort_of.get(&**tenant).is_some_and(|cohort| !self.document.cohorts[*cohort].rows.is_empty())
            };
            if let Some(tenant) = tenants.iter().find(|tenant| !has_row(tenant)) {
                let at = format!("/phases/{}", crate::text::json::escape_pointer(phase));
                return contradiction(at, format!("found {tenant:?}, which has no row"));
            }
        }
        Ok(())
    }

    pub(crate) fn gates(&self) -> CheckResult {
        let Some(gates) = &self.document.gates else { return Ok(()) };
        let switches = gates.switch.iter().map(|reading| (reading.before, reading.contradiction()));
        let heads = gates.head.iter().map(|reading| (reading.before, reading.contradiction()));
        for (name, readings) in [("switch", switches.collect::<Vec<_>>()), ("head", heads.collect())] {
            let ascending = readings.windows(2).all(|pair| pair[0].0 <= pair[1].0);
            ensure(ascending, format!("/gates/{name}"), "found readings that are not in the order of the calls")?;
            for (i, (before, problem)) in readings.iter().enumerate() {
                let at = format!("/gates/{name}/{i}");
                let many = self.document.calls.len();
                ensure(
                    *before as usize <= many,
                    at.clone(),
                    format!("found a reading before call {before}, but {many} were made"),
                )?;
                problem.map_or(Ok(()), |(part, problem)| contradiction(at + part, problem))?;
            }
        }
        let problem = gates.ci.as_ref().and_then(CiWait::contradiction);
        problem.map_or(Ok(()), |(part, problem)| contradiction(format!("/gates/ci{part}"), problem))
    }

    pub(crate) fn probes(&self) -> CheckResult {
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
            ensure(fits, format!("/probes/{i}"), "found an answer although asked is 0, or none although it is not")?;
        }
        Ok(())
    }

    /// A mapping against the inputs and the rows that it gives.
    pub(crate) fn mapping(&self) -> CheckResult {
        let Document { mapping, items, cohorts, provenance, .. } = self.document;
        let file = provenance.inputs.iter().find(|input| input.role == Role::Mapping);
        let known: u64 = items.iter().map(|run| run.len() as u64).sum();
        let Some(mapping) = mapping else {
            ensure(items.is_empty(), "/items", "found items that a mapping reads, but no mapping")?;
            return ensure(file.is_none(), "/mapping", "found no mapping, but an input is one");
        };
        let is_input = file.is_none_or(|file| file.sha256 == mapping.sha256) && (file.is_some() || !self.is_archived());
        ensure(is_input, "/mapping/sha256", "found a mapping that is not among the inputs")?;
        let is_sorted = mapping.fields.windows(2).all(|pair| pair[0] < pair[1]);
        ensure(is_sorted, "/mapping/fields", "found fields that are not sorted, or one twice")?;
        let reads = |field: &str| mapping.fields.iter().any(|known| &**known == field);
        let proves = mapping.proof == MappingProof::Target;
        ensure(
            reads("verified_on_target") == proves,
            "/mapping/proof",
            "found another proof than the fields say: verified_on_target is read where it is \"target\", and only there",
        )?;
        for (i, cohort) in cohorts.iter().enumerate() {
            for (j, row) in cohort.rows.iter().enumerate() {
                let given = [
                    ("ssm_status", row.ssm_status.is_absent()),
                    ("ssm_exit_code", row.ssm_exit_code.is_absent()),
                    ("healthz_ok", row.healthz_ok.is_absent()),
                    ("running_image", row.running_image.is_absent()),
                    ("error", row.error.is_absent()),
                ];
                let at = || format!("/cohorts/{i}/rows/{j}");
                let stray = given.iter().find(|(field, is_absent)| !is_absent && !reads(field));
                ensure(stray.is_none(), at(), "found a field that the mapping does not read")?;
                let has_proof = !row.verified_on_target.is_absent();
                ensure(
                    has_proof == proves,
                    at(),
                    "found another proof than the mapping's: a mapping gives one in every row",
                )?;
            }
            let origins = (0..cohort.origins.tenants())
                .flat_map(|tenant| (0..cohort.origins.width()).filter_map(move |row| cohort.origins.get(tenant, row)));
            let stray = origins.filter(|origin| origin.call.is_none()).any(|origin| u64::from(origin.row) >= known);
            ensure(!stray, format!("/cohorts/{i}/origins"), "found a row of an item that is not there")?;
        }
        Ok(())
    }

    pub(crate) fn anomalies(&self) -> CheckResult {
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

fn succeeded(call: &Call) -> bool {
    let last = call.attempts.last();
    let well = last.is_some_and(|last| last.last && last.status == Some(200) && last.malformed.is_none());
    well && call.ok == Field::Given(true)
}
