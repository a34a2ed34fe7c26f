//! The training loop.

use burn::prelude::Device;
use sapwood_backend::{read, read_all};
use sapwood_core::{Batch, Layout, Masks, Network, Source, tensors};
use tracing::Instrument as _;

use crate::{
    Checkpoints, Error, Hook, HookError, Lesson, Live, Memory, Objective, Plan, Recipe, Resumed, Row,
    StepContext, StepReport, Supervised, Update, clip, evaluate, kept,
    snapshot::{self, Identity, Progress},
};

/// Everything that a run needs but the network and its data. See the crate's
/// documentation for an example.
pub struct Trainer<'a, N: Network> {
    recipe: Recipe,
    device: Device,
    masks: Masks,
    objective: Box<dyn Objective<N> + 'a>,
    test: Option<&'a dyn Source>,
    hooks: Vec<Box<dyn Hook<N> + 'a>>,
    checkpoints: Option<Checkpoints<'a>>,
    stop: Option<Box<dyn Fn() -> bool + 'a>>,
}

/// What a run left.
#[derive(Clone, Debug)]
pub struct Trained<N> {
    /// The network, off autodiff: that of the [best](crate::Best) epoch, or the [average](crate::Average), where one
    /// is kept.
    pub network: N,
    /// What its optimiser remembers.
    pub memory: Memory,
    /// Its masks, as the hooks left them.
    pub masks: Masks,
    /// One row per epoch.
    pub curve: Vec<Row>,
    /// Where this run came from.
    pub resumed: Resumed,
}

impl<'a, N: Network> Trainer<'a, N> {
    /// A trainer without masks, tests, hooks and checkpoints.
    pub fn new(recipe: Recipe, device: &Device) -> Self {
        let device = device.clone().inner();
        Self {
            recipe,
            device,
            masks: Masks::new(),
            objective: Box::new(Supervised),
            test: None,
            hooks: Vec::new(),
            checkpoints: None,
            stop: None,
        }
    }

    /// Keeps masked weights at zero.
    pub fn masks(self, masks: Masks) -> Self {
        Self { masks, ..self }
    }

    /// Learns something else of a batch than its targets.
    pub fn objective(self, objective: impl Objective<N> + 'a) -> Self {
        Self { objective: Box::new(objective), ..self }
    }

    /// Evaluates the network on these data after every epoch.
    pub fn test(self, test: &'a dyn Source) -> Self {
        Self { test: Some(test), ..self }
    }

    /// Adds a hook behind those that are there.
    pub fn hook(mut self, hook: impl Hook<N> + 'a) -> Self {
        self.hooks.push(Box::new(hook));
        self
    }

    /// Adds hooks whose type is not known behind those that are there.
    pub fn hooks(mut self, hooks: impl IntoIterator<Item = Box<dyn Hook<N> + 'a>>) -> Self {
        self.hooks.extend(hooks);
        self
    }

    /// Writes checkpoints, and continues from the newest whole one that is there.
    pub fn checkpoints(self, checkpoints: Checkpoints<'a>) -> Self {
        Self { checkpoints: Some(checkpoints), ..self }
    }

    /// Asks after every step whether to stop. A run that stops before its end writes a
    /// checkpoint, if it writes any, and returns [`Error::Stopped`].
    pub fn stop_when(self, stop: impl Fn() -> bool + 'a) -> Self {
        Self { stop: Some(Box::new(stop)), ..self }
    }

    /// [`Trainer::run`], on this thread. It does not exist in a browser.
    ///
    /// # Errors
    /// Those of [`Trainer::run`].
    #[cfg(not(target_family = "wasm"))]
    pub fn run_blocking(self, network: N, train: &dyn Source) -> Result<Trained<N>, Error> {
        sapwood_backend::block_on(self.run(network, train))
    }

