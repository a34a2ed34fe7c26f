//! What of a run is known, and so refused, before its folder is touched.

use std::sync::Arc;

use burn::prelude::Device;
use sapwood_backend::Seed;
use sapwood_core::{Activation, Graph, Masks, Observed as _, Op, Source as _, Step};
use sapwood_data::{Dataset, Loader};
use sapwood_models::Net;
use sapwood_quant::Qat;
use sapwood_train::{Average, Distillation, Distilled, Hook, Mixed, Plan};

use super::Conditions;
use crate::{Datasets, Error, RunFolder, TrainConfig, fits, probe::Probe};

/// A run that can begin.
pub(crate) struct Prepared {
    /// What is to be said once it begins.
    pub(crate) notes: Vec<String>,
    /// What is learnt from.
    pub(crate) source: Loader,
    pub(crate) test: Loader,
    /// What tells the best epoch, where examples are kept back for that.
    pub(crate) kept_back: Option<Loader>,
    pub(crate) plan: Plan,
    /// The network as it begins, and what of it stays zero.
    pub(crate) net: Net,
    pub(crate) masks: Masks,
    pub(crate) lessons: Option<Distilled<Net>>,
    pub(crate) probe: Option<Probe>,
    pub(crate) hooks: Vec<Box<dyn Hook<Net>>>,
    pub(crate) mixing: Option<Mixed>,
    pub(crate) qat: Option<Qat>,
}

impl TrainConfig {
    /// Refuses what [`train`](crate::train) refuses before it begins, where another training comes first.
    ///
    /// # Errors
    /// Those of [`train`](crate::train).
    pub fn check_ahead(&self, folder: &RunFolder, conditions: &Conditions<'_>) -> Result<(), Error> {
        folder.check_unused(conditions.keep)?;
        self.prepared(conditions.datasets, conditions.device, conditions.keep).map(drop)
    }

    /// The run, if all of it goes together.
    pub(crate) fn prepared(
        &self,
        datasets: &Datasets,
        device: &Device,
        keep: &[Step],
    ) -> Result<Prepared, Error> {
        let test = self.data.test_source(datasets)?;
        let classes = fits(&self.model, self.known(), test.dataset())?;
        let own_labels = Arc::clone(test.dataset());
        let (source, test) =
            (classes.of_batches(self.train_source(datasets, 1)?)?, classes.of_batches(test)?);
        let kept_back = self.kept_back(datasets)?.map(|loader| classes.of_batches(loader)).transpose()?;
        let plan = self.recipe.clone().plan(source.batches())?;
        self.check_positions(&plan, keep)?;
        self.check_data(source.dataset())?;
        self.transfer.check(self, keep)?;
        self.small.check(self)?;
        self.small.average.map(|decay| Average::new(decay, &plan)).transpose()?;
        let (net, masks) = self.beginning.network(&self.model, Seed(self.seed), device)?;
        let net = self.transfer.apply(net.with_ops(self.ops))?;
        let teacher = self.transfer.teacher.as_ref();
        let lessons = teacher
            .map(|teacher| teacher.lessons((&classes, self.outputs), &net, &own_labels, device))
            .transpose()?;
        if let Some(lessons) = &lessons {
            let one = source.dataset().batch(&[0])?;
            lessons.check(&net, &one, device)?;
        }
        let probe = self.transfer.probe.then(|| Probe::of(&net, device)).transpose()?;
        if let Some(sparse) = &self.sparse {
            sparse.hook::<Net>(&plan, Seed(self.seed), &net, &masks)?;
        }
        let regulariser = self.regulariser.map(|rule| rule.hook(&plan, net.graph())).transpose()?;
        let mut hooks = self.transfer.hooks(&net, &plan, device)?;
        hooks.extend(regulariser);
        let mixing = self.small.mixing.map(|how| Mixed::new(how, Seed(self.seed))).transpose()?;
        let qat = self.quantize.as_ref().map(|quantize| quantize.qat(net.graph())).transpose()?;
        self.quantize.as_ref().map(|quantize| quantize.frozen_from(&plan)).transpose()?;
        let notes = classes.note().map(ToString::to_string).into_iter().chain(of_probabilities(net.graph()));
        let notes = notes.chain(self.transfer.notes.iter().cloned()).collect();
        Ok(Prepared { notes, source, test, kept_back, plan, net, masks, lessons, probe, hooks, mixing, qat })
    }

    /// Refuses positions that the run does not pass, where weights are to be kept.
    fn check_positions(&self, plan: &Plan, keep: &[Step]) -> Result<(), Error> {
        let (start, until) = (plan.start, plan.until);
        let position = |step: &Step| step.iterations(plan.length.per_epoch, plan.length.total);
        match keep.iter().find(|step| !(start..=until).contains(&position(step))) {
            None => Ok(()),
            Some(step) => {
                let problem = format!(
                    "weights of {step} were to be kept, but the run goes from {start}it to {until}it"
                );
                Err(Error::setting("keep", problem))
            }
        }
    }

    /// Refuses what these data cannot be learnt with.
    fn check_data(&self, data: &Dataset) -> Result<(), Error> {
        let how = self.transfer.teacher.as_ref().map(|teacher| teacher.how);
        let compares_answers = matches!(how, Some(Distillation::Kd { .. } | Distillation::Dkd { .. }));
        let settings = [
            ("training.label_smoothing", "smoothing of labels", self.recipe.label_smoothing != 0.0),
            ("small.mixing", "mixing of images in pairs", self.small.mixing.is_some()),
            ("transfer.probe", "a probe", self.transfer.probe),
            ("transfer.teacher", "what is learnt of a teacher's answers", compares_answers),
        ];
        fits::for_classes(data.name(), data.task(), settings)?;
        // What a probe is shown passes no normalisation that learns.
        match self.transfer.probe {
            true => Ok(()),
            false => {
                let size = self.batch_size.min(data.len());
                fits::batches(&self.model, data.shape(), size, &self.transfer.still)
            }
        }
    }
}

/// What is to be said of a network whose outputs are probabilities already.
fn of_probabilities(graph: &Graph) -> Option<String> {
    let end = graph.ends().first().and_then(|end| graph.nodes().get(*end))?;
    let is_one = matches!(end.op, Op::Softmax { log: false, .. } | Op::Activation(Activation::Sigmoid));
    is_one.then(|| {
        format!(
            "the network ends with `{}`, but the loss makes probabilities of outputs itself, so it will hardly learn: \
             export it without that layer, or train a new head",
            end.op.kind()
        )
    })
}
