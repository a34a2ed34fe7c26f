//! What two networks' layers were shown.

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use sapwood_core::Tap;

use crate::Error;

/// What the layers of a network were shown in a pass, in the order in which they ran.
#[derive(Debug, Default)]
pub(crate) struct Shown(pub(crate) Vec<(String, Tensor<4>)>);

impl Shown {
    /// The same values for losses that have gradients.
    pub(crate) fn autodiff(self) -> Self {
        Self(self.0.into_iter().map(|(layer, values)| (layer, values.autodiff())).collect())
    }
}

impl Tap for Shown {
    fn input(&mut self, layer: &str, input: Tensor<4>) -> Tensor<4> {
        self.0.push((layer.into(), input.clone()));
        input
    }
}

/// The sum of a distance over the layers at which two networks are compared: for each height and width the last layer
/// of which both have one of the same name that is shown values of that height and width. The first layer is none of
/// them: it is shown what comes into the network, which is the same in both.
///
/// # Shapes
/// The distance is of `[N, C, H, W]`, the student's, and `[N, D, H, W]`, and has `[1]`.
///
/// # Errors
/// [`Error::NothingAlike`] where there is no such layer.
pub(crate) fn apart(
    student: Shown,
    teacher: Shown,
    distance: impl Fn(Tensor<4>, Tensor<4>) -> Tensor<1>,
) -> Result<Tensor<1>, Error> {
    let theirs: BTreeMap<String, Tensor<4>> = teacher.0.into_iter().collect();
    let mut pairs = BTreeMap::new();
    for (layer, own) in student.0.into_iter().skip(1) {
        let size = |values: &Tensor<4>| [values.dims()[2], values.dims()[3]];
        match theirs.get(&layer) {
            Some(other) if size(other) == size(&own) && size(&own) != [1, 1] => {
                pairs.insert(size(&own), (own, other.clone()));
            }
            _ => {}
        }
    }
    let sum = pairs.into_values().map(|(own, other)| distance(own, other)).reduce(|sum, next| sum + next);
    sum.ok_or(Error::NothingAlike)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Shape;
    use sapwood_backend::DeviceSpec;

    use super::*;

    #[test]
    fn what_comes_into_both_networks_is_not_compared() {
        let device = DeviceSpec::CPU.resolve().unwrap();
        let of = |layers: &[(&str, usize)]| {
            let value = |side: usize| Tensor::<4>::ones(Shape::new([1, 2, side, side]), &device);
            Shown(layers.iter().map(|(layer, side)| ((*layer).to_string(), value(*side))).collect())
        };
        let distance = |own: Tensor<4>, other: Tensor<4>| (own + other).mean();
        // A transformer's places are shown as single pixels.
        let places = || of(&[("patches", 8), ("fc", 1)]);
        assert!(matches!(apart(places(), places(), distance), Err(Error::NothingAlike)));
        let planes = || of(&[("first", 8), ("second", 8), ("third", 4)]);
        let found = apart(planes(), planes(), distance).unwrap().into_scalar::<f32>();
        assert_eq!(found, 4.0);
    }
}
