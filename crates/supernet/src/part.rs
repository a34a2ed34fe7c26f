//! Which part of a parameter a sub-network has.

use std::ops::Range;

use burn::tensor::Tensor;

/// A corner of a parameter: the first channels, and of a kernel the middle. In the order in
/// which the parameter is stored; that of a linear layer, which Burn stores transposed, is a
/// corner either way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    whole: [usize; 4],
    ranges: [Range<usize>; 4],
}

impl Part {
    /// The part of this shape, if there is one.
    pub(crate) fn of(whole: &[usize], shape: &[usize]) -> Option<Self> {
        // All of it, however many dimensions it has.
        if whole == shape {
            let all: [usize; 4] = [whole.iter().product(), 1, 1, 1];
            return Some(Self { ranges: all.map(|size| 0..size), whole: all });
        }
        if whole.len() != shape.len() || 4 < shape.len() {
            return None;
        }
        let (whole, shape) = (four(whole), four(shape));
        let first = |dim: usize| (shape[dim] <= whole[dim]).then(|| 0..shape[dim]);
        let middle = |dim: usize| {
            let margin = whole[dim].checked_sub(shape[dim])?;
            margin.is_multiple_of(2).then(|| margin / 2..margin / 2 + shape[dim])
        };
        Some(Self { ranges: [first(0)?, first(1)?, middle(2)?, middle(3)?], whole })
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.shape() == self.whole
    }

    /// Its shape, with ones behind.
    pub(crate) fn shape(&self) -> [usize; 4] {
        self.ranges.clone().map(|range| range.len())
    }

    /// The part, flat, of the whole, flat.
    pub(crate) fn take(&self, whole: Tensor<1>) -> Tensor<1> {
        match self.is_whole() {
            true => whole,
            false => whole.reshape(self.whole).slice(self.ranges.clone()).reshape([-1]),
        }
    }

    /// The whole, flat, with this added to its part.
    pub(crate) fn add(&self, whole: Tensor<1>, part: Tensor<1>) -> Tensor<1> {
        if self.is_whole() {
            return whole + part;
        }
        let whole = whole.reshape(self.whole);
        let sum = whole.clone().slice(self.ranges.clone()) + part.reshape(self.shape());
        whole.slice_assign(self.ranges.clone(), sum).reshape([-1])
    }
}

fn four(shape: &[usize]) -> [usize; 4] {
    std::array::from_fn(|dim| shape.get(dim).copied().unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sapwood_backend::DeviceSpec;

    #[test]
    fn channels_are_the_first_and_kernels_the_middle() {
        let device = DeviceSpec::CPU.resolve().unwrap();
        let whole = Tensor::<1, burn::tensor::Int>::arange(0..3 * 2 * 9, &device).float();
        let part = Part::of(&[3, 2, 3, 3], &[2, 1, 1, 1]).unwrap();
        assert_eq!(part.take(whole.clone()).into_data().iter::<f64>().collect::<Vec<_>>(), [4.0, 22.0]);
        let sum = part.add(whole.clone(), Tensor::from_floats([0.5, 0.25], &device)) - whole;
        let changed: Vec<f64> = sum.into_data().iter().collect();
        assert_eq!((changed[4], changed[22], changed.iter().sum::<f64>()), (0.5, 0.25, 0.75));
        assert_eq!(Part::of(&[4, 4, 3, 3], &[4, 4, 2, 2]), None);
        assert_eq!(Part::of(&[4, 4], &[5, 4]), None);
        assert!(Part::of(&[2; 6], &[2; 6]).unwrap().is_whole());
    }
}
