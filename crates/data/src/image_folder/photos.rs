//! Reading many images at once.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rayon::prelude::*;
use sapwood_core::ImageFit;

use crate::{
    Error, Watch,
    image_file::{Image, decode},
    photo_cache::{Key, PhotoCache},
};

/// Files that are read before their values are put together: memory for these is needed twice.
const AT_ONCE: usize = 256;

/// Why an image is no example.
#[derive(Clone, Debug)]
pub(super) enum Flaw {
    /// It cannot be read.
    Unreadable(String),
    /// It would have to be resized, and nobody asked for that.
    OtherSize(String),
}

impl Flaw {
    /// The error of this image, with the number of others that cannot be read.
    pub(super) fn error(&self, path: &Path, others: usize) -> Error {
        let (problem, path) = (self.problem().into(), path.to_path_buf());
        match self {
            Self::Unreadable(_) => Error::Unreadable { problem, others, path },
            Self::OtherSize(_) => {
                Error::Format { what: "image of this data set", problem, path, source: None }
            }
        }
    }

    pub(super) fn problem(&self) -> &str {
        match self {
            Self::Unreadable(problem) | Self::OtherSize(problem) => problem,
        }
    }
}

/// The error of one of these flaws, with the number of other images that cannot be read.
pub(super) fn error_of((at, flaw): &(usize, Flaw), flaws: &[(usize, Flaw)], paths: &[&Path]) -> Error {
    let unreadable = flaws.iter().filter(|(_, flaw)| matches!(flaw, Flaw::Unreadable(_))).count();
    flaw.error(paths[*at], unreadable.saturating_sub(1))
}

/// How images become examples.
pub(super) struct Photos<'a> {
    /// What they become, `[C, H, W]`.
    pub(super) shape: [usize; 3],
    /// How they are cropped and resized for that, if they are.
    pub(super) fit: Option<ImageFit>,
    /// Where resized ones are kept for the next time.
    pub(super) cache: Option<&'a Path>,
    pub(super) watch: &'a dyn Watch,
}

/// The flaw of each image that has one, with its place.
pub(super) type Flaws = Vec<(usize, Flaw)>;

impl Photos<'_> {
    /// The values of all images that have no flaw, `[N, C, H, W]`, and the flaws, by place. The
    /// images are read on all threads; what comes out does not depend on their number.
    pub(super) fn read(&self, folder: &Path, paths: &[&Path]) -> (Vec<u8>, Flaws) {
        let cache = self.cache.zip(self.fit);
        let cache = cache.map(|(kept_in, fit)| PhotoCache::open(kept_in, folder, self.shape, fit));
        let (mut images, mut flaws, mut keys) = (Vec::new(), Flaws::new(), Vec::new());
        self.watch.begin("reading images", paths.len() as u64);
        for (block, paths) in paths.chunks(AT_ONCE).enumerate() {
            let read: Vec<_> = paths
                .par_iter()
                .map(|path| {
                    let read = self.one(path, cache.as_ref());
                    self.watch.advance(1);
                    read
                })
                .collect();
            for (at, read) in read.into_iter().enumerate() {
                match read {
                    Ok((key, values)) => {
                        keys.push(key);
                        images.extend_from_slice(&values);
                    }
                    Err(flaw) => flaws.push((block * AT_ONCE + at, flaw)),
                }
            }
        }
        self.watch.end();
        if let Some(cache) = cache {
            cache.keep(&keys, &images);
        }
        (images, flaws)
    }

    fn one(&self, path: &Path, cache: Option<&PhotoCache>) -> Result<(Key, Vec<u8>), Flaw> {
        let bytes = bytes(path).map_err(Flaw::Unreadable)?;
        let key = cache.map_or(Key::default(), |_| Key::of(&bytes));
        if let Some(values) = cache.and_then(|cache| cache.get(&key)) {
            return Ok((key, values.to_vec()));
        }
        let image = decode(&bytes).map_err(Flaw::Unreadable)?;
        drop(bytes);
        if let Some(fit) = self.fit {
            let values = image.viewed(self.shape, &fit).map_err(Flaw::OtherSize)?;
            return Ok((key, values.iter().map(|x| (x * 255.0).round() as u8).collect()));
        }
        if image.shape()[0] > self.shape[0] {
            let problem = "it has colours, but the first image is grey; the option `image` says how many channels all get";
            return Err(Flaw::OtherSize(problem.into()));
        }
        let image = image.with_channels(self.shape[0]);
        if image.shape() != self.shape {
            let [[_, h, w], [_, height, width]] = [image.shape(), self.shape];
            return Err(Flaw::OtherSize(format!(
                "its size is {h}x{w}, but the first image's is {height}x{width}; with the option `image` all are resized"
            )));
        }
        Ok((key, image.planes()))
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| error.to_string())
}

/// One image, or why it cannot be read.
pub(super) fn decoded(path: &Path) -> Result<Image, String> {
    decode(&bytes(path)?)
}

/// Which of these images cannot be read, and why.
pub(super) fn unreadable(paths: &[&Path], watch: &dyn Watch) -> Vec<(usize, String)> {
    watch.begin("reading images", paths.len() as u64);
    let problems: Vec<Option<String>> = paths
        .par_iter()
        .map(|path| {
            let problem = decoded(path).err();
            watch.advance(1);
            problem
        })
        .collect();
    watch.end();
    problems.into_iter().enumerate().filter_map(|(at, problem)| Some((at, problem?))).collect()
}

impl super::Summary {
    /// Takes an image from those of its class to those that cannot be read.
    pub(super) fn leave_out(&mut self, class: u32, path: &Path, problem: String) {
        if let Some((_, images)) = self.classes.get_mut(class as usize) {
            *images -= 1;
        }
        tracing::debug!(problem, path = %path.display(), "image passed over");
        self.unreadable.push((PathBuf::from(path), problem));
    }
}
