//! From stored bytes to what a network sees.

use std::borrow::Cow;

use sapwood_core::Preprocess;

use crate::Error;

/// The affine map `(x / scale - mean) / std` with a mean and a standard deviation
/// for each channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Normalisation {
    /// The stored value that stands for 1: 255 for images.
    pub scale: f32,
    /// Mean and standard deviation per channel, of values in [0, 1].
    pub channels: Cow<'static, [(f32, f32)]>,
}

impl Normalisation {
    /// Values in [0, 1], one channel: `x / scale`.
    pub const fn unit(scale: f32) -> Self {
        Self { scale, channels: Cow::Borrowed(&[(0.0, 1.0)]) }
    }

    /// Images with 255 for white.
    pub const fn image(channels: &'static [(f32, f32)]) -> Self {
        Self { scale: 255.0, channels: Cow::Borrowed(channels) }
    }

    /// Mean and standard deviation of the pixels of MNIST's training images.
    pub const MNIST: Self = Self::image(&[(0.1307, 0.3081)]);
    /// Mean and standard deviation of the pixels of Fashion-MNIST's training
    /// images.
    pub const FASHION_MNIST: Self = Self::image(&[(0.2860, 0.3530)]);
    /// The constants of ImageNet, which lottery-ticket work (open_lth) also uses
    /// for CIFAR.
    pub const IMAGENET: Self = Self::image(&[(0.485, 0.229), (0.456, 0.224), (0.406, 0.225)]);
    /// ImageNet's constants averaged over the channels, for grey images.
    pub const GREY: Self = Self::image(&[(0.449, 0.226)]);

    /// What somebody says, for this number of channels. Constants that are all the same are for any number: a network may
    /// take an image as a row.
    ///
    /// # Errors
    /// There are constants for another number.
    pub fn stated(preprocess: &Preprocess, channels: usize) -> Result<Self, Error> {
        let for_any = |values: &[f64]| match values {
            [first, rest @ ..] if rest.iter().all(|value| value == first) => vec![*first],
            values => values.to_vec(),
        };
        let (mean, std) = (for_any(&preprocess.mean), for_any(&preprocess.std));
        let constants = Preprocess { mean, std, ..preprocess.clone() }.constants(channels)?;
        let channels = constants.into_iter().map(|(mean, std)| (mean as f32, std as f32)).collect();
        Ok(Self { scale: preprocess.scale as f32, channels: Cow::Owned(channels) })
    }

    /// Normalises one example of values in [0, 1], channel after channel.
    pub fn apply(&self, example: &mut [f32]) {
        let plane = example.len() / self.channels.len().max(1);
        for (values, (mean, std)) in example.chunks_mut(plane.max(1)).zip(self.channels.iter()) {
            values.iter_mut().for_each(|x| *x = (*x - mean) / std);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_that_are_the_same_are_for_any_number_of_channels() {
        let same = "(x-[2,2,2])/[4,4,4]".parse().unwrap();
        for channels in [1, 3, 5] {
            let found = Normalisation::stated(&same, channels).unwrap();
            assert_eq!(found.channels, vec![found.channels[0]; channels]);
        }
        let other = "(x-[2,3,2])/4".parse().unwrap();
        assert!(Normalisation::stated(&other, 3).is_ok() && Normalisation::stated(&other, 1).is_err());
    }

    #[test]
    fn each_channel_has_its_own_constants() {
        let mut example = [0.485, 1.0, 0.456, 0.0, 0.406, 0.631];
        Normalisation::IMAGENET.apply(&mut example);
        let expected = [0.0, 0.515 / 0.229, 0.0, -0.456 / 0.224, 0.0, 1.0];
        for (found, expected) in example.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{example:?}");
        }
    }
}
