//! Bilinear resampling of a part of an image.

use std::array::from_fn;

/// A rectangle of an image, in pixels: where it begins, and its size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Region {
    pub(crate) top: usize,
    pub(crate) left: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
}

impl Region {
    /// All of an image of `[H, W]`.
    pub(crate) fn whole([height, width]: [usize; 2]) -> Self {
        Self { top: 0, left: 0, height, width }
    }

    /// The largest region in the middle of an image of `[H, W]` with the aspect
    /// ratio of `[h, w]`.
    pub(crate) fn centre([height, width]: [usize; 2], [h, w]: [usize; 2]) -> Self {
        let (crop_height, crop_width) = if height * w > width * h {
            ((width * h + w / 2) / w, width)
        } else {
            (height, (height * w + h / 2) / h)
        };
        let (crop_height, crop_width) = (crop_height.clamp(1, height), crop_width.clamp(1, width));
        let (top, left) = ((height - crop_height) / 2, (width - crop_width) / 2);
        Self { top, left, height: crop_height, width: crop_width }
    }
}

/// A region of an image in another size. The triangle that weighs the pixels has
/// a radius of one pixel when the image grows and of one new pixel when it
/// shrinks, so that nothing is skipped.
///
/// # Shapes
/// - `image`: `[C, H, W]`, row-major, as `shape` says
/// - returns: `[C, h, w]`
pub(crate) fn resample(image: &[f32], shape: [usize; 3], region: Region, [h, w]: [usize; 2]) -> Vec<f32> {
    let [_, height, width] = shape;
    let rows = weights(region.top, region.height, h);
    let columns = weights(region.left, region.width, w);
    let mut out = Vec::with_capacity(shape[0] * h * w);
    for plane in image.chunks_exact(height * width) {
        // Across first, and only in the rows that are needed.
        let across: Vec<f32> = plane[region.top * width..(region.top + region.height) * width]
            .chunks_exact(width)
            .flat_map(|row| columns.iter().map(|(first, weights)| dot(weights, &row[*first..])))
            .collect();
        for (first, weights) in &rows {
            out.extend((0..w).map(|x| {
                let column = across[(first - region.top) * w + x..].iter().step_by(w);
                weights.iter().zip(column).map(|(weight, value)| weight * value).sum::<f32>()
            }));
        }
    }
    out
}

/// Rows that are resampled side by side: as many numbers as the widest vectors of most processors
/// hold.
const LANES: usize = 8;

/// What a byte stands for, with 255 as 1.
static UNIT: [f32; 256] = {
    let (mut unit, mut byte) = ([0.0; 256], 0);
    while byte < unit.len() {
        unit[byte] = byte as f32 / 255.0;
        byte += 1;
    }
    unit
};

/// [`resample`] for large images of bytes, with 255 as 1: the weights are computed once for all images of a size.
///
/// Each sum is taken in the order of its pixels, so the result is that of `resample`, to the bit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Resampling {
    region: Region,
    rows: Weights,
    columns: Weights,
}

impl Resampling {
    /// A region in a size `[h, w]`.
    pub(crate) fn of(region: Region, [h, w]: [usize; 2]) -> Self {
        let rows = weights(region.top, region.height, h);
        Self { region, rows, columns: weights(region.left, region.width, w) }
    }

    /// The region of an image.
    ///
    /// # Shapes
    /// - `pixels`: `[H, W, C]`, row-major, for a `shape` of `[C, H, W]` with one or three channels
    /// - returns: `[C, h, w]`
    pub(crate) fn apply(&self, pixels: &[u8], shape: [usize; 3]) -> Vec<f32> {
        match shape[0] {
            1 => self.of_channels::<1>(pixels, shape[2]),
            _ => self.of_channels::<3>(pixels, shape[2]),
        }
    }

    fn of_channels<const C: usize>(&self, pixels: &[u8], width: usize) -> Vec<f32> {
        let Self { region, rows, columns } = self;
        let (h, w) = (rows.len(), columns.len());
        // Across first, and only in the rows that are needed: [row, C, w].
        let mut across = vec![0.0_f32; region.height * C * w];
        let mut strip = vec![[0.0_f32; LANES]; region.width * C];
        for (block, out) in across.chunks_mut(LANES * C * w).enumerate() {
            // Where fewer rows are left, the last one fills the lanes.
            let row = |lane: usize| {
                let row = region.top + (block * LANES + lane).min(region.height - 1);
                &pixels[(row * width + region.left) * C..][..region.width * C]
            };
            let sources: [&[u8]; LANES] = from_fn(row);
            for (at, values) in strip.iter_mut().enumerate() {
                *values = from_fn(|lane| UNIT[usize::from(sources[lane][at])]);
            }
            for (x, (first, weights)) in columns.iter().enumerate() {
                let mut sums = [[0.0_f32; LANES]; C];
                let (values, _) = strip[(first - region.left) * C..].as_chunks::<C>();
                for (weight, pixel) in weights.iter().zip(values) {
                    for (sums, values) in sums.iter_mut().zip(pixel) {
                        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += weight * value);
                    }
                }
                for (lane, row) in out.chunks_exact_mut(C * w).enumerate() {
                    (0..C).for_each(|channel| row[channel * w + x] = sums[channel][lane]);
                }
            }
        }
        let mut out = vec![0.0_f32; C * h * w];
        for (channel, plane) in out.chunks_exact_mut(h * w).enumerate() {
            for ((first, weights), sums) in rows.iter().zip(plane.chunks_exact_mut(w)) {
                for (step, weight) in weights.iter().enumerate() {
                    let values = &across[((first - region.top + step) * C + channel) * w..][..w];
                    sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += weight * value);
                }
            }
        }
        out
    }
}

