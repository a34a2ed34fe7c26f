//! Images that were read once, kept for the next time.
//!
//! One file per folder of images and shape holds the resized bytes of each, by the BLAKE3 of the
//! image file: an image that was changed, whatever its size and date say, is read anew. The file ends
//! with a checksum and is written whole; what is damaged, or was written by another version of the
//! decoders, counts as absent. Nothing depends on it but time.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use sapwood_core::ImageFit;

use crate::image_file::VERSION;

/// What all files together may take; the one that was written longest ago goes first.
const BYTES: u64 = 4 << 30;
/// What their names end with.
const EXTENSION: &str = "photos";
const MAGIC: &[u8; 16] = b"sapwood photos 1";

/// The digest of an image file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key([u8; 32]);

impl Key {
    pub(crate) fn of(file: &[u8]) -> Self {
        Self(*blake3::hash(file).as_bytes())
    }
}

/// The resized images of one folder.
#[derive(Debug)]
pub(crate) struct PhotoCache {
    path: PathBuf,
    header: Vec<u8>,
    each: usize,
    /// Where the values of each image begin in `bytes`.
    places: BTreeMap<Key, usize>,
    bytes: Vec<u8>,
}

impl PhotoCache {
    /// What is kept below `kept_in` of the images of `folder` in a shape `[C, H, W]`, made so.
    pub(crate) fn open(kept_in: &Path, folder: &Path, shape: [usize; 3], fit: ImageFit) -> Self {
        let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_path_buf());
        let mut header = MAGIC.to_vec();
        header.extend(VERSION.to_le_bytes());
        shape.iter().for_each(|n| header.extend((*n as u64).to_le_bytes()));
        if fit != ImageFit::default() {
            header.extend(format!("{fit:?}\n").into_bytes());
        }
        let name = blake3::hash(&[&header, folder.as_os_str().as_encoded_bytes()].concat()).to_hex();
        let path = kept_in.join(format!("{}.{EXTENSION}", &name[..32]));
        let each = shape.iter().product();
        let bytes = fs::read(&path).unwrap_or_default();
        let places = places(&bytes, &header, each).unwrap_or_default();
        tracing::debug!(images = places.len(), bytes = bytes.len(), path = %path.display(), "cache of images opened");
        Self { path, header, each, places, bytes }
    }

    /// The values of an image, if they are kept.
    pub(crate) fn get(&self, key: &Key) -> Option<&[u8]> {
        self.bytes.get(*self.places.get(key)?..)?.get(..self.each)
    }

    /// Keeps these images, `[N, C, H, W]`, and no others. Where that is not possible, the next time
    /// takes as long as this one.
    pub(crate) fn keep(self, keys: &[Key], images: &[u8]) {
        let found: BTreeMap<Key, &[u8]> = keys.iter().copied().zip(images.chunks_exact(self.each)).collect();
        if found.len() == self.places.len() && found.keys().all(|key| self.places.contains_key(key)) {
            return;
        }
        let mut bytes = self.header;
        bytes.extend((found.len() as u64).to_le_bytes());
        found.keys().for_each(|key| bytes.extend(key.0));
        found.values().for_each(|values| bytes.extend_from_slice(values));
        let sum = blake3::hash(&bytes);
        bytes.extend(sum.as_bytes());
        let Some(folder) = self.path.parent() else { return };
        if bytes.len() as u64 > BYTES || fs::create_dir_all(folder).is_err() {
            return;
        }
        if sapwood_core::write_atomic(&self.path, &bytes).is_ok() {
            let path = self.path.display();
            tracing::debug!(images = found.len(), bytes = bytes.len(), %path, "cache of images written");
            make_room(folder, &self.path, BYTES);
        }
    }
}

/// Where each image begins, if the file is whole and of this kind.
fn places(bytes: &[u8], header: &[u8], each: usize) -> Option<BTreeMap<Key, usize>> {
    let (content, sum) = bytes.split_last_chunk::<32>()?;
    let rest = content.strip_prefix(header)?;
    if blake3::hash(content).as_bytes() != sum {
        return None;
    }
    let (number, rest) = rest.split_first_chunk::<8>()?;
    let number = usize::try_from(u64::from_le_bytes(*number)).ok()?;
    let (keys, values) = rest.split_at_checked(number.checked_mul(32)?)?;
    if values.len() != number.checked_mul(each)? {
        return None;
    }
    let first = content.len() - values.len();
    let (keys, _) = keys.as_chunks::<32>();
    Some((0..).zip(keys).map(|(at, key)| (Key(*key), first + at * each)).collect())
}

