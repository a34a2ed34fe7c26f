//! Whole channels: out of every layer that has them.
//!
//! Which channels go together says the network's graph (Fang et al. 2023, *DepGraph*); a channel's score is made of
//! those of all weights that leave with it. What goes has masks in every parameter, biases and scales of normalisation
//! among them, so that a network with these masks is the network without the channels.

use std::collections::BTreeSet;

use rand::RngExt as _;
use sapwood_backend::{Seed, Stream};
use sapwood_core::{
    Array, Masks, ParamInfo, ParamPath, Role,
    graph::{Groups, Side, Slot},
};
use sapwood_shrink::{
    Error as Shrinking, GroupScore, Members, Normaliser, Reduction, Removal, Selection, Share, Target,
    WeightScores,
};

use crate::{
    Ablation, Allocation, Criterion, Error, Granularity, MaskSet, Probe, Prunable, Scores, Sparsity,
};

/// What a sparsity counts where channels go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Counted {
    /// Channels that may leave: of each group, or of all.
    Channels,
    /// Multiply-accumulates: at least the wanted share of them goes.
    Macs,
    /// Parameters: at least the wanted share of them goes.
    Params,
}

impl Counted {
    pub(crate) const NAMES: [(&str, Self); 3] =
        [("channel", Self::Channels), ("channel-macs", Self::Macs), ("channel-params", Self::Params)];

    fn target(self, share: Share) -> Target {
        match self {
            Self::Channels => Target::Channels(share),
            Self::Macs => Target::Macs(share),
            Self::Params => Target::Params(share),
        }
    }
}

/// What a criterion's score of a channel is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChannelScore {
    /// The scores of the weights that leave with it.
    #[default]
    Weights,
    /// Those, and the scores of the scales of normalisation behind them.
    WithScales,
    /// The squares of those: DepGraph's group magnitude for absolute values.
    Squares,
    /// The scores of the weights that make it, which are alike.
    Makers,
    /// The score of the first weight that makes it: it is drawn.
    Drawn,
}

impl ChannelScore {
    /// What is added, and how it is made comparable.
    pub fn of_groups(self, reduction: Reduction, normaliser: Normaliser) -> GroupScore {
        let members = match self {
            Self::Makers => Members::Makers,
            Self::Drawn => Members::First,
            _ => Members::All,
        };
        GroupScore { reduction, normaliser, members }
    }

    /// The parameters that a criterion is asked about, of those in its scope.
    pub fn prunable(self, infos: &[ParamInfo], prunable: &Prunable) -> Prunable {
        let mut all = prunable.params().to_vec();
        if matches!(self, Self::WithScales | Self::Squares) {
            all.extend(infos.iter().filter(|info| info.role == Role::NormScale).cloned());
            all.sort_by(|a, b| a.path.cmp(&b.path));
        }
        Prunable::from_infos(all)
    }

    /// The scores of weights, as groups are scored by.
    ///
    /// # Errors
    /// None that scores can have.
    pub fn weights(self, scores: &Scores) -> Result<WeightScores, Error> {
        let value = |score: &f64| if self == Self::Squares { score * score } else { *score };
        let of = |(info, scores): (&ParamInfo, &[f64])| {
            let values: Vec<f64> = scores.iter().map(value).collect();
            Ok((info.path.clone(), Array::new(info.shape.clone(), values).map_err(Shrinking::Graph)?))
        };
        scores.iter().map(of).collect()
    }
}

/// Channels of a network that are chosen, round by round.
pub(crate) struct Channels {
    groups: Groups,
    infos: Vec<ParamInfo>,
    selection: Selection,
    counted: Counted,
    score: ChannelScore,
}

impl Channels {
    /// Of a network that shows its layers. Groups with a layer out of scope stay whole.
    pub(crate) fn of(
        counted: Counted,
        allocation: &Allocation,
        criterion: &dyn Criterion,
        probe: &dyn Probe,
        prunable: &Prunable,
    ) -> Result<Self, Error> {
        let selection = match allocation {
            Allocation::Global => Selection::Global,
            Allocation::Uniform => Selection::PerGroup,
            other => {
                let problem =
                    format!("channels are spread by the allocation `global` or `uniform`, found `{other}`");
                return Err(Error::Granularity { found: Granularity::Channel(counted).to_string(), problem });
            }
        };
        let mut groups = Groups::of(probe.graph()?).map_err(Shrinking::Graph)?;
        keep_out_of_scope(&mut groups, probe.infos(), prunable);
        Ok(Self { groups, infos: probe.infos().to_vec(), selection, counted, score: criterion.channels() })
    }

