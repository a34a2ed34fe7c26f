//! The page of a study: plots, tables, and what it cost.

mod facts;
mod plots;
mod tables;

use super::{Control, Group, Plan, Results, figure::Figure};
use crate::{ledger::Carbon, report::Report};

/// The page of a study.
pub fn page(plan: &Plan, results: &Results, carbon: &Carbon, command: &str) -> Report {
    let groups = results.groups(plan);
    let page = Page { plan, results, groups: &groups, figures: Figure::of(&results.rows) };
    let first = plan.variants.first().map(|variant| &variant.experiment);
    let title = first.map_or("", |experiment| experiment.title.as_str());
    let mut intro: Vec<String> = first.map(|experiment| experiment.about.clone()).into_iter().collect();
    intro.push(page.numbers_are());
    intro.retain(|text| !text.is_empty());
    let mut sections = Vec::new();
    for &figure in &page.figures {
        sections.extend(page.against_sparsity(figure));
    }
    sections.extend(page.controls());
    sections.extend(page.densities());
    sections.extend(page.curves());
    sections.push(page.numbers());
    sections.extend(page.comparisons());
    sections.extend(page.connectivity());
    sections.push(page.costs(carbon));
    Report {
        title: if title.is_empty() { plan.name.clone() } else { title.into() },
        intro,
        facts: page.facts(),
        command: command.into(),
        sections,
    }
}

struct Page<'a> {
    plan: &'a Plan,
    results: &'a Results,
    groups: &'a [Group<'a>],
    figures: Vec<Figure>,
}

impl<'a> Page<'a> {
    /// The names of the variants, one empty name in a study without a sweep.
    fn variants(&self) -> Vec<&'a str> {
        let mut names: Vec<&str> = Vec::new();
        for group in self.groups {
            if !names.contains(&group.variant) {
                names.push(group.variant);
            }
        }
        names
    }

    /// The methods of a variant, without the dense network.
    fn methods(&self, variant: &str) -> Vec<&'a str> {
        let mut names: Vec<&str> = Vec::new();
        for group in self.groups.iter().filter(|group| group.variant == variant && group.sparsity.is_some()) {
            if !names.contains(&group.method) {
                names.push(group.method);
            }
        }
        names
    }

    fn select(&self, variant: &str, method: &str, control: Control) -> impl Iterator<Item = &'a Group<'a>> {
        let groups: Vec<&'a Group<'a>> = self
            .groups
            .iter()
            .filter(|group| group.variant == variant && group.method == method && group.control == control)
            .collect();
        groups.into_iter()
    }

    fn dense(&self, variant: &str) -> Option<&'a Group<'a>> {
        self.groups.iter().find(|group| group.variant == variant && group.sparsity.is_none())
    }
}

/// The parts that say something.
fn joined(parts: [&str; 2]) -> String {
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")
}
