//! How numbers are written for a reader.

/// `value` to six significant digits, without trailing zeros.
pub(super) fn number(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return if value == 0.0 { "0".into() } else { value.to_string() };
    }
    match 5 - value.abs().log10().floor() as i32 {
        digits @ 0..=9 => trimmed(value, digits as usize),
        ..0 => grouped(value),
        _ => {
            let text = format!("{value:.5e}");
            let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            format!("{}e{exponent}", digits.trim_end_matches('0').trim_end_matches('.'))
        }
    }
}

/// `value` with at most `decimals` decimals and no trailing zeros.
pub(super) fn trimmed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".into() } else { text.into() }
}

/// `value` as a percentage: `0.995` is `99.5%`.
pub(super) fn percent(fraction: f64) -> String {
    let percent = fraction * 100.0;
    if percent != 0.0 && percent.abs() < 0.001 {
        format!("{percent:.0e}%")
    } else {
        trimmed(percent, 3) + "%"
    }
}

/// A whole number with a comma at every thousand.
pub(super) fn grouped(value: f64) -> String {
    let text = format!("{value:.0}");
    let (sign, digits) = text.strip_prefix('-').map_or(("", &*text), |digits| ("-", digits));
    let mut out = String::from(sign);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_keep_six_digits() {
        let cases = [
            (0.0, "0"),
            (-0.0, "0"),
            (97.25, "97.25"),
            (0.1 + 0.2, "0.3"),
            (1.0 / 3.0, "0.333333"),
            (266_610.0, "266610"),
            (12_345_678.0, "12,345,678"),
            (-1e-12, "-1e-12"),
            (7.325852335e-5, "7.32585e-5"),
            (f64::NAN, "NaN"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
        assert_eq!((grouped(-1000.0), grouped(999.0)), ("-1,000".into(), "999".into()));
        assert_eq!(
            (percent(0.995), percent(1.0), percent(0.000001)),
            ("99.5%".into(), "100%".into(), "1e-4%".into())
        );
    }
}
