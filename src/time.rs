//! Durations: seconds of a configuration, and waits that are scaled.

use std::time::Duration;

/// Seconds as a duration; none where negative, not finite or too large.
pub fn seconds(time: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(time).ok()
}

/// A duration in seconds for a person: to a tenth of a second, and below one second to a thousandth.
pub fn rounded(time: Duration) -> f64 {
    let seconds = time.as_secs_f64();
    let steps = if seconds < 1.0 { 1000.0 } else { 10.0 };
    (seconds * steps).round() / steps
}

/// A plan may ask for any number of seconds; the clock cannot count as far.
const LONGEST_WAIT: Duration = Duration::from_hours(100 * 365 * 24);

/// A wait multiplied by `scale`, at most 100 years.
pub fn scaled(wait: Duration, scale: f64) -> Duration {
    Duration::try_from_secs_f64(wait.as_secs_f64() * scale).map_or(LONGEST_WAIT, |wait| wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::rounded;

    #[test]
    fn a_duration_is_rounded_for_a_person() {
        let text = |nanos: u64| rounded(Duration::from_nanos(nanos)).to_string();
        assert_eq!(text(1_999_049_185), "2");
        assert_eq!(text(12_345_678_901), "12.3");
        assert_eq!(text(10_000_000), "0.01");
        assert_eq!(text(999_900_000), "1");
        assert_eq!(text(600_000_000_000), "600");
    }
}
