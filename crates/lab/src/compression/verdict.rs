//! What is said of a network that was made.

/// Integers whose time, over that of the numbers that they were made of, is told as 1.00 take as long.
const SAME: f64 = 1.005;

/// Whether a network may be the result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Verdict {
    /// It loses no more than may be lost.
    Taken,
    /// It loses more.
    NotTaken,
    /// Integers that lose no more than may be lost, but take longer than the numbers that they were made of.
    Slower {
        /// How many times as long.
        times: f64,
        /// Whether their file has fewer bytes.
        is_smaller: bool,
    },
    /// Integers that lose no more than may be lost, whose time cannot be told although one was asked for.
    Untimed,
}

impl Verdict {
    /// That of what loses no more than may be lost, or more.
    pub(super) fn of_loss(is_within: bool) -> Self {
        if is_within { Self::Taken } else { Self::NotTaken }
    }

    /// That of integers that lose no more than may be lost: of the numbers that they were made of, and of them, the
    /// milliseconds, where these can be told, and the bytes; the most milliseconds, where some were asked for.
    pub(super) fn of_integers(milliseconds: [Option<f64>; 2], bytes: [usize; 2], most: Option<f64>) -> Self {
        match milliseconds {
            [Some(float), Some(integers)] => {
                let misses = most.is_some_and(|most| float <= most && most < integers);
                match SAME <= integers / float || misses {
                    true => Self::Slower { times: integers / float, is_smaller: bytes[1] < bytes[0] },
                    false => Self::Taken,
                }
            }
            [_, None] if most.is_some() => Self::Untimed,
            _ => Self::Taken,
        }
    }

    /// Whether it loses no more than may be lost.
    pub(super) fn is_within(self) -> bool {
        self != Self::NotTaken
    }

    /// Whether it may be the result: of integers that take longer only what is smaller, where no time was asked for.
    pub(super) fn is_result(self, is_time_asked: bool) -> bool {
        match self {
            Self::Taken => true,
            Self::Slower { is_smaller, .. } => is_smaller && !is_time_asked,
            Self::NotTaken | Self::Untimed => false,
        }
    }

    /// What a row says of it, behind its name.
    pub(super) fn said(self) -> &'static str {
        match self {
            Self::Taken => "",
            Self::NotTaken => ", not taken",
            Self::Slower { is_smaller: true, .. } => ", smaller, not faster",
            Self::Slower { is_smaller: false, .. } => ", neither smaller nor faster",
            Self::Untimed => ", time unknown",
        }
    }

    /// How many times as long it takes, if it takes longer.
    pub(super) fn times(self) -> Option<f64> {
        match self {
            Self::Slower { times, .. } => Some(times),
            Self::Taken | Self::NotTaken | Self::Untimed => None,
        }
    }

    /// What programs call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::NotTaken => "not-taken",
            Self::Slower { .. } => "slower",
            Self::Untimed => "untimed",
        }
    }
}

/// How integers that take longer, and are not the result, stand to the numbers that they were made of.
pub(super) fn compared(times: f64, is_smaller: bool) -> String {
    let size = if is_smaller { "smaller but" } else { "no smaller and" };
    match times < SAME {
        true => format!("is {size} misses the time that was asked for"),
        false => format!("is {size} takes {times:.2} times as long"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: [usize; 2] = [400, 100];

    #[test]
    fn integers_that_take_longer_are_the_result_only_where_no_time_was_asked_for() {
        let slower = Verdict::of_integers([Some(0.5), Some(1.0)], BYTES, None);
        assert_eq!(slower, Verdict::Slower { times: 2.0, is_smaller: true });
        assert!(slower.is_within() && slower.is_result(false) && !slower.is_result(true));
        assert_eq!(slower.said(), ", smaller, not faster");
        // They would be no better in anything.
        let worse = Verdict::of_integers([Some(0.5), Some(1.0)], [100, 400], None);
        assert!(worse.is_within() && !worse.is_result(false));
    }

    #[test]
    fn integers_that_take_as_long_or_less_are_the_result() {
        for time in [0.3, 0.5, 0.502] {
            let found = Verdict::of_integers([Some(0.5), Some(time)], BYTES, Some(1.0));
            assert!(found == Verdict::Taken && found.is_result(true), "{time}");
        }
    }

    #[test]
    fn a_limit_that_integers_alone_miss_is_missed_by_whatever_little() {
        let with = |most| Verdict::of_integers([Some(0.5), Some(0.502)], BYTES, Some(most));
        assert!(!with(0.501).is_result(true));
        assert_eq!(compared(1.004, true), "is smaller but misses the time that was asked for");
        assert_eq!(compared(1.25, false), "is no smaller and takes 1.25 times as long");
        // Neither keeps to it.
        assert_eq!(with(0.4), Verdict::Taken);
    }

    #[test]
    fn a_time_that_cannot_be_told_matters_only_where_one_was_asked_for() {
        assert_eq!(Verdict::of_integers([Some(0.5), None], BYTES, None), Verdict::Taken);
        let untimed = Verdict::of_integers([Some(0.5), None], BYTES, Some(1.0));
        assert!(untimed == Verdict::Untimed && !untimed.is_result(true));
        assert_eq!(Verdict::of_integers([None, Some(0.5)], BYTES, None), Verdict::Taken);
    }
}
