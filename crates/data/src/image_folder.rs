//! A folder of the user's own images, one folder per class.

mod listing;
mod names;
mod photos;
mod summary;
mod walk;

use std::path::Path;

use self::{
    listing::Listing,
    photos::{Flaw, Photos},
};
pub use self::{summary::Summary, walk::PassedOver};
use crate::{
    Dataset, Entry, Error, Labels, Normalisation, OpenOptions, Reading, Split, Task, Watch,
    image_file::check_shape,
};

/// Reads `root/train/CLASS/**` or `root/test/CLASS/**`. The classes are the folders
/// of `train` in the order of their names, and files come in the order of their paths below them.
/// Without a shape among the options, every image must have the size of the first
/// training image, and its number of channels is taken.
pub(crate) fn read(
    entry: &Entry,
    split: Split,
    root: &Path,
    options: &OpenOptions,
    reading: &Reading<'_>,
) -> Result<(Dataset, Summary), Error> {
    let listing = Listing::of(root, split)?;
    let stated = options.preprocess.as_ref();
    let (shape, fit) = match options.image {
        Some(shape) => {
            check_shape(shape)?;
            let fit = stated.map(|preprocess| preprocess.image).unwrap_or_default();
            fit.check()?;
            (shape, Some(fit))
        }
        None if stated.is_some() => {
            return Err(Error::Option {
                option: "the shape of an image",
                found: "missing".into(),
                expected: "[C, H, W] beside `preprocess`",
            });
        }
        None => (first_shape(&listing, root, split, reading.skip_bad)?, None),
    };
    let photos = Photos { shape, fit, cache: reading.cache, watch: reading.watch };
    let paths: Vec<&Path> = listing.files.iter().map(|(path, _)| path.as_path()).collect();
    let (images, flaws) = photos.read(&listing.folder, &paths);
    let mut summary = listing.summary();
    let mut labels: Vec<u32> = listing.files.iter().map(|(_, class)| *class).collect();
    // What is only of another size is no bad image, and is never left out.
    let refused = |(_, flaw): &&(usize, Flaw)| !reading.skip_bad || matches!(flaw, Flaw::OtherSize(_));
    if let Some((at, flaw)) = flaws.iter().find(refused) {
        let unreadable = flaws.iter().filter(|(_, flaw)| matches!(flaw, Flaw::Unreadable(_))).count();
        return Err(flaw.error(paths[*at], unreadable.saturating_sub(1)));
    }
    for (at, flaw) in flaws.iter().rev() {
        let class = labels.remove(*at);
        tracing::debug!(problem = flaw.problem(), path = %paths[*at].display(), "image passed over");
        summary.leave_out(class, paths[*at], flaw.problem().into());
    }
    summary.unreadable.reverse();
    if let Some((class, _)) = summary.classes.iter().find(|(_, images)| *images == 0 && split == Split::Train)
    {
        let problem = format!("no image of class `{class}` can be read");
        return Err(Error::Folder { problem, path: listing.folder });
    }
    let normalisation = match stated {
        Some(preprocess) => Normalisation::stated(preprocess, shape[0])?,
        None if shape[0] == 1 => Normalisation::GREY,
        None => entry.normalisation.clone(),
    };
    let task = Task::Classes(listing.classes.len());
    let made = Dataset::new(entry.name, shape, task, normalisation, images, Labels::Class(labels))?;
    let made = made.with_image(stated.map(|preprocess| preprocess.image));
    Ok((made.with_classes(listing.classes), summary))
}

/// What a folder of images holds, split by split: every file is read, and those that cannot be used
/// are listed with the reason.
///
/// # Errors
/// Where the folder has no such splits and classes; not for images that cannot be read.
pub fn examine(root: &Path, watch: &dyn Watch) -> Result<[Summary; 2], Error> {
    let examined = |split| -> Result<Summary, Error> {
        let listing = Listing::of(root, split)?;
        let paths: Vec<&Path> = listing.files.iter().map(|(path, _)| path.as_path()).collect();
        let flaws = photos::unreadable(&paths, watch);
        let mut summary = listing.summary();
        for (at, problem) in flaws {
            summary.leave_out(listing.files[at].1, paths[at], problem);
        }
        Ok(summary)
    };
    Ok([examined(Split::Train)?, examined(Split::Test)?])
}

/// How many images the folder has per split, if it is one of images: nothing is read. `None` for a split
/// that is not as it should be.
pub fn count_images(root: &Path) -> Option<[Option<usize>; 2]> {
    if !listing::is_here(root) {
        return None;
    }
    let images = |split| Listing::of(root, split).ok().map(|listing| listing.files.len());
    Some([images(Split::Train), images(Split::Test)])
}

/// The names of the classes, in order.
pub(crate) fn classes(root: &Path) -> Result<Vec<String>, Error> {
    listing::classes_of(root)
}

/// The shape of the first training image: of the first that can be read, where others may be left out.
fn first_shape(listing: &Listing, root: &Path, split: Split, skip_bad: bool) -> Result<[usize; 3], Error> {
    let train;
    let files = match split {
        Split::Train => &listing.files,
        Split::Test => {
            train = Listing::of(root, Split::Train)?.files;
            &train
        }
    };
    let mut first = None;
    for (path, _) in files {
        match photos::decoded(path) {
            Ok(image) => return Ok(image.shape()),
            Err(problem) => {
                first.get_or_insert(Flaw::Unreadable(problem).error(path, 0));
                if !skip_bad {
                    break;
                }
            }
        }
    }
    Err(first.unwrap_or_else(|| Error::Folder {
        problem: "no image can be read".into(),
        path: listing.folder.clone(),
    }))
}

#[cfg(test)]
mod tests;
