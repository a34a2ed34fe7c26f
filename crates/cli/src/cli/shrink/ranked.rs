//! By which scores channels leave.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use sapwood_backend::block_on;
use sapwood_core::{Graph, ModuleState, Observed, State, graph::Groups};
use sapwood_prune::{Criteria, MaskSet, Probe, Prunable, Removed, Round, keep_out_of_scope};
use sapwood_shrink::{
    Chosen, Error as Shrinking, Normaliser, Reduction, Removal, Selection, Share, Target, WeightScores,
};

use super::{
    super::scoring::{By, Scored, Scoring},
    multiple::Multiple,
    timed::Aim,
};
use crate::Error;

/// What makes one number of the weights of a channel, and which channels are compared.
#[derive(Args)]
pub(super) struct Ranked {
    /// Which channels go first: see `list criteria`. For magnitude their weights and scales are squared
    #[arg(long, default_value = "magnitude", requires = "target")]
    criterion: String,
    /// Instead of a criterion, the scores of this file, as `score` writes them; a channel's is made of those of the weights
    /// that leave with it, without scales of normalisation
    #[arg(long, value_name = "FILE", requires = "target", conflicts_with_all = ["criterion", "options", "precision"])]
    scores: Option<PathBuf>,
    /// How the scores that a channel has in each of its layers become one
    #[arg(long, value_enum, default_value_t = ReductionName::Mean, requires = "target")]
    reduction: ReductionName,
    /// How the scores of different groups are made comparable
    #[arg(long, value_enum, default_value_t = NormaliserName::Mean, requires = "target")]
    normaliser: NormaliserName,
    /// Which channels are compared: those of a group, all, or those of groups with the same kinds of layers
    #[arg(long, value_enum, default_value_t = SelectionName::PerGroup, requires = "target")]
    selection: SelectionName,
    /// Make the channels that stay a multiple of this, the nearest, where a group has that many; auto takes the numbers that
    /// a register of this machine holds, which is what the kernels of `predict` and `profile` compute at once
    #[arg(long, value_name = "N|auto", default_value = "1", requires = "target")]
    round_to: Multiple,
    /// In how many rounds: each scores the network without what has left before
    /// [default: 100 for synflow, 10 for iterative-snip and force, else 1]
    #[arg(long, value_name = "N", requires = "target", value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: Option<u32>,
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
    /// The network with its criterion, and with examples where they are asked for.
    pub(super) fn open(
        &self,
        scoring: &Scoring,
        criteria: &Criteria,
        examples: bool,
    ) -> Result<Scored, Error> {
        scoring.open_with(criteria, By::of(&self.criterion, self.scores.as_deref()), examples)
    }

    /// The parameters that have scores. Groups with a layer that has none stay whole.
    pub(super) fn scope(
        &self,
        scoring: &Scoring,
        scored: &Scored,
        groups: &mut Groups,
    ) -> Result<Prunable, Error> {
        let probe = scored.probe();
        let prunable = scored.criterion.scope(&probe, scoring.scope().on(&scored.net)?);
        let prunable = prunable.map_err(|error| scoring.explain(error))?;
        keep_out_of_scope(groups, probe.infos(), &prunable);
        Ok(prunable)
    }

    /// The units that leave: in rounds, each of which scores the network without what has left before.
    pub(super) fn choose(
        &self,
        scoring: &Scoring,
        scored: &Scored,
        (groups, prunable): (&Groups, &Prunable),
        target: Aim,
    ) -> Result<Chosen, Error> {
        let graph = Observed::graph(&scored.net);
        let state = block_on(State::read(&scored.net))?;
        let (probe, none) = (scored.probe(), Removal::none(groups));
        let target = match target {
            Aim::Share(target) => target,
            Aim::Milliseconds(timed) => {
                let scores = self.scores(scoring, scored, &probe, prunable)?;
                let units = self.units(groups, &scores, &none, scored)?;
                return timed.choose(
                    self.selection(),
                    (graph, groups, &state),
                    &units,
                    self.round_to.number(),
                );
            }
        };
        let rounds = self.rounds.map_or_else(|| scored.customary_rounds(), |rounds| rounds as usize);
        let mut chosen = Chosen { removal: none.clone(), floors: Vec::new(), kept: Vec::new() };
        for round in 1..=rounds {
            let share = target.share().get() * round as f64 / rounds as f64;
            let masks = MaskSet::from(chosen.removal.masks(groups, &state, true));
            let left = Round::new(&probe, &masks, None)?;
            let scores = self.scores(scoring, scored, &left, prunable)?;
            let gone = match scored.criterion.removed() {
                Removed::StayRemoved => &chosen.removal,
                Removed::MayReturn => &none,
            };
            let target = target.with(Share::new(share)?);
            match self.once(graph, groups, &scores, gone, (scored, target)) {
                Err(Shrinking::Nothing { .. }) if round < rounds => {}
                found => chosen = found?,
            }
        }
        Ok(chosen)
    }

    /// A number for each weight.
    fn scores(
        &self,
        scoring: &Scoring,
        scored: &Scored,
        probe: &dyn Probe,
        prunable: &Prunable,
    ) -> Result<WeightScores, Error> {
        let channels = scored.criterion.channels();
        let scores = scored.criterion.score(probe, &channels.prunable(probe.infos(), prunable))?;
        let scores = block_on(scores.read()).map_err(|error| scoring.explain(error))?;
        Ok(channels.weights(&scores)?)
    }

    fn once(
        &self,
        graph: &Graph,
        groups: &Groups,
        scores: &WeightScores,
        gone: &Removal,
        (scored, target): (&Scored, Target),
    ) -> Result<Chosen, Shrinking> {
        let scores = self.units(groups, scores, gone, scored)?;
        self.selection().choose(graph, groups, &scores, target, self.round_to.number())
    }

    fn selection(&self) -> Selection {
        match self.selection {
            SelectionName::PerGroup => Selection::PerGroup,
            SelectionName::Global => Selection::Global,
            SelectionName::Isomorphic => Selection::Isomorphic,
        }
    }

    /// A number for each unit.
    fn units(
        &self,
        groups: &Groups,
        scores: &WeightScores,
        gone: &Removal,
        scored: &Scored,
    ) -> Result<Vec<Vec<f64>>, Shrinking> {
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
        scored.criterion.channels().of_groups(reduction, normaliser).of_left(groups, scores, gone)
    }
}
