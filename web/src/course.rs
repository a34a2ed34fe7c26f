//! A network in training that can be left and taken up again between any two steps.

use burn::prelude::Device;
use sapwood_core::{Masks, Network, Source, Step};
use sapwood_train::{Hook, HookError, Live, Memory, Objective, Recipe, Resumed, Row, Trainer};

use crate::{Data, Error};

/// A network, how it is trained, and how far it has come.
///
/// A browser's worker must return to its messages many times a second, so training is cut into
/// slices of a few steps. Each is a whole run of the [`Trainer`], from one position of the
/// schedule to another; what its optimiser remembers is handed on, so that many slices make
/// what one run would.
#[derive(Clone, Debug)]
pub struct Course<N: Network> {
    /// The network, off autodiff.
    pub network: N,
    /// Its masks; none while it is dense.
    pub masks: Masks,
    /// What its optimiser remembers.
    pub memory: Memory,
    /// How it is trained.
    pub recipe: Recipe,
    /// The next iteration.
    pub iteration: usize,
    /// One row for each slice.
    pub curve: Vec<Row>,
}

impl<N: Network> Course<N> {
    /// A network before its first step.
    ///
    /// # Errors
    /// A recipe that makes no sense.
    pub fn new(network: N, masks: Masks, recipe: Recipe, data: &Data) -> Result<Self, Error> {
        let iteration = recipe.clone().plan(data.train.batches())?.start;
        Ok(Self { network, masks, memory: Memory::default(), recipe, iteration, curve: Vec::new() })
    }

    /// The iteration at which it is done.
    pub fn end(&self, data: &Data) -> usize {
        self.recipe.epochs * data.train.batches()
    }

    /// Makes this number of steps, or fewer at the end of an epoch, and evaluates the network. `None`
    /// if it was done before.
    ///
    /// If anything goes wrong the course stays where it was.
    ///
    /// # Errors
    /// Those of training, as when the loss is no longer a number.
    pub async fn advance(
        &mut self,
        steps: usize,
        data: &Data,
        device: &Device,
        objective: impl Objective<N>,
    ) -> Result<Option<Row>, Error> {
        let from = self.iteration;
        let (per_epoch, end) = (data.train.batches(), self.end(data));
        if end <= from {
            return Ok(None);
        }
        // Whole rows of the curve: a slice ends where its epoch does.
        let until = (from + steps.max(1)).min((from / per_epoch + 1) * per_epoch).min(end);
        let at = |iterations| Step::At { epochs: 0, iterations };
        let slice = Recipe { start_at: at(from), until: at(until), ..self.recipe.clone() };
        let trained = Trainer::new(slice, device)
            .masks(self.masks.clone())
            .objective(objective)
            .hook(Remember(Some(self.memory.clone())))
            .test(&data.test)
            .run(self.network.clone(), &data.train)
            .await?;
        (self.network, self.memory, self.iteration) = (trained.network, trained.memory, until);
        self.curve.extend(&trained.curve);
        Ok(trained.curve.last().copied())
    }
}

/// Gives the optimiser back what it remembered at the end of the last slice.
struct Remember(Option<Memory>);

impl<N: Network> Hook<N> for Remember {
    fn on_start(&mut self, _: &Resumed, live: &mut Live<N>) -> Result<(), HookError> {
        live.memory = self.0.take().unwrap_or_default();
        Ok(())
    }
}
