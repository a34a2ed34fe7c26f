//! A data set whose images have another size than they are stored in.

use std::borrow::Cow;

use rayon::prelude::*;
use sapwood_core::{ImageFit, Order, Shape};

use crate::{
    Dataset, Error, Labels, Normalisation, OpenOptions, Task,
    image_file::{Image, check_shape, is_same},
};

impl OpenOptions {
    /// Whether images that are stored in this size are resized, or cut.
    pub fn changes(&self, native: Shape) -> bool {
        let [_, h, w] = native;
        self.image.is_some_and(|shape| shape != native) || !is_same([h, w], self.fit().fit)
    }

    fn fit(&self) -> ImageFit {
        self.preprocess.as_ref().map_or_else(ImageFit::default, |preprocess| preprocess.image)
    }
}

impl Dataset {
    /// The same examples in the size, and with the constants, that the options say.
    ///
    /// An image of another size is cut and resized as one of a folder: by default to the largest part in its middle
    /// that has the right aspect ratio. One of the right size is cut and resized where that changes it. Grey becomes
    /// colour by repetition, with the constants of grey.
    ///
    /// # Errors
    /// Examples that are no images of bytes, or a shape that no image is made into; constants for another number
    /// of channels.
    pub fn as_inputs(self, options: &OpenOptions) -> Result<Self, Error> {
        let native = self.shape();
        let sized = match options.changes(native) {
            false => self,
            true => self.resized(options.image.unwrap_or(native), &options.fit())?,
        };
        match &options.preprocess {
            Some(preprocess) => sized.preprocessed(preprocess),
            None => Ok(sized),
        }
    }

    fn resized(self, shape: Shape, fit: &ImageFit) -> Result<Self, Error> {
        check_shape(shape)?;
        let wrong = |problem: String| Error::Inconsistent { name: self.name().into(), problem };
        let [channels, height, width] = self.shape();
        let Normalisation { scale, channels: constants } = self.normalisation().clone();
        if scale != 255.0 || !matches!(channels, 1 | 3) || matches!(self.task(), Task::Dense(_)) {
            return Err(wrong("its examples are no photographs, and have the size that they have".into()));
        }
        // Which order a network's colours have is settled where they get its constants.
        let fit = ImageFit { order: Order::Rgb, ..*fit };
        let mut images = vec![0; self.len() * shape.iter().product::<usize>()];
        let inputs = images.par_chunks_exact_mut(shape.iter().product());
        self.images().par_chunks_exact(channels * height * width).zip(inputs).try_for_each(
            |(planes, input)| {
                let size = height * width;
                let pixels =
                    (0..size).flat_map(|at| (0..channels).map(move |c| planes[c * size + at])).collect();
                let image = Image { channels, size: [height, width], pixels };
                let seen = image.viewed(shape, &fit).map_err(wrong)?;
                input.iter_mut().zip(seen).for_each(|(byte, value)| *byte = (value * 255.0).round() as u8);
                Ok::<_, Error>(())
            },
        )?;
        let constants = match (constants.len(), shape[0]) {
            (1, n) => Cow::Owned(vec![constants[0]; n]),
            (n, m) if n == m => constants,
            _ => Normalisation::GREY.channels,
        };
        let labels: Labels = self.labels().clone();
        let normalisation = Normalisation { scale, channels: constants };
        let resized = Self::new(self.name(), shape, self.task(), normalisation, images, labels)?;
        Ok(resized.with_classes(self.class_names().iter().cloned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Split, open};

    fn of(channels: usize, images: Vec<u8>) -> Dataset {
        let constants = vec![(0.1, 0.5); channels];
        let normalisation = Normalisation { scale: 255.0, channels: constants.into() };
        let labels = Labels::Class(vec![0, 1]);
        Dataset::new("own", [channels, 2, 2], Task::Classes(2), normalisation, images, labels)
            .unwrap()
            .with_classes(["a", "b"])
    }

    fn to(image: Shape) -> OpenOptions {
        OpenOptions { image: Some(image), ..OpenOptions::default() }
    }

    #[test]
    fn images_grow_and_get_colours_and_keep_their_classes() {
        let grey = of(1, vec![10, 10, 10, 10, 0, 200, 0, 200]);
        let seen = grey.clone().as_inputs(&to([3, 4, 4])).unwrap();
        assert_eq!((seen.shape(), seen.class_name(1), seen.labels()), ([3, 4, 4], "b".into(), grey.labels()));
        assert_eq!(seen.normalisation().channels.len(), 3);
        assert!(seen.image(0).unwrap().iter().all(|byte| *byte == 10));
        // Between pixels: a quarter and three quarters of the way.
        assert_eq!(&seen.image(1).unwrap()[..4], [0, 50, 150, 200]);
        assert_eq!(grey.clone().as_inputs(&to([1, 2, 2])).unwrap(), grey);
        let colour = of(3, (0..24).collect());
        assert_eq!(colour.as_inputs(&to([3, 1, 1])).unwrap().image(0).unwrap(), [2, 6, 10]);
    }

    #[test]
    fn an_image_of_the_right_size_is_cut_as_one_of_a_folder() {
        let image: Vec<u8> = (0..128).collect();
        let labels = Labels::Class(vec![0, 1]);
        let own = Dataset::new("own", [1, 8, 8], Task::Classes(2), Normalisation::unit(255.0), image, labels);
        let own = own.unwrap();
        let said = |how: &str| OpenOptions { preprocess: Some(how.parse().unwrap()), ..to([1, 8, 8]) };
        let cropped = own.clone().as_inputs(&said("x/255, crop 0.5, nearest")).unwrap();
        // Of twice the size the middle half: every pixel of the middle twice.
        assert_eq!(cropped.image(0).unwrap()[..8], [18, 18, 19, 19, 20, 20, 21, 21]);
        for same in ["x/255, crop 1", "x/255, stretch, bicubic", "x/255, resize 8"] {
            assert_eq!(own.clone().as_inputs(&said(same)).unwrap().images(), own.images(), "{same}");
        }
        let native = OpenOptions { image: None, ..said("x/255, crop 0.5, nearest") };
        assert_eq!(own.as_inputs(&native).unwrap(), cropped);
    }

    #[test]
    fn what_is_no_photograph_keeps_its_size() {
        let digits = open("digits", Split::Test, "".as_ref(), &OpenOptions::default()).unwrap();
        let said = digits.as_inputs(&to([1, 16, 16])).unwrap_err().to_string();
        assert!(said.contains("no photographs"), "{said}");
        assert!(of(1, vec![0; 8]).as_inputs(&to([2, 4, 4])).is_err());
        let digits = open("digits", Split::Test, "".as_ref(), &OpenOptions::default()).unwrap();
        let said =
            |how: &str| OpenOptions { preprocess: Some(how.parse().unwrap()), ..OpenOptions::default() };
        assert!(digits.clone().as_inputs(&said("x/16, crop 1")).is_ok());
        assert!(digits.as_inputs(&said("x/16, crop 0.5")).is_err());
    }
}
