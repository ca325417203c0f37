//! The state of a rollout: what is known so far, and what comes next.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};

use foldhash::fast::RandomState;
use serde_json::value::RawValue;

use crate::collect::fields::EvidenceFields;
use crate::collect::fleet::is_enumeration;
use crate::collect::inputs::{labelled_fleet, plan_file};
use crate::collect::plan::PlanFile;
use crate::collect::record::{AskedGates, Record};
use crate::collect::rollout::anomalies::RolloutAnomalies;
use crate::collect::rollout::grammar::Grammar;
use crate::collect::rollout::ids;
use crate::collect::rollout::step::{Gate, HaltCheck, Step};
use crate::collect::row::ResponseRow;
use crate::collect::wire::{self, Wire};
use crate::error::Error;
use crate::io::input::{Bytes, Input};
use crate::mapping::load::Mapping;
use crate::model::document;
use crate::model::document::cohort::Grouping;
use crate::model::document::gates::Gates;
use crate::model::document::lookalikes::lookalikes;
use crate::model::document::probe::Probing;
use crate::model::document::text::{Field, Map, Text};
use crate::model::document::{
    Anomaly, AnomalyKind, Attempt, Call, Document, InputFile, NextCall, Outcome, Purpose, Role,
};

/// The gates that were read since the rollout began or was resumed: readings of an earlier process are too old.
#[derive(Debug, Default)]
struct Readings {
    /// How often the branch's head was read.
    head_reads: u32,
    has_read_switch: bool,
    /// How often CI was asked, once the wait for it has ended.
    ci_polls: Option<u32>,
    /// Whether nothing took time since the kill switch was read.
    is_fresh: bool,
}

/// The state of a rollout.
#[derive(Debug)]
pub struct Rollout {
    /// The first record of its journal.
    start: Record,
    /// The name of the rollout, which the ids of its requests begin with.
    id: String,
    /// What is known so far, but for cohorts and phases, which `grouping` holds.
    pub(crate) document: Document,
    pub(crate) plan: PlanFile,
    /// Tenants of a list that is independent of the control plane. After the plan call: those that it did not enumerate.
    pub(crate) inventory: Vec<Text>,
    /// The labels that the list gives to tenants; no entry for one without any.
    pub(crate) labels: HashMap<Text, Map<Text>>,
    pub(crate) fields: EvidenceFields,
    /// How the control plane is called and its answers are read. Absent: as the contract has it.
    pub(crate) wire: Option<Wire>,
    pub(crate) fleet: Vec<Text>,
    /// How many tenants at the beginning of `fleet` are known to be called.
    pub(crate) called_prefix: usize,
    /// Whether a plan call gave an answer that can be used.
    pub(crate) is_enumerated: bool,
    pub(crate) grouping: Grouping,
    /// Tenants that are named only by answers to the plan call that could not be used.
    pub(crate) named_by_plan_calls: BTreeSet<Text>,
    /// What is strange about the answers.
    pub(crate) anomalies: RolloutAnomalies,
    /// The well-formed rows of every answer but the plan call's, as they came, without those of other tenants of the
    /// fleet than the call named, unless they speak against the tenant.
    pub(crate) results: Vec<Box<RawValue>>,
    /// Tenants that an ended call named.
    pub(crate) called: HashSet<Text, RandomState>,
    has_soaked: bool,
    /// Where builds are to be probed: the tenants that are asked, and their answers.
    pub(crate) probing: Option<Probing>,
    /// The gates that are read while it is driven.
    gates_to_read: Option<AskedGates>,
    readings: Readings,
    /// The halt check that is due. It is in no record: a rollout that is resumed checks again.
    pending_check: Option<HaltCheck>,
    /// Whether the policies were evaluated on the document of a good rollout.
    is_ideal_checked: bool,
    /// Which record may come next.
    pub(crate) grammar: Grammar,
}

