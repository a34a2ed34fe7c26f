//! Random changes of training images that leave their class as it is.

mod affine;
mod colour;
mod erase;
mod rand_augment;
mod words;

use rand::RngExt;
use sapwood_backend::{Rng, Seed, Stream};
use serde::{Deserialize, Serialize};

use crate::resample::{Region, resample};

/// One change. It keeps the shape.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum Augment {
    /// Left and right are exchanged, with probability 1/2.
    Flip,
    /// The image moves by up to `padding` pixels in both directions; what comes
    /// in from beyond its edge is 0 before normalisation.
    PaddedCrop {
        /// Pixels on every side.
        padding: usize,
    },
    /// A part of the image is resized to the whole: Szegedy et al. 2014, section
    /// 6. Its area is a uniform fraction of the image, its aspect ratio
    /// log-uniform; where ten draws do not fit, the largest centred part that
    /// does.
    ResizedCrop {
        /// Smallest and largest fraction of the area, customarily 0.08 and 1.
        area: [f64; 2],
        /// Smallest and largest width / height, customarily 3/4 and 4/3.
        aspect: [f64; 2],
    },
    /// A rectangle of the image is painted over (Zhong et al. 2020).
    Erase {
        /// How likely it is, from 0 to 1.
        probability: f64,
    },
    /// Brightness, contrast and saturation, in this order, each by a factor drawn from `1 - strength` to
    /// `1 + strength`, as torchvision's `ColorJitter` does in an order by chance.
    Jitter {
        /// From 0 to 1.
        strength: f64,
    },
    /// Changes drawn from a list (Cubuk et al. 2020).
    RandAugment {
        /// The changes of an image, customarily 2.
        number: usize,
        /// How strong each is, from 0 to 30; customarily 9.
        magnitude: u8,
    },
}

/// Changes, one after the other, and the seed that they are drawn from.
#[derive(Clone, Debug, PartialEq)]
pub struct Augmentation {
    /// The seed.
    pub seed: Seed,
    /// The changes in their order.
    pub steps: Vec<Augment>,
}

impl Default for Augmentation {
    /// None.
    fn default() -> Self {
        Self { seed: Seed(0), steps: Vec::new() }
    }
}

impl Augmentation {
    /// Changes one example. `position` counts the examples of the whole run, so
    /// that what is drawn depends on nothing else.
    ///
    /// # Shapes
    /// `[C, H, W]`
    pub(crate) fn apply(&self, position: u64, shape: [usize; 3], example: &mut Vec<f32>) {
        if !self.steps.is_empty() {
            let mut rng = self.seed.stream(Stream::Augmentation, position);
            self.steps.iter().for_each(|step| step.apply(&mut rng, shape, example));
        }
    }
}

impl Augment {
    fn apply(&self, rng: &mut Rng, shape: [usize; 3], example: &mut Vec<f32>) {
        let [_, height, width] = shape;
        match *self {
            Self::Flip => {
                if rng.random_range(0..2u32) == 1 {
                    example.chunks_exact_mut(width).for_each(<[f32]>::reverse);
                }
            }
            Self::PaddedCrop { padding } => {
                // Below the size: a larger shift would leave nothing in view.
                let mut shift = |size: usize| {
                    let padding = padding.min(size);
                    (rng.random_range(0..2 * padding as u64 + 1) as usize, padding)
                };
                let (down, right) = (shift(height), shift(width));
                *example = shifted(example, shape, down, right);
            }
            Self::ResizedCrop { area, aspect } => {
                let region = region(rng, [height, width], area, aspect);
                *example = resample(example, shape, region, [height, width]);
            }
            Self::Erase { probability } => erase::erase(rng, probability, shape, example),
            Self::Jitter { strength } => {
                let mut factor = || (1.0 + strength * (2.0 * rng.random::<f64>() - 1.0)) as f32;
                colour::brightness(factor(), example);
                colour::contrast(factor(), shape, example);
                colour::saturation(factor(), shape, example);
            }
            Self::RandAugment { number, magnitude } => {
                rand_augment::rand_augment(rng, (number, magnitude), shape, example);
            }
        }
    }
}

