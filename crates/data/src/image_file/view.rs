//! What a network is shown of an image.

use sapwood_core::{Filter, Fit, ImageFit, Order};

use super::Image;
use crate::{
    pil,
    resample::{Region, Resampling},
};

/// What a network is shown of images of one size, `[C, H, W]`, and all of it that is the same for each of them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct View {
    shape: [usize; 3],
    order: Order,
    seen: Seen,
}

/// How an image gets the size.
#[derive(Clone, Debug, PartialEq)]
enum Seen {
    /// A part of it has the size.
    Part(Region),
    /// By a triangle, in single precision.
    Triangle(Resampling),
    /// A part of it is resized as Pillow does.
    Pillow(Region, pil::Resampling),
}

impl View {
    /// What is seen of images of a size; or why that cannot be.
    pub(crate) fn of(size: [usize; 2], shape: [usize; 3], fit: &ImageFit) -> Result<Self, String> {
        let [_, h, w] = shape;
        Ok(Self { shape, order: fit.order, seen: Seen::of(size, [h, w], fit)? })
    }

    /// What is seen of an image of that size, `[C, H, W]` with values in [0, 1].
    pub(crate) fn shown(&self, image: Image) -> Vec<f32> {
        let [channels, h, w] = self.shape;
        let image = image.with_channels(channels);
        let mut planes = match &self.seen {
            Seen::Part(part) => image.cut(*part).unit_planes(),
            Seen::Triangle(resampling) => resampling.apply(&image.pixels, image.shape()),
            Seen::Pillow(part, resampling) => {
                let pixels = resampling.apply(&image.cut(*part).pixels, channels);
                Image { channels, size: resampling.size(), pixels }.unit_planes()
            }
        };
        if (self.order, channels) == (Order::Bgr, 3) {
            let (red, rest) = planes.split_at_mut(h * w);
            red.swap_with_slice(&mut rest[h * w..]);
        }
        planes
    }
}

impl Seen {
    fn of(size: [usize; 2], [h, w]: [usize; 2], fit: &ImageFit) -> Result<Self, String> {
        let whole = whole(size, [h, w], fit.fit);
        if fit.fit == Fit::Cover {
            let region = Region::centre(size, [h, w]);
            return Ok(match fit.interpolation {
                Filter::Bilinear if size != [h, w] => Self::Triangle(Resampling::of(region, [h, w])),
                filter => Self::resized(region, whole, Region::whole(whole), filter),
            });
        }
        if whole[0] < h || whole[1] < w {
            let [rows, columns] = whole;
            return Err(format!(
                "resized to {rows}x{columns} it is smaller than the {h}x{w} that are cut out of it: resize it to more"
            ));
        }
        let middle = |whole: usize, part: usize| ((whole - part) as f64 / 2.0).round_ties_even() as usize;
        let (top, left) = (middle(whole[0], h), middle(whole[1], w));
        let part = Region { top, left, height: h, width: w };
        Ok(Self::resized(Region::whole(size), whole, part, fit.interpolation))
    }

    /// A part of a region in another size, of which the rest is never made: that of a thin image may be larger than any
    /// memory.
    fn resized(region: Region, size: [usize; 2], part: Region, interpolation: Filter) -> Self {
        let from = [region.height, region.width];
        match from == size {
            true => {
                let (top, left) = (region.top + part.top, region.left + part.left);
                Self::Part(Region { top, left, ..part })
            }
            false => Self::Pillow(region, pil::Resampling::of(from, size, part, interpolation)),
        }
    }
}

impl Image {
    /// What is seen of it, `[C, H, W]` with values in [0, 1]; or why that cannot be.
    pub(crate) fn viewed(self, shape: [usize; 3], fit: &ImageFit) -> Result<Vec<f32>, String> {
        Ok(View::of(self.size, shape, fit)?.shown(self))
    }

    fn cut(self, part: Region) -> Self {
        if part == Region::whole(self.size) {
            return self;
        }
        let Region { top, left, height, width } = part;
        let (channels, line) = (self.channels, self.size[1] * self.channels);
        let rows = self.pixels.chunks_exact(line).skip(top).take(height);
        let pixels = rows.flat_map(|row| &row[left * channels..(left + width) * channels]).copied().collect();
        Self { channels, size: [height, width], pixels }
    }

    /// The values as `[C, H, W]`, with 255 as 1.
    fn unit_planes(&self) -> Vec<f32> {
        self.planes().iter().map(|byte| f32::from(*byte) / 255.0).collect()
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
