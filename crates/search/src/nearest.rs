//! What is nearest to a limit that nothing keeps to.

use crate::Constraint;

/// The digits that count of a number.
const DIGITS: i32 = 6;

/// A value in few digits: no less than it is where the limit is an upper one, and no more where it is a lower one. So it
/// keeps to a limit that is what is said.
pub(crate) fn in_few_digits(value: f64, limit: &Constraint) -> String {
    if value.fract() == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let is_most = limit.is_upper();
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
    use crate::Error;

    #[test]
    fn a_limit_of_the_nearest_value_as_it_is_said_is_kept_to() {
        let (most, least) = (Constraint::at_most("ms", 1.0), Constraint::at_least("ms", 1.0));
        for (value, limit, expected) in [
            (0.012345678901234, &most, "0.0123457"),
            (0.012345649, &most, "0.0123457"),
            (0.012345649, &least, "0.0123456"),
            (-0.012345678, &most, "-0.0123456"),
            (153.5, &most, "153.5"),
            (2368.0, &most, "2368"),
            (1_234_567.25, &most, "1234568"),
            (99.999999, &most, "100"),
            (1e-15, &most, "0.000000000001"),
        ] {
            assert_eq!(in_few_digits(value, limit), expected);
        }
    }

    #[test]
    fn what_is_found_nowhere_is_said_with_few_digits() {
        let error = Error::Infeasible {
            looked: "12 evaluations".into(),
            constraint: Box::new(Constraint::at_most("latency_ms", 0.01)),
            nearest: 0.012345678901234,
            genome: "d=1".into(),
        };
        let said = error.to_string();
        assert!(said.contains("satisfies `latency_ms <= 0.01` in 12 evaluations"), "{said}");
        assert!(said.contains("the nearest is 0.0123457;"), "{said}");
    }
}
