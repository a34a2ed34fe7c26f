//! One number for each unit, from one for each weight.

use std::collections::BTreeMap;

use sapwood_graph::{Array, Graph, Groups, Op, ParamAxis, ParamPath, Side, Slot, State};

use crate::{Error, Removal};

/// A number for each value of some parameters, in PyTorch's layout: what a criterion says of it.
pub type WeightScores = BTreeMap<ParamPath, Array>;

/// How the sums of the members of a group become one number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduction {
    /// Their sum.
    Sum,
    /// Their sum over the number of members.
    #[default]
    Mean,
    /// The largest.
    Max,
}

/// What of a channel its score is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Members {
    /// The sum over all that leaves with it, in each dimension of each parameter that has scores.
    #[default]
    All,
    /// The mean over what each layer makes it with: for scores that all weights of an output share.
    Makers,
    /// The first number of the first layer that makes it: for scores that are drawn.
    First,
}

/// How the scores of groups are made comparable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Normaliser {
    /// They stay as they are.
    None,
    /// Over the mean size in the group, so that scores below 0 stay below 0.
    #[default]
    Mean,
    /// Over the largest size in the group.
    Max,
    /// Less the mean, over the standard deviation.
    Gaussian,
    /// Over the sum of those that are not smaller (Lee et al. 2021, *LAMP*), which is for scores of at least 0.
    Lamp,
}

/// The score of a unit (Fang et al. 2023, section 3.3): the scores of the weights that leave with it, added within each
/// dimension that runs over the group, reduced over these, and normalised over the group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GroupScore {
    /// Over the dimensions.
    pub reduction: Reduction,
    /// Over the group.
    pub normaliser: Normaliser,
    /// Of what.
    pub members: Members,
}

impl GroupScore {
    /// For each group a score for each unit; higher stays. Parameters without scores are no members.
    ///
    /// # Errors
    /// [`Error::NotFinite`]; [`Error::Negative`] for [`Normaliser::Lamp`].
    pub fn of(&self, groups: &Groups, scores: &WeightScores) -> Result<Vec<Vec<f64>>, Error> {
        self.of_left(groups, scores, &Removal::none(groups))
    }

    /// The same where units are gone already: they have the lowest score there is, and groups are normalised over
    /// the others.
    ///
    /// # Errors
    /// As for [`GroupScore::of`].
    pub fn of_left(
        &self,
        groups: &Groups,
        scores: &WeightScores,
        gone: &Removal,
    ) -> Result<Vec<Vec<f64>>, Error> {
        let of_group = |at: usize| {
            let total = self.reduced(groups, at, scores);
            let gone = |unit: usize| gone.has(Slot { group: at as u32, unit: unit as u32 });
            let left: Vec<f64> =
                total.iter().enumerate().filter(|(unit, _)| !gone(*unit)).map(|(_, score)| *score).collect();
            if let (Normaliser::Lamp, Some(score)) =
                (self.normaliser, left.iter().find(|score| **score < 0.0))
            {
                return Err(Error::Negative { group: groups[at].name.clone(), score: *score });
            }
            let mut left = self.normaliser.of(left).into_iter();
            let found: Vec<f64> = (0..total.len())
                .map(|unit| if gone(unit) { f64::NEG_INFINITY } else { left.next().unwrap_or(f64::NAN) })
                .collect();
            match found.iter().enumerate().all(|(unit, score)| score.is_finite() || gone(unit)) {
                true => Ok(found),
                false => Err(Error::NotFinite { group: groups[at].name.clone() }),
            }
        };
        (0..groups.len()).map(of_group).collect()
    }

    /// A number for each unit of a group.
    fn reduced(&self, groups: &Groups, at: usize, scores: &WeightScores) -> Vec<f64> {
        let units = groups[at].units();
        let (mut total, mut members) = (vec![0.0f64; units], 0usize);
        for axis in groups.axes_of(at) {
            let Some(values) = scores.get(&axis.path) else { continue };
            let only_made = self.members != Members::All;
            if (only_made && axis.side == Side::Reads) || (self.members == Members::First && 0 < members) {
                continue;
            }
            let local = self.local(at, units, axis, values);
            members += 1;
            for (total, local) in total.iter_mut().zip(local) {
                *total = match self.reduction {
                    Reduction::Max if 1 < members => total.max(local),
                    Reduction::Max => local,
                    _ => *total + local,
                };
            }
        }
        if self.reduction == Reduction::Mean {
            total.iter_mut().for_each(|total| *total /= members.max(1) as f64);
        }
        total
    }

