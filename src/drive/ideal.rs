//! The document that a good rollout would have. Policies are evaluated on it before anything is changed, so that a policy that
//! cannot be evaluated stops the rollout before its first call and not after its last.

use serde_json::{Value, json};

use crate::collect::record::Record;
use crate::collect::rollout::state::Rollout;
use crate::collect::rollout::step::{Gate, Step};
use crate::model::document::gates::{
    Asked, CiContext, CiEnd, CiWait, HeadReading, HeadState, SwitchReading, SwitchSource, SwitchState,
};
use crate::model::document::mapping::MappingProof;
use crate::model::document::probe::{BuildSeen, ProbeAnswer};
use crate::model::document::text::{Field, Text};
use crate::model::document::{Document, Purpose};

impl Rollout {
    /// The document if every call, gate and probe went well from the first on, whatever was answered so far. The fleet is the one
    /// that was enumerated; before that the inventory, else the canary or a made-up tenant.
    ///
    /// # Errors
    /// In words, where the rollout could not be started again; one that was started can be.
    pub fn ideal_document(&self) -> Result<Document, String> {
        let mut ideal = self.restarted()?;
        let fleet = self.expected_tenants();
        let at = ideal.started_at();
        loop {
            match ideal.next_step() {
                Step::CheckHalt(check) => ideal.pass_check(check),
                Step::Read(gate) => {
                    let reading = ideal.open_reading(gate, &at);
                    ideal.apply(&reading);
                }
                Step::Soak(_) => {
                    ideal.apply(&Record::Soak { at: at.clone() });
                    ideal.apply(&Record::Soaked { at: at.clone() });
                }
                Step::Call(purpose, tenants) => {
                    let rows = ideal.rows(purpose, if purpose == Purpose::Plan { &fleet } else { &tenants });
                    ideal.succeed(purpose, tenants, &rows);
                }
                Step::Done => break,
            }
        }
        ideal.apply(&Record::Completed { at: at.clone() });
        if ideal.probes_builds() && !ideal.plan().rollout.dry_run {
            let seen = BuildSeen {
                status: Some(200),
                git_sha: ideal.commit().map_or(Field::Absent, Field::Given),
                ..BuildSeen::default()
            };
            let url = Text::from("https://{slug}.example/buildinfo");
            ideal.apply(&Record::Probing { at: at.clone(), url, tenants: fleet.clone(), refused: Vec::new() });
            ideal.apply(&Record::Probed { at, answers: vec![ProbeAnswer { tenants: fleet, seen }] });
        }
        Ok(ideal.finish().0)
    }

    /// Applies a call that is answered at once, with success.
    fn succeed(&mut self, purpose: Purpose, tenants: Vec<Text>, rows: &[Value]) {
        let (call, at) = (self.next_call_index(), self.started_at());
        self.apply(&Record::Request {
            call,
            attempt: 0,
            purpose,
            tenants,
            at: at.clone(),
            idempotency_key: None,
            request_id: None,
        });
        self.apply(&Record::Answer {
            call,
            attempt: 0,
            at,
            duration_ms: 1,
            status: Some(200),
            error: None,
            malformed: None,
            failure: None,
            body: Some(Text::from(json!({"ok": true, "results": rows}).to_string())),
            last: true,
        });
    }

    /// The rows of a good answer: one for each tenant, with every known field.
    fn rows(&self, purpose: Purpose, tenants: &[Text]) -> Vec<Value> {
        let rollout = &self.plan().rollout;
        let row = |slug: &Text| {
            let mut row = json!({"slug": &**slug, "ssm_status": "DryRun"});
            if purpose != Purpose::Plan {
                let phase = if purpose == Purpose::Canary { "canary" } else { "batch" };
                let status = if rollout.dry_run { "DryRun" } else { "Success" };
                let image = format!("tenant:{}", rollout.target_tag.as_deref().unwrap_or("latest"));
                row = json!({
                    "slug": &**slug, "phase": phase, "ssm_status": status, "ssm_exit_code": 0, "healthz_ok": true,
                    "verified_on_target": true, "running_image": image, "error": "",
                });
                if self.document.mapping.as_ref().is_some_and(|mapping| mapping.proof == MappingProof::Status)
                    && let Some(row) = row.as_object_mut()
                {
                    row.remove("verified_on_target");
                }
                for name in self.fields().names() {
                    row[&**name] = "".into();
                }
            }
            row
        };
        tenants.iter().map(row).collect()
    }

    /// The record of an open gate.
    fn open_reading(&self, gate: Gate, at: &Text) -> Record {
        let asked = Asked { requests: 1, answers: 1, status: Some(200), problem: None, answer: None };
        let (at, before) = (at.clone(), self.next_call_index());
        let sha = self.commit().unwrap_or_else(|| Text::from("0000000"));
        match gate {
            Gate::Switch => Record::Switch {
                reading: SwitchReading {
                    at,
                    before,
                    variable: Text::from("DISABLED"),
                    state: SwitchState::Off,
                    source: SwitchSource::Live,
                    owner: None,
                    value: None,
                    asked,
                },
            },
            Gate::Head => {
                let (head, branch) = (Some(sha.clone()), Text::from("main"));
                Record::Head { reading: HeadReading { at, before, branch, sha, state: HeadState::Latest, head, asked } }
            }
            Gate::Ci => {
                let contexts = vec![CiContext { name: Text::from("ci"), state: Some(Text::from("success")) }];
                let end = CiEnd::Answered;
                Record::Ci { wait: CiWait { at, sha, contexts, end, present: Vec::new(), polls: 1, asked } }
            }
        }
    }

    fn commit(&self) -> Option<Text> {
        self.plan().rollout.target_sha.clone()
    }
}
