//! Names of folders as the names of classes.

use std::ffi::OsStr;

use unicode_normalization::UnicodeNormalization;

/// The name of a class. A name that is no text keeps its bytes, those that are none as in `\xff`,
/// so that different folders never have one name.
pub(super) fn name(folder: &OsStr) -> String {
    match folder.to_str() {
        Some(text) => text.into(),
        None => folder
            .as_encoded_bytes()
            .utf8_chunks()
            .map(|part| {
                let rest: String = part.invalid().iter().map(|byte| format!("\\x{byte:02x}")).collect();
                format!("{}{rest}", part.valid())
            })
            .collect(),
    }
}

/// What two spellings of one name have in common: composed (NFC) and decomposed letters look
/// alike, and computers differ in which of them they write (Unicode Standard Annex 15).
pub(super) fn form(name: &str) -> String {
    name.nfc().collect()
}

/// A name for a message: with its characters beyond ASCII once more, by their numbers, so that what
/// looks alike can be told apart.
pub(super) fn shown(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii() && !c.is_ascii_control());
    let numbered = |c: char| match c.is_ascii() && !c.is_ascii_control() {
        true => c.to_string(),
        false => c.escape_unicode().to_string(),
    };
    match plain {
        true => format!("`{name}`"),
        false => {
            let cleaned = name.replace(|c: char| c.is_control(), " ");
            format!("`{cleaned}` ({})", name.chars().map(numbered).collect::<String>())
        }
    }
}

/// Several names, the first few of them.
pub(super) fn several<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const FEW: usize = 4;
    let names: Vec<&str> = names.into_iter().collect();
    let few: Vec<String> = names.iter().take(FEW).map(|name| shown(name)).collect();
    match names.len().checked_sub(FEW + 1) {
        Some(rest) => format!("{} and {} more", few.join(", "), rest + 1),
        None => few.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_alike_is_one_form_and_is_told_apart_in_messages() {
        assert_eq!((form("caf\u{e9}"), form("cafe\u{301}")), ("café".into(), "café".into()));
        assert_ne!(form("a"), form("A"));
        assert_eq!(shown("cat"), "`cat`");
        assert_eq!(shown("\u{441}at"), "`\u{441}at` (\\u{441}at)");
        assert_eq!(shown("a\nb"), "`a b` (a\\u{a}b)");
        assert_eq!(several(["a", "b", "c", "d", "e", "f"]), "`a`, `b`, `c`, `d` and 2 more");
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_no_text_stay_apart() {
        use std::os::unix::ffi::OsStrExt;
        let names = [b"\xff".as_slice(), b"\xfe", b"a\xc3", b"a"].map(|bytes| name(OsStr::from_bytes(bytes)));
        assert_eq!(names, ["\\xff", "\\xfe", "a\\xc3", "a"]);
    }
}