    /// Trains a network. On the `cpu` device of one kind of processor the result
    /// depends on nothing but the recipe, the network, the masks, the data and the
    /// hooks: not on the number of threads, nor on whether, or how often, the run was
    /// killed and started again.
    ///
    /// All events lie in a span `training` (`epochs`, `iterations`): `resumed`, `epoch` and `checkpoint` at
    /// level info, each step at level trace.
    ///
    /// # Errors
    /// [`Error::Recipe`]; masks that are not the network's; data that fail, are not as promised, or do not fit the
    /// network; an objective or a hook that fails; [`Error::NotFinite`]; [`Error::Stopped`]; a folder of checkpoints
    /// that cannot be read or written, or is another run's or version's; a device that fails.
    pub async fn run(self, network: N, train: &dyn Source) -> Result<Trained<N>, Error> {
        let plan = self.recipe.clone().plan(train.batches())?;
        let (epochs, iterations) = (plan.recipe.epochs, plan.until - plan.start);
        let span = tracing::info_span!("training", epochs, iterations);
        self.follow(plan, network, train).instrument(span).await
    }

    /// Goes through a plan from where it was left.
    async fn follow(mut self, plan: Plan, network: N, train: &dyn Source) -> Result<Trained<N>, Error> {
        let live = Live::new(network, std::mem::take(&mut self.masks), &self.device)?;
        let label = self.checkpoints.as_ref().map_or("", |checkpoints| &checkpoints.label);
        let identity = snapshot::identity(&plan, &live, train, label).await?;
        let (mut live, mut progress, resumed) = self.resume(&plan, &identity, live)?;
        let start = progress.iteration;
        self.tell(start, |hook| hook.on_start(&resumed, &mut live))?;

        while progress.iteration < plan.until {
            let (epoch, from) =
                (progress.iteration / plan.length.per_epoch, progress.iteration % plan.length.per_epoch);
            let end = plan.until.min((epoch + 1) * plan.length.per_epoch);
            let mut batches = train.epoch(epoch, from);
            while progress.iteration < end {
                let batch = next(&mut batches, train, progress.iteration % plan.length.per_epoch)?;
                let examples = batch.len();
                let report;
                (live, report) = self.step(&plan, live, batch, progress.iteration).await?;
                let StepReport { iteration, learning_rate, loss, .. } = report;
                tracing::trace!(iteration, loss, learning_rate, examples, "step");
                progress.losses.add(report.loss, examples);
                progress.iteration += 1;
                self.tell(progress.iteration, |hook| hook.on_step_end(&report, &mut live))?;
                if progress.iteration == end {
                    let row = self.close(&mut progress, &report, &live).await?;
                    self.tell(end, |hook| hook.on_epoch_end(&row, &mut live))?;
                }
                let last = progress.iteration == plan.until;
                let stop = !last && self.stop.as_ref().is_some_and(|stop| stop());
                if let Some(checkpoints) = &mut self.checkpoints
                    && (last || stop || checkpoints.due(progress.iteration))
                {
                    let bytes = snapshot::to_bytes(&live, &progress, &identity).await?;
                    checkpoints.write(progress.iteration, &bytes)?;
                }
                if stop {
                    return Err(Error::Stopped { iteration: progress.iteration });
                }
            }
        }
        let network = kept::left(&live).valid();
        let Live { memory, masking, .. } = live;
        let masks = masking.masks().clone();
        Ok(Trained { network, memory, masks, curve: progress.curve, resumed })
    }

    fn resume(
        &mut self,
        plan: &Plan,
        identity: &Identity,
        live: Live<N>,
    ) -> Result<(Live<N>, Progress, Resumed), Error> {
        let mut resumed = Resumed::default();
        if let Some(checkpoints) = &mut self.checkpoints {
            let (found, rejected) = checkpoints.newest()?;
            resumed.rejected = rejected;
            if let Some(found) = found {
                let (live, progress) = snapshot::from_bytes(&found.payload, &found.path, identity, live)?;
                let (iteration, path) = (progress.iteration, found.path.display());
                tracing::info!(name: "resumed", iteration, %path, "training continues");
                resumed.from = Some(progress.iteration);
                resumed.curve.clone_from(&progress.curve);
                return Ok((live, progress, resumed));
            }
        }
        Ok((live, Progress { iteration: plan.start, ..Progress::default() }, resumed))
    }

