//! The state of a rollout: a fold over its journal. It says what comes next, above all when it has to be asked whether
//! to go on, and what is known so far as a document; the answer to that question is not its business.

mod grammar;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use foldhash::fast::RandomState;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

pub use grammar::{Refusal, table};

use super::Question;
use super::journal::{AskedGates, Record};
use crate::collect::{
    Bytes, EvidenceFields, Input, Known, LISTED, PlanFile, Refused, ResponseRow, fleet_names, is_enumeration, known,
    plan_file,
};
use crate::document::{
    self, Anomaly, AnomalyKind, Attempt, Call, Document, Field, Fleet, FleetSource, Format, Gates, Grouping, InputFile,
    LabelsId, Origin, Outcome, Probing, Provenance, Purpose, Role, Text,
};
use crate::schema::{escape_pointer, without_place};
use grammar::Grammar;

/// What the document's anomalies name as their input, where it is an answer of the control plane.
const ANSWERS: &str = "control plane";

/// What comes next in a rollout (contract section 4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It is asked whether to go on.
    Judge(Question),
    /// A gate is read.
    Read(Gate),
    /// A call.
    Call(Purpose, Vec<Text>),
    /// The canary soaks, for so many seconds.
    Soak(u64),
    /// Nothing: every call was made.
    Done,
}

/// A gate (contract section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// The branch's head: is this job superseded?
    Head,
    /// The kill switch.
    Switch,
    /// CI.
    Ci,
}

/// What was read of the gates since the rollout began or was resumed: an earlier process's readings are too old.
#[derive(Debug, Default)]
struct Readings {
    heads: u32,
    switch: bool,
    /// How often CI was asked, once the wait for it has ended.
    ci: Option<u32>,
    /// Whether nothing took time since the kill switch was read.
    is_fresh: bool,
}

/// A rollout so far.
#[derive(Debug)]
pub struct Rollout {
    /// The first record of its journal.
    start: Record,
    /// What is known so far; cohorts and phases are made of `grouping` when somebody asks.
    document: Document,
    plan: PlanFile,
    /// Tenants of a list that is independent of the control plane; once it enumerated, those that it did not.
    inventory: Vec<Text>,
    fields: EvidenceFields,
    fleet: Vec<Text>,
    /// How many of the first tenants of `fleet` are known to be called.
    passed: usize,
    /// Whether a plan call gave an answer that can be used.
    enumerated: bool,
    grouping: Grouping,
    /// Tenants that answers to the plan call named while none of them could be used.
    named: BTreeSet<Text>,
    /// What is strange about the answers.
    strange: Strange,
    /// The well-formed rows of every answer but the plan call's, as they came, without those of other tenants of the
    /// fleet than the call named, unless they speak against the tenant.
    results: Vec<Box<RawValue>>,
    /// Tenants that an ended call named.
    called: HashSet<Text, RandomState>,
    soaked: bool,
    /// Where builds are to be probed: whom, and what they said.
    probing: Option<Probing>,
    /// The gates that are asked while it is driven.
    asked: Option<AskedGates>,
    readings: Readings,
    /// What was answered and not yet judged. It is in no record: a journal that is read again is judged again.
    unjudged: Option<Question>,
    /// Whether the policies were tried out on what is to be expected.
    is_foreseen: bool,
    /// Which record may come next.
    grammar: Grammar,
}

/// An answer of the control plane (contract section 3), its rows unread.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(default)]
    ok: Field<bool>,
    #[serde(default)]
    error: Option<Text>,
    #[serde(default)]
    message: Option<Text>,
    #[serde(default, borrow)]
    results: Option<Vec<&'a RawValue>>,
}

