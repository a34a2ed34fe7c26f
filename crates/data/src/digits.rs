//! The UCI handwritten digits, embedded.
//!
//! 1,797 images of 8x8 values from 0 to 16: the test part of "Optical Recognition
//! of Handwritten Digits" (Alpaydin and Kaynak 1998, UCI Machine Learning
//! Repository, CC BY 4.0), in the order of scikit-learn's copy.
//!
//! `assets/digits.zlib` was made from `sklearn/datasets/data/digits.csv.gz` of
//! PyPI package scikit-learn 1.9.1, whose rows are 64 values and a label: all
//! images (1,797 x 64 bytes), then all labels (1,797 bytes), compressed as one
//! zlib stream at level 9.

use std::{io::Read, path::Path};

use flate2::read::ZlibDecoder;

use crate::{Dataset, Entry, Error, Labels, OpenOptions, Split};

const FILE: &[u8] = include_bytes!("../assets/digits.zlib");
const COUNT: usize = 1797;
const IMAGE: usize = 64;
/// The split: the first 1,437 rows (80 %) train, the last 360 test, unshuffled,
/// so that it is the same everywhere. Each class has 141 to 146 rows in the one
/// and 33 to 37 in the other.
const TRAIN: usize = 1437;

pub(crate) fn open(entry: &Entry, split: Split, _: &Path, _: &OpenOptions) -> Result<Dataset, Error> {
    let mut bytes = Vec::with_capacity(COUNT * (IMAGE + 1));
    ZlibDecoder::new(FILE)
        .read_to_end(&mut bytes)
        .map_err(Error::file("unpack the embedded file", Path::new("digits.zlib")))?;
    let (images, labels) = bytes.split_at_checked(COUNT * IMAGE).unwrap_or_default();
    let rows = match split {
        Split::Train => 0..TRAIN,
        Split::Test => TRAIN..COUNT,
    };
    let images = images.get(rows.start * IMAGE..rows.end * IMAGE).unwrap_or_default().to_vec();
    let labels = labels.get(rows).unwrap_or_default().iter().map(|label| u32::from(*label)).collect();
    entry.dataset(images, Labels::Class(labels))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_splits_have_every_class_in_about_equal_numbers() {
        for (split, examples, fewest, most) in [(Split::Train, 1437, 141, 146), (Split::Test, 360, 33, 37)] {
            let entry = crate::entry("digits").unwrap();
            let digits = open(entry, split, Path::new(""), &OpenOptions::default()).unwrap();
            assert_eq!(digits.len(), examples);
            assert_eq!(digits.images().iter().max(), Some(&16));
            let Labels::Class(labels) = digits.labels() else { panic!("classes expected") };
            let mut counts = [0; 10];
            labels.iter().for_each(|label| counts[*label as usize] += 1);
            assert_eq!((counts.iter().min(), counts.iter().max()), (Some(&fewest), Some(&most)));
        }
        assert!(FILE.len() < 100_000);
    }
}
