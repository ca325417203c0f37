//! Takes the steps before the first call that may change something: reads the gates and makes the plan call.

use crate::collect::rollout::step::{HaltCheck, Step};
use crate::drive::driver::{CheckHalt, Driver};
use crate::drive::runtime::block_on;
use crate::error::Error;
use crate::gates::reader::GateReader;
use crate::model::document::{Outcome, Purpose};

impl Driver<'_> {
    /// Reads the gates and makes the plan call, and stops before any other call. Gives the reasons why the rollout would have
    /// to halt there. After a closed gate the other gates are still read, but no call is made.
    ///
    /// # Errors
    /// That of a halt check.
    pub fn check_before_first_change(&mut self, check_halt: &mut CheckHalt<'_>) -> Result<Vec<String>, Error> {
        let stop = self.stop.clone();
        block_on(&stop, async || {
            self.rollout.set_gates(self.gate_reader.map(GateReader::asked_gates));
            let mut halts: Vec<String> = Vec::new();
            while self.rollout.outcome() == Outcome::Running {
                match (self.rollout.next_step(), self.stop.signal()) {
                    (_, Some(signal)) => self.interrupt(signal)?,
                    (Step::CheckHalt(check), None) => {
                        if check != HaltCheck::IdealDocument {
                            halts.extend(check_halt(&self.rollout.document_so_far(), check)?.halts);
                        }
                        self.rollout.pass_check(check);
                    }
                    (Step::Read(gate), None) => self.read_gate(gate).await?,
                    (Step::Call(Purpose::Plan, tenants), None) if halts.is_empty() => {
                        self.call(Purpose::Plan, &tenants).await?;
                    }
                    (Step::Call(..) | Step::Soak(_) | Step::Done, None) => break,
                }
            }
            halts.sort();
            halts.dedup();
            Ok(halts)
        })
    }
}
