//! Images that are mixed in pairs.

use rand::RngExt;
use rand_distr::{Beta, Distribution};
use sapwood_backend::{Rng, Seed, Stream};
use sapwood_core::{Batch, BatchInput, Layout, Network, Output as _, Pass, Target, Values, gradients, loss};
use serde::{Deserialize, Serialize};

use crate::{Error, Lesson, Objective, StepContext};

/// How two images become one, of which a part `l` is the first's: `l` is drawn from Beta(alpha, alpha) for each batch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Mixing {
    /// `l x + (1 - l) x'` (Zhang et al. 2018, "mixup", section 2).
    Mixup {
        /// Above 0; customarily 0.2.
        alpha: f64,
    },
    /// A rectangle with the part `1 - l` of the image is cut out and the other's pasted there (Yun et al. 2019, "CutMix",
    /// equation 2).
    Cutmix {
        /// Above 0; customarily 1.
        alpha: f64,
    },
}

impl Mixing {
    /// Refuses values from which nothing can be drawn.
    ///
    /// # Errors
    /// [`Error::Recipe`].
    pub fn check(self) -> Result<(), Error> {
        self.beta().map(|_| ())
    }

    fn beta(self) -> Result<Beta<f64>, Error> {
        let (Self::Mixup { alpha } | Self::Cutmix { alpha }) = self;
        let found = alpha.to_string();
        Beta::new(alpha, alpha).ok().filter(|_| alpha.is_finite()).ok_or(Error::Recipe {
            field: "mixing.alpha",
            expected: "a finite number above 0".into(),
            found,
        })
    }

    /// The images `[N, C, H, W]` mixed with others of the same batch, of which the first image is told by its number, and
    /// what part of each is its own.
    fn mix(
        self,
        shape: &[usize],
        images: &[f32],
        rng: &mut Rng,
    ) -> Result<(Vec<f32>, Vec<usize>, f64), Error> {
        let &[n, channels, height, width] = shape else {
            let expected = "images [N, C, H, W]".into();
            return Err(Error::Recipe { field: "mixing", expected, found: format!("{shape:?}") });
        };
        let mut own = self.beta()?.sample(rng);
        let mut others: Vec<usize> = (0..n).collect();
        for last in (1..n).rev() {
            others.swap(last, rng.random_range(0..=last as u64) as usize);
        }
        let size = channels * height * width;
        let mut mixed = images.to_vec();
        match self {
            Self::Mixup { .. } => {
                let (a, b) = (own as f32, (1.0 - own) as f32);
                for (image, other) in mixed.chunks_exact_mut(size).zip(&others) {
                    let other = &images[other * size..][..size];
                    image.iter_mut().zip(other).for_each(|(x, y)| *x = a * *x + b * y);
                }
            }
            Self::Cutmix { .. } => {
                let side = (1.0 - own).sqrt();
                let mut span = |length: usize| {
                    let half = side * length as f64 / 2.0;
                    let centre = rng.random::<f64>() * length as f64;
                    let at = |edge: f64| (edge.round().max(0.0) as usize).min(length);
                    at(centre - half)..at(centre + half)
                };
                let (rows, columns) = (span(height), span(width));
                for (image, other) in mixed.chunks_exact_mut(size).zip(&others) {
                    for row in
                        (0..channels).flat_map(|channel| rows.clone().map(move |y| channel * height + y))
                    {
                        let at = row * width + columns.start..row * width + columns.end;
                        image[at.clone()].copy_from_slice(&images[other * size..][at]);
                    }
                }
                // What was cut off at the edge is the image's own.
                own = 1.0 - (rows.len() * columns.len()) as f64 / (height * width) as f64;
            }
        }
        Ok((mixed, others, own))
    }
}

/// An objective: of mixed images the labels of both, `l CE(y) + (1 - l) CE(y')`.
#[derive(Clone, Copy, Debug)]
pub struct Mixed {
    how: Mixing,
    seed: Seed,
}

impl Mixed {
    /// Mixes by a seed's stream for each iteration.
    ///
    /// # Errors
    /// As for [`Mixing::check`].
    pub fn new(how: Mixing, seed: Seed) -> Result<Self, Error> {
        how.check()?;
        Ok(Self { how, seed })
    }
}

impl<N: Network> Objective<N> for Mixed {
    fn teach(&mut self, network: &N, batch: &Batch, at: &StepContext<'_>) -> Result<Lesson, Error> {
        let ([BatchInput { shape, values: Values::Float(images) }], Target::Class(classes)) =
            (batch.inputs(), batch.target())
        else {
            let problem = "expected images, and a class for each, to mix".into();
            return Err(sapwood_core::Error::Target(problem).into());
        };
        let mut rng = self.seed.stream(Stream::Mixing, at.iteration as u64);
        let (mixed, others, own) = self.how.mix(shape, images, &mut rng)?;
        let inputs = vec![BatchInput { shape: shape.clone(), values: Values::Float(mixed) }];
        let batch = Batch::of_inputs(inputs, batch.target().clone())?;
        let theirs = Target::Class(others.into_iter().map(|other| classes[other]).collect());

        let mut pass = Pass::train();
        let outputs = network.forward(batch.input(&at.device.clone().autodiff())?, &mut pass).rows();
        let smoothing = at.plan.recipe.label_smoothing;
        let loss = loss(outputs.clone(), batch.target(), smoothing)? * own
            + loss(outputs, &theirs, smoothing)? * (1.0 - own);
        let value = loss.clone().inner();
        let gradients = gradients(network, loss, Layout::Stored);
        Ok(Lesson { loss: value, gradients, moments: pass.into_moments() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Images of two channels, each of one number.
    fn images(n: usize) -> Vec<f32> {
        (0..n).flat_map(|image| vec![image as f32; 2 * 6 * 5]).collect()
    }

    fn mixed(how: Mixing, iteration: u64) -> (Vec<f32>, Vec<usize>, f64) {
        let mut rng = Seed(5).stream(Stream::Mixing, iteration);
        how.mix(&[4, 2, 6, 5], &images(4), &mut rng).unwrap()
    }

    #[test]
    fn mixed_images_are_sums_of_two() {
        let mut sum = 0.0;
        for iteration in 0..300 {
            let (found, others, own) = mixed(Mixing::Mixup { alpha: 0.2 }, iteration);
            for (at, value) in found.iter().enumerate() {
                let (image, other) = (at / 60, others[at / 60]);
                let expected = own * image as f64 + (1.0 - own) * other as f64;
                assert!((f64::from(*value) - expected).abs() < 1e-5);
            }
            sum += own;
        }
        // Beta is symmetric.
        assert!((0.4..0.6).contains(&(sum / 300.0)), "{sum}");
    }

    #[test]
    fn pasted_parts_are_the_others_and_as_large_as_said() {
        for iteration in 0..300 {
            let (found, others, own) = mixed(Mixing::Cutmix { alpha: 1.0 }, iteration);
            for (image, values) in found.chunks_exact(60).enumerate() {
                let theirs = values.iter().filter(|value| **value == others[image] as f32).count();
                assert!(values.iter().all(|value| *value == image as f32 || *value == others[image] as f32));
                let part = if others[image] == image { 1.0 - own } else { theirs as f64 / 60.0 };
                assert!((part - (1.0 - own)).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn what_nothing_can_be_drawn_from_is_refused() {
        for alpha in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let said = Mixing::Mixup { alpha }.check().unwrap_err().to_string();
            assert!(said.starts_with("`mixing.alpha`"), "{said}");
        }
    }
}
