//! What makes channels small before they are removed, as a value.

use std::{collections::BTreeMap, str::FromStr};

use burn::tensor::{Tensor, TensorData};
use sapwood_backend::{block_on, read_all};
use sapwood_core::{
    Array, Gradients, Graph, Layout, Node, Observed, Op, ParamInfo, ParamPath, Role, graph::Groups, tensors,
};
use sapwood_prune::MaskSet;
use sapwood_shrink::{
    Error as Shrinking, GroupScore, Members, Removal, Selection, Share, Target, WeightScores,
};
use sapwood_train::{Hook, HookError, Live, Plan, StepReport};
use serde::{Deserialize, Serialize};

use crate::Error;

/// What drives whole channels to zero while a network is trained. All masks stay as they are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Regulariser {
    /// Each weight that leaves with a channel decays, the faster the less the channel matters within its group:
    /// `gradient += strength 2^(4 (I_max - I) / (I_max - I_min)) w` (Fang et al. 2023, *DepGraph*, equations 5 and 6).
    /// Weight decay is meant to be 0 beside it.
    GroupNorm {
        /// 1e-4 to 5e-4 in their code.
        strength: f64,
    },
    /// `gradient += strength sign(gamma)` for the scales of normalisation (Liu et al. 2017, *Network Slimming*).
    Slimming {
        /// 1e-4 for VGG, 1e-5 for ResNet and DenseNet.
        strength: f64,
    },
    /// A weight decay of its own for each channel, that rises each epoch by `step (I_max - I) / (I_max - I_min)`
    /// (Wang et al. 2021, *GReg*).
    Growing {
        /// By how much the decay of the least channel rises.
        step: f64,
    },
    /// After each epoch the filters with the smallest norms become zero, this share of each group, and are trained on
    /// (He et al. 2018, *Soft filter pruning*).
    SoftFilters {
        /// The share.
        share: f64,
    },
}

/// Written as on a command line: `group-norm=5e-4`.
impl FromStr for Regulariser {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::UnknownRegulariser { found: text.into() };
        let (name, number) = text.split_once('=').ok_or_else(wrong)?;
        let number: f64 = number.parse().map_err(|_| wrong())?;
        let found = match name {
            "group-norm" => Self::GroupNorm { strength: number },
            "slimming" => Self::Slimming { strength: number },
            "growing" => Self::Growing { step: number },
            "soft-filters" => Self::SoftFilters { share: number },
            _ => return Err(wrong()),
        };
        found.check_number().map(|()| found)
    }
}

impl Regulariser {
    /// Refuses numbers that nothing can be done with, and networks that it would change nothing of.
    ///
    /// # Errors
    /// A strength that is not above 0, a share that is not between 0 and 1; [`Error::WithoutEffect`]; layers that do
    /// not fit one another.
    pub fn check(&self, graph: &Graph) -> Result<(), Error> {
        self.check_number()?;
        let groups = Groups::of(graph).map_err(Shrinking::Graph)?;
        let is_norm = |node: &Node| {
            matches!(node.op, Op::BatchNorm { .. } | Op::LayerNorm { .. } | Op::GroupNorm { .. })
        };
        let reason = match *self {
            Self::Slimming { .. } if !graph.nodes().iter().any(is_norm) => {
                "the network has no normalisation, whose scales it makes small".into()
            }
            Self::GroupNorm { .. } | Self::Growing { .. }
                if groups.iter().all(|group| group.whole().is_some()) =>
            {
                "all channels of the network have to stay".into()
            }
            Self::SoftFilters { share } => {
                // How many filters of a group there are in a share, its scores do not say.
                let scores: Vec<Vec<f64>> = groups.iter().map(|group| vec![0.0; group.units()]).collect();
                match lowest(graph, &groups, &scores, share) {
                    Err(Shrinking::Nothing { reason }) => reason,
                    found => return found.map(drop).map_err(Error::from),
                }
            }
            _ => return Ok(()),
        };
        Err(Error::WithoutEffect { reason })
    }

    fn check_number(&self) -> Result<(), Error> {
        let (what, number, most) = match *self {
            Self::GroupNorm { strength } | Self::Slimming { strength } => ("strength", strength, f64::MAX),
            Self::Growing { step } => ("step", step, f64::MAX),
            Self::SoftFilters { share } => ("share", share, 1.0),
        };
        match 0.0 < number && number < most {
            true => Ok(()),
            false => Err(Error::Regulariser { what, found: number }),
        }
    }

    /// The hook that does it in a run of this plan.
    ///
    /// # Errors
    /// As [`Regulariser::check`].
    pub fn hook<N: Observed>(&self, plan: &Plan, graph: &Graph) -> Result<Box<dyn Hook<N>>, Error> {
        self.check(graph)?;
        let groups = Groups::of(graph).map_err(Shrinking::Graph)?;
        let per_epoch = plan.length.per_epoch;
        Ok(Box::new(Regularising { rule: *self, graph: graph.clone(), groups, per_epoch }))
    }
}

/// This share of the filters of each group, those with the lowest scores.
fn lowest(graph: &Graph, groups: &Groups, scores: &[Vec<f64>], share: f64) -> Result<Removal, Shrinking> {
    let target = Target::Channels(Share::new(share)?);
    Ok(Selection::PerGroup.choose(graph, groups, scores, target, 1)?.removal)
}

/// The slot of the optimiser's memory in which decay has grown.
const GROWN: &str = "grown";

struct Regularising {
    rule: Regulariser,
    graph: Graph,
    groups: Groups,
    per_epoch: usize,
}

