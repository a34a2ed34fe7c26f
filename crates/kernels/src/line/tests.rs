//! Both kinds of normalisation against their definition.

use proptest::prelude::*;

use crate::{Activation, Affine, Float, Level, Normalization, Size, channel_sums};

const ACTIVATIONS: [Option<Activation>; 6] = [
    None,
    Some(Activation::Relu),
    Some(Activation::Relu6),
    Some(Activation::HSwish),
    Some(Activation::HSigmoid),
    Some(Activation::Gelu),
];

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|x| x * x).sum::<f64>().sqrt()
}

/// `size` is the norm of the terms that were summed: sums of a few may cancel.
fn close<T: Float>(found: &[T], expected: &[f64], size: f64) -> bool {
    let difference = norm(found.iter().zip(expected).map(|(a, b)| a.to_f64() - b));
    found.len() == expected.len() && difference <= T::TOLERANCE * size
}

/// How much more rounding makes of a normalised value where the mean is far from zero: the mean is rounded to the
/// type, and divided by the deviation.
fn condition<T: Float>([mean, deviation]: [f64; 2]) -> f64 {
    let epsilon = if size_of::<T>() == 4 { f64::from(f32::EPSILON) } else { f64::EPSILON };
    1.0 + mean.abs() * epsilon / (T::TOLERANCE * deviation)
}

