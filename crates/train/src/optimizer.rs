//! The rules by which weights move, and what they remember.

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use sapwood_core::{Gradients, ParamInfo, ParamPath, Role};
use serde::{Deserialize, Serialize};

use crate::{AdamW, Error, Plan, Sgd};

/// The rule by which weights move.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase")]
pub enum Optimizer {
    /// Stochastic gradient descent.
    Sgd(Sgd),
    /// Adam with decoupled weight decay.
    AdamW(AdamW),
}

impl Optimizer {
    /// Refuses values that the rule cannot work with.
    ///
    /// # Errors
    /// [`Error::Recipe`] with the field that is out of range.
    pub fn check(&self) -> Result<(), Error> {
        match self {
            Self::Sgd(sgd) => sgd.check(),
            Self::AdamW(adamw) => adamw.check(),
        }
    }

    /// The new value of one parameter, and the memory that goes with it. All
    /// tensors are flat and in one order.
    pub fn update(
        &self,
        rates: Rates,
        weight: Tensor<1>,
        gradient: Tensor<1>,
        slots: &mut Slots,
    ) -> Tensor<1> {
        match self {
            Self::Sgd(sgd) => sgd.update(rates, weight, gradient, slots),
            Self::AdamW(adamw) => adamw.update(rates, weight, gradient, slots),
        }
    }
}

impl From<Sgd> for Optimizer {
    fn from(sgd: Sgd) -> Self {
        Self::Sgd(sgd)
    }
}

impl From<AdamW> for Optimizer {
    fn from(adamw: AdamW) -> Self {
        Self::AdamW(adamw)
    }
}

/// What changes from step to step and from parameter to parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// The learning rate.
    pub learning: f64,
    /// The weight decay.
    pub decay: f64,
}

/// What an optimiser remembers of one parameter: flat tensors in the stored
/// order, named as PyTorch names them.
#[derive(Clone, Debug, Default)]
pub struct Slots {
    /// How often the parameter was stepped.
    pub steps: usize,
    /// The tensors; none before the first step.
    pub tensors: BTreeMap<String, Tensor<1>>,
}

impl Slots {
    /// Moves a tensor out, so that it can be changed in place.
    pub(crate) fn take(&mut self, name: &str) -> Option<Tensor<1>> {
        self.tensors.remove(name)
    }

    pub(crate) fn put(&mut self, name: &str, tensor: Tensor<1>) {
        self.tensors.insert(name.into(), tensor);
    }
}

/// What an optimiser remembers, by parameter.
#[derive(Clone, Debug, Default)]
pub struct Memory(pub BTreeMap<ParamPath, Slots>);

impl Memory {
    /// The new value of a parameter. Buffers, and parameters without a gradient,
    /// stay as they are.
    pub(crate) fn step(
        &mut self,
        plan: &Plan,
        learning: f64,
        info: &ParamInfo,
        weight: Tensor<1>,
        gradients: &mut Gradients,
    ) -> Tensor<1> {
        let Some(gradient) = gradients.remove(&info.path).filter(|_| info.role != Role::Buffer) else {
            return weight;
        };
        let decay = if plan.recipe.decay.reaches(info.role) { plan.recipe.weight_decay } else { 0.0 };
        let learning = learning * plan.recipe.rates.get(&info.path).copied().unwrap_or(1.0);
        let slots = self.0.entry(info.path.clone()).or_default();
        slots.steps += 1;
        plan.recipe.optimizer.update(Rates { learning, decay }, weight, gradient, slots)
    }
}
