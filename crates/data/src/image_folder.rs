//! A folder of the user's own images, one folder per class.

mod drawn;
mod inputs;
mod listing;
mod names;
mod photos;
mod summary;
mod walk;

use std::path::Path;

use self::{inputs::Inputs, listing::Listing, photos::Flaw};
pub use self::{summary::Summary, walk::PassedOver};
use crate::{Dataset, Drawing, Drawn, Entry, Error, Labels, OpenOptions, Reading, Split, Watch};

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
    let inputs = inputs_of(entry, options, &listing, root, reading)?;
    let paths: Vec<&Path> = listing.files.iter().map(|(path, _)| path.as_path()).collect();
    let (images, flaws) = inputs.photos(reading).read(&listing.folder, &paths);
    let mut summary = listing.summary();
    let mut labels: Vec<u32> = listing.files.iter().map(|(_, class)| *class).collect();
    // What is only of another size is no bad image, and is never left out.
    let refused = |(_, flaw): &&(usize, Flaw)| !reading.skip_bad || matches!(flaw, Flaw::OtherSize(_));
    if let Some(first) = flaws.iter().find(refused) {
        return Err(photos::error_of(first, &flaws, &paths));
    }
    for (at, flaw) in flaws.iter().rev() {
        summary.leave_out(labels.remove(*at), paths[*at], flaw.problem().into());
    }
    summary.unreadable.reverse();
    summary.check(&listing.folder)?;
    let made = inputs.dataset(listing.classes.len(), images, Labels::Class(labels))?;
    Ok((made.with_classes(listing.classes), summary))
}

/// Reads training images that a drawing takes, and decodes no others; they have the values that they have among all.
pub(crate) fn read_drawn(
    entry: &Entry,
    root: &Path,
    options: &OpenOptions,
    reading: &Reading<'_>,
    drawing: Drawing,
) -> Result<Drawn, Error> {
    let plain = if drawing.needs_classes { None } else { Listing::without_classes(root)? };
    let listing = match plain {
        Some(listing) => listing,
        None => Listing::of(root, Split::Train)?,
    };
    let inputs = inputs_of(entry, options, &listing, root, reading)?;
    drawn::read(listing, &inputs, reading, drawing)
}

/// What the images become.
fn inputs_of<'a>(
    entry: &'a Entry,
    options: &'a OpenOptions,
    listing: &Listing,
    root: &Path,
    reading: &Reading<'_>,
) -> Result<Inputs<'a>, Error> {
    let usual = (entry.name, &entry.normalisation);
    Inputs::of(usual, options, || listing.first_shape(root, reading.skip_bad))
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

#[cfg(test)]
mod tests;