impl Rollout {
    /// The rollout that the first record of a journal describes.
    ///
    /// # Errors
    /// In words, where that is no first record.
    pub fn start(record: &Record) -> Result<Self, String> {
        let Record::Start { at, plan_name, plan, inventory, time_scale, gates, probes, control_plane, .. } = record
        else {
            return Err("found a record that is no start of a journal".into());
        };
        let id = ids::rollout_id(record)?;
        let fields = fields_with_mapped(record)?;
        let input =
            |name: &Text, text: &Text| Input { name: name.clone(), bytes: Bytes::Vec(text.as_bytes().to_vec()) };
        let plan_input = input(plan_name, plan);
        let plan = plan_file(&plan_input, &fields).map_err(|error| error.to_string())?;
        let mut inputs = vec![plan_input.file(Role::Plan, plan_input.sha256())];
        let mut listed_tenants = Vec::new();
        if let Some(inventory) = inventory {
            let inventory = input(&inventory.name, &inventory.text);
            listed_tenants = labelled_fleet(&inventory).map_err(|error| error.to_string())?;
            inputs.push(inventory.file(Role::Fleet, inventory.sha256()));
        }
        let wire = control_plane.as_ref().map(|settings| Wire::new(settings, &plan.rollout)).transpose()?;
        let probing = (*probes && plan.enabled).then(Probing::default);
        let outcome = if plan.enabled { Outcome::Running } else { Outcome::Halted };
        let rollout = document::Rollout {
            started_at: Some(at.clone()),
            outcome,
            time_scale: time_scale.clone(),
            ..plan.rollout.clone()
        };
        let mut document = Document::empty(rollout, at.clone());
        document.anomalies.clone_from(&plan.anomalies);
        document.gates = plan.disabled_gates();
        document.mapping = wire.as_ref().and_then(Wire::mapping).and_then(Mapping::used);
        document.provenance.inputs = inputs;
        Ok(Self {
            document,
            grammar: Grammar::start(plan.enabled, *gates),
            plan,
            inventory: listed_tenants.iter().map(|(name, _)| name.clone()).collect(),
            labels: listed_tenants.into_iter().filter(|(_, labels)| !labels.is_empty()).collect(),
            fields,
            wire,
            fleet: Vec::new(),
            called_prefix: 0,
            is_enumerated: false,
            grouping: Grouping::new(),
            named_by_plan_calls: BTreeSet::new(),
            anomalies: RolloutAnomalies::default(),
            results: Vec::new(),
            called: HashSet::default(),
            has_soaked: false,
            probing,
            gates_to_read: None,
            readings: Readings::default(),
            pending_check: None,
            is_ideal_checked: false,
            id,
            start: record.clone(),
        })
    }

    /// Whether another rollout was started with other extra fields.
    pub fn fields_differ(&self, other: &Self) -> bool {
        recorded_fields(&self.start).ok() != recorded_fields(&other.start).ok()
    }

    /// Extra fields of rows that are evidence.
    pub const fn fields(&self) -> &EvidenceFields {
        &self.fields
    }

    /// How the control plane is called and its answers are read, where that is not as the contract has it.
    pub const fn wire(&self) -> Option<&Wire> {
        self.wire.as_ref()
    }

    /// The plan that it follows.
    pub const fn plan(&self) -> &PlanFile {
        &self.plan
    }

    /// Sets the gates that are read while it is driven.
    pub const fn set_gates(&mut self, gates: Option<AskedGates>) {
        self.gates_to_read = gates;
    }

    /// The same rollout as it was before its first call, with a control plane of the contract's wire.
    ///
    /// # Errors
    /// As [`Rollout::start`].
    pub(crate) fn restarted(&self) -> Result<Self, String> {
        let probing = self.probing.as_ref().map(|_| Probing::default());
        let mut restarted =
            Self { gates_to_read: self.gates_to_read, probing, ..Self::start(&self.start.without_wire())? };
        restarted.document.mapping.clone_from(&self.document.mapping);
        restarted.fields.clone_from(&self.fields);
        restarted.labels.clone_from(&self.labels);
        Ok(restarted)
    }

    /// The tenants that were enumerated; before that, those of the inventory, else the canary or a made-up tenant.
    pub(crate) fn expected_tenants(&self) -> Vec<Text> {
        if !self.fleet.is_empty() {
            return self.fleet.clone();
        }
        if !self.inventory.is_empty() {
            return self.inventory.clone();
        }
        vec![self.plan.rollout.canary.clone().unwrap_or_else(|| Text::from("tenant"))]
    }

    /// When it began.
    pub(crate) fn started_at(&self) -> Text {
        self.document.rollout.started_at.clone().unwrap_or_else(crate::io::clock::now)
    }

    /// The gates that this rollout asks, as far as that is known: by its first record, or because one was read.
    pub fn known_gates(&self) -> Option<AskedGates> {
        let Record::Start { gates, .. } = &self.start else { return None };
        let read = self.gates().and_then(|gates| {
            let is_all = gates.ci.is_some() || !gates.head.is_empty();
            if is_all { Some(AskedGates::All) } else { gates.switch.last().map(|_| AskedGates::KillSwitch) }
        });
        (*gates).max(read)
    }

