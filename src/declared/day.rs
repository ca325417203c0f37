//! A calendar day in UTC, as waivers and METADATA write it.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A day such as `2026-11-25`, in UTC. TOML's own dates are days too.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "DayValue", into = "String")]
#[schemars(with = "String", extend("pattern" = r"^\d{4}-\d{2}-\d{2}$"))]
pub struct Day(Date);

#[derive(Deserialize)]
#[serde(untagged)]
enum DayValue {
    Text(String),
    Toml(toml::value::Datetime),
}

impl TryFrom<DayValue> for Day {
    type Error = String;

    fn try_from(written: DayValue) -> Result<Self, String> {
        let text = match written {
            DayValue::Text(text) => text,
            DayValue::Toml(date) => date.to_string(),
        };
        Self::new(&text).ok_or_else(|| format!("found {text:?}, but a day such as 2026-11-25 is expected"))
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.0.to_string()
    }
}

impl Day {
    /// The day that a text of the form `YYYY-MM-DD` names.
    pub fn new(text: &str) -> Option<Self> {
        // jiff reads more forms than one; only this one sorts as text.
        let date: Date = text.parse().ok()?;
        (date.to_string() == text).then_some(Self(date))
    }

    pub(crate) fn days_until(&self, later: &Self) -> i64 {
        i64::from((later.0 - self.0).get_days())
    }
}
