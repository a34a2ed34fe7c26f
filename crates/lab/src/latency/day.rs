//! The day.

use std::time::{SystemTime, UNIX_EPOCH};

/// The day in UTC, `2026-11-25`: a count of days as a date (Hinnant, *chrono-compatible low-level
/// date algorithms*).
pub fn today() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    date(seconds / 86_400)
}

fn date(days: u64) -> String {
    // From 0000-03-01, so that a leap day ends a year.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    format!("{}-{month:02}-{day:02}", era * 400 + year + u64::from(month <= 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates() {
        // Python: datetime.date(1970, 1, 1) + datetime.timedelta(days)
        for (days, expected) in
            [(0, "1970-01-01"), (11_016, "2000-02-29"), (20_782, "2026-11-25"), (20_819, "2027-01-01")]
        {
            assert_eq!(date(days), expected);
        }
    }
}
