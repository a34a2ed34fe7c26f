//! The line through what networks cost, over what their blocks do.

use crate::Error;

/// Points below which no slope is fitted.
const FEW: usize = 5;

/// The fixed cost and the slope of a line through points `(x, y)`: the median of the slopes between
/// any two points, and the median of what is left (Sen 1968). Up to a quarter of the points may be
/// anything.
pub(super) fn line(points: &[(f64, f64)]) -> Result<(f64, f64), Error> {
    if points.is_empty() || points.iter().any(|(x, y)| !x.is_finite() || !y.is_finite()) {
        let problem = "it is fitted to at least one measurement of a network, and each must be finite".into();
        return Err(Error::Latency { problem });
    }
    let pairs =
        points.iter().enumerate().flat_map(|(at, one)| points[..at].iter().map(move |other| (one, other)));
    let slopes = pairs
        .filter(|(one, other)| one.0 != other.0)
        .map(|(one, other)| (one.1 - other.1) / (one.0 - other.0));
    let slopes: Vec<f64> = slopes.collect();
    let found = if points.len() < FEW || slopes.is_empty() { 1.0 } else { median(slopes) };
    // What is not above 0 is noise: no network is faster for having more to do.
    let slope = if 0.0 < found { found } else { 1.0 };
    Ok((median(points.iter().map(|(x, y)| y - slope * x).collect()), slope))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disturbed_measurement_does_not_move_the_line() {
        let mut points: Vec<(f64, f64)> = (0..8).map(|x| (f64::from(x), 0.5 + 1.25 * f64::from(x))).collect();
        assert_eq!(line(&points).unwrap(), (0.5, 1.25));
        points[6].1 = 90.0;
        assert_eq!(line(&points).unwrap(), (0.5, 1.25));
    }

    #[test]
    fn few_points_and_senseless_ones_have_slope_1() {
        assert_eq!(line(&[(1.0, 4.0)]).unwrap(), (3.0, 1.0));
        assert_eq!(line(&[(1.0, 4.0); 9]).unwrap(), (3.0, 1.0));
        assert_eq!(line(&[(1.0, 4.0), (2.0, 9.0), (3.0, 14.0), (4.0, 19.0)]).unwrap().1, 1.0);
        let falling: Vec<(f64, f64)> = (0..8).map(|x| (f64::from(x), -f64::from(x))).collect();
        assert_eq!(line(&falling).unwrap(), (-7.0, 1.0));
        for wrong in [&[][..], &[(1.0, f64::NAN)]] {
            assert!(line(wrong).unwrap_err().to_string().contains("at least one measurement"));
        }
    }
}