/// An activation and its slope.
fn curve(activation: Option<Activation>, x: f64) -> (f64, f64) {
    let between = |low, high| f64::from(u8::from(low < x && x < high));
    match activation {
        None => (x, 1.0),
        Some(Activation::Relu) => (x.max(0.0), between(0.0, f64::INFINITY)),
        Some(Activation::Relu6) => (x.clamp(0.0, 6.0), between(0.0, 6.0)),
        Some(Activation::HSigmoid) => ((x + 3.0).clamp(0.0, 6.0) / 6.0, between(-3.0, 3.0) / 6.0),
        Some(Activation::HSwish) if x >= 3.0 => (x, 1.0),
        Some(Activation::HSwish) => {
            (x * (x + 3.0).max(0.0) / 6.0, between(-3.0, 3.0) * (2.0 * x + 3.0) / 6.0)
        }
        Some(Activation::Gelu) => {
            let below = 0.5 * libm::erfc(-x / 2f64.sqrt());
            (x * below, below + x * (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt())
        }
    }
}

/// A batch, and what it is normalised with.
struct Example<T> {
    size: Size,
    x: Vec<T>,
    residual: Option<Vec<T>>,
    dy: Vec<T>,
    gamma: Vec<T>,
    beta: Vec<T>,
    activation: Option<Activation>,
}

/// Gradients of one channel, for input, residual, scale and shift.
type Gradients = (Vec<f64>, Vec<f64>, f64, f64);

const EPSILON: f64 = 1e-5;

impl<T: Float> Example<T> {
    fn new(size: Size, offset: f64, with_residual: bool, activation: Option<Activation>) -> Self {
        let n = size.images * size.plane * size.channels;
        let number = |i: usize, seed: usize| ((i * 7919 + seed) % 1009) as f64 / 504.5 - 1.0;
        let numbers = |n: usize, seed: usize, wide: f64| -> Vec<T> {
            (0..n).map(|i| T::from_f64(wide * number(i, seed))).collect()
        };
        Self {
            size,
            x: (0..n).map(|i| T::from_f64(number(i, 1) + offset)).collect(),
            residual: with_residual.then(|| numbers(n, 5, 4.0)),
            dy: numbers(n, 2, 1.0),
            gamma: numbers(size.channels, 3, 3.0),
            beta: numbers(size.channels, 4, 2.0),
            activation,
        }
    }

    fn of(&self, values: &[T], channel: usize) -> Vec<T> {
        self.size.planes(values, channel).flatten().copied().collect()
    }

    fn wide(&self, values: &[T], channel: usize) -> Vec<f64> {
        self.of(values, channel).into_iter().map(T::to_f64).collect()
    }

    /// Whether rounding may put some value on the other side of a corner.
    fn is_at_a_corner(&self, channel: usize, [mean, deviation]: [f64; 2]) -> bool {
        let residual = self.residual.as_ref().map(|residual| self.wide(residual, channel));
        let (gamma, beta) = (self.gamma[channel].to_f64(), self.beta[channel].to_f64());
        let seen = self.wide(&self.x, channel).into_iter().enumerate().map(|(i, x)| {
            gamma * (x - mean) / deviation + beta + residual.as_ref().map_or(0.0, |residual| residual[i])
        });
        let mut seen = seen.map(|seen| [-3.0, 0.0, 3.0, 6.0].map(|corner: f64| (seen - corner).abs()));
        let near = 2e-5 * condition::<T>([mean, deviation]);
        self.activation.is_some() && seen.any(|far| far.into_iter().any(|far| far < near))
    }

    /// One channel by the definition, in f64, with the input's mean and deviation known: its
    /// output, and the gradients of `z`, residual, scale and shift, where `z` is the
    /// normalised input.
    fn through(&self, channel: usize, [mean, deviation]: [f64; 2]) -> (Vec<f64>, Gradients) {
        let (x, dy) = (self.wide(&self.x, channel), self.wide(&self.dy, channel));
        let residual = self.residual.as_ref().map(|residual| self.wide(residual, channel));
        let (gamma, beta) = (self.gamma[channel].to_f64(), self.beta[channel].to_f64());
        let z: Vec<f64> = x.iter().map(|x| (x - mean) / deviation).collect();
        let seen = |i: usize| gamma * z[i] + beta + residual.as_ref().map_or(0.0, |residual| residual[i]);
        let (y, g): (Vec<f64>, Vec<f64>) = (0..x.len())
            .map(|i| curve(self.activation, seen(i)))
            .zip(&dy)
            .map(|((y, slope), dy)| (y, slope * dy))
            .unzip();
        let scale = z.iter().zip(&g).map(|(z, g)| z * g).sum();
        let shift = g.iter().sum();
        (y, (g.iter().map(|g| gamma * g).collect(), g, scale, shift))
    }

    fn check_normalization(&self, level: Level) -> Result<(), TestCaseError> {
        let Self { size, x, residual, dy, gamma, beta, activation } = self;
        let ours =
            Normalization { level, size: *size, gamma, beta, epsilon: EPSILON, activation: *activation };
        let forward = ours.forward(x, residual.as_deref());
        let backward = ours.backward(x, residual.as_deref(), (&forward.mean, &forward.variance), dy);
        for (c, gamma) in gamma.iter().enumerate() {
            let x = self.wide(x, c);
            let mean_of = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / x.len() as f64;
            let mean = mean_of(&mut x.iter().copied());
            let deviation = (mean_of(&mut x.iter().map(|x| (x - mean).powi(2))) + EPSILON).sqrt();
            let (y, (dz, residual, dgamma, dbeta)) = self.through(c, [mean, deviation]);
            let z: Vec<f64> = x.iter().map(|x| (x - mean) / deviation).collect();
            let mean_dz = mean_of(&mut dz.iter().copied());
            let mean_product = mean_of(&mut z.iter().zip(&dz).map(|(z, dz)| z * dz));
            let dx: Vec<f64> =
                z.iter().zip(&dz).map(|(z, dz)| (dz - mean_dz - z * mean_product) / deviation).collect();
            let condition = condition::<T>([mean, deviation]);
            let room = condition * (norm(y.iter().copied()) + norm(z.into_iter()));
            prop_assert!(close(&self.of(&forward.output, c), &y, room), "output");
            if self.is_at_a_corner(c, [mean, deviation]) {
                continue;
            }
            let found = (&backward.input, backward.gamma[c], backward.beta[c], &backward.residual);
            let slope = gamma.to_f64().abs() / deviation;
            self.check_gradients(c, found, (dx, residual, dgamma, dbeta), [slope, 1.0, condition])?;
        }
        Ok(())
    }

    fn check_affine(&self, level: Level) -> Result<(), TestCaseError> {
        let Self { size, x, residual, dy, gamma, beta, activation } = self;
        let ours = Affine { level, size: *size, scale: gamma, shift: beta, activation: *activation };
        let y = ours.forward(x, residual.as_deref());
        let backward = ours.backward(x, residual.as_deref(), dy);
        for (c, gamma) in gamma.iter().enumerate() {
            let (expected, (dx, residual, dscale, dshift)) = self.through(c, [0.0, 1.0]);
            let room = norm(expected.iter().copied()) + norm(self.wide(x, c).into_iter());
            prop_assert!(close(&self.of(&y, c), &expected, room), "output");
            if self.is_at_a_corner(c, [0.0, 1.0]) {
                continue;
            }
            let found = (&backward.input, backward.scale[c], backward.shift[c], &backward.residual);
            let reach = self.wide(x, c).into_iter().fold(1.0, |a: f64, b| a.max(b.abs()));
            let slope = gamma.to_f64().abs();
            self.check_gradients(c, found, (dx, residual, dscale, dshift), [slope, reach, 1.0])?;
        }
        Ok(())
    }

    fn check_gradients(
        &self,
        channel: usize,
        (input, scale, shift, residual): (&Vec<T>, T, T, &Option<Vec<T>>),
        (dx, dresidual, dscale, dshift): Gradients,
        [slope, reach, condition]: [f64; 3],
    ) -> Result<(), TestCaseError> {
        let all = condition * norm(self.wide(&self.dy, channel).into_iter());
        prop_assert!(close(&self.of(input, channel), &dx, all * slope), "input gradient");
        let room = all * (dx.len() as f64).sqrt();
        prop_assert!(close(&[scale], &[dscale], room * reach), "scale: {scale:?} for {dscale}");
        prop_assert!(close(&[shift], &[dshift], room), "shift: {shift:?} for {dshift}");
        let is_wanted = self.residual.is_some() && self.activation.is_some();
        prop_assert_eq!(residual.is_some(), is_wanted);
        if let Some(residual) = residual {
            prop_assert!(close(&self.of(residual, channel), &dresidual, all), "residual gradient");
        }
        Ok(())
    }
}

fn check<T: Float>(size: Size, offset: f64) -> Result<(), TestCaseError> {
    for activation in ACTIVATIONS {
        for with_residual in [false, true] {
            let example = Example::<T>::new(size, offset, with_residual, activation);
            for level in Level::available() {
                example.check_normalization(level)?;
                example.check_affine(level)?;
            }
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn both_ways_are_the_definition(
        images in 1usize..6, channels in 1usize..4, plane in 1usize..50, offset in -30.0f64..30.0,
    ) {
        prop_assume!(images * plane > 1);
        let size = Size { images, channels, plane };
        check::<f32>(size, offset)?;
        check::<f64>(size, offset)?;
    }
}

/// A channel with enough values for sums to be settled on the way.
#[test]
fn large_channels_are_summed_alike() {
    let size = Size { images: 7, channels: 2, plane: 900 };
    check::<f32>(size, 0.5).unwrap();
    check::<f64>(size, 0.5).unwrap();
    let ones = vec![1f32; size.images * size.channels * size.plane];
    assert_eq!(channel_sums(Level::detect(), size, &ones), [6300.0; 2]);
}

/// Planes that are longer than what is summed in their own type.
#[test]
fn large_planes_are_summed_alike() {
    let size = Size { images: 1, channels: 1, plane: 20_000 };
    check::<f32>(size, 30.0).unwrap();
    check::<f64>(size, 30.0).unwrap();
    let sum = channel_sums(Level::detect(), size, &vec![0.1f32; 20_000])[0];
    assert!((sum - 2000.0).abs() < 2e-3, "{sum}");
}

#[test]
fn nothing_is_normalised_to_nothing() {
    for size in [[0, 2, 4], [3, 2, 0]] {
        let size = Size { images: size[0], channels: size[1], plane: size[2] };
        let affine =
            Affine { level: Level::detect(), size, scale: &[1.0; 2], shift: &[0.0; 2], activation: None };
        assert!(affine.forward(&[], None).is_empty());
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let size = Size { images: 9, channels: 7, plane: 333 };
    let example = Example::<f32>::new(size, 0.3, true, Some(Activation::HSwish));
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let Example { x, residual, dy, gamma, beta, activation, .. } = &example;
            let (level, activation) = (Level::detect(), *activation);
            let ours = Normalization { level, size, gamma, beta, epsilon: EPSILON, activation };
            let forward = ours.forward(x, residual.as_deref());
            let back = ours.backward(x, residual.as_deref(), (&forward.mean, &forward.variance), dy);
            let affine = Affine { level, size, scale: gamma, shift: beta, activation };
            let affine = affine.backward(x, residual.as_deref(), dy);
            let sums = channel_sums(level, size, dy);
            let all = [forward.output, back.input, back.gamma, back.beta, affine.input, affine.scale, sums];
            all.concat().into_iter().map(f32::to_bits).collect::<Vec<_>>()
        })
    };
    let one = run(1);
    assert!([2, 5, 32].into_iter().all(|threads| run(threads) == one));
}
