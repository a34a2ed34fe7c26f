//! Files that are no checkpoints, and what they are instead.

use crate::pytorch::Problem;

/// How files begin that are taken for checkpoints, and what to do with them.
const OTHERS: &[(&[u8], &str)] = &[
    (b"version https://git-lfs", "a pointer of Git LFS, not the file itself: fetch that with `git lfs pull`"),
    (b"\x1f\x8b", "a gzip archive: unpack it first"),
    (b"BZh", "a bzip2 archive: unpack it first"),
    (b"\xfd7zXZ", "an xz archive: unpack it first"),
    (b"7z\xbc\xaf", "a 7z archive: unpack it first"),
    (b"Rar!", "a RAR archive: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive: unpack it first"),
    (b"\x89HDF", "an HDF5 file, as Keras writes: convert it to safetensors"),
    (b"\x93NUMPY", "a NumPy array: put arrays into safetensors under their names"),
    (b"GGUF", "a GGUF file: convert it to safetensors"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"%PDF", "a PDF document"),
];

/// How a web page begins, in small letters.
const PAGES: &[&[u8]] = &[b"<!doctype", b"<html", b"<?xml", b"<head"];

/// Refuses what certainly is something else.
pub(super) fn refuse(bytes: &[u8]) -> Result<(), Problem> {
    if bytes.is_empty() {
        return Err(Problem::Empty);
    }
    if bytes.iter().all(|byte| *byte == 0) {
        return Err(Problem::Damaged("every byte is zero".into()));
    }
    if let Some((_, what)) = OTHERS.iter().find(|(start, _)| bytes.starts_with(start)) {
        return Err(Problem::Other((*what).into()));
    }
    if bytes.get(257..262) == Some(b"ustar") {
        let what =
            "a tar archive: unpack it first; if PyTorch before 0.1.10 wrote it, save it with a newer one";
        return Err(Problem::Other(what.into()));
    }
    let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    let is_page = |page: &[u8]| start.get(..page.len()).is_some_and(|s| s.eq_ignore_ascii_case(page));
    if PAGES.iter().any(|page| is_page(page)) {
        return Err(Problem::Other("a web page: download the file itself".into()));
    }
    Ok(())
}

/// What a file may be that could not be read as a pickle either.
pub(super) fn instead(bytes: &[u8]) -> Option<Problem> {
    let start = &bytes[..bytes.len().min(4096)];
    // The end of the piece may cut a character.
    let is_text = |bytes: &[u8]| match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    let controls = |byte: &u8| byte.is_ascii_control() && !byte.is_ascii_whitespace();
    if is_text(start) && !start.iter().any(controls) {
        return Some(Problem::Other("text, not a checkpoint".into()));
    }
    // Pickles of all protocols that people still use begin like this.
    let pickle = bytes.first() == Some(&0x80) && bytes.get(1).is_some_and(|protocol| *protocol <= 5);
    (!pickle).then(|| Problem::Other("neither a checkpoint of PyTorch nor safetensors".into()))
}
