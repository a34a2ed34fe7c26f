//! A data set whose images have another size than they are stored in.

use std::borrow::Cow;

use sapwood_core::{ImageFit, Shape};

use crate::{Dataset, Error, Normalisation, OpenOptions, Task, image_file::check_shape, resizing::Resizing};

/// How much larger images may be that are resized once, and not again in each epoch: MNIST as 32x32 takes 1.3 times its
/// memory, 61 MB, and CIFAR-10 as 224x224 would take 49 times, 7.5 GB.
const AT_ONCE: usize = 4;

impl Dataset {
    /// The same examples in the size, and with the constants, that the options say.
    ///
    /// An image of another size is cut and resized as one of a folder: by default to the largest part in its middle
    /// that has the right aspect ratio. One of the right size is cut and resized where that changes it. Grey becomes
    /// colour by repetition, with the constants of grey. All images are resized here where they then have four times as
    /// many values at most; else what is stored stays as it is, and an image is resized whenever it is asked for, so that
    /// memory is that of small images. Its bytes are the same in both ways.
    ///
    /// # Errors
    /// Examples that are no images of bytes, or a shape that no image is made into; constants for another number
    /// of channels.
    pub fn as_inputs(self, options: &OpenOptions) -> Result<Self, Error> {
        let native = self.shape();
        let sized = match options.changes(native) {
            false => self,
            true => self.resized(options.image.unwrap_or(native), options.fit())?,
        };
        sized.made_by(options)
    }

    /// The same examples in their size, by the formula that the options say.
    ///
    /// # Errors
    /// Constants for another number of channels.
    pub(crate) fn made_by(self, options: &OpenOptions) -> Result<Self, Error> {
        if let Some(stated) = &options.preprocess {
            return self.preprocessed(stated);
        }
        Ok(match options.formula(self.shape()[0])? {
            Some(formula) => self.with_normalisation(formula),
            None => self,
        })
    }

    fn resized(self, shape: Shape, fit: ImageFit) -> Result<Self, Error> {
        check_shape(shape)?;
        let wrong = |problem: String| Error::Inconsistent { name: self.name().into(), problem };
        let Normalisation { scale, channels: constants } = self.normalisation().clone();
        let is_photo = scale == 255.0 && matches!(self.shape()[0], 1 | 3) && !self.is_of_numbers();
        if !is_photo || matches!(self.task(), Task::Dense(_)) {
            return Err(wrong("its examples are no photographs, and have the size that they have".into()));
        }
        let from = self.shape();
        let resizing = Resizing::of(from, shape, fit).map_err(wrong)?;
        let channels = match (constants.len(), shape[0]) {
            (1, n) => Cow::Owned(vec![constants[0]; n]),
            (n, m) if n == m => constants,
            _ => Normalisation::GREY.channels,
        };
        let [stored, made] = [from, shape].map(|shape| shape.iter().product::<usize>());
        let now = made <= AT_ONCE.saturating_mul(stored);
        self.with_resizing(shape, Normalisation { scale, channels }, resizing, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Labels, Split, open};

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
        assert_eq!(colour.as_inputs(&to([3, 1, 1])).unwrap().image(0).unwrap()[..], [2, 6, 10]);
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

    /// The same examples, stored in the size that they get.
    fn stored(data: &Dataset) -> Dataset {
        let images = (0..data.len()).flat_map(|at| data.image(at).unwrap().into_owned()).collect();
        let (shape, task, constants) = (data.shape(), data.task(), data.normalisation().clone());
        Dataset::new(data.name(), shape, task, constants, images, data.labels().clone()).unwrap()
    }

    #[test]
    fn images_that_become_much_larger_are_resized_when_they_are_asked_for_and_not_before() {
        let colour = of(3, (0..24).map(|at| at * 10).collect());
        let said = |how: &str| OpenOptions { preprocess: Some(how.parse().unwrap()), ..to([3, 5, 5]) };
        for options in [to([3, 5, 5]), said("imagenet, stretch, bicubic"), said("x/255, stretch, bgr")] {
            let seen = colour.clone().as_inputs(&options).unwrap();
            assert_eq!((seen.images(), seen.stored_shape()), (colour.images(), [3, 2, 2]));
            assert_eq!((seen.shape(), seen.len()), ([3, 5, 5], 2));
            let whole = stored(&seen);
            assert_eq!(seen.batch(&[1, 0]).unwrap(), whole.batch(&[1, 0]).unwrap());
            let [part, other] = [&seen, &whole].map(|data| data.subset(&[1]).unwrap());
            assert_eq!(part.batch(&[0]).unwrap(), other.batch(&[0]).unwrap());
            let [part, other] = [&seen, &whole].map(|data| data.relabelled(&[1, 0], ["b", "a"]).unwrap());
            assert_eq!(part.batch(&[0, 1]).unwrap(), other.batch(&[0, 1]).unwrap());
            // They are told apart from what they were, and from another size.
            let other = colour.clone().as_inputs(&OpenOptions { image: Some([3, 3, 3]), ..options.clone() });
            let digits = [&colour, &seen, &other.unwrap()].map(Dataset::content);
            assert!(digits[0] != digits[1] && digits[1] != digits[2]);
            let error = seen.as_inputs(&to([3, 8, 8])).unwrap_err().to_string();
            assert!(error.contains("resized already"), "{error}");
        }
        let [rgb, bgr] = ["x/255, stretch", "x/255, stretch, bgr"]
            .map(|how| colour.clone().as_inputs(&said(how)).unwrap().image(0).unwrap().into_owned());
        assert_eq!(bgr, [&rgb[50..], &rgb[25..50], &rgb[..25]].concat());
        let error = colour.as_inputs(&said("x/255, resize 3")).unwrap_err().to_string();
        assert!(error.contains("smaller than the 5x5"), "{error}");
    }

    #[test]
    fn what_is_resized_at_once_has_the_bytes_of_what_is_resized_when_it_is_asked_for() {
        let colour = of(3, (0..24).map(|at| at * 10).collect());
        for (shape, how) in [
            ([3, 4, 4], "imagenet, cover, bicubic"),
            ([3, 4, 4], "x/255, bgr"),
            ([3, 3, 2], "x/255"),
            ([1, 3, 1], "x/255, stretch, lanczos"),
            ([3, 2, 2], "x/255, crop 0.5"),
        ] {
            let options = OpenOptions { preprocess: Some(how.parse().unwrap()), ..to(shape) };
            let seen = colour.clone().as_inputs(&options).unwrap();
            assert_eq!((seen.native_shape(), seen.is_resized()), ([3, 2, 2], true));
            assert_eq!((seen.stored_shape(), seen.len()), (shape, 2));
            let resizing = Resizing::of([3, 2, 2], shape, options.fit()).unwrap();
            let constants = seen.normalisation().clone();
            let later = colour.clone().with_resizing(shape, constants, resizing, false).unwrap();
            assert_eq!(later.images(), colour.images());
            assert_eq!(seen.images(), stored(&later).images(), "{shape:?} {how}");
            assert_eq!(seen.batch(&[1, 0]).unwrap(), later.batch(&[1, 0]).unwrap());
            let error = seen.as_inputs(&to([3, 3, 3])).unwrap_err().to_string();
            assert!(error.contains("resized already"), "{error}");
        }
    }
}