impl Rollout {
    /// A rollout as the first record of its journal tells of it.
    ///
    /// # Errors
    /// In words, where that is no first record.
    pub fn start(record: &Record) -> Result<Self, String> {
        let Record::Start { at, plan_name, plan, inventory, time_scale, evidence_fields, gates, probes, .. } = record
        else {
            return Err("found a record that is no start of a journal".into());
        };
        let names: Vec<String> = evidence_fields.iter().map(ToString::to_string).collect();
        let fields = EvidenceFields::new(&names).map_err(|error| error.to_string())?;
        let input =
            |name: &Text, text: &Text| Input { name: name.clone(), bytes: Bytes::Vec(text.as_bytes().to_vec()) };
        let plan_input = input(plan_name, plan);
        let plan = plan_file(&plan_input).map_err(|error| error.to_string())?;
        let mut inputs = vec![plan_input.file(Role::Plan, plan_input.sha256())];
        let mut listed = Vec::new();
        if let Some(inventory) = inventory {
            let inventory = input(&inventory.name, &inventory.text);
            listed = fleet_names(&inventory).map_err(|error| error.to_string())?;
            inputs.push(inventory.file(Role::Fleet, inventory.sha256()));
        }
        let probing = (*probes && plan.enabled).then(Probing::default);
        let outcome = if plan.enabled { Outcome::Running } else { Outcome::Halted };
        let document = Document {
            format: Format::V1,
            rollout: document::Rollout {
                started_at: Some(at.clone()),
                outcome,
                time_scale: time_scale.clone(),
                ..plan.rollout.clone()
            },
            fleet: Fleet {
                source: FleetSource::None,
                tenants: 0,
                duplicates: Vec::new(),
                inventory: Vec::new(),
                dropped: Vec::new(),
            },
            archive: None,
            calls: Vec::new(),
            cohorts: Vec::new(),
            phases: document::Map::default(),
            order: Vec::new(),
            anomalies: plan.anomalies.clone(),
            probes: None,
            gates: (!plan.enabled)
                .then(|| Gates { plan_disabled: Some(plan.disabled_reason.clone()), ..Gates::default() }),
            provenance: Provenance { tool: Text::from(crate::collect::TOOL), collected_at: at.clone(), inputs },
        };
        Ok(Self {
            document,
            grammar: Grammar::start(plan.enabled, *gates),
            plan,
            inventory: listed,
            fields,
            fleet: Vec::new(),
            passed: 0,
            enumerated: false,
            grouping: Grouping::new(),
            named: BTreeSet::new(),
            strange: Strange::default(),
            results: Vec::new(),
            called: HashSet::default(),
            soaked: false,
            probing,
            asked: None,
            readings: Readings::default(),
            unjudged: None,
            is_foreseen: false,
            start: record.clone(),
        })
    }

    /// Extra fields of rows that are evidence.
    pub const fn fields(&self) -> &EvidenceFields {
        &self.fields
    }

    /// The plan that it follows.
    pub const fn plan(&self) -> &PlanFile {
        &self.plan
    }

    /// The gates that are asked while it is driven.
    pub const fn ask(&mut self, gates: Option<AskedGates>) {
        self.asked = gates;
    }

    /// The same rollout before its first call.
    ///
    /// # Errors
    /// As [`Rollout::start`].
    pub(super) fn afresh(&self) -> Result<Self, String> {
        let probing = self.probing.as_ref().map(|_| Probing::default());
        Ok(Self { asked: self.asked, probing, ..Self::start(&self.start)? })
    }

    /// The tenants that were enumerated, or that may be.
    pub(super) fn expected(&self) -> Vec<Text> {
        if !self.fleet.is_empty() {
            return self.fleet.clone();
        }
        if !self.inventory.is_empty() {
            return self.inventory.clone();
        }
        vec![self.plan.rollout.canary.clone().unwrap_or_else(|| Text::from("tenant"))]
    }

    /// When it began.
    pub(super) fn started_at(&self) -> Text {
        self.document.rollout.started_at.clone().unwrap_or_else(super::now)
    }

    /// Which gates it is known to have asked: by its first record, or because one was read.
    pub fn has_asked(&self) -> Option<AskedGates> {
        let Record::Start { gates, .. } = &self.start else { return None };
        let read = self.gates().and_then(|gates| {
            let all = gates.ci.is_some() || !gates.head.is_empty();
            if all { Some(AskedGates::All) } else { gates.switch.last().map(|_| AskedGates::KillSwitch) }
        });
        (*gates).max(read)
    }

