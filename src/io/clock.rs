//! The clock.

use jiff::Timestamp;

use crate::model::document::text::Text;

/// The present time in RFC 3339, UTC, as documents and records hold it.
pub fn now() -> Text {
    Text::from(Timestamp::now().to_string())
}