/// For each new pixel, the first old pixel that counts and the weights from it on.
type Weights = Vec<(usize, Vec<f32>)>;

/// Those of a side that begins at `start`.
fn weights(start: usize, from: usize, to: usize) -> Weights {
    let scale = from as f64 / to as f64;
    let radius = scale.max(1.0);
    let triangle = |position: usize| {
        let centre = (position as f64 + 0.5) * scale;
        let first = (centre - radius).round().max(0.0) as usize;
        let last = ((centre + radius).round() as usize).clamp(first + 1, from);
        let raw: Vec<f64> =
            (first..last).map(|x| (1.0 - ((x as f64 + 0.5 - centre) / radius).abs()).max(0.0)).collect();
        let sum: f64 = raw.iter().sum();
        (start + first, raw.iter().map(|weight| (weight / sum) as f32).collect())
    };
    (0..to).map(triangle).collect()
}

fn dot(weights: &[f32], values: &[f32]) -> f32 {
    weights.iter().zip(values).map(|(weight, value)| weight * value).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn many_rows_at_once_give_the_bits_of_one_after_the_other(
            channels in prop_oneof![Just(1_usize), Just(3)],
            [height, width, h, w] in [1_usize..40, 1_usize..40, 1_usize..20, 1_usize..20],
            seed in any::<u32>(),
        ) {
            let value = |at: usize| ((at as u32).wrapping_mul(2_654_435_761).wrapping_add(seed) >> 24) as u8;
            let pixels: Vec<u8> = (0..height * width * channels).map(value).collect();
            let plane = |channel: usize| pixels.iter().skip(channel).step_by(channels);
            let planes: Vec<f32> =
                (0..channels).flat_map(plane).map(|byte| f32::from(*byte) / 255.0).collect();
            let (shape, region) = ([channels, height, width], Region::centre([height, width], [h, w]));
            let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<_>>();
            prop_assert_eq!(
                bits(Resampling::of(region, [h, w]).apply(&pixels, shape)),
                bits(resample(&planes, shape, region, [h, w]))
            );
        }
    }

    fn check(image: &[f32], shape: [usize; 3], region: Region, size: [usize; 2], expected: &[f32]) {
        let found = resample(image, shape, region, size);
        assert_eq!(found.len(), expected.len());
        for (a, b) in found.iter().zip(expected) {
            assert!((a - b).abs() < 1e-6, "{found:?} {expected:?}");
        }
    }

    #[test]
    fn growing_shrinking_and_cropping_agree_with_hand_calculation() {
        let whole = |height, width| Region { top: 0, left: 0, height, width };
        check(&[0.0, 1.0], [1, 1, 2], whole(1, 2), [1, 4], &[0.0, 0.25, 0.75, 1.0]);
        // Radius 2, centres at 1 and 3: three pixels count, as 3/7, 3/7 and 1/7.
        check(&[0.0, 0.0, 1.0, 1.0], [1, 1, 4], whole(1, 4), [1, 2], &[1.0 / 7.0, 6.0 / 7.0]);
        let image: Vec<f32> = (0..18).map(|x| x as f32).collect();
        check(&image, [2, 3, 3], whole(3, 3), [3, 3], &image);
        let corner = Region { top: 1, left: 1, height: 2, width: 2 };
        check(&image, [2, 3, 3], corner, [2, 2], &[4.0, 5.0, 7.0, 8.0, 13.0, 14.0, 16.0, 17.0]);
        check(&image, [2, 3, 3], corner, [1, 1], &[6.0, 15.0]);
    }

    #[test]
    fn a_centre_crop_has_the_aspect_asked_for_and_lies_inside() {
        let region = Region { top: 0, left: 5, height: 10, width: 10 };
        assert_eq!(Region::centre([10, 20], [4, 4]), region);
        let region = Region { top: 3, left: 0, height: 3, width: 6 };
        assert_eq!(Region::centre([9, 6], [1, 2]), region);
        for size in [[1, 1], [1, 100], [100, 1]] {
            let Region { height, width, .. } = Region::centre([3, 5], size);
            assert!(height >= 1 && width >= 1 && height <= 3 && width <= 5);
        }
    }
}
