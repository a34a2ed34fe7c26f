//! What goes into a network.

use serde::{Deserialize, Serialize};

use crate::{Dims, Shape};

/// One of a network's inputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// What it is called.
    pub name: String,
    /// Its dimensions.
    pub dims: Dims,
    /// Whether it holds integers, such as tokens.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub integers: bool,
}

impl Entry {
    /// The images that a network usually reads.
    pub fn images(shape: Shape) -> Self {
        Self { name: "input".into(), dims: Dims::images(shape), integers: false }
    }

    /// The dimensions of a batch of examples `[C, H, W]` of a data set, if they can go in: as they are into
    /// images, in one row into rows, and without a height of 1 into sequences.
    pub fn fit(&self, shape: Shape) -> Option<Dims> {
        let [c, h, w] = shape;
        let values = || c.checked_mul(h)?.checked_mul(w);
        match (self.dims.example()?, self.dims.rank()) {
            (_, 4) => Some(Dims::images(shape)),
            (_, 3) if h == 1 => Dims::batch_of(&[c, w]),
            (_, 2) => values().map(Dims::rows),
            (example, _) => {
                let product = example.iter().try_fold(1usize, |product, size| product.checked_mul(*size));
                (product == values()).then_some(self.dims)
            }
        }
    }
}
