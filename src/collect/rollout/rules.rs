//! Which record may follow which, as one table. Whoever writes a record and whoever reads one asks it, so that nothing can
//! be written that would not be read. `docs/journal.md` shows the table.

use std::collections::HashSet;
use std::fmt::{self, Write as _};

use crate::collect::record::{AskedGates, Record};
use crate::collect::rollout::grammar::{GateRead, Grammar, RecordKind, State, tenants_of};
use crate::collect::rollout::state::Rollout;
use crate::collect::rollout::step::Step;
use crate::model::document::gates::HeadState;
use crate::model::document::text::Text;
use crate::model::document::{AttemptEnd, Purpose};
use crate::text::escape::names_of;

/// A kind of record that may come in a state.
struct Rule {
    state: State,
    record: RecordKind,
    next: State,
    /// What else has to hold, in words; blank: nothing.
    condition: &'static str,
    /// Refuses a record for which that does not hold, and says why.
    check: fn(&Rollout, &Record) -> Result<(), String>,
}

const fn rule(state: State, record: RecordKind, next: State) -> Rule {
    Rule { state, record, next, condition: "", check: |_, _| Ok(()) }
}

impl Rule {
    const fn when(self, condition: &'static str, check: fn(&Rollout, &Record) -> Result<(), String>) -> Self {
        Self { condition, check, ..self }
    }
}

const NEXT_CALL: &str = "its first attempt, of the call that is the rollout's next step, after every gate of that step";

const SAME_CALL: &str = "the next attempt of the same call";

const SENT_ATTEMPT: &str = "to that attempt, with `last` as its status has it";

const GATE_ORDER: &str =
    "before that call, in the order in which gates are asked, where the reading does not contradict itself";

const HEAD_AGAIN: &str = "before the call that would be next, where the reading does not contradict itself";

const PROBE_ANNOUNCED: &str = "where `start` or `probe` says so, for tenants of the fleet";

/// Every record that may come, by state.
const RULES: &[Rule] = &[
    rule(State::Between, RecordKind::Probe, State::Between).when(
        "once, right after `start` or `resumed`, where `start` does not say so",
        Rollout::check_probe_announcement,
    ),
    rule(State::Between, RecordKind::Head, State::Between).when(GATE_ORDER, Rollout::check_read_gate),
    rule(State::Between, RecordKind::Switch, State::Between).when(GATE_ORDER, Rollout::check_read_gate),
    rule(State::Between, RecordKind::Ci, State::Between).when(GATE_ORDER, Rollout::check_read_gate),
    rule(State::Between, RecordKind::Request, State::Sent).when(NEXT_CALL, Rollout::check_first_attempt),
    rule(State::Between, RecordKind::Soak, State::Soaking)
        .when("where that is the rollout's next step", Rollout::check_soak),
    rule(State::Between, RecordKind::Completed, State::Completed)
        .when("where no step is left", Rollout::check_complete),
    rule(State::Between, RecordKind::Halted, State::Halted),
    rule(State::Between, RecordKind::Interrupted, State::Interrupted),
    rule(State::Between, RecordKind::Resumed, State::Between),
    rule(State::Sent, RecordKind::LastAnswer, State::Between).when(SENT_ATTEMPT, Rollout::check_answer),
    rule(State::Sent, RecordKind::Answer, State::Retry).when(SENT_ATTEMPT, Rollout::check_answer),
    rule(State::Sent, RecordKind::Halted, State::Halted),
    rule(State::Sent, RecordKind::Interrupted, State::Interrupted),
    rule(State::Sent, RecordKind::Resumed, State::Between),
    rule(State::Retry, RecordKind::Request, State::Sent).when(SAME_CALL, Rollout::check_next_attempt),
    rule(State::Retry, RecordKind::Halted, State::Halted),
    rule(State::Retry, RecordKind::Interrupted, State::Interrupted),
    rule(State::Retry, RecordKind::Resumed, State::Between),
    rule(State::Soaking, RecordKind::Soaked, State::Between),
    rule(State::Soaking, RecordKind::Halted, State::Halted),
    rule(State::Soaking, RecordKind::Interrupted, State::Interrupted),
    rule(State::Soaking, RecordKind::Resumed, State::Between),
    rule(State::Interrupted, RecordKind::Resumed, State::Between),
    rule(State::Completed, RecordKind::Probe, State::Completed).when("once", Rollout::check_probe_announcement),
    rule(State::Completed, RecordKind::Head, State::Completed).when(HEAD_AGAIN, Rollout::check_read_head_again),
    rule(State::Completed, RecordKind::Probing, State::Probing).when(PROBE_ANNOUNCED, Rollout::check_probing),
    rule(State::Completed, RecordKind::Resumed, State::Between),
    rule(State::Probing, RecordKind::Head, State::Completed).when(HEAD_AGAIN, Rollout::check_read_head_again),
    rule(State::Probing, RecordKind::Probing, State::Probing).when(PROBE_ANNOUNCED, Rollout::check_probing),
    rule(State::Probing, RecordKind::Probed, State::Probing)
        .when("for tenants that the round before asked", Rollout::check_probed),
    rule(State::Probing, RecordKind::Resumed, State::Between),
];

