//! The part of a run that learns.

use std::sync::atomic::Ordering::Relaxed;

use burn::tensor::Tensor;
use sapwood_backend::{Seed, block_on};
use sapwood_core::{Anatomy, Masks, Network, Source, Step};
use sapwood_models::Net;
use sapwood_train::{
    Average, Best, Checkpoints, Evaluation, Hook, HookError, Live, Plan, Progress, Resumed, Row,
    SharedWeights, StepReport, Trained, Trainer,
};

use super::{
    Conditions,
    weights::{Described, Keep, Left},
};
use crate::{
    Error, Evaluate, Reporter, SparseTraining, TrainConfig, lines,
    probe::Probe,
    watched::evaluate,
    work::{Work, forward_macs},
};

/// What a run learns with, whatever its network is.
pub(super) struct Learning<'a> {
    pub(super) config: &'a TrainConfig,
    pub(super) plan: &'a Plan,
    pub(super) conditions: &'a Conditions<'a>,
    pub(super) file: Described<'a>,
    pub(super) anatomy: &'a Anatomy,
}

/// What a run is shown.
#[derive(Clone, Copy)]
pub(super) struct Sources<'a> {
    /// What is learnt from.
    pub(super) train: &'a dyn Source,
    /// What tells the best epoch, where examples are kept back for that.
    pub(super) kept_back: Option<&'a dyn Source>,
    /// What the outcome is judged by.
    pub(super) test: &'a dyn Source,
}

/// What came of it.
pub(super) struct Learnt {
    pub(super) masks: Masks,
    pub(super) curve: Vec<Row>,
    pub(super) test: Evaluation,
}

impl Learning<'_> {
    /// Trains, from where it was left, and writes the weights; tells the BLAKE3 of their file.
    pub(super) fn learn<N: Left>(
        &self,
        net: N,
        masks: Masks,
        sources: Sources<'_>,
        with: impl for<'t> FnOnce(Trainer<'t, N>) -> Trainer<'t, N>,
    ) -> Result<(Learnt, String), Error> {
        let Conditions { keep, reporter, .. } = *self.conditions;
        let keep = Keep::new(keep, self.plan, self.file, reporter);
        keep.write_first(&net, &masks)?;
        let (trained, test) = self.train(net, masks, sources, |trainer| with(trainer).hook(keep))?;
        let weights = self.file.write(Step::End, &trained.network, trained.masks.clone())?;
        Ok((Learnt { masks: trained.masks, curve: trained.curve, test }, weights))
    }

    /// Trains the last layer alone, on features, and writes the weights of the whole network.
    pub(super) fn probe(
        &self,
        probe: &Probe,
        net: Net,
        masks: Masks,
        features: Sources<'_>,
    ) -> Result<(Learnt, String), Error> {
        let (own, head) = (probe.masks(&masks), probe.head().clone());
        let (trained, test) = self.train(head, own, features, |trainer| trainer)?;
        let masks: Masks = masks.into_iter().chain(trained.masks).collect();
        let network = probe.joined(net, &trained.network);
        let weights = self.file.write(Step::End, &network, masks.clone())?;
        Ok((Learnt { masks, curve: trained.curve, test }, weights))
    }

    /// The trained network, and how good it is in the end.
    fn train<'t, N: Network<Input = Tensor<4>, Output = Tensor<2>>>(
        &'t self,
        net: N,
        masks: Masks,
        Sources { train: source, kept_back, test }: Sources<'t>,
        with: impl FnOnce(Trainer<'t, N>) -> Trainer<'t, N>,
    ) -> Result<(Trained<N>, Evaluation), Error> {
        let Self { config, plan, file, anatomy, .. } = *self;
        let Conditions { device, reporter, work, .. } = *self.conditions;
        let hook = |sparse: &SparseTraining| sparse.hook(plan, Seed(config.seed), &net, &masks);
        let sparse = config.sparse.as_ref().map(hook).transpose()?;
        let shared = (!config.shared.is_empty()).then(|| block_on(SharedWeights::of(&net, &config.shared)));
        let shared = shared.transpose()?.map(|shared| Box::new(shared) as Box<dyn Hook<N>>);
        let trainer = Trainer::new(config.recipe.clone(), device).masks(masks).hooks(sparse).hooks(shared);
        let average = config.small.average.map(|decay| Average::new(decay, plan)).transpose()?;
        let trainer = trainer.hooks(average.map(|average| Box::new(average) as Box<dyn Hook<N>>));
        let trainer = match (kept_back, config.evaluate) {
            (Some(kept_back), _) => trainer.test(kept_back).hook(Best::default()),
            (None, Evaluate::EveryEpoch) => trainer.test(test),
            (None, Evaluate::AtEnd) => trainer,
        };
        let checkpoints = Checkpoints::in_folder(file.folder.checkpoints()).labelled(config.hash()?);
        let trainer = trainer.checkpoints(self.conditions.every.apply(checkpoints)).hook(Accounts {
            work,
            anatomy,
            changing: config.sparse.is_some(),
        });
        let trained = with(trainer)
            .hook(Watch {
                reporter,
                progress: Progress::new(reporter, plan),
                epochs: config.recipe.epochs,
                tested: if kept_back.is_some() { "kept back" } else { "test" },
            })
            .stop_when(|| self.conditions.stop.load(Relaxed))
            .run_blocking(net, source)?;
        reporter.end();
        let of_test = trained.curve.last().and_then(|row| row.test).filter(|_| kept_back.is_none());
        let test = match of_test {
            Some(evaluation) => evaluation,
            None => evaluate(&trained.network, test, device, reporter)?,
        };
        if let (Some(kept_back), Some(best)) = (kept_back, Best::of(&trained.curve)) {
            let (epochs, n) = (trained.curve.len(), kept_back.examples());
            lines::note(
                reporter,
                format_args!(
                    "epoch {} of {epochs} did best on the {n} examples kept back: its weights are left",
                    best.epoch
                ),
            );
        }
        Ok((trained, test))
    }
}

