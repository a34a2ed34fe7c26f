//! The shape of one example.

use std::fmt;

use crate::Shape;

/// The shape of one example: of each of its inputs, without the dimension for examples.
///
/// Most examples have one input, and their shape is written as an array:
///
/// ```
/// use sapwood_core::ExampleShape;
///
/// let image = ExampleShape::from([3, 32, 32]);
/// assert_eq!((image.image(), image.to_string()), (Some([3, 32, 32]), "3x32x32".into()));
/// assert_eq!(ExampleShape::from([128]).image(), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExampleShape(pub Vec<Vec<usize>>);

impl ExampleShape {
    /// `[C, H, W]`, if an example is one image or board.
    pub fn image(&self) -> Option<Shape> {
        match &self.0[..] {
            [shape] => shape[..].try_into().ok(),
            _ => None,
        }
    }
}

impl<const D: usize> From<[usize; D]> for ExampleShape {
    fn from(shape: [usize; D]) -> Self {
        Self(vec![shape.to_vec()])
    }
}

impl fmt::Display for ExampleShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = |shape: &Vec<usize>| shape.iter().map(ToString::to_string).collect::<Vec<_>>().join("x");
        f.write_str(&self.0.iter().map(by).collect::<Vec<_>>().join(" and "))
    }
}
