//! When an archive was made, by its name; and the moments that the command line names.

use std::path::Path;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use regex::{Captures, Regex};

use crate::error::Error;

/// A date, with a time of day or without, all of them UTC: `2026-07-01`, `20260701-1030`, `2026-07-01T10:30:00Z`.
pub const PATTERN: &str = r"(?:^|[^0-9])(?<year>20[0-9]{2})-?(?<month>[0-9]{2})-?(?<day>[0-9]{2})(?:[T_. -]?(?<hour>[0-9]{2})(?:[:.h-]?(?<minute>[0-9]{2})(?:[:.m-]?(?<second>[0-9]{2}))?)?)?(?:[^0-9]|$)";

/// What of a name is a time.
#[derive(Debug, Clone)]
pub struct Pattern(Regex);

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`Error::Usage`] where it is no regular expression, or names no year, month and day.
    pub fn new(text: &str) -> Result<Self, Error> {
        let wrong = |problem: String| {
            Error::usage(
                format!("--when: {problem}"),
                "a regular expression is expected, with the groups (?<year>), (?<month>), (?<day>), and if there are such, (?<hour>), (?<minute>), (?<second>)",
            )
        };
        let regex = Regex::new(text).map_err(|error| wrong(error.to_string()))?;
        match ["year", "month", "day"].iter().find(|name| !regex.capture_names().flatten().any(|named| named == **name))
        {
            Some(name) => Err(wrong(format!("there is no group (?<{name}>) in {text:?}"))),
            None => Ok(Self(regex)),
        }
    }

    /// The time in a file's name, else in that of its folder, and so on upwards. In a name the last that is a time counts.
    pub fn time(&self, path: &Path) -> Option<Timestamp> {
        let names = path.ancestors().filter_map(Path::file_name);
        names
            .map(|name| name.to_string_lossy())
            .find_map(|name| self.0.captures_iter(&name).filter_map(|found| time(&found)).last())
    }
}

fn time(found: &Captures<'_>) -> Option<Timestamp> {
    let number = |name: &str| found.name(name).map(|text| text.as_str().parse::<i16>().ok());
    let part = |name: &str| number(name).map_or(Some(0), |read| i8::try_from(read?).ok());
    let (month, day) = (i8::try_from(number("month")??).ok()?, i8::try_from(number("day")??).ok()?);
    let date = DateTime::new(number("year")??, month, day, part("hour")?, part("minute")?, part("second")?, 0).ok()?;
    TimeZone::UTC.to_timestamp(date).ok()
}

/// A moment as the command line names it: RFC 3339, or a date, which stands for its beginning, or for its end.
///
/// # Errors
/// In words.
pub fn moment(text: &str, end: bool) -> Result<Timestamp, String> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment);
    }
    let date: Date =
        text.parse().map_err(|_| "a date such as 2026-07-01 or a time such as 2026-07-01T10:30:00Z is expected")?;
    let day = if end { date.tomorrow().map_err(|error| error.to_string())? } else { date };
    TimeZone::UTC.to_timestamp(day.to_datetime(jiff::civil::Time::midnight())).map_err(|error| error.to_string())
}

/// A duration such as `24h`, `90m` or `2d`, in hours.
///
/// # Errors
/// In words.
pub fn hours(text: &str) -> Result<f64, String> {
    let wrong = || "a duration such as 24h, 90m or 2d is expected".to_owned();
    let span: jiff::Span = text.parse().map_err(|_| wrong())?;
    let hours = span.total((jiff::Unit::Hour, jiff::SpanRelativeTo::days_are_24_hours())).map_err(|_| wrong())?;
    if hours < 0.0 { Err(wrong()) } else { Ok(hours) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_the_time() {
        let pattern = Pattern::new(PATTERN).expect("it is one");
        let told = |path: &str| pattern.time(Path::new(path)).map(|time| time.to_string());
        assert_eq!(told("a/2026-07-01.response.json").as_deref(), Some("2026-07-01T00:00:00Z"));
        assert_eq!(told("2026-07-01T10.response.json.gz").as_deref(), Some("2026-07-01T10:00:00Z"));
        assert_eq!(told("a/deploy-20260701-1030.json").as_deref(), Some("2026-07-01T10:30:00Z"));
        assert_eq!(told("2026-07-01T10:30:15Z/response.json").as_deref(), Some("2026-07-01T10:30:15Z"));
        assert_eq!(told("2026-06-30/2026-07-01/x.json").as_deref(), Some("2026-07-01T00:00:00Z"));
        for none in ["run-7.json", "2026-13-01.json", "120260701.json", "2026-07-01T25.json"] {
            assert_eq!(told(none), None, "{none}");
        }
    }

    #[test]
    fn durations_are_hours() {
        assert_eq!((hours("24h"), hours("90m"), hours("2d")), (Ok(24.0), Ok(1.5), Ok(48.0)));
        assert!(hours("-1h").is_err() && hours("24").is_err());
    }
}