    /// The next step. After an answer it is always a halt check, but not after the last call: there is nothing left to halt,
    /// and the verdict follows. The next step follows from the records alone, so that a rollout that was interrupted or killed
    /// takes the same path as one that was not.
    pub fn next_step(&self) -> Step {
        if self.document.rollout.outcome != Outcome::Running {
            return Step::Done;
        }
        let next = self.next_call_or_soak();
        let is_complete = self.is_enumerated && !self.fleet.is_empty() && next == Step::Done;
        if let Some(check) = self.pending_check.filter(|_| !is_complete) {
            return Step::CheckHalt(check);
        }
        if self.is_call_left() {
            if self.is_enumerated && !self.is_ideal_checked {
                return Step::CheckHalt(HaltCheck::IdealDocument);
            }
            if let Some(gate) = self.gate_before(&next) {
                return Step::Read(gate);
            }
        }
        next
    }

    /// Records that a halt check found no reason to halt the rollout.
    pub fn pass_check(&mut self, check: HaltCheck) {
        if check == HaltCheck::IdealDocument { self.is_ideal_checked = true } else { self.pending_check = None }
    }

    /// The next call, or the soak before it, no matter what has to be checked or read first.
    pub(crate) fn next_call_or_soak(&self) -> Step {
        if self.fleet.is_empty() {
            // A plan call that enumerated nobody is not made again.
            let has_planned = self.document.calls.iter().any(|call| call.purpose == Purpose::Plan && call.has_ended());
            return if has_planned { Step::Done } else { Step::Call(Purpose::Plan, Vec::new()) };
        }
        let rollout = &self.plan.rollout;
        if let Some(canary) = &rollout.canary {
            if !self.called.contains(canary) {
                return Step::Call(Purpose::Canary, vec![canary.clone()]);
            }
            match rollout.soak_seconds {
                Some(seconds) if seconds > 0 && !self.has_soaked && !rollout.dry_run => return Step::Soak(seconds),
                _ => {}
            }
        }
        let batch = self.next_batch();
        if batch.is_empty() { Step::Done } else { Step::Call(Purpose::Batch, batch) }
    }

    fn next_batch(&self) -> Vec<Text> {
        let size = usize::try_from(self.plan.rollout.batch_size.unwrap_or(1)).unwrap_or(usize::MAX);
        self.waiting().take(size).cloned().collect()
    }

    /// The next call, no matter what has to be done before it.
    fn upcoming_call(&self) -> Option<NextCall> {
        let (purpose, tenants) = match self.next_call_or_soak() {
            Step::Call(purpose, tenants) => (purpose, tenants),
            Step::Soak(_) => (Purpose::Batch, self.next_batch()),
            Step::CheckHalt(_) | Step::Read(_) | Step::Done => return None,
        };
        let is_left = purpose == Purpose::Plan || !tenants.is_empty();
        is_left.then_some(NextCall { purpose, tenants })
    }

    /// The tenants that no ended call named, in order.
    fn waiting(&self) -> impl Iterator<Item = &Text> {
        self.fleet[self.called_prefix..].iter().filter(|tenant| !self.called.contains(*tenant))
    }

    /// Whether a call is still to be made.
    pub fn is_call_left(&self) -> bool {
        match self.next_call_or_soak() {
            Step::Call(..) => true,
            Step::Soak(_) => self.waiting().next().is_some(),
            Step::CheckHalt(_) | Step::Read(_) | Step::Done => false,
        }
    }

    /// The gate that has to be read before the next step. The gates of the start are read before everything else, and the kill
    /// switch again before each call that changes something.
    fn gate_before(&self, next: &Step) -> Option<Gate> {
        let read = &self.readings;
        if self.gates_to_read? == AskedGates::All {
            match read.ci_polls {
                _ if read.head_reads == 0 => return Some(Gate::Head),
                _ if !read.has_read_switch => return Some(Gate::Switch),
                None => return Some(Gate::Ci),
                // Where CI took long, a newer commit may have come.
                Some(2..) if read.head_reads == 1 => return Some(Gate::Head),
                Some(_) => {}
            }
        }
        let changes = matches!(next, Step::Call(Purpose::Canary | Purpose::Batch, _)) && !self.plan.rollout.dry_run;
        (changes && !read.is_fresh).then_some(Gate::Switch)
    }

