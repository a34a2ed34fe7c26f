//! What a file is that is not what was expected.

/// What the first bytes say, as a noun and what to do; `None` where they say nothing.
pub(crate) fn kind(bytes: &[u8]) -> Option<&'static str> {
    const BY_START: &[(&[u8], &str)] = &[
        (b"version https://git-lfs", "a Git LFS pointer: fetch the file itself with `git lfs pull`"),
        (b"PK\x03\x04", "a zip archive: unpack it first"),
        (b"\x1f\x8b", "compressed by gzip"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it first"),
        (b"Rar!", "a RAR archive: unpack it first"),
        (b"BZh", "compressed by bzip2: unpack it first"),
        (b"\xfd7zXZ\0", "compressed by xz: unpack it first"),
        (b"\x28\xb5\x2f\xfd", "compressed by zstd: unpack it first"),
        (b"%PDF", "a PDF document"),
        (b"\x93NUMPY", "a NumPy array"),
        (b"\x89HDF\r\n", "an HDF5 file"),
        (b"PAR1", "a Parquet file"),
        (b"\0\x05\x16\x07", "what macOS writes beside a file (AppleDouble), not the file"),
        (b"\0\0\x08\x01", "a list of labels (IDX)"),
        (b"\0\0\x08\x03", "an array of images (IDX)"),
        (b"8BPS", "a Photoshop document"),
        (b"\xff\x0a", "a JPEG XL image"),
        (b"\0\0\0\x0cJXL ", "a JPEG XL image"),
        (b"\0\0\0\x0cjP  ", "a JPEG 2000 image"),
    ];
    if bytes.is_empty() {
        return Some("an empty file");
    }
    if let Some((_, what)) = BY_START.iter().find(|(start, _)| bytes.starts_with(start)) {
        return Some(what);
    }
    if bytes.iter().take(4096).all(|byte| *byte == 0) {
        return Some("nothing but zeros, as a download that did not end may be");
    }
    match bytes {
        [0x80, 2..=5, ..] => Some("a Python pickle"),
        [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => {
            Some(if brand.starts_with(b"avif") { "an AVIF image" } else { "a HEIC image or a film" })
        }
        _ => text(bytes),
    }
}

fn text(bytes: &[u8]) -> Option<&'static str> {
    let start: Vec<u8> = bytes.iter().take(512).map(u8::to_ascii_lowercase).collect();
    let start = String::from_utf8_lossy(&start);
    let start = start.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    let begins = |words: &[&str]| words.iter().any(|word| start.starts_with(word));
    if start.contains("<svg") && begins(&["<"]) {
        return Some("an SVG drawing");
    }
    if begins(&["<!doctype html", "<html", "<head", "<body"]) || (begins(&["<"]) && start.contains("<html")) {
        return Some("a web page, such as an error in place of a download");
    }
    if begins(&["<?xml", "<error"]) {
        return Some("an XML document, such as an error in place of a download");
    }
    if begins(&["{\"", "{\r", "{\n", "[{"]) {
        return Some("a JSON text");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_have_in_place_of_a_file_is_called_by_its_name() {
        for (bytes, expected) in [
            (b"\n <!DOCTYPE html><html><title>403</title>".as_slice(), "web page"),
            (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code>", "XML"),
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "git lfs pull"),
            (b"PK\x03\x04\x14\0", "zip archive: unpack"),
            (b"\x80\x02}q\0(", "pickle"),
            (b"\0\0\0\x18ftypheic\0\0", "HEIC"),
            (b"\0\0\x08\x01\0\0\0\x0a", "labels"),
            (b"", "empty"),
            (&[0; 100], "zeros"),
        ] {
            assert!(kind(bytes).unwrap().contains(expected), "{:?}", kind(bytes));
        }
        assert_eq!(kind(b"plain words"), None);
    }
}
