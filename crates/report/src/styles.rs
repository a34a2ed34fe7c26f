//! Which colour and mark a series has, the same in every plot of a page.

use std::collections::{BTreeMap, BTreeSet};

/// The styles given out so far, by the name of the series.
///
/// A name keeps its style from plot to plot. A new name takes the first style
/// that is free in its plot, so that unrelated plots all start with the
/// clearest colours.
#[derive(Debug, Default)]
pub(super) struct Styles(BTreeMap<String, usize>);

/// The look of one series: a number that the page turns into a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Style(usize);

impl Styles {
    /// A style for each series of one plot, all different.
    pub(super) fn assign<'a>(&mut self, names: impl Iterator<Item = &'a str>) -> Vec<Style> {
        let names: Vec<_> = names.collect();
        let mut taken = BTreeSet::new();
        let mut styles: Vec<_> = names
            .iter()
            .map(|name| self.0.get(*name).copied().filter(|style| taken.insert(*style)))
            .collect();
        for (name, style) in names.iter().zip(&mut styles).filter(|(_, style)| style.is_none()) {
            let free = (0..).find(|style| taken.insert(*style));
            *style = free;
            self.0.entry((*name).into()).or_insert(free.unwrap_or_default());
        }
        styles.into_iter().flatten().map(Style).collect()
    }
}

impl Style {
    /// The classes that the page's style knows: eight colours, then dashed.
    pub(super) fn class(self) -> String {
        format!("s{}{}", self.0 % 8, if self.0 >= 8 { " dashed" } else { "" })
    }

    /// Which mark the series has: series that share a colour differ in it.
    pub(super) fn mark(self) -> usize {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_style_and_no_plot_uses_one_twice() {
        let mut styles = Styles::default();
        let mut assign = |names: &[&str]| -> Vec<usize> {
            styles.assign(names.iter().copied()).iter().map(|style| style.0).collect()
        };
        assert_eq!(assign(&["snip", "magnitude"]), [0, 1]);
        assert_eq!(assign(&["magnitude", "random"]), [1, 0]);
        assert_eq!(assign(&["wide", "narrow"]), [0, 1]);
        assert_eq!(assign(&["snip", "random", "wide"]), [0, 1, 2]);
        assert_eq!(assign(&["twice", "twice"]), [0, 1]);
    }
}
