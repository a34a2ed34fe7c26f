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
/// of which both have one of the same name that is shown values of that height and width.
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
    for (layer, own) in student.0 {
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
