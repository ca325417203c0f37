//! Reads the journal of a rollout: applies its records to the same state that drove the rollout.

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

/// Why bytes that begin nearly as a journal does are no journal; nothing where they begin otherwise.
pub fn near_miss(bytes: &[u8]) -> Option<Fault> {
    let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let is_marked = text.len() < bytes.len();
    let trimmed = |bytes: &[u8]| bytes.trim_ascii_start().to_owned();
    let first = text.trim_ascii_start();
    let rest = first.strip_prefix(b"{").map(trimmed)?;
    let rest = rest.strip_prefix(b"\"record\"").map(trimmed)?;
    rest.starts_with(b":").then_some(())?;
    let found = match (is_marked, first.len() < text.len()) {
        (true, _) => "a byte-order mark stands before it",
        (false, true) => "white space stands before it",
        (false, false) => "white space stands in it",
    };
    let problem = format!("a journal begins with {{\"record\":, but {found}");
    Some(Fault { place: Some((1, 1)), ..Fault::whole(problem) }.help("use the journal as rollproof wrote it"))
}

/// Reads a journal. A journal without an end was cut short: the rollout was interrupted. `fields` are evidence, and so are
/// those that the journal names.
///
/// # Errors
/// [`Error::Evidence`] where a record is not valid, or breaks the grammar.
pub fn read(input: &Arc<Input>, fields: &EvidenceFields, sha256: String) -> Result<Collected, Error> {
    let mut rollout = replay(input, fields)?.0;
    rollout.mark_cut_short();
    let (document, _) = rollout.finish();
    let mut inputs = vec![input.file(Role::Journal, sha256)];
    inputs.extend(document.provenance.inputs.iter().cloned());
    Ok(Collected { document, inputs })
}

/// The rollout that a journal records, and where its last whole record ends.
///
/// # Errors
/// [`Error::Evidence`] where a record is not valid, or breaks the grammar.
pub fn replay(input: &Input, fields: &EvidenceFields) -> Result<(Rollout, u64), Error> {
    let fault = |line: usize, problem: String, help: &str| {
        let fault = Fault { place: Some((line, 1)), ..Fault::whole(problem) };
        evidence_error(input, vec![fault.help(help)])
    };
    let invalid = |line, problem| fault(line, problem, "each line of a journal is a record of the schema `journal`");
    let (mut records, length) = read_journal(&input.bytes).map_err(|(line, problem)| invalid(line, problem))?;
    if let Some(Record::Start { evidence_fields, plan_fields, .. }) = records.first_mut() {
        evidence_fields.extend(fields.names().cloned());
        plan_fields.extend(fields.plan_names().cloned());
    }
    let Some((start, rest)) = records.split_first() else {
        return Err(invalid(1, "found no whole record".into()));
    };
    let mut rollout = Rollout::start(start).map_err(|problem| invalid(1, problem))?;
    for (line, record) in (2..).zip(rest) {
        rollout.follow(record).map_err(|Refusal { problem, help }| fault(line, problem, help))?;
    }
    Ok((rollout, length))
}