    /// One step. The order is what PyTorch's loops do: backward, (hooks, masks,)
    /// clip, step; running statistics last.
    async fn step(
        &mut self,
        plan: &Plan,
        live: Live<N>,
        batch: Batch,
        iteration: usize,
    ) -> Result<(Live<N>, StepReport), Error> {
        let (epoch, learning_rate) = (iteration / plan.length.per_epoch, plan.learning_rate(iteration));
        let clipped = plan.recipe.clip.is_some();
        let finite = |what, value: f64| match value.is_finite() {
            true => Ok(value),
            false => Err(Error::NotFinite { what, value, iteration, epoch, clipped }),
        };

        let at = StepContext { plan, iteration, device: &live.device };
        let Lesson { loss, mut gradients, moments } = self.objective.teach(&live.network, &batch, &at)?;
        // Read only now, so that a GPU has the backward pass to do meanwhile.
        let loss = finite("loss", read(loss).await?.iter::<f64>().sum())?;
        let report = StepReport { iteration, epoch, learning_rate, loss };

        self.tell(iteration, |hook| hook.on_gradients(&report, &mut gradients, &live))?;
        let (mut live, mut update) = (live, Update::Step);
        self.tell(iteration, |hook| {
            if hook.on_update(&report, &gradients, &mut live)? == Update::Replaced {
                update = Update::Replaced;
            }
            Ok(())
        })?;
        if update == Update::Replaced {
            return Ok((live.stand_still(moments), report));
        }
        live.masking.silence(&mut gradients);
        if let Some(max) = plan.recipe.clip {
            finite("norm of the gradient", clip(&mut gradients, max).await?)?;
        }
        Ok((live.learn(plan, learning_rate, gradients, moments), report))
    }

    /// Ends an epoch: its row of the curve.
    async fn close(&self, progress: &mut Progress, last: &StepReport, live: &Live<N>) -> Result<Row, Error> {
        let test = match self.test {
            Some(test) => Some(evaluate(&kept::averaged(live), test, &self.device).await?),
            None => None,
        };
        // The epoch's last step may have broken the weights, and no loss of a
        // later step would tell.
        let (what, value) = match test {
            Some(test) => ("test loss", test.loss),
            None => ("sum of all weights", size(&live.network).await?),
        };
        if !value.is_finite() {
            let StepReport { iteration, epoch, .. } = *last;
            let clipped = self.recipe.clip.is_some();
            return Err(Error::NotFinite { what, value, iteration, epoch, clipped });
        }
        let row = Row {
            epoch: last.epoch + 1,
            iteration: progress.iteration,
            learning_rate: last.learning_rate,
            train_loss: progress.losses.take(),
            test,
        };
        row.tell(self.recipe.epochs);
        progress.curve.push(row);
        Ok(row)
    }

    fn tell(
        &mut self,
        iteration: usize,
        mut call: impl FnMut(&mut dyn Hook<N>) -> Result<(), HookError>,
    ) -> Result<(), Error> {
        self.hooks
            .iter_mut()
            .try_for_each(|hook| call(&mut **hook))
            .map_err(|error| Error::Hook { iteration, error })
    }
}

/// The sum of the absolute values of all parameters: finite if all of them are.
async fn size<N: Network>(network: &N) -> Result<f64, Error> {
    let sums = tensors(network, Layout::Stored).into_iter().map(|(_, value)| value.abs().sum());
    Ok(read_all(sums.collect()).await?.iter().flat_map(|sum| sum.iter::<f64>()).sum())
}

/// The next batch, if it is what the data set promised.
fn next(
    batches: &mut dyn Iterator<Item = Result<Batch, sapwood_core::SourceError>>,
    source: &dyn Source,
    done: usize,
) -> Result<Batch, Error> {
    let Some(batch) = batches.next() else {
        let (promised, found) = (source.batches().to_string(), done.to_string());
        return Err(Error::BrokenPromise { what: "batches in an epoch", promised, found });
    };
    let batch = batch.map_err(Error::Source)?;
    if batch.shape() != source.shape() || batch.is_empty() {
        let (promised, found) = (source.shape().to_string(), format!("{} of {}", batch.len(), batch.shape()));
        return Err(Error::BrokenPromise { what: "examples in each batch", promised, found });
    }
    Ok(batch)
}
