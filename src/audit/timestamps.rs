//! When an archive was made, by its name; and the moments that the command line names.

use std::path::Path;

use jiff::civil::{Date, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{Span, Timestamp};
use regex::{Captures, Regex};

use crate::error::Error;

/// A date, with a time of day or without, in a name or in nested folders, or the seconds or milliseconds since 1970:
/// `2026-07-01`, `20260701-1030`, `2026/07/01/10-30`, `2026-07/01T10:30:00+0200`, `1782900000`. UTC where no offset is given.
pub const PATTERNS: [&str; 2] = [
    concat!(
        r"(?:^|[^0-9])(?<year>20[0-9]{2})[-_/.]?(?<month>[0-9]{2})[-_/.]?(?<day>[0-9]{2})",
        r"(?:(?:[T_. -]?(?<hour>[0-9]{2})(?:[:.h_-]?(?<minute>[0-9]{2})(?:[:.m_-]?(?<second>[0-9]{2})(?:[.,][0-9]{1,9})?)?)?",
        // A folder of its own holds a time only where it is spelt as one: it may as well be a number of a run.
        r"|/T?(?<hour_of_folder>[0-9]{2})[:.h_-](?<minute_of_folder>[0-9]{2})(?:[:.m_-](?<second_of_folder>[0-9]{2}))?)",
        r"(?<offset>Z|[+-](?:0[0-9]|1[0-4]):?(?:00|15|30|45))?)?(?:[^0-9]|$)",
    ),
    r"(?:^|[^0-9])(?<epoch>1[0-9]{9}|1[0-9]{12})(?:[^0-9]|$)",
];

/// What of a path is a time.
#[derive(Debug, Clone)]
pub struct Patterns(Vec<Regex>);

impl Patterns {
    /// Reads patterns; without any, [`PATTERNS`].
    ///
    /// # Errors
    /// [`Error::Usage`] where one is no regular expression, or names no date.
    pub fn new(given: &[String]) -> Result<Self, Error> {
        let texts: Vec<&str> =
            if given.is_empty() { PATTERNS.to_vec() } else { given.iter().map(String::as_str).collect() };
        texts.into_iter().map(pattern).collect::<Result<_, _>>().map(Self)
    }

    /// The time in a path. The pattern that is named first and matches counts, and of its dates the last one, with the time
    /// of day that stands beside the same date elsewhere in the path if it has none of its own.
    pub fn time(&self, path: &Path) -> Option<Timestamp> {
        let path = path.to_string_lossy();
        self.0.iter().find_map(|pattern| {
            let found: Vec<Moment> = matches(pattern, &path).collect();
            let last = found.last()?;
            let fuller = || found.iter().rev().find(|moment| moment.has_time && moment.date == last.date);
            Some(if last.has_time { last } else { fuller().unwrap_or(last) }.at)
        })
    }
}

fn pattern(text: &str) -> Result<Regex, Error> {
    let wrong = |problem: String| {
        Error::usage(
            format!("--when: {problem}"),
            "a regular expression is expected, with the groups (?<year>), (?<month>), (?<day>), and if there are such, (?<hour>), (?<minute>), (?<second>), (?<offset>); or with the group (?<epoch>)",
        )
    };
    let regex = Regex::new(text).map_err(|error| wrong(error.to_string()))?;
    let has = |name: &str| regex.capture_names().flatten().any(|named| named == name);
    match ["year", "month", "day"].iter().find(|name| !has(name)).filter(|_| !has("epoch")) {
        Some(name) => Err(wrong(format!("there is no group (?<{name}>) in {text:?}"))),
        None => Ok(regex),
    }
}

/// A time that a path names.
struct Moment {
    at: Timestamp,
    /// The day as it is written.
    date: Option<Date>,
    has_time: bool,
}

/// The times that a pattern finds. What follows a match may begin the next one.
fn matches<'a>(pattern: &'a Regex, path: &'a str) -> impl Iterator<Item = Moment> + 'a {
    let mut from = 0;
    let found = std::iter::from_fn(move || {
        let found = pattern.captures_at(path, from)?;
        let all = found.get(0)?;
        let last = path[..all.end()].char_indices().next_back().map_or(0, |(last, _)| last);
        // After a match that ends the path there is nothing left to look at.
        from = if all.end() == path.len() || last <= all.start() { all.end().max(from + 1) } else { last };
        while !path.is_char_boundary(from) {
            from += 1;
        }
        Some(found)
    });
    found.filter_map(|found| time(&found))
}

fn time(found: &Captures<'_>) -> Option<Moment> {
    let text = |name: &str| found.name(name).map(|text| text.as_str());
    if let Some(epoch) = text("epoch") {
        let number: i64 = epoch.parse().ok()?;
        let at = if epoch.len() > 10 { Timestamp::from_millisecond(number) } else { Timestamp::from_second(number) };
        return Some(Moment { at: at.ok()?, date: None, has_time: true });
    }
    let part = |name: &str| {
        let digits = text(name).or_else(|| text(&format!("{name}_of_folder")));
        digits.map_or(Some(0), |digits| digits.parse::<i8>().ok())
    };
    let date = Date::new(text("year")?.parse().ok()?, part("month")?, part("day")?).ok()?;
    let clock = Time::new(part("hour")?, part("minute")?, part("second")?, 0).ok()?;
    let offset = text("offset").map_or(Some(0), seconds_of_offset)?;
    let zone = TimeZone::fixed(Offset::from_seconds(offset).ok()?);
    let has_time = text("hour").or_else(|| text("hour_of_folder")).is_some();
    Some(Moment { at: zone.to_timestamp(date.to_datetime(clock)).ok()?, date: Some(date), has_time })
}

/// `Z`, `+02:00` or `-0430`, in seconds.
fn seconds_of_offset(text: &str) -> Option<i32> {
    let (sign, digits) = match text.chars().next()? {
        'Z' | 'z' => return Some(0),
        '-' => (-1, &text[1..]),
        _ => (1, text.trim_start_matches('+')),
    };
    let digits = digits.replace(':', "");
    let (hours, minutes) = (digits.get(..2)?.parse::<i32>().ok()?, digits.get(2..)?.parse::<i32>().unwrap_or(0));
    Some(sign * (hours * 3600 + minutes * 60))
}

/// The end of what is listed.
#[derive(Debug, Clone, Copy)]
pub struct Until {
    /// Up to when lag is counted.
    pub at: Timestamp,
    /// The last moment that is listed: `at`, or where that is the end of a day, the moment before the next day.
    pub last: Timestamp,
}

impl From<Timestamp> for Until {
    fn from(at: Timestamp) -> Self {
        Self { at, last: at }
    }
}

/// A moment as the command line names it: RFC 3339, or a date, which stands for its beginning.
///
/// # Errors
/// A message that says what is expected.
pub fn moment(text: &str) -> Result<Timestamp, String> {
    text.parse::<Timestamp>().or_else(|_| midnight(date(text)?))
}

/// The same, where a date stands for the whole day.
///
/// # Errors
/// A message that says what is expected.
pub fn until(text: &str) -> Result<Until, String> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment.into());
    }
    let at = midnight(date(text)?.tomorrow().map_err(|error| error.to_string())?)?;
    let last = at.checked_sub(Span::new().nanoseconds(1)).map_err(|error| error.to_string())?;
    Ok(Until { at, last })
}

