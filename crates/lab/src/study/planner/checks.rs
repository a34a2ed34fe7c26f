//! What a plan refuses since its runs would.

use sapwood_data::{Task, life::Boundary};
use sapwood_sparse::Regulariser;
use sapwood_train::{Distillation, Retraining};

use super::Planner;
use crate::{
    DataConfig, Error, Evaluate, SmallData, fits,
    study::{During, Pruning, Share, Training, Transferred, images::Facts, outputs},
};

impl Planner<'_> {
    /// Refuses values that cannot be shared so, or not trained.
    pub(super) fn check_share(&self, share: &Share) -> Result<(), Error> {
        let of_share = |error: Error| Error::setting("methods.share", format!("`share`: {error}"));
        share.clustering(0).check().map_err(of_share)?;
        share.recipe().plan(self.batches).map(drop).map_err(|error| of_share(error.into()))
    }

    /// Refuses what would fail only when its run is carried out, behind others.
    pub(super) fn check(&self, method: &str, pruning: &Pruning) -> Result<(), Error> {
        let total = self.dense.recipe.clone().plan(self.batches)?.until;
        let at = pruning.at.iterations(self.batches, total);
        if at > total {
            return Err(Error::setting(
                "methods.at",
                format!("`at` is {}, beyond the end of the dense run, at {total}it", pruning.at),
            ));
        }
        if let Retraining::Rewind(step) | Retraining::LearningRate(step) = pruning.retrain
            && step.iterations(self.batches, total) >= total
        {
            return Err(Error::setting(
                "methods.retrain",
                format!(
                    "`retrain` goes back to {step}, but the dense run ends at {total}it: nothing would be trained"
                ),
            ));
        }
        if let Some(cut) = &pruning.cut {
            let graph = self.dense.model.graph()?;
            let anatomy = graph.anatomy(graph.input()).map_err(sapwood_core::Error::from)?;
            let layers = anatomy.layers.iter().filter(|layer| layer.weights > 0);
            let layers = layers.map(|layer| (layer.name.as_str(), layer.kind));
            cut.exclude.among(layers).map_err(sapwood_core::Error::from)?;
            cut.granularity
                .check(pruning.sparsity, &cut.allocation)
                .map_err(|error| Error::setting("methods.granularity", error.to_string()))?;
        }
        let recipe = pruning.recipe(&self.dense.recipe, self.batches)?.plan(self.batches)?;
        if let Some(sparse) = pruning.sparse_training() {
            sparse.check(&recipe)?;
        }
        if let Some(masked) = &self.masked {
            let checked = match (&pruning.cut, pruning.sparse_training()) {
                (Some(cut), _) => {
                    let criterion = self.criterion(&cut.criterion, &cut.options)?;
                    masked.check_cut(pruning.sparsity, cut, criterion.as_ref())
                }
                (None, Some(sparse)) => masked.check_training(&sparse, &recipe),
                (None, None) => Ok(()),
            };
            checked.map_err(|error| of_method(method, &error.to_string()))?;
        }
        if let Some(quantize) = &pruning.quantize {
            quantize.qat(&self.dense.model.graph()?)?;
        }
        if let Some(During::Regrow { .. }) = pruning.during
            && [0.0, 1.0].contains(&pruning.sparsity.to_f64())
        {
            return Err(Error::setting(
                "methods.during",
                format!(
                    "regrowth exchanges some weights for others: at a sparsity of {} nothing can be exchanged",
                    pruning.sparsity
                ),
            ));
        }
        self.check_small(method, pruning)?;
        pruning.distill.map_or(Ok(()), |how| self.check_lessons(method, how))
    }

    /// Refuses what the study's ways to learn from few examples do not go with.
    fn check_small(&self, method: &str, pruning: &Pruning) -> Result<(), Error> {
        let small = self.dense.small;
        let refuse = |problem: &str| Err(of_method(method, problem));
        if small.hold_out.is_some() && pruning.during.is_some() {
            return refuse(
                "the best epoch may have other masks than the last one, where masks change in training: leave `hold_out` or \
                 `during` out",
            );
        }
        if small != SmallData::default() && pruning.quantize.is_some() {
            return refuse(
                "a network that learns with rounding mixes no images, and neither its average nor its best epoch is kept: \
                 leave `hold_out`, `average` and `mix` out",
            );
        }
        if small.mixing.is_some() && pruning.distill.is_some() {
            return refuse(
                "mixed images have the labels of both, and no teacher: leave `mix` or `distill` out",
            );
        }
        Ok(())
    }

    /// Refuses what cannot be learnt of the dense run.
    fn check_lessons(&self, method: &str, how: Distillation) -> Result<(), Error> {
        let refuse = |problem: &str| Err(of_method(method, problem));
        how.check().map_err(|error| of_method(method, &format!("`distill`: {error}")))?;
        let sees_planes = self.sees_planes()?;
        match how {
            Distillation::Kd { .. } | Distillation::Dkd { .. } => {
                let answers = ("methods.distill", "what is learnt of a teacher's answers", true);
                fits::for_classes(&self.dense.data.name, self.task, [answers])
            }
            Distillation::Blocks if self.dense.recipe.label_smoothing != 0.0 => {
                refuse("blocks are learnt without labels: leave `label_smoothing` out")
            }
            Distillation::At { .. } | Distillation::Features { .. } if !sees_planes => refuse(
                "no layer of the network sees planes, by which the layers of both would be compared: ask for `kd` or `dkd`",
            ),
            _ => Ok(()),
        }
    }

    /// Whether a layer with weights is shown values that have a place.
    fn sees_planes(&self) -> Result<bool, Error> {
        let graph = self.dense.model.graph()?;
        let shapes = graph.shapes(self.dense.model.input)?;
        let mut layers = graph.nodes().iter().filter(|node| node.op.has_weights());
        Ok(layers.any(|node| {
            let seen = node.inputs.first().and_then(|input| shapes.get(*input));
            seen.is_some_and(|[_, height, width]| 1 < height * width)
        }))
    }
}

