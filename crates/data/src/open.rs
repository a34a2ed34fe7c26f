//! Reading a data set from its folder.

use std::path::Path;

use crate::{
    Dataset, Drawing, Drawn, Entry, Error, Labels, Layout, OpenOptions, Reading, Split, Summary,
    cifar as records, entry, files, idx::Idx, image_folder,
};

/// Reads one split of a data set.
///
/// `root` is the folder of all data sets: the files of `mnist` lie in
/// `root/mnist`. For `image-folder` it is the user's own folder itself, for `arrays` the user's own file.
/// `digits` and `life` do not look at it.
///
/// # Errors
/// [`Error::UnknownName`]; files or folders that are not there, cannot be read, or are not what they should be;
/// [`Error::Size`] for a split of another size than the catalogue's; options that do not suit the data set or are out
/// of range.
pub fn open(name: &str, split: Split, root: &Path, options: &OpenOptions) -> Result<Dataset, Error> {
    let entry = entry(name)?;
    let dataset = (entry.open)(entry, split, root, options)?;
    let dataset = match entry.layout {
        // The user's own were made so as they were read.
        Layout::Folders | Layout::Arrays => dataset,
        _ => dataset.as_inputs(options)?,
    };
    tell(&dataset, name, split, root);
    Ok(dataset)
}

/// An event of a split that was read.
fn tell(dataset: &Dataset, name: &str, split: Split, root: &Path) {
    let (examples, shape) = (dataset.len(), dataset.shape());
    tracing::debug!(data = name, %split, examples, ?shape, root = %root.display(), "data set read");
}

/// A data set and what is to be said of it.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The examples.
    pub dataset: Dataset,
    /// What was found, where that is for the user to know: of an `image-folder`.
    pub summary: Option<Summary>,
}

/// [`open`], with a say in how it is read and an account of what was found.
///
/// # Errors
/// Those of [`open`]; of an `image-folder` whose bad images are left out, a training class that has no others.
pub fn open_with(
    name: &str,
    split: Split,
    root: &Path,
    options: &OpenOptions,
    reading: &Reading<'_>,
) -> Result<Opened, Error> {
    let entry = entry(name)?;
    match entry.layout {
        Layout::Folders => {
            let (dataset, summary) = image_folder::read(entry, split, root, options, reading)?;
            tell(&dataset, name, split, root);
            Ok(Opened { dataset, summary: Some(summary) })
        }
        _ => Ok(Opened { dataset: open(name, split, root, options)?, summary: None }),
    }
}

/// Examples of a data set's training split, which a drawing takes: of an `image-folder` no other images are decoded than
/// these, and they need no classes unless the drawing asks for some.
///
/// # Errors
/// Those of [`open_with`]; none is taken.
pub fn open_drawn(
    name: &str,
    root: &Path,
    options: &OpenOptions,
    reading: &Reading<'_>,
    drawing: Drawing,
) -> Result<Drawn, Error> {
    let entry = entry(name)?;
    match entry.layout {
        Layout::Folders => {
            let drawn = image_folder::read_drawn(entry, root, options, reading, drawing)?;
            tell(&drawn.dataset, name, Split::Train, root);
            Ok(drawn)
        }
        _ => {
            let Opened { dataset, summary } = open_with(name, Split::Train, root, options, reading)?;
            Ok(Drawn { dataset: dataset.drawn(drawing)?, has_labels: true, summary })
        }
    }
}

/// An `image-folder`, read as is usual.
pub(crate) fn folder(
    entry: &Entry,
    split: Split,
    root: &Path,
    options: &OpenOptions,
) -> Result<Dataset, Error> {
    Ok(image_folder::read(entry, split, root, options, &Reading::default())?.0)
}

pub(crate) fn idx(entry: &Entry, split: Split, root: &Path, _: &OpenOptions) -> Result<Dataset, Error> {
    let Layout::Idx([train_images, train_labels, test_images, test_labels]) = entry.layout else {
        return Err(no_layout(entry));
    };
    let (images, labels) = match split {
        Split::Train => (train_images, train_labels),
        Split::Test => (test_images, test_labels),
    };
    let read = |file: &str, rank: u8, dims: &[usize]| {
        let path = root.join(entry.name).join(file);
        let array = Idx::parse(&files::read(entry.name, &path)?, rank).and_then(|array| {
            let fits = array.dims.ends_with(dims);
            fits.then_some(array.values)
                .ok_or_else(|| format!("its last dimensions should be {dims:?} but all are {:?}", array.dims))
        });
        array.map_err(|problem| Error::Format { what: "IDX file", problem, path, source: None })
    };
    let [_, h, w] = entry.shape.unwrap_or_default();
    let images = read(images, 3, &[h, w])?;
    let labels = read(labels, 1, &[])?.into_iter().map(u32::from).collect();
    sized(entry, split, entry.dataset(images, Labels::Class(labels))?)
}

pub(crate) fn cifar(entry: &Entry, split: Split, root: &Path, _: &OpenOptions) -> Result<Dataset, Error> {
    let Layout::Cifar { train, test, label_bytes } = entry.layout else {
        return Err(no_layout(entry));
    };
    let of_split = match split {
        Split::Train => train,
        Split::Test => &[test],
    };
    let image_bytes = entry.shape.unwrap_or_default().iter().product();
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    for file in of_split {
        let path = root.join(entry.name).join(file);
        let bytes = files::read(entry.name, &path)?;
        records::parse(&bytes, label_bytes, image_bytes, &mut images, &mut labels)
            .map_err(|problem| Error::Format { what: "CIFAR file", problem, path, source: None })?;
    }
    sized(entry, split, entry.dataset(images, Labels::Class(labels))?)
}

/// The split, if it has as many examples as the catalogue says.
fn sized(entry: &Entry, split: Split, dataset: Dataset) -> Result<Dataset, Error> {
    let expected = entry.sizes.map(|[train, test]| match split {
        Split::Train => train,
        Split::Test => test,
    });
    match expected {
        Some(expected) if expected != dataset.len() => {
            Err(Error::Size { name: entry.name.into(), split, expected, found: dataset.len() })
        }
        _ => Ok(dataset),
    }
}

fn no_layout(entry: &Entry) -> Error {
    Error::Inconsistent { name: entry.name.into(), problem: format!("it does not lie as {:?}", entry.layout) }
}