    /// What comes next. Whatever was answered is judged before anything else is done, and follows from the records
    /// alone: a rollout that was interrupted or killed takes the same path as one that was not. After the last call
    /// there is nothing to stop: the verdict says the rest.
    pub fn next(&self) -> Step {
        if self.document.rollout.outcome != Outcome::Running {
            return Step::Done;
        }
        let ahead = self.ahead();
        let is_complete = self.enumerated && !self.fleet.is_empty() && ahead == Step::Done;
        if let Some(question) = self.unjudged.filter(|_| !is_complete) {
            return Step::Judge(question);
        }
        if self.is_call_left() {
            if self.enumerated && !self.is_foreseen {
                return Step::Judge(Question::Foreseen);
            }
            if let Some(gate) = self.gate_before(&ahead) {
                return Step::Read(gate);
            }
        }
        ahead
    }

    /// That a question was answered, and nothing speaks against going on.
    pub fn judged(&mut self, question: Question) {
        if question == Question::Foreseen { self.is_foreseen = true } else { self.unjudged = None }
    }

    /// The next call, or the soak before it, whatever has to be done first.
    fn ahead(&self) -> Step {
        if self.fleet.is_empty() {
            // A plan call that enumerated nobody is not made again: it has ended, and is judged.
            let asked = self.document.calls.iter().any(|call| call.purpose == Purpose::Plan && call.has_ended());
            return if asked { Step::Done } else { Step::Call(Purpose::Plan, Vec::new()) };
        }
        let rollout = &self.plan.rollout;
        if let Some(canary) = &rollout.canary {
            if !self.called.contains(canary) {
                return Step::Call(Purpose::Canary, vec![canary.clone()]);
            }
            match rollout.soak_seconds {
                Some(seconds) if seconds > 0 && !self.soaked && !rollout.dry_run => return Step::Soak(seconds),
                _ => {}
            }
        }
        let size = usize::try_from(rollout.batch_size.unwrap_or(1)).unwrap_or(usize::MAX);
        let batch: Vec<Text> = self.waiting().take(size).cloned().collect();
        if batch.is_empty() { Step::Done } else { Step::Call(Purpose::Batch, batch) }
    }

    /// The tenants that no ended call named, in order.
    fn waiting(&self) -> impl Iterator<Item = &Text> {
        self.fleet[self.passed..].iter().filter(|tenant| !self.called.contains(*tenant))
    }

    /// Whether a call is still to be made.
    pub fn is_call_left(&self) -> bool {
        match self.ahead() {
            Step::Call(..) => true,
            Step::Soak(_) => self.waiting().next().is_some(),
            Step::Judge(_) | Step::Read(_) | Step::Done => false,
        }
    }

    /// The gate that has to be read first. What is asked once is asked before all else; a call that changes something
    /// is made only after a reading of the kill switch of its own.
    fn gate_before(&self, ahead: &Step) -> Option<Gate> {
        let read = &self.readings;
        if self.asked? == AskedGates::All {
            match read.ci {
                _ if read.heads == 0 => return Some(Gate::Head),
                _ if !read.switch => return Some(Gate::Switch),
                None => return Some(Gate::Ci),
                // Where CI took long, a newer commit may have come.
                Some(2..) if read.heads == 1 => return Some(Gate::Head),
                Some(_) => {}
            }
        }
        let changes = matches!(ahead, Step::Call(Purpose::Canary | Purpose::Batch, _)) && !self.plan.rollout.dry_run;
        (changes && !read.is_fresh).then_some(Gate::Switch)
    }

    /// The body of a call (contract section 3).
    pub fn body(&self, purpose: Purpose, tenants: &[Text]) -> String {
        let mut body = self.plan.body.clone();
        if purpose == Purpose::Plan {
            body.set("dry_run", true);
        } else {
            body.remove("canary_slug");
            body.set("only_slugs", tenants.iter().map(ToString::to_string).collect::<Value>());
            body.set("soak_seconds", 0);
            body.set("batch_size", tenants.len().max(1));
        }
        body.json()
    }

    /// The index of the next call.
    pub fn next_call(&self) -> u32 {
        u32::try_from(self.document.calls.len()).unwrap_or(u32::MAX)
    }

    /// How many tenants the plan call enumerated.
    pub fn fleet(&self) -> usize {
        self.fleet.len()
    }

    /// How many tenants an ended call named.
    pub fn called(&self) -> usize {
        self.called.len()
    }

    /// The last attempt of a call.
    pub fn last_attempt(&self, call: u32) -> Option<&Attempt> {
        self.document.calls.get(call as usize)?.attempts.last()
    }

    /// How it stands.
    pub const fn outcome(&self) -> Outcome {
        self.document.rollout.outcome
    }

