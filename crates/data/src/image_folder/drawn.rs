//! Some of the images of a folder: which, is drawn before any of them is read.

use std::path::{Path, PathBuf};

use super::{inputs::Inputs, listing::Listing, photos, summary::Summary};
use crate::{Drawing, Drawn, Error, Labels, Reading};

/// Reads the images that a drawing takes of those in a listing, and no others.
///
/// To leave out images that cannot be read, all are looked at first: which are drawn depends on how many there are. Nothing
/// is kept for the next time, since that would be a part of the folder alone.
pub(super) fn read(
    listing: Listing,
    inputs: &Inputs<'_>,
    reading: &Reading<'_>,
    drawing: Drawing,
) -> Result<Drawn, Error> {
    let mut summary = listing.summary();
    let Listing { mut files, folder, classes, .. } = listing;
    if reading.skip_bad {
        files = readable(files, &mut summary, reading);
        summary.check(&folder)?;
    }
    let labels: Vec<u32> = files.iter().map(|(_, class)| *class).collect();
    let chosen = drawing.among(files.len(), Some(&labels));
    if chosen.len() < files.len() {
        summary.notes.push(format!("{} of them are drawn", chosen.len()));
    }
    let paths: Vec<&Path> = chosen.iter().map(|at| files[*at].0.as_path()).collect();
    let photos = inputs.photos(&Reading { cache: None, ..*reading });
    let (images, flaws) = photos.read(&folder, &paths);
    if let Some(first) = flaws.first() {
        return Err(photos::error_of(first, &flaws, &paths));
    }
    let labels = Labels::Class(chosen.iter().map(|at| labels[*at]).collect());
    let has_labels = !classes.is_empty();
    let dataset = inputs.dataset(classes.len().max(1), images, labels)?.with_classes(classes);
    Ok(Drawn { dataset, has_labels, summary: Some(summary) })
}

/// The images that can be read; the others are left out of what was found.
fn readable(files: Vec<(PathBuf, u32)>, summary: &mut Summary, reading: &Reading<'_>) -> Vec<(PathBuf, u32)> {
    let paths: Vec<&Path> = files.iter().map(|(path, _)| path.as_path()).collect();
    let bad = photos::unreadable(&paths, reading.watch);
    for (at, problem) in &bad {
        let (path, class) = &files[*at];
        summary.leave_out(*class, path, problem.clone());
    }
    let is_bad = |at: usize| bad.binary_search_by_key(&at, |(bad, _)| *bad).is_ok();
    files.into_iter().enumerate().filter_map(|(at, file)| (!is_bad(at)).then_some(file)).collect()
}