/// Removes files of this kind until they take no more than `most`, but never the one that was just written.
fn make_room(folder: &Path, written: &Path, most: u64) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut files: Vec<_> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let ours = path.extension().is_some_and(|end| end == EXTENSION);
            let metadata = fs::metadata(&path).ok().filter(|_| ours)?;
            Some((path == written, metadata.modified().ok()?, metadata.len(), path))
        })
        .collect();
    files.sort();
    let mut total: u64 = files.iter().map(|(_, _, size, _)| size).sum();
    for (is_written, _, size, path) in files {
        if total <= most || is_written {
            return;
        }
        if fs::remove_file(path).is_ok() {
            total -= size;
        }
    }
}

#[cfg(test)]
mod tests {
    use sapwood_core::Fit;

    use super::*;

    const SHAPE: [usize; 3] = [1, 1, 2];

    fn keys(files: &[&[u8]]) -> Vec<Key> {
        files.iter().map(|file| Key::of(file)).collect()
    }

    #[test]
    fn what_was_kept_is_found_by_content_and_only_in_its_shape_and_folder() {
        let place = tempfile::tempdir().unwrap();
        let open = |folder: &str, shape| {
            PhotoCache::open(place.path(), Path::new(folder), shape, ImageFit::default())
        };
        open("a", SHAPE).keep(&keys(&[b"one", b"two", b"one"]), &[1, 2, 3, 4, 1, 2]);
        let cache = open("a", SHAPE);
        assert_eq!(cache.get(&Key::of(b"two")), Some([3, 4].as_slice()));
        assert_eq!(cache.get(&Key::of(b"one")), Some([1, 2].as_slice()));
        assert_eq!(cache.get(&Key::of(b"three")), None);
        assert_eq!(open("a", [1, 2, 1]).get(&Key::of(b"two")), None);
        assert_eq!(open("b", SHAPE).get(&Key::of(b"two")), None);
        let other = ImageFit { fit: Fit::Stretch, ..ImageFit::default() };
        let other = PhotoCache::open(place.path(), Path::new("a"), SHAPE, other);
        assert_eq!(other.get(&Key::of(b"two")), None);
        // Only what is there now stays.
        cache.keep(&keys(&[b"two", b"three"]), &[3, 4, 5, 6]);
        let cache = open("a", SHAPE);
        assert_eq!(
            (cache.get(&Key::of(b"one")), cache.get(&Key::of(b"three"))),
            (None, Some([5, 6].as_slice()))
        );
    }

    #[test]
    fn a_file_with_any_byte_changed_or_missing_counts_as_absent() {
        let place = tempfile::tempdir().unwrap();
        let open = || PhotoCache::open(place.path(), Path::new("a"), SHAPE, ImageFit::default());
        open().keep(&keys(&[b"one"]), &[1, 2]);
        let path = open().path;
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs::write(&path, &damaged).unwrap();
            assert!(open().places.is_empty(), "byte {at}");
            fs::write(&path, &whole[..at]).unwrap();
            assert!(open().places.is_empty(), "cut at {at}");
        }
        open().keep(&keys(&[b"one"]), &[1, 2]);
        assert_eq!(fs::read(&path).unwrap(), whole, "a damaged file is replaced");
    }

    #[test]
    fn the_oldest_make_room_and_other_files_stay() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        for (age, name) in
            [(30, "old.photos"), (20, "newer.photos"), (10, "written.photos"), (40, "other.txt")]
        {
            let file = fs::File::create(path(name)).unwrap();
            file.set_len(100).unwrap();
            let now = file.metadata().unwrap().modified().unwrap();
            file.set_modified(now - std::time::Duration::from_secs(age)).unwrap();
        }
        make_room(place.path(), &path("written.photos"), 200);
        let there =
            ["old.photos", "newer.photos", "written.photos", "other.txt"].map(|name| path(name).exists());
        assert_eq!(there, [false, true, true, true]);
        make_room(place.path(), &path("written.photos"), 0);
        assert!(path("written.photos").exists() && !path("newer.photos").exists());
    }
}