    /// What was read of the gates.
    pub const fn gates(&self) -> Option<&Gates> {
        self.document.gates.as_ref()
    }

    /// The files that it began with.
    pub fn inputs(&self) -> &[InputFile] {
        &self.document.provenance.inputs
    }

    /// Whether builds are to be probed once every call was made.
    pub const fn probes_builds(&self) -> bool {
        self.probing.is_some()
    }

    /// Applies a record, whatever came before it.
    pub(super) fn apply(&mut self, record: &Record) {
        match record {
            Record::Start { .. } => {}
            Record::Request { call, purpose, tenants, at, .. } => {
                self.readings.is_fresh = false;
                if *call as usize == self.document.calls.len() {
                    let attempts = Vec::new();
                    for tenant in tenants {
                        self.grouping.ask(tenant, *call);
                    }
                    self.document.calls.push(Call {
                        purpose: *purpose,
                        tenants: tenants.clone(),
                        attempts,
                        ok: Field::Absent,
                    });
                }
                if let Some(call) = self.document.calls.get_mut(*call as usize) {
                    call.attempts.push(Attempt::in_flight(at.clone()));
                }
            }
            Record::Answer { call, attempt, at, duration_ms, status, error, body, malformed, last } => {
                let ended = Attempt {
                    at: None,
                    status: *status,
                    duration_ms: Some(*duration_ms),
                    error: error.clone(),
                    malformed: malformed.clone(),
                    last: *last,
                };
                self.document.rollout.finished_at = Some(at.clone());
                if *last {
                    self.unjudged = Some(Question::Call);
                }
                self.answer(*call, *attempt, ended, body.as_deref());
            }
            Record::Switch { reading } => {
                self.readings.switch = true;
                self.readings.is_fresh = true;
                self.read().switch.push(reading.clone());
            }
            Record::Ci { wait } => {
                self.readings.is_fresh = false;
                self.readings.ci = Some(wait.polls);
                self.read().ci = Some(wait.clone());
            }
            Record::Head { reading } => {
                self.readings.heads += 1;
                self.read().head.push(reading.clone());
            }
            Record::Soak { .. } => {
                self.readings.is_fresh = false;
                self.soaked = false;
            }
            Record::Soaked { .. } => self.soaked = true,
            Record::Halted { at, because } => self.end(Outcome::Halted, at, Some(because.clone())),
            Record::Interrupted { at, signal } => self.end(Outcome::Interrupted, at, Some(signal.clone())),
            Record::Completed { at } => self.end(Outcome::Completed, at, None),
            Record::Probe { .. } => self.probing = Some(Probing::default()),
            Record::Probing { url, tenants, refused, .. } => self.probing = Some(Probing::begin(url, tenants, refused)),
            Record::Probed { at, answers } => {
                if let Some(probing) = &mut self.probing {
                    probing.see(at, answers);
                }
            }
            Record::Resumed { .. } => {
                self.readings = Readings::default();
                self.document.rollout.outcome = Outcome::Running;
                self.document.rollout.halted_because = None;
            }
        }
    }

    fn read(&mut self) -> &mut Gates {
        self.unjudged.get_or_insert(Question::Gate);
        self.document.gates.get_or_insert_default()
    }

    /// The journal ends here, and says of no end: the process was killed.
    pub fn cut_short(&mut self) {
        if self.document.rollout.outcome == Outcome::Running {
            self.document.rollout.outcome = Outcome::Interrupted;
        }
    }

    fn end(&mut self, outcome: Outcome, at: &Text, because: Option<Text>) {
        self.document.rollout.outcome = outcome;
        self.document.rollout.finished_at = Some(at.clone());
        self.document.rollout.halted_because = because;
    }