/// An error of a method.
fn of_method(name: &str, problem: &str) -> Error {
    Error::setting("methods", format!("method `{name}`: {problem}"))
}

/// Refuses weights that cannot be the dense network of a study as they came, and settings that say how one is trained.
pub(super) fn of_kept(known: &Transferred, training: &Training, facts: &Facts) -> Result<(), Error> {
    if let Task::Classes(_) = facts.task {
        outputs::check(known, &facts.data.name, facts.shape, &facts.classes)?;
    }
    if training.regulariser.is_some() {
        let problem =
            "`regulariser` acts on the training of the dense network, which comes trained: leave it out";
        return Err(Error::setting("training.regulariser", problem));
    }
    let model = &known.model;
    if model.model == "life-net" && model.layers.is_none() && facts.data.name == "life" {
        let boards = DataConfig::of("life", model).options.life;
        let own = &facts.data.options.life;
        if (boards.steps, boards.boundary) != (own.steps, own.boundary) {
            let edge = |boundary: Boundary| match boundary {
                Boundary::Torus => "torus",
                Boundary::Zero => "zero",
            };
            let problem = format!(
                "the weights of `transfer` were made for other boards: expected `steps = {}` and `boundary = \"{}\"` among the \
                 options of `life`, found {} and \"{}\"",
                boards.steps,
                edge(boards.boundary),
                own.steps,
                edge(own.boundary)
            );
            return Err(Error::setting("data.options", problem));
        }
    }
    Ok(())
}

/// How a study learns from few examples, if its settings go together and with the data.
pub(super) fn small(training: &Training, facts: &Facts) -> Result<SmallData, Error> {
    let Facts { task, examples, .. } = *facts;
    let keeps = ("training.hold_out", "keeping a share of each class back", training.hold_out.is_some());
    let mixes = ("training.mix", "mixing of images in pairs", training.mix.is_some());
    fits::for_classes(&facts.data.name, task, [keeps, mixes])?;
    let hold_out = training.hold_out.map(|part| part.of(examples));
    if let Some(found) = hold_out.filter(|n| !(1..examples).contains(n)) {
        let most = examples.saturating_sub(1);
        let problem = format!(
            "`hold_out`: expected from 1 to {most} of the {examples} training examples, found {found}"
        );
        return Err(Error::setting("training.hold_out", problem));
    }
    if hold_out.is_some() && training.evaluate != Evaluate::default() {
        let problem = "`evaluate`: with `hold_out` each epoch is tested with what is kept back: leave one of the two out";
        return Err(Error::setting("training.evaluate", problem));
    }
    if let (Some(_), Some(Regulariser::SoftFilters { .. })) = (training.average, training.regulariser) {
        let problem = "soft filters become zero after each epoch, and the `average` of their weights does not: leave one of \
                       the two out";
        return Err(Error::setting("training.average", problem));
    }
    let mixing = training.mix.map(|how| how.check().map(|()| how)).transpose();
    let mixing = mixing.map_err(|error| Error::setting("training.mix", format!("`mix`: {error}")))?;
    Ok(SmallData { mixing, average: training.average, hold_out })
}