/// The curve as a table, in which this is the name of the data that each epoch was tested with.
pub(super) fn curve_csv(curve: &[Row], tested: &str) -> String {
    let mut text = String::from("epoch,iteration,learning_rate,train_loss");
    text.extend(["loss", "top1", "top5", "exact"].map(|what| format!(",{tested}_{what}")));
    text.push('\n');
    for row in curve {
        let test = |f: fn(&Evaluation) -> Option<f64>| {
            row.test.as_ref().and_then(f).map_or(String::new(), |value| value.to_string())
        };
        let (loss, top1) = (test(|e| Some(e.loss)), test(|e| Some(e.top1)));
        let (top5, exact) = (test(|e| e.top5), test(|e| e.exact));
        let Row { epoch, iteration, learning_rate, train_loss, .. } = row;
        text += &format!("{epoch},{iteration},{learning_rate},{train_loss},{loss},{top1},{top5},{exact}\n");
    }
    text
}

/// Tells the accounts what an example costs, where masks change.
struct Accounts<'a> {
    work: &'a Work,
    anatomy: &'a Anatomy,
    changing: bool,
}

impl<N: Network> Hook<N> for Accounts<'_> {
    fn on_start(&mut self, _: &Resumed, live: &mut Live<N>) -> Result<(), HookError> {
        self.work.example_costs(forward_macs(self.anatomy, live.masks()));
        Ok(())
    }

    fn on_step_end(&mut self, _: &StepReport, live: &mut Live<N>) -> Result<(), HookError> {
        if self.changing {
            self.work.example_costs(forward_macs(self.anatomy, live.masks()));
        }
        Ok(())
    }
}

/// Passes a run's progress on to the reporter. The trainer tells it by events as well, from which a log is written.
struct Watch<'a> {
    reporter: &'a dyn Reporter,
    progress: Progress<'a>,
    epochs: usize,
    /// What the examples are called that each epoch is tested with.
    tested: &'static str,
}

impl<N: Network> Hook<N> for Watch<'_> {
    fn on_start(&mut self, resumed: &Resumed, live: &mut Live<N>) -> Result<(), HookError> {
        for rejected in &resumed.rejected {
            self.reporter.note(&lines::passed_over(&rejected.problem, rejected.path.display()));
        }
        self.progress.on_start(resumed, live)
    }

    fn on_step_end(&mut self, step: &StepReport, live: &mut Live<N>) -> Result<(), HookError> {
        self.progress.on_step_end(step, live)
    }

    fn on_epoch_end(&mut self, row: &Row, _live: &mut Live<N>) -> Result<(), HookError> {
        self.reporter.note(&lines::of_row(row, self.epochs, self.tested));
        Ok(())
    }
}