    fn answer(&mut self, index: u32, attempt: u16, mut ended: Attempt, body: Option<&str>) {
        let Some(call) = self.document.calls.get(index as usize) else { return };
        let (purpose, tenants) = (call.purpose, call.tenants.clone());
        let mut ok = Field::Absent;
        // What broke off behind its last row, or came too late to be all, still holds rows; it is no success.
        let is_whole = ended.error.is_none();
        match body.filter(|_| ended.malformed.is_none()).map(known::<Answer<'_>>) {
            Some(Ok(Known { value: answer, .. })) => {
                if is_whole {
                    ok = answer.ok;
                }
                let is_success = is_whole && ended.status == Some(200) && ok == Field::Given(true);
                if is_whole {
                    let said = |text: &Text| !text.trim().is_empty();
                    // A success may well have something to say; it has no error to report.
                    let message = answer.message.filter(|_| !is_success);
                    ended.error = answer.error.filter(said).or_else(|| message.filter(said));
                }
                let origin = |row| Origin { call: Some(index), attempt: Some(attempt), row };
                let rows = answer.results.unwrap_or_default();
                ended.malformed = match purpose {
                    Purpose::Plan => self.enumerate(&rows, is_success),
                    Purpose::Canary | Purpose::Batch => self.see(&rows, &tenants, origin),
                };
            }
            Some(Err(error)) if is_whole => {
                let error = if error.is_data() { without_place(&error) } else { error.to_string() };
                ended.malformed = Some(malformed(&error, body.unwrap_or_default()));
            }
            Some(Err(_)) | None => {}
        }
        if ended.last {
            for tenant in &tenants {
                self.grouping.end(tenant);
            }
            self.called.extend(tenants);
            while self.fleet.get(self.passed).is_some_and(|tenant| self.called.contains(tenant)) {
                self.passed += 1;
            }
        }
        let call = &mut self.document.calls[index as usize];
        call.ok = ok;
        if let Some(attempt) = call.attempts.get_mut(attempt as usize) {
            ended.at = attempt.at.take();
            *attempt = ended;
        }
    }

    /// Rows of a plan call's answer: they enumerate, and are never evidence. Gives what is wrong with the answer.
    fn enumerate(&mut self, rows: &[&RawValue], is_success: bool) -> Option<Text> {
        let (mut fleet, mut live, mut wrong) = (Vec::new(), false, None);
        let call = self.document.calls.len().saturating_sub(1);
        for (i, raw) in rows.iter().enumerate() {
            let row = match serde_json::from_str::<ResponseRow<'_>>(raw.get()) {
                Ok(row) => row,
                Err(error) => {
                    wrong = wrong.or_else(|| Some(malformed(&error.to_string(), raw.get())));
                    continue;
                }
            };
            let at = || format!("/calls/{call}/results/{i}");
            let slug = row.slug().map(Text::from);
            if !is_enumeration(&row.row) {
                self.strange.add(AnomalyKind::LiveRowInPlanCall, at, slug.clone());
                live = true;
            }
            match slug {
                Some(slug) => fleet.push(slug),
                None => self.strange.add(AnomalyKind::UnattributedRow, at, None),
            }
        }
        if self.enumerated || !is_success || live || wrong.is_some() {
            let known: HashSet<&Text> = self.fleet.iter().collect();
            self.named.extend(fleet.into_iter().filter(|slug| !known.contains(slug)));
            if self.enumerated {
                self.document.fleet.dropped = self.named.iter().cloned().collect();
            }
            return wrong;
        }
        self.enumerated = true;
        for slug in &fleet {
            self.grouping.enumerate(slug, LabelsId::default());
        }
        let mut seen = HashSet::new();
        self.fleet = fleet.into_iter().filter(|slug| seen.insert(slug.clone())).collect();
        self.inventory.retain(|tenant| !seen.contains(tenant));
        self.named.retain(|tenant| !seen.contains(tenant));
        self.document.fleet = Fleet {
            source: FleetSource::PlanCall,
            tenants: self.fleet.len() as u64,
            duplicates: self.grouping.duplicates(),
            inventory: std::mem::take(&mut self.inventory),
            dropped: self.named.iter().cloned().collect(),
        };
        None
    }

    /// Rows of an answer to a call that names tenants. Gives what is wrong with the answer.
    fn see(&mut self, rows: &[&RawValue], tenants: &[Text], origin: impl Fn(u32) -> Origin) -> Option<Text> {
        let named: BTreeSet<&str> = tenants.iter().map(|tenant| &**tenant).collect();
        let mut wrong = None;
        for (i, raw) in (0..).zip(rows) {
            let mut row = match serde_json::from_str::<ResponseRow<'_>>(raw.get()) {
                Ok(row) => row,
                Err(error) => {
                    wrong = wrong.or_else(|| Some(malformed(&error.to_string(), raw.get())));
                    continue;
                }
            };
            let at = origin(i);
            let place = || format!("/calls/{}/attempts/{}/results/{i}", at.call.unwrap_or(0), at.attempt.unwrap_or(0));
            if let Err(Refused) = self.fields.take(&mut row) {
                let error = "an evidence field holds no text, number, boolean or null that can be kept";
                wrong = wrong.or_else(|| Some(malformed(error, raw.get())));
                continue;
            }
            for field in std::mem::take(&mut row.unknown).into_keys() {
                self.strange.unknown_field(place, &field);
            }
            let slug = row.slug().map(Text::from);
            let phase = row.phase().map(|phase| self.grouping.phase(phase));
            let is_evidence = match &slug {
                None => {
                    self.strange.add(AnomalyKind::UnattributedRow, place, None);
                    true
                }
                Some(slug) if named.contains(&**slug) => {
                    let row = self.grouping.row(row.row);
                    self.grouping.see(slug, row, phase, at);
                    true
                }
                Some(slug) => {
                    self.strange.add(AnomalyKind::UnrequestedRow, place, Some(slug.clone()));
                    !self.grouping.plans(slug) || self.grouping.see_unasked(slug, row.row, phase, at)
                }
            };
            // The response file holds no row that would prove there what it does not prove here.
            if is_evidence {
                self.results.push((*raw).to_owned());
            }
        }
        wrong
    }

    fn anomalies(&self) -> Vec<Anomaly> {
        self.plan.anomalies.iter().chain(&self.strange.listed).cloned().collect()
    }

    /// What is known so far, for policies: without origins and phases, which engines do not get, and without a call that
    /// has not ended. Nobody has seen that one in a rollout that nothing interrupted, so nobody judges it.
    pub fn so_far(&mut self) -> Cow<'_, Document> {
        self.document.cohorts = self.grouping.cohorts();
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
        self.document.anomalies = self.anomalies();
        let grouped = self.grouping.finish();
        self.document.cohorts = grouped.cohorts;
        self.document.phases = grouped.phases;
        self.document.probes = self.probing.as_ref().map(Probing::probes);
        self.document.order = grouped.order;
        (self.document, self.results)
    }
}

