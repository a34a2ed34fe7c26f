//! Data sets: reading them, getting them, and cutting them into batches.
//!
//! The principal type is [`Dataset`]: the images of one split as bytes, or numbers, their
//! labels, and the constants that turn bytes into what a network sees. The names
//! that exist are rows of one table, [`CATALOGUE`]; [`open`] reads one of them
//! from a folder (`digits` and `life` need none; `arrays` is one file), and, with the feature
//! `acquire`, [`acquire::get`] puts the files there.
//!
//! The one design decision: the bytes that a network is trained on are a pure
//! function of data set, seed and epoch. A [`Loader`] shuffles each epoch with a
//! random stream of its own and augments each example with another, so that it
//! gives the same batches whatever the number of threads that make them, and a
//! run that resumes in the middle of an epoch asks for the rest of it. For the
//! same reason a data set that was downloaded is compared with the SHA-256 of
//! its decoded arrays, not of the archive that it happened to come in.
//!
//! ```
//! use std::{path::Path, sync::Arc};
//! use sapwood_backend::Seed;
//! use sapwood_core::Source;
//! use sapwood_data::{Loader, LoaderOptions, OpenOptions, Order, Split, open};
//!
//! let digits = open("digits", Split::Train, Path::new("datasets"), &OpenOptions::default()).unwrap();
//! let options = LoaderOptions { batch_size: 100, order: Order::Shuffled(Seed(1)), ..Default::default() };
//! let loader = Loader::new(Arc::new(digits), options).unwrap();
//! assert_eq!((loader.examples(), loader.batches()), (1437, 15));
//! let batch = loader.epoch(0, 0).next().unwrap().unwrap();
//! assert_eq!((batch.len(), batch.shape().image()), (100, Some([1, 8, 8])));
//! ```

#[cfg(feature = "acquire")]
pub mod acquire;
mod array_file;
mod arrays;
mod augment;
mod catalogue;
mod cifar;
mod content;
mod dataset;
mod digests;
mod digits;
mod draw;
mod drawing;
mod error;
mod files;
mod hold_out;
mod idx;
mod image_file;
mod image_folder;
mod kind;
pub mod life;
mod loader;
mod normalisation;
mod npy;
mod open;
mod options;
mod photo_cache;
mod pil;
mod prefetch;
mod reading;
mod resample;
mod resized;
mod resizing;
mod split;
mod stored;
mod trained_on;

pub use array_file::read_arrays;
pub use augment::{Augment, Augmentation};
pub use catalogue::{CATALOGUE, Entry, Layout, Origin, entry, names};
pub use dataset::{Dataset, Labels, Task};
pub use digests::{Digests, PARTS, Verified, verify};
pub use draw::shares;
pub use drawing::{Drawing, Drawn, Wanted};
pub use error::Error;
pub use image_file::{read_image, read_image_as};
pub use image_folder::{PassedOver, Summary, count_images, examine};
pub use loader::{Loader, LoaderOptions, Order};
pub use normalisation::Normalisation;
pub use npy::{is_npy, is_npz, read_npy, read_npz};
pub use open::{Opened, open, open_drawn, open_with};
pub use options::OpenOptions;
pub use reading::{Reading, Watch};
pub use split::Split;
