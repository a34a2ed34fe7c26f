//! How the values of an axis are spread over its length.

use super::number::{grouped, number, percent};

/// How the values of an axis are spread over its length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// Equal steps are equally long.
    #[default]
    Linear,
    /// Every doubling is equally long; for compression ratios.
    Log2,
    /// Every factor of ten is equally long; for losses and learning rates.
    Log10,
    /// Every halving of what is left is equally long: 50 %, 75 % and 87.5 % are
    /// evenly spaced. For a sparsity, given as a fraction in `[0, 1)`.
    Sparsity,
    /// Every factor of ten is equally long; for a kept share, given as a fraction
    /// in `(0, 1]` and labelled in percent.
    Density,
}

impl Scale {
    /// Where `value` lies, in a coordinate that grows evenly along the axis;
    /// `None` for what the axis has no place for.
    pub(super) fn place(self, value: f64) -> Option<f64> {
        let place = match self {
            Scale::Linear => value,
            Scale::Log2 => value.log2(),
            Scale::Log10 | Scale::Density => value.log10(),
            Scale::Sparsity => -(1.0 - value).log2(),
        };
        place.is_finite().then_some(place)
    }

    /// The value at a coordinate: the inverse of [`Scale::place`].
    fn value(self, place: f64) -> f64 {
        match self {
            Scale::Linear => place,
            Scale::Log2 => place.exp2(),
            Scale::Log10 | Scale::Density => 10f64.powf(place),
            Scale::Sparsity => 1.0 - (-place).exp2(),
        }
    }

    /// A value as a reader knows it on this axis.
    pub(super) fn name(self, value: f64) -> String {
        match self {
            Scale::Sparsity | Scale::Density => percent(value),
            Scale::Linear | Scale::Log2 | Scale::Log10 => number(value),
        }
    }

    /// Round values between two coordinates, ascending, with their labels; on a
    /// logarithmic scale as many of each decade as let about `most` fit.
    pub(super) fn ticks(self, low: f64, high: f64, most: f64) -> Vec<(f64, String)> {
        let mut ticks: Vec<f64> = match self {
            Scale::Linear => Vec::new(),
            Scale::Log2 => (low.ceil() as i32..=high.floor() as i32).map(|e| 2f64.powi(e)).collect(),
            Scale::Log10 | Scale::Density => {
                let mantissas: &[f64] = match most / (high - low) {
                    4.5.. => &[1.0, 2.0, 5.0],
                    2.5.. => &[1.0, 3.0],
                    _ => &[1.0],
                };
                let decades = low.floor() as i32..=high.floor() as i32;
                decades.flat_map(|e| mantissas.iter().map(move |m| m * 10f64.powi(e))).collect()
            }
            Scale::Sparsity => {
                let deeper = (1..8).flat_map(|e| [5.0, 2.0, 1.0].map(|left| 1.0 - left * 10f64.powi(-e)));
                [0.0].into_iter().chain(deeper).collect()
            }
        };
        ticks.retain(|value| self.place(*value).is_some_and(|at| low <= at && at <= high));
        // An axis too short for round numbers of its own kind is divided evenly.
        let decimals = if ticks.len() < 2 {
            let (even, decimals) = even_ticks(self.value(low), self.value(high));
            ticks = even;
            Some(decimals)
        } else {
            None
        };
        let label = |value: f64| match (self, decimals) {
            (Scale::Sparsity | Scale::Density, _) => percent(value),
            (_, Some(1..)) => format!("{:.1$}", value + 0.0, decimals.unwrap_or(0)),
            _ if value.abs() >= 10_000.0 => grouped(value),
            _ => number(value),
        };
        ticks.into_iter().map(|value| (value, label(value))).collect()
    }
}

/// About five multiples of 1, 2 or 5 times a power of ten, and the decimals that
/// they need.
fn even_ticks(low: f64, high: f64) -> (Vec<f64>, usize) {
    let rough = (high - low) / 5.0;
    let magnitude = 10f64.powf(rough.log10().floor());
    let step = magnitude * [1.0, 2.0, 5.0].into_iter().find(|m| rough <= m * magnitude * 1.2).unwrap_or(10.0);
    if !(step.is_finite() && step > 0.0) {
        return (Vec::new(), 0);
    }
    // A tick at the very end of the axis is not lost to rounding.
    let first = (low / step - 1e-9).ceil();
    let ticks =
        (0..12).map(|i| (first + f64::from(i)) * step).take_while(|value| *value <= high + 1e-9 * step);
    (ticks.collect(), (-step.log10().floor()).clamp(0.0, 9.0) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: Scale, low: f64, high: f64) -> String {
        let (low, high) = (scale.place(low).unwrap(), scale.place(high).unwrap());
        scale.ticks(low, high, 10.0).into_iter().map(|(_, label)| label).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn ticks_are_round_and_inside_the_axis() {
        assert_eq!(labels(Scale::Linear, 91.3, 97.9), "92 94 96");
        assert_eq!(labels(Scale::Linear, -0.05, 1.05), "0.0 0.2 0.4 0.6 0.8 1.0");
        assert_eq!(labels(Scale::Linear, 0.0, 23_450.0), "0 5000 10,000 15,000 20,000");
        assert_eq!(labels(Scale::Log2, 1.0, 33.0), "1 2 4 8 16 32");
        assert_eq!(labels(Scale::Log10, 0.001, 0.1), "0.001 0.002 0.005 0.01 0.02 0.05 0.1");
        assert_eq!(labels(Scale::Density, 0.0009, 1.1), "0.1% 0.3% 1% 3% 10% 30% 100%");
        assert_eq!(labels(Scale::Sparsity, 0.0, 0.991), "0% 50% 80% 90% 95% 98% 99%");
        assert_eq!(labels(Scale::Sparsity, 0.91, 0.94), "91% 91.5% 92% 92.5% 93% 93.5% 94%");
    }

    #[test]
    fn a_scale_has_no_place_for_what_it_cannot_show() {
        for (scale, value) in
            [(Scale::Log2, 0.0), (Scale::Log10, -1.0), (Scale::Sparsity, 1.0), (Scale::Linear, f64::NAN)]
        {
            assert_eq!(scale.place(value), None);
        }
        assert_eq!(Scale::Sparsity.place(0.75), Some(2.0));
    }
}