/// What is strange about the answers: the first [`LISTED`] of a kind, in the order in which they came, and how many
/// more there are. A control plane may answer for everybody with every call.
#[derive(Debug, Default)]
struct Strange {
    listed: Vec<Anomaly>,
    /// How many of a kind are listed, and where the last of them is.
    kinds: BTreeMap<AnomalyKind, (usize, usize)>,
    /// Every unknown field, and where it is listed.
    fields: HashMap<Text, Option<usize>, RandomState>,
}

impl Strange {
    fn add(&mut self, kind: AnomalyKind, at: impl FnOnce() -> String, tenant: Option<Text>) {
        self.list(kind, at, |anomaly| anomaly.tenant = tenant);
    }

    fn unknown_field(&mut self, place: impl FnOnce() -> String, field: &str) {
        let field = Text::from(field);
        match self.fields.get(&field) {
            Some(Some(listed)) => self.listed[*listed].count += 1,
            Some(None) => {}
            None => {
                let at = || format!("{}/{}", place(), escape_pointer(&field));
                let listed = self.list(AnomalyKind::UnknownField, at, |anomaly| anomaly.field = Some(field.clone()));
                self.fields.insert(field, listed);
            }
        }
    }

    /// Gives where it is listed.
    fn list(
        &mut self,
        kind: AnomalyKind,
        at: impl FnOnce() -> String,
        name: impl FnOnce(&mut Anomaly),
    ) -> Option<usize> {
        let (many, last) = self.kinds.entry(kind).or_default();
        if *many == LISTED {
            self.listed[*last].more += 1;
            return None;
        }
        (*many, *last) = (*many + 1, self.listed.len());
        let (input, at) = (Text::from(ANSWERS), Text::from(at()));
        let mut anomaly = Anomaly { kind, input, at, field: None, tenant: None, count: 1, more: 0 };
        name(&mut anomaly);
        self.listed.push(anomaly);
        Some(*last)
    }
}

/// What is wrong with an answer, with the beginning of what came.
fn malformed(error: &str, raw: &str) -> Text {
    let start: String = raw.chars().take(200).collect();
    Text::from(format!("{error}: {start}"))
}
