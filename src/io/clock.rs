//! The time, as documents and records hold it.

use jiff::Timestamp;

use crate::model::document::text::Text;

/// The time, as records have it.
pub fn now() -> Text {
    Text::from(Timestamp::now().to_string())
}
