//! The calls of a document against the order in which a rollout makes them.

use std::collections::HashSet;

use foldhash::fast::RandomState;

use crate::model::document::consistency::contradiction::{CheckResult, Contradiction, contradiction, ensure};
use crate::model::document::consistency::parts::DocumentCheck;
use crate::model::document::text::Field;
use crate::model::document::{Attempt, AttemptEnd, Call, Outcome, Purpose};

/// The steps of a rollout, as the plan and the fleet have them.
pub(crate) struct CallSequence<'w, 'a> {
    check: &'w DocumentCheck<'a>,
    fleet: Option<Vec<&'a str>>,
    called: HashSet<&'a str, RandomState>,
    /// How many of the first tenants of the fleet were called.
    passed: usize,
    /// Whether a plan call has ended.
    asked: bool,
}

impl<'a> DocumentCheck<'a> {
    /// The calls follow each other as the plan and the fleet have it (contract section 4).
    pub(crate) fn calls(&self) -> Result<CallSequence<'_, 'a>, Contradiction> {
        let mut steps = CallSequence::new(self);
        for (i, call) in self.document.calls.iter().enumerate() {
            attempts(i, call)?;
            steps.take(i, call)?;
        }
        Ok(steps)
    }

    pub(crate) fn outcome(&self, steps: &CallSequence<'_, '_>) -> CheckResult {
        let rollout = &self.document.rollout;
        let disabled = self.document.gates.as_ref().is_some_and(|gates| gates.plan_disabled.is_some());
        let at = "/rollout/outcome";
        let is_driven = rollout.next.is_none() || rollout.outcome == Outcome::Running;
        ensure(is_driven, "/rollout/next", "found a call that would come next, but the rollout is not being driven")?;
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
            Outcome::Unknown => contradiction(at, "found no outcome, but a rollout that was driven has one"),
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
}

impl<'w, 'a> CallSequence<'w, 'a> {
    fn new(check: &'w DocumentCheck<'a>) -> Self {
        let fleet = if check.document.calls.is_empty() { None } else { check.in_order() };
        Self { check, fleet, called: HashSet::default(), passed: 0, asked: false }
    }

    fn has_fleet(&self) -> bool {
        self.check.document.fleet.tenants > 0
    }

    /// Whether no step is left.
    fn is_done(&self) -> bool {
        let fleet = &self.check.document.fleet;
        let planned = self.called.iter().filter(|tenant| self.check.is_planned(tenant)).count() as u64;
        let canary = self.check.document.rollout.canary.as_deref();
        self.asked
            && planned == fleet.tenants
            && (!self.has_fleet() || canary.is_none_or(|canary| self.called.contains(canary)))
    }

    /// Takes the next step.
    fn take(&mut self, i: usize, call: &'a Call) -> CheckResult {
        let at = |key: &str| format!("/calls/{i}/{key}");
        let rollout = &self.check.document.rollout;
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
                let is_due = |tenant: &&str| !self.called.contains(tenant) && self.check.is_planned(tenant);
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
pub(crate) fn attempts(i: usize, call: &Call) -> CheckResult {
    let Some((last, before)) = call.attempts.split_last() else {
        return contradiction(format!("/calls/{i}/attempts"), "found a call without an attempt");
    };
    let end = |attempt: &Attempt| AttemptEnd::of(attempt.status, attempt.error.as_ref());
    for (k, attempt) in before.iter().enumerate() {
        ensure(
            !attempt.last && end(attempt) == AttemptEnd::Transient,
            format!("/calls/{i}/attempts/{k}"),
            "found an attempt after which none is made, but one follows",
        )?;
    }
    ensure(
        !last.last || end(last) != AttemptEnd::Unknown,
        format!("/calls/{i}/attempts/{}", before.len()),
        "found an attempt that ended its call, but not how",
    )?;
    let answered = call.attempts.iter().any(|attempt| attempt.status.is_some());
    ensure(answered || call.ok == Field::Absent, format!("/calls/{i}/ok"), "found what an answer said, but none came")
}
