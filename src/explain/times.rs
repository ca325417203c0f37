//! When each attempt of a call was made: only a journal says so.

use std::collections::HashMap;

use crate::collect::journal::is_journal;
use crate::collect::record::{Record, read as read_journal};
use crate::io::input::Source;
use crate::model::document::text::Text;

/// When each attempt was made, by call and attempt.
#[derive(Debug, Default)]
pub struct Times(pub(crate) HashMap<(u32, u16), Text>);

impl Times {
    /// Reads the times in a journal; none where the evidence is no journal, or cannot be read a second time.
    pub fn read(source: &Source, max_bytes: u64) -> Self {
        let Source::File(path) = source else { return Self::default() };
        let Ok(input) = Source::Found(path.clone()).read(max_bytes) else { return Self::default() };
        if !is_journal(&input.bytes) {
            return Self::default();
        }
        let records = read_journal(&input.bytes).map(|(records, _)| records).unwrap_or_default();
        let request = |record| match record {
            Record::Request { call, attempt, at, .. } => Some(((call, attempt), at)),
            _ => None,
        };
        Self(records.into_iter().filter_map(request).collect())
    }
}
