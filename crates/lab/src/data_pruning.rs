//! Training sets that are made smaller: the examples to keep are chosen.

use std::sync::Arc;

use burn::prelude::Device;
use rand::RngExt;
use sapwood_backend::{Seed, Stream, block_on};
use sapwood_data::{Dataset, Labels, Loader, LoaderOptions};
use sapwood_models::Net;
use sapwood_train::worth::{el2n, forgetting, grand, k_centre};
use serde::Serialize;

use crate::{Error, List, Reporter, probe::Probe};

/// How examples are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choosing {
    /// By chance: the control.
    Random,
    /// Those that networks err on most: the length of the difference between probabilities and label (Paul, Ganguli and
    /// Dziugaite 2021, "Deep Learning on a Data Diet", equation 3), the mean over networks.
    El2n,
    /// Those with the longest gradients (the same, definition 2.1), the mean over networks.
    Grand,
    /// Those that were most often unlearnt from one network of a training to the next (Toneva et al. 2019, "An Empirical
    /// Study of Example Forgetting"); those that were never learnt come first.
    Forgetting,
    /// Those that lie far from all others that are kept, by their features (Sener and Savarese 2018, "Active Learning for
    /// Convolutional Neural Networks: A Core-Set Approach", algorithm 1).
    KCentre,
}

impl Choosing {
    /// Every one.
    pub const ALL: [Self; 5] = [Self::Random, Self::El2n, Self::Grand, Self::Forgetting, Self::KCentre];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::El2n => "el2n",
            Self::Grand => "grand",
            Self::Forgetting => "forgetting",
            Self::KCentre => "k-centre",
        }
    }

    /// The least number of networks that it looks through.
    fn networks(self) -> std::ops::RangeInclusive<usize> {
        match self {
            Self::Random => 0..=0,
            Self::El2n | Self::Grand => 1..=usize::MAX,
            Self::Forgetting => 2..=usize::MAX,
            Self::KCentre => 1..=1,
        }
    }
}

/// Which examples are kept.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    /// How they are chosen.
    pub by: Choosing,
    /// How many.
    pub keep: usize,
    /// Whether each class keeps the same share of its own.
    pub balanced: bool,
    /// Whether those at the other end are kept: the easiest.
    pub easiest: bool,
    /// The seed of what is left to chance.
    pub seed: Seed,
}

impl Choice {
    /// The list of the examples that are kept of a training split. Of equal scores the first ones are kept.
    ///
    /// # Errors
    /// A number of networks that the method does not look through; more examples than there are, or none; networks
    /// that do not answer a class for each example.
    pub fn of(
        &self,
        dataset: &Dataset,
        nets: &[Net],
        device: &Device,
        reporter: &dyn Reporter,
    ) -> Result<List, Error> {
        let Self { by, keep, balanced, easiest, seed } = *self;
        let (name, examples) = (by.name(), dataset.len());
        let refuse = |field: &str, problem: String| Err(Error::setting(field, problem));
        if !by.networks().contains(&nets.len()) {
            let (least, most) = (by.networks().start().to_owned(), by.networks().end().to_owned());
            let wanted = match (least, most) {
                (0, 0) => "no network".into(),
                (1, 1) => "one network".into(),
                (least, _) => format!("{least} networks or more"),
            };
            return refuse("networks", format!("`{name}` takes {wanted}, found {}", nets.len()));
        }
        if keep == 0 || examples < keep {
            return refuse("keep", format!("expected to keep from 1 to {examples} examples, found {keep}"));
        }
        let Labels::Class(labels) = dataset.labels() else {
            return refuse(
                "data",
                format!("data set `{}` has no classes: its examples are not scored", dataset.name()),
            );
        };
        if easiest && matches!(by, Choosing::Random | Choosing::KCentre) {
            return refuse("easiest", format!("`{name}` has no easiest examples: leave it out"));
        }
        let groups = match balanced {
            false => vec![(0..examples).collect::<Vec<_>>()],
            true => {
                let mut classes = vec![Vec::new(); dataset.task().outputs()];
                labels.iter().enumerate().for_each(|(at, class)| classes[*class as usize].push(at));
                classes
            }
        };
        let sizes: Vec<usize> = groups.iter().map(Vec::len).collect();
        let shares = sapwood_data::shares(&sizes, keep);
        let options = LoaderOptions { batch_size: 256, ..LoaderOptions::default() };
        let all = Loader::new(Arc::new(dataset.clone()), options)?;
        let mut kept = Vec::with_capacity(keep);
        if by == Choosing::KCentre {
            let rows = Probe::of(&nets[0], device)?.of_examples(&all, None, device, reporter)?.into_rows();
            for (group, share) in groups.iter().zip(shares) {
                kept.extend(k_centre(&rows, rows.len() / examples, group, share, seed));
            }
        } else {
            let scores = match by {
                Choosing::El2n => block_on(el2n(nets, &all, device, reporter))?,
                Choosing::Grand => block_on(grand(nets, &all, device, reporter))?,
                Choosing::Forgetting => block_on(forgetting(nets, &all, device, reporter))?,
                Choosing::Random | Choosing::KCentre => {
                    let mut rng = seed.stream(Stream::Criterion, 0);
                    (0..examples).map(|_| rng.random()).collect()
                }
            };
            for (mut group, share) in groups.into_iter().zip(shares) {
                group.sort_by(|a, b| match easiest {
                    true => scores[*a].total_cmp(&scores[*b]),
                    false => scores[*b].total_cmp(&scores[*a]),
                });
                kept.extend(group.into_iter().take(share));
            }
        }
        kept.sort_unstable();
        let of_each = if balanced { ", the same share of each class" } else { "" };
        let end = if easiest { ", the easiest" } else { "" };
        let method = format!("{name}{end}{of_each}");
        Ok(List { data: dataset.name().into(), examples, method, kept })
    }
}

#[cfg(test)]
mod tests;
