//! What a network is shown of an image.

use sapwood_core::{Filter, Fit, ImageFit, Order};

use super::Image;
use crate::{pil, resample::Region};

impl Image {
    /// What is seen of it, `[C, H, W]` with values in [0, 1]; or why that cannot be.
    pub(crate) fn viewed(self, shape: [usize; 3], fit: &ImageFit) -> Result<Vec<f32>, String> {
        let [channels, h, w] = shape;
        let mut planes = match (fit.fit, fit.interpolation) {
            (Fit::Cover, Filter::Bilinear) => self.fitted(shape),
            _ => {
                let image = self.with_channels(channels);
                let image = image.seen([h, w], fit)?;
                image.planes().iter().map(|byte| f32::from(*byte) / 255.0).collect()
            }
        };
        if (fit.order, channels) == (Order::Bgr, 3) {
            let (red, rest) = planes.split_at_mut(h * w);
            red.swap_with_slice(&mut rest[h * w..]);
        }
        Ok(planes)
    }

    /// What is seen of it, in the size `[h, w]`.
    fn seen(self, [h, w]: [usize; 2], fit: &ImageFit) -> Result<Self, String> {
        let whole = whole(self.size, [h, w], fit.fit);
        if fit.fit == Fit::Cover {
            let region = Region::centre(self.size, [h, w]);
            return Ok(self.cut(region).resized(whole, Region::whole(whole), fit.interpolation));
        }
        if whole[0] < h || whole[1] < w {
            let [rows, columns] = whole;
            return Err(format!(
                "resized to {rows}x{columns} it is smaller than the {h}x{w} that are cut out of it: resize it to more"
            ));
        }
        let middle = |whole: usize, part: usize| ((whole - part) as f64 / 2.0).round_ties_even() as usize;
        let (top, left) = (middle(whole[0], h), middle(whole[1], w));
        Ok(self.resized(whole, Region { top, left, height: h, width: w }, fit.interpolation))
    }

    /// A part of what it is in another size, of which the rest is never made: that of a thin image may be larger than
    /// any memory.
    fn resized(self, size: [usize; 2], part: Region, interpolation: Filter) -> Self {
        match self.size == size {
            true => self.cut(part),
            false => {
                let pixels = pil::resize(&self.pixels, self.channels, self.size, size, part, interpolation);
                Self { size: [part.height, part.width], pixels, ..self }
            }
        }
    }

    fn cut(self, Region { top, left, height, width }: Region) -> Self {
        let (channels, line) = (self.channels, self.size[1] * self.channels);
        let rows = self.pixels.chunks_exact(line).skip(top).take(height);
        let pixels = rows.flat_map(|row| &row[left * channels..(left + width) * channels]).copied().collect();
        Self { channels, size: [height, width], pixels }
    }
}

/// Whether an image of this size, as an input of this size, is what it was.
pub(crate) fn is_same(size: [usize; 2], fit: Fit) -> bool {
    whole(size, size, fit) == size
}

/// The size that an image gets before the middle of it, `[h, w]`, is cut out.
fn whole(size @ [height, width]: [usize; 2], [h, w]: [usize; 2], fit: Fit) -> [usize; 2] {
    // Of two sides the shorter one gets a length; the other one follows, cut off or rounded.
    let shorter = |side: usize| match height <= width {
        true => [side, side * width / height],
        false => [side * height / width, side],
    };
    match fit {
        Fit::Cover | Fit::Stretch => [h, w],
        Fit::Resize(side) => shorter(side),
        Fit::Crop(fraction) if h == w => shorter((h as f64 / fraction) as usize),
        Fit::Crop(fraction) => {
            let target = [h, w].map(|side| (side as f64 / fraction).floor());
            let ratio = (height as f64 / target[0]).min(width as f64 / target[1]);
            size.map(|side| (side as f64 / ratio).round_ties_even() as usize)
        }
    }
}
