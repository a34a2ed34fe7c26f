//! What is nearest to a limit that nothing keeps to.

use sapwood_search::Error;

/// The digits that count of a number.
const DIGITS: i32 = 6;

/// What a search says that found nothing, with few digits of the value that is nearest; what other errors say as it is.
pub(super) fn said(error: &Error) -> String {
    let text = error.to_string();
    match error {
        Error::Infeasible { nearest, constraint, .. } => {
            let short = rounded(*nearest, !constraint.contains(">="));
            text.replace(&format!("the nearest is {nearest};"), &format!("the nearest is {short};"))
        }
        _ => text,
    }
}

/// A number in few digits: no less than it is, or no more. So it keeps to a limit that is what is said.
fn rounded(value: f64, is_most: bool) -> String {
    if value.fract() == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let decimals = (DIGITS - 1 - value.abs().log10().floor() as i32).clamp(0, 12) as usize;
    let unit = 10f64.powi(-(decimals as i32));
    let keeps = |text: &String| {
        text.parse().is_ok_and(|near: f64| if is_most { value <= near } else { near <= value })
    };
    let further = if is_most { value + unit } else { value - unit };
    let near = Some(format!("{value:.decimals$}")).filter(keeps);
    let text = near.unwrap_or_else(|| format!("{further:.decimals$}"));
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_the_nearest_value_as_it_is_said_is_kept_to() {
        for (value, is_most, expected) in [
            (0.012345678901234, true, "0.0123457"),
            (0.012345649, true, "0.0123457"),
            (0.012345649, false, "0.0123456"),
            (153.5, true, "153.5"),
            (2368.0, true, "2368"),
            (1_234_567.25, true, "1234568"),
            (99.999999, true, "100"),
            (1e-15, true, "0.000000000001"),
        ] {
            assert_eq!(rounded(value, is_most), expected);
        }
    }

    #[test]
    fn what_is_found_nowhere_is_said_with_few_digits() {
        let error = Error::Infeasible {
            looked: "12 evaluations".into(),
            constraint: "`latency_ms <= 0.01`".into(),
            nearest: 0.012345678901234,
            genome: "d=1".into(),
        };
        let said = said(&error);
        assert!(
            said.contains("satisfies `latency_ms <= 0.01`") && said.contains("the nearest is 0.0123457;"),
            "{said}"
        );
    }
}
