//! The name of a rollout, which the ids of its requests begin with. It is made of the first record alone, so that a resumed
//! rollout has the same name.

use sha2::{Digest as _, Sha256};

use crate::collect::record::Record;

/// How long a name may be, in bytes.
const MAX_LENGTH: usize = 64;

/// The name of the rollout that begins with this record. Older versions recorded none: then it is made of when the
/// rollout began and of its plan.
///
/// # Errors
/// In words, where what is recorded cannot stand in an HTTP header.
pub(crate) fn rollout_id(start: &Record) -> Result<String, String> {
    let Record::Start { at, plan, rollout_id, .. } = start else { return Ok(String::new()) };
    let Some(id) = rollout_id else {
        let digest =
            Sha256::new().chain_update(at.as_bytes()).chain_update([0]).chain_update(plan.as_bytes()).finalize();
        return Ok(digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect());
    };
    let is_plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if id.is_empty() || id.len() > MAX_LENGTH || !is_plain {
        return Err(format!(
            "found the rollout_id {:?}, but 1 to {MAX_LENGTH} letters, digits and `-` are allowed",
            &**id
        ));
    }
    Ok(id.to_string())
}
