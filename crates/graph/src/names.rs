//! Names in messages: those that do not exist and were probably meant, and the first of many.

/// A name that is not in a list, with the nearest ones that are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownName {
    /// What kind of thing was named: "model", "data set".
    pub kind: &'static str,
    /// What was written.
    pub found: String,
    /// The nearest names, or all of them where none is near.
    pub nearest: Vec<String>,
}

impl UnknownName {
    /// Looks for the names nearest to `found`.
    pub fn new<'a>(kind: &'static str, found: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        Self { kind, found: found.into(), nearest: nearest(found, known) }
    }
}

impl std::error::Error for UnknownName {}

/// The first five of some names, and how many more there are: "`a`, `b`, `c`, `d`, `e` and 2 more".
pub fn few(names: &[impl std::fmt::Display]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

impl std::fmt::Display for UnknownName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "unknown {} `{}`: did you mean {}?", self.kind, self.found, self.nearest.join(", "))
    }
}

/// The known names that look most like `found` (at most three), or all names
/// where none does.
pub fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let known: Vec<&str> = known.into_iter().collect();
    let mut close: Vec<(f64, &str)> = known
        .iter()
        .map(|name| (strsim::jaro_winkler(&found.to_lowercase(), &name.to_lowercase()), *name))
        .filter(|(likeness, _)| *likeness > 0.75)
        .collect();
    close.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    let names =
        if close.is_empty() { known } else { close.into_iter().take(3).map(|(_, name)| name).collect() };
    names.into_iter().map(String::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_finds_its_name_and_nonsense_lists_all() {
        let known = ["resnet-20", "resnet-56", "vgg-16"];
        assert_eq!(nearest("resnet20", known)[0], "resnet-20");
        assert_eq!(nearest("xyz", known).len(), 3);
    }
}
