//! From values to places in the picture.

use super::scale::Scale;

/// A scale laid over a stretch of the picture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    scale: Scale,
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    /// The axis from `from` to `to` (in the picture's units) that holds all
    /// `values` with `margin` of its length free at both ends. Values that the
    /// scale has no place for are left out.
    pub(super) fn fit(
        scale: Scale,
        values: impl Iterator<Item = f64>,
        margin: f64,
        (from, to): (f64, f64),
    ) -> Self {
        let (low, high) = values
            .filter_map(|value| scale.place(value))
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), at| (low.min(at), high.max(at)));
        let (low, high) = match high - low {
            span if span > 0.0 => (low - margin * span, high + margin * span),
            // All values are one, or there are none.
            0.0 if scale == Scale::Linear && low != 0.0 => (low - 0.1 * low.abs(), high + 0.1 * high.abs()),
            0.0 => (low - 0.5, high + 0.5),
            _ => (0.0, 1.0),
        };
        Self { scale, low, high, from, to }
    }

    /// Where `value` is drawn; `None` if the axis has no place for it.
    pub(super) fn at(&self, value: f64) -> Option<f64> {
        let place = self.scale.place(value)?;
        Some(self.from + (place - self.low) / (self.high - self.low) * (self.to - self.from))
    }

    /// Ticks with their labels, as many as fit: a label needs `room(label)`
    /// between its middle and the middle of the one before.
    pub(super) fn ticks(&self, room: impl Fn(&str) -> f64) -> Vec<(f64, String)> {
        let most = (self.to - self.from).abs() / room("100%").max(1.0);
        let mut ticks: Vec<(f64, String)> = Vec::new();
        for (value, label) in self.scale.ticks(self.low, self.high, most) {
            let Some(at) = self.at(value) else { continue };
            if ticks.last().is_none_or(|(last, _)| (at - last).abs() >= room(&label)) {
                ticks.push((at, label));
            }
        }
        ticks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_holds_all_its_values_and_survives_none() {
        let axis = Axis::fit(Scale::Linear, [3.0, f64::NAN, 5.0].into_iter(), 0.0, (100.0, 0.0));
        assert_eq!((axis.at(3.0), axis.at(5.0), axis.at(f64::NAN)), (Some(100.0), Some(0.0), None));
        for values in [vec![], vec![0.0], vec![7.0], vec![-7.0]] {
            let axis = Axis::fit(Scale::Linear, values.iter().copied(), 0.1, (0.0, 10.0));
            assert!(!axis.ticks(|_| 0.0).is_empty());
            assert!(values.iter().all(|value| axis.at(*value) == Some(5.0)));
        }
    }

    #[test]
    fn labels_that_would_touch_are_left_out() {
        let axis = Axis::fit(Scale::Log2, [1.0, 1024.0].into_iter(), 0.0, (0.0, 100.0));
        let ticks = axis.ticks(|_| 25.0);
        assert!(ticks.windows(2).all(|pair| pair[1].0 - pair[0].0 >= 25.0) && ticks.len() >= 3);
    }
}
