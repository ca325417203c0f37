//! Durations: seconds of a configuration, and waits that are scaled.

use std::time::Duration;

/// A time in seconds, if it is one.
pub fn seconds(time: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(time).ok()
}

/// A plan may ask for any number of seconds; the clock cannot count as far.
const LONGEST_WAIT: Duration = Duration::from_hours(100 * 365 * 24);

/// A wait of another length, as far as the clock can count.
pub fn scaled(wait: Duration, scale: f64) -> Duration {
    Duration::try_from_secs_f64(wait.as_secs_f64() * scale).map_or(LONGEST_WAIT, |wait| wait.min(LONGEST_WAIT))
}
