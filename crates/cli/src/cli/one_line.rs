//! Texts of others, on one line.

/// A text without line breaks: others' messages may have some.
pub(super) fn one_line(text: &str) -> String {
    let line = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    // Names in files may hold what a terminal obeys.
    line.chars().map(|letter| if letter.is_control() { '?' } else { letter }).collect()
}