    /// The index of the next call.
    pub fn next_call_index(&self) -> u32 {
        u32::try_from(self.document.calls.len()).unwrap_or(u32::MAX)
    }

    /// The key by which the control plane knows that a call was sent before. Every attempt of a call has the same, and so has
    /// the call of a resumed rollout that repeats one whose end is not known.
    pub fn idempotency_key(&self, purpose: Purpose, tenants: &[Text]) -> String {
        let mut calls = self.document.calls.iter();
        let first = calls.position(|call| call.purpose == purpose && call.tenants == tenants);
        format!("{}-{}", self.id, first.unwrap_or(self.document.calls.len()))
    }

    /// The name of an attempt, which no other has.
    pub fn request_id(&self, call: u32, attempt: u16) -> String {
        format!("{}-{call}-{attempt}", self.id)
    }

    /// How many tenants the plan call enumerated.
    pub fn fleet_size(&self) -> usize {
        self.fleet.len()
    }

    /// How many tenants an ended call named.
    pub fn called_count(&self) -> usize {
        self.called.len()
    }

    /// The last attempt of a call.
    pub fn last_attempt(&self, call: u32) -> Option<&Attempt> {
        self.document.calls.get(call as usize)?.attempts.last()
    }

    /// Whether it is running, and how it ended.
    pub const fn outcome(&self) -> Outcome {
        self.document.rollout.outcome
    }

    /// The readings of the gates.
    pub const fn gates(&self) -> Option<&Gates> {
        self.document.gates.as_ref()
    }

    /// The files that the rollout began with.
    pub fn inputs(&self) -> &[InputFile] {
        &self.document.provenance.inputs
    }

    /// Whether builds are to be probed once every call was made.
    pub const fn probes_builds(&self) -> bool {
        self.probing.is_some()
    }

    /// Whether a call was made that may have changed something: a live one, or a dry run that was answered as if it were live.
    pub fn may_have_changed_something(&self) -> bool {
        let is_live = !self.plan.rollout.dry_run;
        let changes = self.document.calls.iter().any(|call| is_live && call.purpose != Purpose::Plan);
        let acted = self.anomalies.listed.iter().any(|anomaly| anomaly.kind == AnomalyKind::LiveRowInPlanCall);
        changes || acted || !self.results.iter().all(|row| is_dry_run_row(row))
    }

    /// Applies a record, without a check that it may come next.
    pub(crate) fn apply(&mut self, record: &Record) {
        match record {
            Record::Start { .. } => {}
            Record::Request { .. } => self.apply_request(record),
            Record::Answer { .. } => self.apply_answer(record),
            Record::Switch { .. } | Record::Ci { .. } | Record::Head { .. } => self.apply_reading(record),
            Record::Soak { .. } => {
                self.readings.is_fresh = false;
                self.has_soaked = false;
            }
            Record::Soaked { .. } => self.has_soaked = true,
            Record::Halted { at, because } => self.end(Outcome::Halted, at, Some(because.clone())),
            Record::Interrupted { at, signal } => self.end(Outcome::Interrupted, at, Some(signal.clone())),
            Record::Completed { at } => self.end(Outcome::Completed, at, None),
            Record::Probe { .. } => self.probing = Some(Probing::default()),
            Record::Probing { url, tenants, refused, .. } => self.probing = Some(Probing::begin(url, tenants, refused)),
            Record::Probed { at, answers } => {
                if let Some(probing) = &mut self.probing {
                    probing.record(at, answers);
                }
            }
            Record::Resumed { .. } => {
                self.readings = Readings::default();
                self.document.rollout.outcome = Outcome::Running;
                self.document.rollout.halted_because = None;
            }
        }
    }

    fn apply_request(&mut self, record: &Record) {
        let Record::Request { call, purpose, tenants, at, .. } = record else { return };
        self.readings.is_fresh = false;
        if *call as usize == self.document.calls.len() {
            for tenant in tenants {
                self.grouping.record_call(tenant, *call);
            }
            self.document.calls.push(Call {
                purpose: *purpose,
                tenants: tenants.clone(),
                attempts: Vec::new(),
                ok: Field::Absent,
            });
        }
        if let Some(call) = self.document.calls.get_mut(*call as usize) {
            call.attempts.push(Attempt::in_flight(at.clone()));
        }
    }

