//! Which record may follow which: the rules of a journal.

use std::collections::HashSet;
use std::fmt::{self, Write as _};

use crate::collect::record::{AskedGates, Record};
use crate::collect::rollout::grammar::{Grammar, Kind, Read, State, tenants_of};
use crate::collect::rollout::state::Rollout;
use crate::collect::rollout::step::Step;
use crate::model::document::Purpose;
use crate::model::document::gates::HeadState;
use crate::model::document::text::Text;
use crate::text::escape::names_of;

/// A record that may come in a state.
struct Rule {
    state: State,
    record: Kind,
    next: State,
    /// What else has to hold, in words; blank where nothing has to.
    only: &'static str,
    /// Whether it holds.
    holds: fn(&Rollout, &Record) -> Result<(), String>,
}

const fn rule(state: State, record: Kind, next: State) -> Rule {
    Rule { state, record, next, only: "", holds: |_, _| Ok(()) }
}

impl Rule {
    const fn only(self, only: &'static str, holds: fn(&Rollout, &Record) -> Result<(), String>) -> Self {
        Self { only, holds, ..self }
    }
}

const NEXT_CALL: &str = "its first attempt, of the call that is the rollout's next step, after every gate of that step";

const SAME_CALL: &str = "the next attempt of the same call";

const OF_THE_REQUEST: &str = "to that attempt, with `last` as its status has it";

const IN_ORDER: &str =
    "before that call, in the order in which gates are asked, where the reading does not contradict itself";

const AFTER_ALL: &str = "before the call that would be next, where the reading does not contradict itself";

const ANNOUNCED: &str = "where `start` or `probe` says so, for tenants of the fleet";

/// Every record that may come, by state.
const RULES: &[Rule] = &[
    rule(State::Between, Kind::Probe, State::Between)
        .only("once, right after `start` or `resumed`, where `start` does not say so", Rollout::may_announce),
    rule(State::Between, Kind::Head, State::Between).only(IN_ORDER, Rollout::may_read_gate),
    rule(State::Between, Kind::Switch, State::Between).only(IN_ORDER, Rollout::may_read_gate),
    rule(State::Between, Kind::Ci, State::Between).only(IN_ORDER, Rollout::may_read_gate),
    rule(State::Between, Kind::Request, State::Sent).only(NEXT_CALL, Rollout::may_call),
    rule(State::Between, Kind::Soak, State::Soaking).only("where that is the rollout's next step", Rollout::may_soak),
    rule(State::Between, Kind::Completed, State::Completed).only("where no step is left", Rollout::may_complete),
    rule(State::Between, Kind::Halted, State::Halted),
    rule(State::Between, Kind::Interrupted, State::Interrupted),
    rule(State::Between, Kind::Resumed, State::Between),
    rule(State::Sent, Kind::LastAnswer, State::Between).only(OF_THE_REQUEST, Rollout::may_answer),
    rule(State::Sent, Kind::Answer, State::Retry).only(OF_THE_REQUEST, Rollout::may_answer),
    rule(State::Sent, Kind::Halted, State::Halted),
    rule(State::Sent, Kind::Interrupted, State::Interrupted),
    rule(State::Sent, Kind::Resumed, State::Between),
    rule(State::Retry, Kind::Request, State::Sent).only(SAME_CALL, Rollout::may_try_again),
    rule(State::Retry, Kind::Halted, State::Halted),
    rule(State::Retry, Kind::Interrupted, State::Interrupted),
    rule(State::Retry, Kind::Resumed, State::Between),
    rule(State::Soaking, Kind::Soaked, State::Between),
    rule(State::Soaking, Kind::Halted, State::Halted),
    rule(State::Soaking, Kind::Interrupted, State::Interrupted),
    rule(State::Soaking, Kind::Resumed, State::Between),
    rule(State::Interrupted, Kind::Resumed, State::Between),
    rule(State::Completed, Kind::Probe, State::Completed).only("once", Rollout::may_announce),
    rule(State::Completed, Kind::Head, State::Completed).only(AFTER_ALL, Rollout::may_read_head_again),
    rule(State::Completed, Kind::Probing, State::Probing).only(ANNOUNCED, Rollout::may_probe),
    rule(State::Completed, Kind::Resumed, State::Between),
    rule(State::Probing, Kind::Head, State::Completed).only(AFTER_ALL, Rollout::may_read_head_again),
    rule(State::Probing, Kind::Probing, State::Probing).only(ANNOUNCED, Rollout::may_probe),
    rule(State::Probing, Kind::Probed, State::Probing)
        .only("for tenants that the round before asked", Rollout::may_see),
    rule(State::Probing, Kind::Resumed, State::Between),
];