impl Regularising {
    /// The parameters on the host, flat and in PyTorch's layout.
    fn values<N: Observed>(&self, live: &Live<N>) -> Result<(Vec<ParamInfo>, WeightScores), HookError> {
        let member = |info: &ParamInfo| info.role.is_weight() || info.role == Role::NormScale;
        let found = tensors(&live.network, Layout::Torch).into_iter().filter(|(info, _)| member(info));
        let (infos, values): (Vec<ParamInfo>, Vec<_>) = found.unzip();
        let values = block_on(read_all(values))?;
        let squares = infos.iter().zip(values).map(|(info, data)| {
            let squares: Vec<f64> = data.iter::<f64>().map(|value| value * value).collect();
            Ok((info.path.clone(), Array::new(info.shape.clone(), squares)?))
        });
        let squares = squares.collect::<Result<WeightScores, HookError>>()?;
        Ok((infos, squares))
    }

    /// How far each unit of a group is below the best of it, 0 to 1; none of a group that stays whole.
    fn below(&self, squares: &WeightScores) -> Result<Vec<Vec<f64>>, HookError> {
        let scores = GroupScore::default().of(&self.groups, squares)?;
        let below = |(scores, whole): (Vec<f64>, bool)| {
            let norms: Vec<f64> = scores.into_iter().map(f64::sqrt).collect();
            let most = norms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let least = norms.iter().copied().fold(f64::INFINITY, f64::min);
            let span = if whole || most <= least { f64::INFINITY } else { most - least };
            norms.into_iter().map(|norm| (most - norm) / span).collect()
        };
        let whole = self.groups.iter().map(|group| group.whole().is_some());
        Ok(scores.into_iter().zip(whole).map(below).collect())
    }

    /// For each weight the sum of what is said of the units that it leaves with, in the stored order.
    fn spread<N: Observed>(
        &self,
        live: &Live<N>,
        of: impl Fn(f64) -> f64,
    ) -> Result<BTreeMap<ParamPath, Tensor<1>>, HookError> {
        let (infos, squares) = self.values(live)?;
        let below = self.below(&squares)?;
        let mut found = BTreeMap::new();
        for info in infos {
            let mut factors = vec![0.0f32; info.len()];
            for axis in self.groups.axes().iter().filter(|axis| axis.path == info.path) {
                let inner: usize = info.shape[axis.axis + 1..].iter().product();
                for (at, factor) in factors.iter_mut().enumerate() {
                    let slot = axis.slots[at / inner % axis.slots.len()];
                    let group = slot.group as usize;
                    if self.groups[group].whole().is_none() {
                        *factor += of(below[group][slot.unit as usize]) as f32;
                    }
                }
            }
            let count = factors.len();
            let factors = Tensor::from_data(TensorData::new(factors, [count]), live.device());
            found.insert(info.path.clone(), info.reorder(factors, Layout::Torch, Layout::Stored));
        }
        Ok(found)
    }

    /// The filters of the lowest channels, as masks that nothing keeps.
    fn soft<N: Observed>(&self, live: &mut Live<N>, share: f64) -> Result<(), HookError> {
        let (infos, mut squares) = self.values(live)?;
        let filters = |path: &ParamPath| infos.iter().any(|info| info.path == *path && info.role.is_weight());
        squares.retain(|path, _| filters(path));
        let norms = GroupScore { members: Members::Makers, ..GroupScore::default() };
        let scores = norms.of(&self.groups, &squares)?;
        let removal = lowest(&self.graph, &self.groups, &scores, share)?;
        let shape = |path: &ParamPath| squares.get(path).map(|value| value.shape().to_vec());
        let masks = removal.masks_of_shapes(&self.groups, false, shape);
        live.network = MaskSet::from(masks).apply(live.network.clone())?;
        Ok(())
    }
}

impl<N: Observed> Hook<N> for Regularising {
    fn on_gradients(
        &mut self,
        _: &StepReport,
        gradients: &mut Gradients,
        live: &Live<N>,
    ) -> Result<(), HookError> {
        let factors = match self.rule {
            Regulariser::GroupNorm { strength } => self.spread(live, |below| strength * 16f64.powf(below))?,
            Regulariser::Growing { .. } => {
                let grown = |(path, slots): (&ParamPath, &sapwood_train::Slots)| {
                    Some((path.clone(), slots.tensors.get(GROWN)?.clone()))
                };
                live.memory.0.iter().filter_map(grown).collect()
            }
            Regulariser::Slimming { strength } => {
                let all = tensors(&live.network, Layout::Stored).into_iter();
                for (info, scale) in all.filter(|(info, _)| info.role == Role::NormScale) {
                    if let Some(gradient) = gradients.remove(&info.path) {
                        gradients.insert(info.path, gradient + scale.sign() * strength);
                    }
                }
                return Ok(());
            }
            Regulariser::SoftFilters { .. } => return Ok(()),
        };
        for (info, weight) in tensors(&live.network, Layout::Stored) {
            let Some(factor) = factors.get(&info.path) else { continue };
            if let Some(gradient) = gradients.remove(&info.path) {
                gradients.insert(info.path, gradient + weight * factor.clone());
            }
        }
        Ok(())
    }

    fn on_step_end(&mut self, step: &StepReport, live: &mut Live<N>) -> Result<(), HookError> {
        if !(step.iteration + 1).is_multiple_of(self.per_epoch) {
            return Ok(());
        }
        match self.rule {
            Regulariser::Growing { step } => {
                for (path, more) in self.spread(live, |below| step * below)? {
                    let slots = &mut live.memory.0.entry(path).or_default().tensors;
                    let grown = match slots.remove(GROWN) {
                        Some(grown) => grown + more,
                        None => more,
                    };
                    slots.insert(GROWN.into(), grown);
                }
                Ok(())
            }
            Regulariser::SoftFilters { share } => self.soft(live, share),
            Regulariser::GroupNorm { .. } | Regulariser::Slimming { .. } => Ok(()),
        }
    }
}
