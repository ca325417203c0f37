//! The journal of a rollout: the same fold that drove it, over what it left.

use std::sync::Arc;

use crate::collect::collected::Collected;
use crate::collect::fields::EvidenceFields;
use crate::collect::inputs::evidence_error;
use crate::collect::record::{Record, read as read_journal};
use crate::collect::rollout::rules::Refusal;
use crate::collect::rollout::state::Rollout;
use crate::diagnostic::fault::Fault;
use crate::error::Error;
use crate::io::input::Input;
use crate::model::document::Role;

/// Whether these bytes begin as a journal does.
pub fn is_journal(bytes: &[u8]) -> bool {
    bytes.starts_with(b"{\"record\":")
}

/// Reads a journal. One that says of no end was cut short: the rollout was interrupted. `fields` are evidence besides
/// those that the rollout itself was told of.
///
/// # Errors
/// [`Error::Evidence`] where a record is not valid, or breaks the grammar.
pub fn read(input: &Arc<Input>, fields: &EvidenceFields, sha256: String) -> Result<Collected, Error> {
    let mut rollout = replay(input, fields)?.0;
    rollout.cut_short();
    let (document, _) = rollout.finish();
    let mut inputs = vec![input.file(Role::Journal, sha256)];
    inputs.extend(document.provenance.inputs.iter().cloned());
    Ok(Collected { document, inputs })
}

/// The rollout that a journal tells of, and where its last whole record ends.
///
/// # Errors
/// [`Error::Evidence`] where a record is not valid, or breaks the grammar.
pub fn replay(input: &Input, fields: &EvidenceFields) -> Result<(Rollout, u64), Error> {
    let fault = |line: usize, problem: String, help: &str| {
        let fault = Fault { place: Some((line, 1)), ..Fault::whole(problem) };
        evidence_error(input, vec![fault.help(help)])
    };
    let wrong = |line, problem| fault(line, problem, "each line of a journal is a record of the schema `journal`");
    let (mut records, length) = read_journal(&input.bytes).map_err(|(line, problem)| wrong(line, problem))?;
    if let Some(Record::Start { evidence_fields, plan_fields, .. }) = records.first_mut() {
        evidence_fields.extend(fields.names().cloned());
        plan_fields.extend(fields.plan_names().cloned());
    }
    let Some((start, rest)) = records.split_first() else {
        return Err(wrong(1, "found no whole record".into()));
    };
    let mut rollout = Rollout::start(start).map_err(|problem| wrong(1, problem))?;
    for (line, record) in (2..).zip(rest) {
        rollout.follow(record).map_err(|Refusal { problem, help }| fault(line, problem, help))?;
    }
    Ok((rollout, length))
}