    /// What one dimension of a parameter says of each unit.
    fn local(&self, group: usize, units: usize, axis: &ParamAxis, values: &Array) -> Vec<f64> {
        let inner: usize = values.shape()[axis.axis + 1..].iter().product();
        let count = axis.slots.len();
        let (mut sums, mut of) = (vec![0.0; count], vec![0usize; count]);
        for (at, score) in values.iter::<f64>().enumerate() {
            let place = at / inner % count;
            if self.members != Members::First || of[place] == 0 {
                sums[place] += score;
                of[place] += 1;
            }
        }
        let (mut local, mut indices) = (vec![0.0; units], vec![0usize; units]);
        for (at, slot) in axis.slots.iter().enumerate().filter(|(_, slot)| slot.group as usize == group) {
            let unit = slot.unit as usize;
            indices[unit] += 1;
            match self.members {
                Members::All => local[unit] += sums[at],
                Members::Makers => local[unit] += sums[at] / of[at].max(1) as f64,
                Members::First if indices[unit] == 1 => local[unit] = sums[at],
                Members::First => {}
            }
        }
        if self.members == Members::Makers {
            local.iter_mut().zip(indices).for_each(|(local, of)| *local /= of.max(1) as f64);
        }
        local
    }
}

impl Normaliser {
    fn of(self, scores: Vec<f64>) -> Vec<f64> {
        let count = scores.len().max(1) as f64;
        let mean = scores.iter().sum::<f64>() / count;
        let sizes = || scores.iter().map(|score| score.abs());
        // A group of zeros stays one.
        let over = |scores: Vec<f64>, by: f64| match by == 0.0 {
            true => scores,
            false => scores.into_iter().map(|score| score / by).collect(),
        };
        match self {
            Self::None => scores,
            Self::Mean => {
                let size = sizes().sum::<f64>() / count;
                over(scores, size)
            }
            Self::Max => {
                let most = sizes().fold(0.0, f64::max);
                over(scores, most)
            }
            Self::Gaussian => {
                let variance = scores.iter().map(|score| (score - mean).powi(2)).sum::<f64>() / count;
                over(scores.into_iter().map(|score| score - mean).collect(), variance.sqrt())
            }
            Self::Lamp => {
                let mut order: Vec<usize> = (0..scores.len()).collect();
                order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
                let (mut found, mut sum) = (scores.clone(), 0.0);
                for at in order {
                    sum += scores[at];
                    found[at] = if sum == 0.0 { 0.0 } else { scores[at] / sum };
                }
                found
            }
        }
    }
}

/// The squares of the weights of convolutions and linear layers and of the scales of normalisation: with them a
/// [`GroupScore`] is DepGraph's group magnitude with p = 2.
pub fn squares(graph: &Graph, state: &State) -> WeightScores {
    let layers = graph.nodes().iter().filter(|node| {
        let norm = matches!(node.op, Op::BatchNorm { .. } | Op::LayerNorm { .. } | Op::GroupNorm { .. });
        node.op.has_weights() || norm
    });
    let found = layers.filter_map(|node| {
        let path = ParamPath::of(&node.name, "weight");
        let value = state.0.get(&path)?;
        let squares: Vec<f64> = value.iter::<f64>().map(|value| value * value).collect();
        Some((path, Array::new(value.shape(), squares).ok()?))
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_normaliser_turns_the_order_of_scores_round() {
        let scores = vec![-3.0, 1.0, -0.5, 0.25, -2.0];
        let order = |scores: &[f64]| {
            let mut order: Vec<usize> = (0..scores.len()).collect();
            order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]));
            order
        };
        for normaliser in [Normaliser::None, Normaliser::Mean, Normaliser::Max, Normaliser::Gaussian] {
            assert_eq!(order(&normaliser.of(scores.clone())), order(&scores), "{normaliser:?}");
        }
        // Sums that cancel out give no large numbers.
        assert_eq!(Normaliser::Mean.of(vec![1.0, -1.0]), [1.0, -1.0]);
        assert_eq!(Normaliser::Mean.of(vec![1.0, 3.0]), [0.5, 1.5]);
        assert_eq!(Normaliser::Max.of(vec![1.0, -4.0]), [0.25, -1.0]);
    }
}