    fn apply_answer(&mut self, record: &Record) {
        let Record::Answer { call, attempt, at, duration_ms, status, error, body, malformed, failure, last } = record
        else {
            return;
        };
        let ended = Attempt {
            at: None,
            status: *status,
            duration_ms: Some(*duration_ms),
            error: error.clone(),
            malformed: malformed.clone(),
            failure: failure.clone(),
            last: *last,
        };
        self.document.rollout.finished_at = Some(at.clone());
        if *last {
            self.pending_check = Some(HaltCheck::AfterCall);
        }
        self.record_answer(*call, *attempt, ended, body.as_deref());
    }

    fn apply_reading(&mut self, record: &Record) {
        self.pending_check.get_or_insert(HaltCheck::AfterGate);
        let gates = self.document.gates.get_or_insert_default();
        match record {
            Record::Switch { reading } => {
                self.readings.has_read_switch = true;
                self.readings.is_fresh = true;
                gates.switch.push(reading.clone());
            }
            Record::Ci { wait } => {
                self.readings.is_fresh = false;
                self.readings.ci_polls = Some(wait.polls);
                gates.ci = Some(wait.clone());
            }
            Record::Head { reading } => {
                self.readings.head_reads += 1;
                gates.head.push(reading.clone());
            }
            _ => {}
        }
    }

    /// Records that the journal ends without the rollout's end: the process was killed.
    pub fn mark_cut_short(&mut self) {
        if self.document.rollout.outcome == Outcome::Running {
            self.document.rollout.outcome = Outcome::Interrupted;
        }
    }

    fn end(&mut self, outcome: Outcome, at: &Text, because: Option<Text>) {
        self.document.rollout.outcome = outcome;
        self.document.rollout.finished_at = Some(at.clone());
        self.document.rollout.halted_because = because;
    }

    fn anomalies(&self) -> Vec<Anomaly> {
        self.plan.anomalies.iter().chain(&self.anomalies.listed).cloned().collect()
    }

    /// The document so far, for policies: without origins and phases, which engines do not get, and without a call that has
    /// not ended. A halt check of an uninterrupted rollout never sees such a call either.
    pub fn document_so_far(&mut self) -> Cow<'_, Document> {
        self.document.rollout.next = self.upcoming_call();
        self.grouping.list(&mut self.document.cohorts);
        self.document.anomalies = self.anomalies();
        self.document.probes = self.probing.as_ref().map(Probing::probes);
        match self.document.calls.iter().rposition(Call::has_ended).map_or(0, |last| last + 1) {
            ended if ended == self.document.calls.len() => Cow::Borrowed(&self.document),
            ended => {
                let calls = self.document.calls[..ended].to_vec();
                let cohorts = self.document.cohorts.clone();
                Cow::Owned(Document { calls, cohorts, ..self.document.without_evidence() })
            }
        }
    }

    /// The document of a rollout that has ended, and the well-formed rows for the response file.
    pub fn finish(mut self) -> (Document, Vec<Box<RawValue>>) {
        self.document.rollout.next = None;
        self.document.anomalies = self.anomalies();
        let grouped = self.grouping.finish();
        self.document.cohorts = grouped.cohorts;
        self.document.phases = grouped.phases;
        self.document.probes = self.probing.as_ref().map(Probing::probes);
        self.document.order = grouped.order;
        self.document.fleet.lookalikes = lookalikes(&self.document, []);
        (self.document, self.results)
    }
}

/// The extra fields that the first record of a journal names.
fn recorded_fields(record: &Record) -> Result<EvidenceFields, Error> {
    let Record::Start { evidence_fields, plan_fields, .. } = record else { return Ok(EvidenceFields::default()) };
    let names = |names: &[Text]| -> Vec<String> { names.iter().map(ToString::to_string).collect() };
    EvidenceFields::new(&names(evidence_fields))?.with_plan(&names(plan_fields))
}

/// The extra fields that the first record of a journal names, and those that a mapping of answers reads.
fn fields_with_mapped(record: &Record) -> Result<EvidenceFields, String> {
    let named = recorded_fields(record).map_err(|error| error.to_string())?;
    match record {
        Record::Start { control_plane: Some(settings), .. } => wire::evidence_fields(settings, named),
        _ => Ok(named),
    }
}

/// Whether a row says that it is of a dry run.
fn is_dry_run_row(row: &RawValue) -> bool {
    serde_json::from_str::<ResponseRow<'_>>(row.get()).is_ok_and(|row| {
        let is_dry = |status: &Text| status.trim().eq_ignore_ascii_case("dryrun");
        row.row.ssm_status.given().is_some_and(is_dry) || is_enumeration(&row.row)
    })
}