/// The window of the image's own size at `(offset, padding)` from the corner of
/// the padded image, in each direction.
fn shifted(
    image: &[f32],
    [_, height, width]: [usize; 3],
    down: (usize, usize),
    right: (usize, usize),
) -> Vec<f32> {
    let inside = |position: usize, (offset, padding): (usize, usize), size: usize| {
        (position + offset).checked_sub(padding).filter(|position| *position < size)
    };
    let mut out = vec![0.0; image.len()];
    for (to, from) in out.chunks_exact_mut(height * width).zip(image.chunks_exact(height * width)) {
        for (y, row) in to.chunks_exact_mut(width).enumerate() {
            let Some(source) = inside(y, down, height) else { continue };
            for (x, value) in row.iter_mut().enumerate() {
                if let Some(column) = inside(x, right, width) {
                    *value = from[source * width + column];
                }
            }
        }
    }
    out
}

fn region(rng: &mut Rng, [height, width]: [usize; 2], area: [f64; 2], aspect: [f64; 2]) -> Region {
    let mut between = |[low, high]: [f64; 2]| low + (high - low) * rng.random::<f64>();
    for _ in 0..10 {
        let pixels = between(area) * (height * width) as f64;
        let ratio = between(aspect.map(f64::ln)).exp();
        let (w, h) = ((pixels * ratio).sqrt().round() as usize, (pixels / ratio).sqrt().round() as usize);
        if (1..=width).contains(&w) && (1..=height).contains(&h) {
            let mut corner = |room: usize| ((between([0.0, 1.0]) * (room + 1) as f64) as usize).min(room);
            return Region { top: corner(height - h), left: corner(width - w), height: h, width: w };
        }
    }
    let ratio = (width as f64 / height as f64).clamp(aspect[0], aspect[1]);
    Region::centre([height, width], [1 << 16, ((1 << 16) as f64 * ratio) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: [usize; 3] = [2, 2, 3];

    fn image() -> Vec<f32> {
        (1..=12).map(|x| x as f32).collect()
    }

    fn drawn(step: Augment, draws: u64) -> Vec<Vec<f32>> {
        let augmentation = Augmentation { seed: Seed(3), steps: vec![step] };
        let draw = |position| {
            let mut example = image();
            augmentation.apply(position, SHAPE, &mut example);
            example
        };
        (0..draws).map(draw).collect()
    }

    #[test]
    fn half_of_the_images_are_flipped_and_the_others_are_not() {
        let flipped = vec![3.0, 2.0, 1.0, 6.0, 5.0, 4.0, 9.0, 8.0, 7.0, 12.0, 11.0, 10.0];
        let drawn = drawn(Augment::Flip, 1000);
        assert!(drawn.iter().all(|example| *example == flipped || *example == image()));
        let count = drawn.iter().filter(|example| **example == flipped).count();
        assert!((450..=550).contains(&count), "{count}");
    }

    #[test]
    fn a_padded_crop_takes_each_of_its_windows() {
        let mut drawn = drawn(Augment::PaddedCrop { padding: 1 }, 300);
        // One pixel up and left: what was below and right comes in.
        assert!(drawn.contains(&vec![5.0, 6.0, 0.0, 0.0, 0.0, 0.0, 11.0, 12.0, 0.0, 0.0, 0.0, 0.0]));
        assert!(drawn.contains(&vec![0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 0.0, 0.0, 0.0, 0.0, 7.0, 8.0]));
        assert!(drawn.contains(&image()));
        drawn.sort_by(|a, b| a.partial_cmp(b).unwrap());
        drawn.dedup();
        assert_eq!(drawn.len(), 9);
    }

    #[test]
    fn a_resized_crop_keeps_the_size_and_the_range() {
        for area in [[0.08, 1.0], [1.0, 1.0], [1e-9, 1e-9]] {
            let crops = drawn(Augment::ResizedCrop { area, aspect: [0.75, 4.0 / 3.0] }, 100);
            for crop in crops {
                assert_eq!(crop.len(), 12);
                assert!(crop[..6].iter().all(|x| (0.999..=6.001).contains(x)), "{crop:?}");
                assert!(crop[6..].iter().all(|x| (6.999..=12.001).contains(x)), "{crop:?}");
            }
        }
    }
}