/// Why a record may not come where it comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The record, what is wrong with it, and which records may come there.
    pub problem: String,
    /// What to do.
    pub help: &'static str,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)
    }
}

/// The table as Markdown.
pub fn table() -> String {
    let mut table = String::from("| where | record | only | then |\n| --- | --- | --- | --- |\n");
    for state in State::ALL {
        let mut rules = RULES.iter().filter(|rule| rule.state == state).peekable();
        if rules.peek().is_none() {
            // Writing to a string cannot fail.
            let _ = writeln!(table, "| {} | none | | |", state.words());
        }
        for rule in rules {
            let last = match rule.record {
                RecordKind::Answer => " with `last` false",
                RecordKind::LastAnswer => " with `last` true",
                _ => "",
            };
            let _ = writeln!(
                table,
                "| {} | `{}`{last} | {} | {} |",
                state.words(),
                rule.record.name(),
                rule.condition,
                rule.next.words()
            );
        }
    }
    table
}

impl Rollout {
    /// Refuses a record that may not come next.
    ///
    /// # Errors
    /// Why it may not.
    pub fn check_next(&self, record: &Record) -> Result<(), Refusal> {
        self.rule_for(record).map(|_| ())
    }

    fn rule_for(&self, record: &Record) -> Result<&'static Rule, Refusal> {
        let (state, kind) = (self.grammar.state, RecordKind::of(record));
        let rules = RULES.iter().filter(|rule| rule.state == state);
        let rule = rules.clone().find(|rule| rule.record == kind).ok_or_else(|| state.words().to_owned());
        rule.and_then(|rule| (rule.check)(self, record).map(|()| rule)).map_err(|why| {
            let mut allowed: Vec<String> = rules.map(|rule| format!("`{}`", rule.record.name())).collect();
            allowed.dedup();
            let allowed = if allowed.is_empty() { "nothing".to_owned() } else { allowed.join(", ") };
            Refusal {
                problem: format!("found {}, but {why}; here may come: {allowed}", record_in_words(record)),
                help: if kind == RecordKind::Start {
                    "a journal holds one rollout: give each rollout in a file of its own"
                } else {
                    "use the journal as `rollproof run` wrote it; docs/journal.md says which record may follow which"
                },
            }
        })
    }

    /// Applies a record that may come next.
    ///
    /// # Errors
    /// Why it may not; then nothing is changed.
    pub fn follow(&mut self, record: &Record) -> Result<(), Refusal> {
        let rule = self.rule_for(record)?;
        self.grammar.advance(record);
        self.grammar.state = rule.next;
        self.apply(record);
        Ok(())
    }

    fn check_probe_announcement(&self, _: &Record) -> Result<(), String> {
        if self.probing.is_some() {
            return Err("the journal says already that builds are to be probed".into());
        }
        let Grammar { state, is_fresh, gates_read, .. } = &self.grammar;
        if *state == State::Between && !(*is_fresh && gates_read.is_empty()) {
            return Err("the rollout has gone on since it was started or resumed".into());
        }
        Ok(())
    }

    fn check_read_gate(&self, record: &Record) -> Result<(), String> {
        let (before, problem) = match record {
            Record::Switch { reading } => (Some(reading.before), reading.contradiction()),
            Record::Head { reading } => (Some(reading.before), reading.contradiction()),
            Record::Ci { wait } => (None, wait.contradiction()),
            _ => (None, None),
        };
        if let Some((_, problem)) = problem {
            return Err(problem.to_owned());
        }
        let next = self.next_call_index();
        if before.is_some_and(|before| before != next) {
            return Err(format!("it was read before another call; the next one is call {next}"));
        }
        let Grammar { is_fresh, gates_read, .. } = &self.grammar;
        let in_order = match (record, &gates_read[..]) {
            (Record::Head { .. }, [] | [GateRead::Head, GateRead::Switch, GateRead::Ci { head_again: true }])
            | (Record::Switch { .. }, [GateRead::Head])
            | (Record::Ci { .. }, [GateRead::Head, GateRead::Switch]) => *is_fresh,
            (
                Record::Switch { .. },
                []
                | [GateRead::Head, GateRead::Switch, GateRead::Ci { head_again: false }]
                | [GateRead::Head, GateRead::Switch, GateRead::Ci { head_again: true }, GateRead::Head],
            ) => self.changes_something(),
            _ => false,
        };
        let order = "each call that changes something is preceded by one `switch`, and the first call since the \
                     rollout was started or resumed also by `head`, `switch`, `ci`, and `head` where `ci` took several \
                     polls";
        if in_order { Ok(()) } else { Err(order.into()) }
    }

    /// Whether the next step is a call that changes something.
    fn changes_something(&self) -> bool {
        let is_live = !self.plan.rollout.dry_run;
        is_live && matches!(self.next_call_or_soak(), Step::Call(Purpose::Canary | Purpose::Batch, _))
    }

    /// Refuses a step while some of the gates that are asked before the first step were read, and others were not.
    fn check_gates_whole(&self) -> Result<(), String> {
        let has_begun = self.grammar.gates_read.first() == Some(&GateRead::Head);
        if has_begun && !self.grammar.all_gates_read { Err("not every gate before it was read".into()) } else { Ok(()) }
    }

    /// Refuses a call before every gate was read that the first record asks for before it.
    fn check_gates_read(&self) -> Result<(), String> {
        self.check_gates_whole()?;
        let Grammar { required_gates, gates_read, all_gates_read, .. } = &self.grammar;
        if *required_gates == Some(AskedGates::All) && !all_gates_read {
            return Err(
                "the gates were not read since the rollout was started or resumed, and `start` asks for all".into()
            );
        }
        if required_gates.is_some() && self.changes_something() && gates_read.last() != Some(&GateRead::Switch) {
            return Err("the kill switch was not read before it, and `start` asks for that".into());
        }
        Ok(())
    }

    fn check_first_attempt(&self, record: &Record) -> Result<(), String> {
        let Record::Request { call, attempt, purpose, tenants, .. } = record else { return Ok(()) };
        let next = self.next_call_index();
        let expected = match self.next_call_or_soak() {
            Step::Call(expected_purpose, expected_tenants)
                if (*call, *attempt, *purpose, tenants) == (next, 0, expected_purpose, &expected_tenants) =>
            {
                return self.check_gates_read();
            }
            Step::Call(purpose, expected_tenants) => {
                format!("attempt 0 of {}", call_in_words(next, purpose, &expected_tenants))
            }
            Step::Soak(_) => "the soak".into(),
            Step::Done | Step::CheckHalt(_) | Step::Read(_) => "`completed`".into(),
        };
        Err(format!("the next step of the rollout is {expected}"))
    }

    fn check_next_attempt(&self, record: &Record) -> Result<(), String> {
        let Record::Request { call, attempt, purpose, tenants, .. } = record else { return Ok(()) };
        let Some((index, sent)) = self.last_call() else { return Ok(()) };
        if *call == index
            && usize::from(*attempt) == sent.attempts.len()
            && (*purpose, tenants) == (sent.purpose, &sent.tenants)
        {
            return Ok(());
        }
        let same_call = call_in_words(index, sent.purpose, &sent.tenants);
        Err(format!("what follows is attempt {} of {same_call}", sent.attempts.len()))
    }

    fn check_answer(&self, record: &Record) -> Result<(), String> {
        let Record::Answer { call, attempt, status, error, last, .. } = record else { return Ok(()) };
        let Some((index, sent)) = self.last_call() else { return Ok(()) };
        if *call != index || usize::from(*attempt) + 1 != sent.attempts.len() {
            return Err(format!("attempt {} of call {index} is in flight", sent.attempts.len().saturating_sub(1)));
        }
        match AttemptEnd::of(*status, error.as_ref()) {
            AttemptEnd::Unknown => {
                Err("it has neither a status nor an error: nothing says how the attempt ended".into())
            }
            AttemptEnd::Final if !last => Err(format!(
                "HTTP {} is never tried again",
                status.map_or_else(String::new, |status| status.to_string())
            )),
            AttemptEnd::Transient | AttemptEnd::Final => Ok(()),
        }
    }

    fn check_soak(&self, _: &Record) -> Result<(), String> {
        if matches!(self.next_call_or_soak(), Step::Soak(_)) {
            return self.check_gates_whole();
        }
        Err("a soak is not the rollout's next step".into())
    }

    fn check_complete(&self, _: &Record) -> Result<(), String> {
        match self.next_call_or_soak() {
            Step::Done | Step::CheckHalt(_) | Step::Read(_) => Ok(()),
            Step::Soak(_) => Err("the canary has not soaked".into()),
            Step::Call(purpose, expected_tenants) => {
                Err(format!("{} was not made", call_in_words(self.next_call_index(), purpose, &expected_tenants)))
            }
        }
    }

    fn check_read_head_again(&self, record: &Record) -> Result<(), String> {
        let Record::Head { reading } = record else { return Ok(()) };
        let next = self.next_call_index();
        if reading.before != next {
            return Err(format!("it was read before another call; the next one would be call {next}"));
        }
        reading.contradiction().map_or(Ok(()), |(_, problem)| Err(problem.to_owned()))
    }

    fn check_probing(&self, record: &Record) -> Result<(), String> {
        let Record::Probing { tenants, refused, .. } = record else { return Ok(()) };
        if self.probing.is_none() {
            return Err("no record before it says that builds are to be probed".into());
        }
        let newest_head = self.document.gates.as_ref().and_then(|gates| gates.head.last());
        if newest_head.is_some_and(|head| head.state == HeadState::Superseded) {
            return Err("a newer commit has taken the branch's head, so that nobody is probed".into());
        }
        let fleet: HashSet<&Text> = self.fleet.iter().collect();
        let mut named = HashSet::new();
        for tenant in tenants.iter().chain(refused) {
            if !fleet.contains(tenant) {
                return Err(format!("{tenant} is not in the fleet"));
            }
            if !named.insert(tenant) {
                return Err(format!("it names {tenant} twice"));
            }
        }
        Ok(())
    }

    fn check_probed(&self, record: &Record) -> Result<(), String> {
        let Record::Probed { answers, .. } = record else { return Ok(()) };
        if self.grammar.is_round_cut {
            return Err("the last round was cut short, so no other follows".into());
        }
        let awaited: HashSet<&Text> = self.grammar.awaited.iter().collect();
        let mut named = HashSet::new();
        for tenant in tenants_of(answers) {
            if !awaited.contains(tenant) {
                return Err(format!("the last round did not ask {tenant}"));
            }
            if !named.insert(tenant) {
                return Err(format!("it names {tenant} twice"));
            }
        }
        Ok(())
    }

    /// The last call, with its index.
    fn last_call(&self) -> Option<(u32, &crate::model::document::Call)> {
        Some((self.next_call_index().checked_sub(1)?, self.document.calls.last()?))
    }
}

fn call_in_words(call: u32, purpose: Purpose, tenants: &[Text]) -> String {
    match purpose {
        Purpose::Plan => format!("call {call}, the plan call"),
        Purpose::Canary => format!("call {call}, for the canary {}", names_of(tenants.iter())),
        Purpose::Batch => format!("call {call}, for {}", names_of(tenants.iter())),
    }
}

/// A record in words: its name, and the call that it is about.
fn record_in_words(record: &Record) -> String {
    let name = RecordKind::of(record).name();
    match record {
        Record::Request { call, attempt, purpose, tenants, .. } => {
            format!("`{name}`, attempt {attempt} of {}", call_in_words(*call, *purpose, tenants))
        }
        Record::Answer { call, attempt, .. } => format!("`{name}` to attempt {attempt} of call {call}"),
        _ => format!("`{name}`"),
    }
}
