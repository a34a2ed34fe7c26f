//! By which scores channels leave.

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};
use sapwood_backend::block_on;
use sapwood_core::{
    Array, Graph, ModuleState, ParamPath, State,
    graph::{Groups, Side},
    infos,
};
use sapwood_prune::Criteria;
use sapwood_shrink::{Chosen, GroupScore, Normaliser, Reduction, Selection, Target, WeightScores, squares};

use super::super::scoring::{Scored, Scoring};
use crate::Error;

/// The criterion whose group score is that of DepGraph: squares, with those of normalisation.
const MAGNITUDE: &str = "magnitude";

/// What makes one number of the weights of a channel, and which channels are compared.
#[derive(Args)]
pub(super) struct Ranked {
    /// Which channels go first: see `list criteria`. For magnitude their weights and scales are squared
    #[arg(long, default_value = MAGNITUDE)]
    criterion: String,
    /// How the scores that a channel has in each of its layers become one
    #[arg(long, value_enum, default_value_t = ReductionName::Mean)]
    reduction: ReductionName,
    /// How the scores of different groups are made comparable
    #[arg(long, value_enum, default_value_t = NormaliserName::Mean)]
    normaliser: NormaliserName,
    /// Which channels are compared: those of a group, all, or those of groups with the same kinds of layers
    #[arg(long, value_enum, default_value_t = SelectionName::PerGroup)]
    selection: SelectionName,
    /// Make the channels that stay a multiple of this, the nearest, where a group has that many
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=4096))]
    round_to: u32,
}

#[derive(Clone, Copy, ValueEnum)]
enum ReductionName {
    Sum,
    Mean,
    Max,
}

#[derive(Clone, Copy, ValueEnum)]
enum NormaliserName {
    None,
    Mean,
    Max,
    Gaussian,
    Lamp,
}

#[derive(Clone, Copy, ValueEnum)]
enum SelectionName {
    PerGroup,
    Global,
    Isomorphic,
}

impl Ranked {
    /// The network, and a number for each of its weights.
    pub(super) fn scores(
        &self,
        scoring: &Scoring,
        criteria: &Criteria,
    ) -> Result<(Scored, WeightScores), Error> {
        let scored = scoring.open(criteria, &self.criterion)?;
        if self.criterion == MAGNITUDE {
            let state = block_on(State::read(&scored.net))?;
            let scores = squares(sapwood_core::Observed::graph(&scored.net), &state);
            return Ok((scored, scores));
        }
        let probe = scored.probe();
        let in_scope = scoring.scope().on(&scored.net)?;
        let prunable = scored.criterion.scope(&probe, in_scope)?;
        let scores = scored.criterion.score(&probe, &prunable)?;
        let scores = block_on(scores.read()).map_err(|error| scoring.explain(error))?;
        let mut found = BTreeMap::new();
        for (info, values) in scores.iter() {
            found.insert(info.path.clone(), Array::new(info.shape.clone(), values.to_vec())?);
        }
        drop(probe);
        Ok((scored, found))
    }

    /// Keeps the groups with a layer that is left alone.
    pub(super) fn keep(&self, scoring: &Scoring, scored: &Scored, groups: &mut Groups) -> Result<(), Error> {
        let in_scope = scoring.scope().on(&scored.net)?;
        let known = |path: &ParamPath| in_scope.params().iter().any(|info| info.path == *path);
        for at in 0..groups.len() {
            let made = groups.axes_of(at).filter(|axis| axis.side != Side::Reads);
            let weights = infos(&scored.net).into_iter().filter(|info| info.role.is_weight());
            let weights: Vec<ParamPath> = weights.map(|info| info.path).collect();
            if made.into_iter().any(|axis| weights.contains(&axis.path) && !known(&axis.path)) {
                groups.keep(at, "a layer that makes them is excluded");
            }
        }
        Ok(())
    }

    pub(super) fn choose(
        &self,
        graph: &Graph,
        groups: &Groups,
        scores: &WeightScores,
        target: Target,
    ) -> Result<Chosen, Error> {
        let reduction = match self.reduction {
            ReductionName::Sum => Reduction::Sum,
            ReductionName::Mean => Reduction::Mean,
            ReductionName::Max => Reduction::Max,
        };
        let normaliser = match self.normaliser {
            NormaliserName::None => Normaliser::None,
            NormaliserName::Mean => Normaliser::Mean,
            NormaliserName::Max => Normaliser::Max,
            NormaliserName::Gaussian => Normaliser::Gaussian,
            NormaliserName::Lamp => Normaliser::Lamp,
        };
        let selection = match self.selection {
            SelectionName::PerGroup => Selection::PerGroup,
            SelectionName::Global => Selection::Global,
            SelectionName::Isomorphic => Selection::Isomorphic,
        };
        let scores = GroupScore { reduction, normaliser }.of(groups, scores)?;
        Ok(selection.choose(graph, groups, &scores, target, self.round_to as usize)?)
    }
}