    /// What is asked about.
    pub(crate) fn prunable(&self, prunable: &Prunable) -> Prunable {
        self.score.prunable(&self.infos, prunable)
    }

    /// The masks that a cut begins with where weights may return: weights in scope do, but for those of channels that are
    /// gone. All that makes, scales and reads such a channel is zero, so nothing of it could learn again.
    pub(crate) fn without_gone(
        &self,
        probe: &dyn Probe,
        prunable: &Prunable,
        alive: &MaskSet,
    ) -> Result<MaskSet, Error> {
        // Also channels that are not chosen from, since a layer is out of scope.
        let all = Groups::of(probe.graph()?).map_err(Shrinking::Graph)?;
        let gone = Removal::of_masks(&all, alive.as_masks(), |path| self.shape(path));
        Ok(self.masks(&gone, &alive.overlaid(MaskSet::dense(prunable))))
    }

    /// The masks of what stays, and the groups that lost less than was asked of them.
    pub(crate) fn select(
        &self,
        probe: &dyn Probe,
        scores: &Scores,
        sparsity: Sparsity,
        alive: &MaskSet,
        ablation: Option<Ablation>,
    ) -> Result<(MaskSet, Vec<String>), Error> {
        let gone = Removal::of_masks(&self.groups, alive.as_masks(), |path| self.shape(path));
        let share = Share::new(sparsity.to_f64())?;
        let of_groups = self.score.of_groups(Reduction::default(), Normaliser::default());
        let mut units = of_groups.of_left(&self.groups, &self.score.weights(scores)?, &gone)?;
        if ablation == Some(Ablation::Invert) {
            units.iter_mut().flatten().filter(|score| score.is_finite()).for_each(|score| *score = -*score);
        }
        let target = self.counted.target(share);
        let chosen = self.selection.choose(probe.graph()?, &self.groups, &units, target, 1)?;
        Ok((self.masks(&chosen.removal, alive), chosen.floors))
    }

    /// As many channels of each group: those that were gone before, and others that are drawn.
    pub(crate) fn shuffled(&self, masks: &MaskSet, before: &MaskSet, seed: Seed) -> MaskSet {
        let gone =
            |masks: &MaskSet| Removal::of_masks(&self.groups, masks.as_masks(), |path| self.shape(path));
        let (chosen, before_that) = (gone(masks), gone(before));
        let order = |group: usize| {
            let mut rng = seed.stream(Stream::Shuffle, group as u64);
            let mut units: Vec<usize> = (0..self.groups[group].units()).collect();
            for last in (1..units.len()).rev() {
                units.swap(last, rng.random_range(0..=last as u64) as usize);
            }
            let is_left = |unit: &usize| !before_that.has(Slot { group: group as u32, unit: *unit as u32 });
            units.sort_by_key(is_left);
            units
        };
        self.masks(&chosen.redrawn(&self.groups, order), before)
    }

    fn shape(&self, path: &ParamPath) -> Option<Vec<usize>> {
        let known = self.infos.iter().find(|info| info.path == *path)?;
        (known.role != Role::Buffer).then(|| known.shape.clone())
    }

    fn masks(&self, removal: &Removal, alive: &MaskSet) -> MaskSet {
        let mut masks: Masks = alive.as_masks().clone();
        for (path, mask) in removal.masks_of_shapes(&self.groups, true, |path| self.shape(path)) {
            let mask = masks.get(&path).map_or_else(|| mask.clone(), |alive| mask.and(alive));
            masks.insert(path, mask);
        }
        masks.into()
    }
}

/// Makes groups stay of which a layer is out of scope.
pub fn keep_out_of_scope(groups: &mut Groups, infos: &[ParamInfo], prunable: &Prunable) {
    let scored: BTreeSet<&ParamPath> = prunable.params().iter().map(|info| &info.path).collect();
    let outside = infos.iter().filter(|info| info.role.is_weight() && !scored.contains(&info.path));
    let outside: BTreeSet<&ParamPath> = outside.map(|info| &info.path).collect();
    for at in 0..groups.len() {
        let makes = groups.axes_of(at).filter(|axis| axis.side != Side::Reads);
        if makes.map(|axis| &axis.path).any(|path| outside.contains(path)) {
            groups.keep(at, "a layer that makes them is excluded");
        }
    }
}
