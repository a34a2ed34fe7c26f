//! The time that was asked for, beside the one that is taken.

use sapwood_lab::Compressed;

use super::super::bar::note;

/// Tells where the result takes longer than was asked for.
pub(super) fn tell(made: &Compressed) {
    let result = made.networks.iter().find(|network| network.network == made.result);
    let found = result.and_then(|network| network.milliseconds);
    if let (Some(most), Some(found)) = (made.milliseconds, found)
        && most < found
    {
        let found = rounded_up(found, most);
        note(&format!("note: {most} ms were asked for, {found} are taken"));
    }
}

/// Milliseconds with as many decimals as a limit has, of which they are more, and with three at least: what is more is also
/// written as more.
pub(super) fn rounded_up(milliseconds: f64, most: f64) -> String {
    let decimals = most.to_string().split_once('.').map_or(0, |(_, decimals)| decimals.len()).clamp(3, 12);
    let units = 10f64.powi(decimals as i32);
    format!("{:.decimals$}", (milliseconds * units).ceil() / units)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_more_than_a_limit_is_written_as_more() {
        let cases = [
            (0.00045, 0.0004, "0.0005"),
            (0.00045, 0.0000001, "0.0004500"),
            (0.5001, 0.5, "0.501"),
            (2.25, 2.0, "2.250"),
            (1001.0, 1000.0, "1001.000"),
        ];
        for (milliseconds, most, expected) in cases {
            let found = rounded_up(milliseconds, most);
            assert!(most < found.parse::<f64>().unwrap(), "{found}");
            assert_eq!(found, expected);
        }
    }
}
