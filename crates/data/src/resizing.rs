//! How stored images get another size.

use std::sync::Arc;

use sapwood_core::{ImageFit, Shape};

use crate::image_file::{Image, View};

/// How stored images get another size, or are cut.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Resizing {
    /// The shape in which they are stored, `[C, H, W]`.
    pub(crate) from: Shape,
    /// What is seen of them.
    pub(crate) fit: ImageFit,
    /// All of that but the images: parts of a data set share it.
    view: Arc<View>,
}

impl Resizing {
    /// From one shape to another one; or why that cannot be. All images are of one size: what one can become, each can.
    pub(crate) fn of(from: Shape, to: Shape, fit: ImageFit) -> Result<Self, String> {
        let [_, height, width] = from;
        Ok(Self { from, fit, view: Arc::new(View::of([height, width], to, &fit)?) })
    }

    /// The bytes of a stored image in the other shape.
    pub(crate) fn apply(&self, planes: &[u8]) -> Vec<u8> {
        let [channels, height, width] = self.from;
        let size = height * width;
        let pixels = (0..size).flat_map(|at| (0..channels).map(move |c| planes[c * size + at])).collect();
        let seen = self.view.shown(Image { channels, size: [height, width], pixels });
        seen.iter().map(|value| (value * 255.0).round() as u8).collect()
    }
}
