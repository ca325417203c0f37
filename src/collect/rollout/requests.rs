//! The bodies of requests: the contract's, or what the request filter of another wire makes of them.

use serde_json::Value;

use crate::collect::plan::Body;
use crate::collect::rollout::state::Rollout;
use crate::collect::wire::{Call, Wire};
use crate::model::document::text::Text;
use crate::model::document::{Document, Purpose};

/// What to do where a request filter cannot be used.
pub(crate) const REQUEST_HELP: &str = "repair `request` of [control_plane] in rollproof.toml; it gets the body of \
                                       docs/contract.md, section 3, with $purpose and $tenants";

impl Rollout {
    /// The body of a call.
    ///
    /// # Errors
    /// In words, where the request filter of another wire makes none.
    pub fn body(&self, purpose: Purpose, tenants: &[Text]) -> Result<String, String> {
        let body = self.contract_body(purpose, tenants).json();
        let Some(wire) = &self.wire else { return Ok(body) };
        let bodies = wire.request_bodies(vec![Call { body, purpose, tenants: tenants.to_vec() }])?;
        bodies.into_iter().next().ok_or_else(|| "there is no body".into())
    }

    /// The body of a call (contract section 3).
    fn contract_body(&self, purpose: Purpose, tenants: &[Text]) -> Body {
        let mut body = self.plan.body.clone();
        if purpose == Purpose::Plan {
            body.set("dry_run", true);
        } else {
            body.remove("canary_slug");
            body.set("only_slugs", tenants.iter().map(ToString::to_string).collect::<Value>());
            body.set("soak_seconds", 0);
            body.set("batch_size", tenants.len().max(1));
        }
        body
    }

    /// Checks what a request filter makes of calls, as far as tenants are known: the body of a live call must differ from that
    /// of a plan call, from that of a dry run, and from that of a call for other tenants.
    ///
    /// # Errors
    /// In words, where it makes no body of a call, or the same of two.
    pub fn check_requests(&self) -> Result<(), String> {
        let Some(wire) = &self.wire else { return Ok(()) };
        let call = |purpose, dry_run: bool, tenants: &[Text]| {
            let mut body = self.contract_body(purpose, tenants);
            body.set("dry_run", dry_run);
            Call { body: body.json(), purpose, tenants: tenants.to_vec() }
        };
        let mut pairs = vec![(
            call(Purpose::Plan, true, &[]),
            call(Purpose::Batch, false, &[]),
            "the plan call and a live call have the same body, so that enumerating would change something",
        )];
        if let Some([one, two, other]) = self.sample_tenants() {
            let is_dry = self.plan.rollout.dry_run;
            let batch = |tenants: &[&Text]| {
                call(Purpose::Batch, is_dry, &tenants.iter().map(|name| (*name).clone()).collect::<Vec<_>>())
            };
            let same_tenants = "calls for different tenants have the same body, so that others would be rolled out to";
            pairs.push((batch(&[&one]), batch(&[&two]), same_tenants));
            pairs.push((batch(&[&one, &two]), batch(&[&one, &other]), same_tenants));
            if is_dry {
                let same_live =
                    "a dry run and a live call have the same body, so that a dry run would change something";
                let canary = [one];
                pairs.push((call(Purpose::Batch, true, &canary), call(Purpose::Batch, false, &canary), same_live));
                pairs.push((call(Purpose::Canary, true, &canary), call(Purpose::Canary, false, &canary), same_live));
            }
        }
        for (first, second, problem) in pairs {
            check_pair(wire, first, second, problem)?;
        }
        Ok(())
    }

    /// Whether labels come with the answer to the plan call, and it has not been answered.
    pub fn learns_labels(&self) -> bool {
        self.wire.as_ref().is_some_and(Wire::gives_labels) && !self.is_enumerated
    }

    /// Three tenants that a call may name, the canary first, made up where too few are known; nothing where none is known.
    fn sample_tenants(&self) -> Option<[Text; 3]> {
        let known = if self.fleet.is_empty() { &self.inventory } else { &self.fleet };
        let canary = self.plan.rollout.canary.as_ref();
        let others = known.iter().filter(|name| Some(*name) != canary);
        let mut names: Vec<Text> = canary.into_iter().chain(others).take(3).cloned().collect();
        let first = names.first()?.clone();
        // A made-up name has the form of a known one.
        let made_up = (2..).map(|i| Text::from(format!("{first}{i}")));
        let unused: Vec<Text> = made_up.filter(|name| !names.contains(name)).take(2).collect();
        names.extend(unused);
        names.truncate(3);
        names.try_into().ok()
    }

    /// Checks what a request filter makes of every call of a rollout that is foreseen.
    ///
    /// # Errors
    /// In words, where it makes no body of one.
    pub fn check_requests_of(&self, foreseen: &Document) -> Result<(), String> {
        let Some(wire) = &self.wire else { return Ok(()) };
        self.check_requests()?;
        let call = |call: &crate::model::document::Call| Call {
            body: self.contract_body(call.purpose, &call.tenants).json(),
            purpose: call.purpose,
            tenants: call.tenants.clone(),
        };
        wire.request_bodies(foreseen.calls.iter().map(call).collect()).map(drop)
    }
}

/// Refuses two calls that have the same body.
fn check_pair(wire: &Wire, first: Call, second: Call, problem: &str) -> Result<(), String> {
    let bodies = wire.request_bodies(vec![first, second])?;
    match &bodies[..] {
        [first, second] if first == second => Err(format!("[control_plane] request: {problem}: {first}")),
        _ => Ok(()),
    }
}