fn date(text: &str) -> Result<Date, String> {
    let expected = "a date such as 2026-07-01 or a time such as 2026-07-01T10:30:00Z is expected";
    text.parse().map_err(|_| expected.to_owned())
}

fn midnight(day: Date) -> Result<Timestamp, String> {
    TimeZone::UTC.to_timestamp(day.to_datetime(Time::midnight())).map_err(|error| error.to_string())
}

/// A duration such as `24h`, `90m` or `2d`, in hours.
///
/// # Errors
/// A message that says what is expected.
pub fn hours(text: &str) -> Result<f64, String> {
    let wrong = || "a duration such as 24h, 90m or 2d is expected".to_owned();
    let span: Span = text.parse().map_err(|_| wrong())?;
    let hours = span.total((jiff::Unit::Hour, jiff::SpanRelativeTo::days_are_24_hours())).map_err(|_| wrong())?;
    if hours < 0.0 { Err(wrong()) } else { Ok(hours) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_tells_the_time() {
        let patterns = Patterns::new(&[]).expect("they are patterns");
        let told = |path: &str| patterns.time(Path::new(path)).map(|time| time.to_string());
        for (path, time) in [
            ("a/2026-07-01.response.json", "2026-07-01T00:00:00Z"),
            ("2026-07-01T10.response.json.gz", "2026-07-01T10:00:00Z"),
            ("a/deploy-20260701-1030.json", "2026-07-01T10:30:00Z"),
            ("2026-07-01T10:30:15Z/response.json", "2026-07-01T10:30:15Z"),
            ("2026-07-01T10:30:15.250Z/response.json", "2026-07-01T10:30:15Z"),
            ("2026-06-30/2026-07-01/x.json", "2026-07-01T00:00:00Z"),
            ("prod/2026/05/01/response.json", "2026-05-01T00:00:00Z"),
            ("prod/2026/05/01/17/response.json", "2026-05-01T00:00:00Z"),
            ("prod/2026/05/01/10-22/response.json", "2026-05-01T10:22:00Z"),
            ("prod/2026/05/01/102233.json", "2026-05-01T00:00:00Z"),
            ("2026-05/01T10:22:33+0200.json", "2026-05-01T08:22:33Z"),
            ("2026-05-01T10-22-33-04:30.json", "2026-05-01T14:52:33Z"),
            ("2026_05_01/é.json", "2026-05-01T00:00:00Z"),
            ("run-1777630953/response.json", "2026-05-01T10:22:33Z"),
            ("1777630953250.json", "2026-05-01T10:22:33.25Z"),
            ("2026-05-01T10-22/response-2026-05-01.json", "2026-05-01T10:22:00Z"),
            ("2026-05-01--2026-05-02.json", "2026-05-02T00:00:00Z"),
        ] {
            assert_eq!(told(path).as_deref(), Some(time), "{path}");
        }
        for none in ["run-7.json", "2026-13-01.json", "120260701.json", "2026-07-01T25.json", "2026-07/x.json", "é"] {
            assert_eq!(told(none), None, "{none}");
        }
    }

    #[test]
    fn durations_are_hours() {
        assert_eq!((hours("24h"), hours("90m"), hours("2d")), (Ok(24.0), Ok(1.5), Ok(48.0)));
        assert!(hours("-1h").is_err() && hours("24").is_err());
    }
}