/// Why a record may not come where it comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What came, what is wrong with it, and what may come there.
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
                Kind::Answer => " with `last` false",
                Kind::LastAnswer => " with `last` true",
                _ => "",
            };
            let _ = writeln!(
                table,
                "| {} | `{}`{last} | {} | {} |",
                state.words(),
                rule.record.name(),
                rule.only,
                rule.next.words()
            );
        }
    }
    table
}

impl Rollout {
    /// Whether a record may come next.
    ///
    /// # Errors
    /// Why it may not.
    pub fn accepts(&self, record: &Record) -> Result<(), Refusal> {
        self.rule_for(record).map(|_| ())
    }

    fn rule_for(&self, record: &Record) -> Result<&'static Rule, Refusal> {
        let (state, kind) = (self.grammar.state, Kind::of(record));
        let rules = RULES.iter().filter(|rule| rule.state == state);
        let rule = rules.clone().find(|rule| rule.record == kind).ok_or_else(|| state.words().to_owned());
        rule.and_then(|rule| (rule.holds)(self, record).map(|()| rule)).map_err(|why| {
            let mut may: Vec<String> = rules.map(|rule| format!("`{}`", rule.record.name())).collect();
            may.dedup();
            let may = if may.is_empty() { "nothing".to_owned() } else { may.join(", ") };
            Refusal {
                problem: format!("found {}, but {why}; here may come: {may}", described(record)),
                help: if kind == Kind::Start {
                    "a journal tells of one rollout: if two were joined, give each one in a file of its own"
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

    fn may_announce(&self, _: &Record) -> Result<(), String> {
        if self.probing.is_some() {
            return Err("that builds are to be probed was said before".into());
        }
        let Grammar { state, fresh, gates, .. } = &self.grammar;
        if *state == State::Between && !(*fresh && gates.is_empty()) {
            return Err("the rollout has gone on since it was started or resumed".into());
        }
        Ok(())
    }

    fn may_read_gate(&self, record: &Record) -> Result<(), String> {
        let (before, problem) = match record {
            Record::Switch { reading } => (Some(reading.before), reading.contradiction()),
            Record::Head { reading } => (Some(reading.before), reading.contradiction()),
            Record::Ci { wait } => (None, wait.contradiction()),
            _ => (None, None),
        };
        if let Some((_, problem)) = problem {
            return Err(problem.to_owned());
        }
        let next = self.next_call();
        if before.is_some_and(|before| before != next) {
            return Err(format!("it was read before another call, and the next one is call {next}"));
        }
        let Grammar { fresh, gates, .. } = &self.grammar;
        let in_order = match (record, &gates[..]) {
            (Record::Head { .. }, [] | [Read::Head, Read::Switch, Read::Ci(true)])
            | (Record::Switch { .. }, [Read::Head])
            | (Record::Ci { .. }, [Read::Head, Read::Switch]) => *fresh,
            (
                Record::Switch { .. },
                []
                | [Read::Head, Read::Switch, Read::Ci(false)]
                | [Read::Head, Read::Switch, Read::Ci(true), Read::Head],
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
        is_live && matches!(self.next_change(), Step::Call(Purpose::Canary | Purpose::Batch, _))
    }

    /// Whether none of the gates that are asked before the first step was read, or all of them.
    fn gates_are_whole(&self) -> Result<(), String> {
        let begun = self.grammar.gates.first() == Some(&Read::Head);
        if begun && !self.grammar.preflight { Err("not every gate before it was read".into()) } else { Ok(()) }
    }

    /// Whether every gate was read that the first record asks for before the next call.
    fn gates_are_read(&self) -> Result<(), String> {
        self.gates_are_whole()?;
        let Grammar { asked, gates, preflight, .. } = &self.grammar;
        if *asked == Some(AskedGates::All) && !preflight {
            return Err(
                "the gates were not read since the rollout was started or resumed, and `start` asks for all".into()
            );
        }
        if asked.is_some() && self.changes_something() && gates.last() != Some(&Read::Switch) {
            return Err("the kill switch was not read before it, and `start` asks for that".into());
        }
        Ok(())
    }

    fn may_call(&self, record: &Record) -> Result<(), String> {
        let Record::Request { call, attempt, purpose, tenants, .. } = record else { return Ok(()) };
        let next = self.next_call();
        let what = match self.next_change() {
            Step::Call(expected_purpose, expected_tenants)
                if (*call, *attempt, *purpose, tenants) == (next, 0, expected_purpose, &expected_tenants) =>
            {
                return self.gates_are_read();
            }
            Step::Call(purpose, expected_tenants) => {
                format!("attempt 0 of {}", call_in_words(next, purpose, &expected_tenants))
            }
            Step::Soak(_) => "the soak".into(),
            Step::Done | Step::CheckHalt(_) | Step::Read(_) => "`completed`".into(),
        };
        Err(format!("the next step of the rollout is {what}"))
    }

    fn may_try_again(&self, record: &Record) -> Result<(), String> {
        let Record::Request { call, attempt, purpose, tenants, .. } = record else { return Ok(()) };
        let Some((at, same)) = self.last_call() else { return Ok(()) };
        if *call == at
            && usize::from(*attempt) == same.attempts.len()
            && (*purpose, tenants) == (same.purpose, &same.tenants)
        {
            return Ok(());
        }
        let same_call = call_in_words(at, same.purpose, &same.tenants);
        Err(format!("what follows is attempt {} of {same_call}", same.attempts.len()))
    }

    fn may_answer(&self, record: &Record) -> Result<(), String> {
        let Record::Answer { call, attempt, status, error, last, .. } = record else { return Ok(()) };
        let Some((at, sent)) = self.last_call() else { return Ok(()) };
        if *call != at || usize::from(*attempt) + 1 != sent.attempts.len() {
            return Err(format!("attempt {} of call {at} is in flight", sent.attempts.len().saturating_sub(1)));
        }
        let is_final = error.is_none() && !matches!(status, Some(502..=504));
        if is_final && !last {
            return Err(format!(
                "{} is never tried again",
                status.map_or("it".into(), |status| format!("HTTP {status}"))
            ));
        }
        Ok(())
    }

    fn may_soak(&self, _: &Record) -> Result<(), String> {
        if matches!(self.next_change(), Step::Soak(_)) {
            return self.gates_are_whole();
        }
        Err("a soak is not the rollout's next step".into())
    }

    fn may_complete(&self, _: &Record) -> Result<(), String> {
        match self.next_change() {
            Step::Done | Step::CheckHalt(_) | Step::Read(_) => Ok(()),
            Step::Soak(_) => Err("the canary has not soaked".into()),
            Step::Call(purpose, expected_tenants) => {
                Err(format!("{} was not made", call_in_words(self.next_call(), purpose, &expected_tenants)))
            }
        }
    }

    fn may_read_head_again(&self, record: &Record) -> Result<(), String> {
        let Record::Head { reading } = record else { return Ok(()) };
        let next = self.next_call();
        if reading.before != next {
            return Err(format!("it was read before another call, and {next} were made"));
        }
        reading.contradiction().map_or(Ok(()), |(_, problem)| Err(problem.to_owned()))
    }

    fn may_probe(&self, record: &Record) -> Result<(), String> {
        let Record::Probing { tenants, refused, .. } = record else { return Ok(()) };
        if self.probing.is_none() {
            return Err("no `probe` says that builds are to be probed".into());
        }
        let newest = self.document.gates.as_ref().and_then(|gates| gates.head.last());
        if newest.is_some_and(|head| head.state == HeadState::Superseded) {
            return Err("a newer commit has taken the branch's head, so that nobody is probed".into());
        }
        let fleet: HashSet<&Text> = self.fleet.iter().collect();
        let mut seen = HashSet::new();
        for tenant in tenants.iter().chain(refused) {
            if !fleet.contains(tenant) {
                return Err(format!("{tenant} is not in the fleet"));
            }
            if !seen.insert(tenant) {
                return Err(format!("it names {tenant} twice"));
            }
        }
        Ok(())
    }

    fn may_see(&self, record: &Record) -> Result<(), String> {
        let Record::Probed { answers, .. } = record else { return Ok(()) };
        if self.grammar.cut {
            return Err("the round before was cut short, and no other follows".into());
        }
        let awaited: HashSet<&Text> = self.grammar.awaited.iter().collect();
        let mut seen = HashSet::new();
        for tenant in tenants_of(answers) {
            if !awaited.contains(tenant) {
                return Err(format!("the round before did not ask {tenant}"));
            }
            if !seen.insert(tenant) {
                return Err(format!("it names {tenant} twice"));
            }
        }
        Ok(())
    }

    /// The last call, with its index.
    fn last_call(&self) -> Option<(u32, &crate::model::document::Call)> {
        Some((self.next_call().checked_sub(1)?, self.document.calls.last()?))
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
fn described(record: &Record) -> String {
    let name = Kind::of(record).name();
    match record {
        Record::Request { call, attempt, purpose, tenants, .. } => {
            format!("`{name}`, attempt {attempt} of {}", call_in_words(*call, *purpose, tenants))
        }
        Record::Answer { call, attempt, .. } => format!("`{name}` to attempt {attempt} of call {call}"),
        _ => format!("`{name}`"),
    }
}
