//! Bits that differ from layer to layer.

mod budget;
mod greedy;
mod searched;
mod sensitivity;

pub use budget::Budget;
pub use sensitivity::{BitCost, LayerSensitivity, Sensitivity, Settled};

use burn::prelude::Device;
use sapwood_core::{ModuleState, Observed, ParamPath, State};

use sensitivity::rounded;

use crate::{Answers, Error, Examples, Ptq, compared::price, weight_scheme};

/// For each layer of a [`Sensitivity`], which of its bits it has: by its place among these, the most bits first.
pub type Assignment = Vec<usize>;

/// An assignment with what was predicted of it, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried {
    /// The assignment.
    pub bits: Assignment,
    /// The sum of what each layer alone costs.
    pub predicted: f64,
    /// The divergence of the network with all of them; infinite where it is no number.
    pub measured: f64,
}

impl Sensitivity {
    /// The answers of a network whose weights have these bits.
    ///
    /// # Errors
    /// As for [`Answers::of`].
    pub async fn answers<N: Observed>(
        &self,
        network: &N,
        ptq: &Ptq,
        bits: &Assignment,
        examples: Examples<'_>,
        device: &Device,
    ) -> Result<Answers, Error> {
        let mut state = State::read(network).await?;
        for (layer, at) in self.layers.iter().zip(bits) {
            let path = ParamPath::from(format!("{}.weight", layer.layer));
            let node = network.graph().nodes().iter().find(|node| node.name == layer.layer);
            let (Some(weight), Some(node)) = (state.0.get(&path), node) else { continue };
            let asked = weight_scheme(layer.costs[*at].bits, ptq.weights.per())?;
            let numbers = rounded(weight, asked, &node.op)?.dequantized();
            state.0.insert(path, numbers);
        }
        Answers::of(&state.write(network.clone())?, examples, device).await
    }

    /// Some assignments, from all bits to the fewest, each measured: how far the sum of single costs can be trusted is
    /// the [rank correlation](sapwood_search::kendall_tau) of both.
    ///
    /// # Errors
    /// As for [`Answers::of`].
    pub async fn tried<N: Observed>(
        &self,
        network: &N,
        ptq: &Ptq,
        number: usize,
        examples: Examples<'_>,
        device: &Device,
    ) -> Result<Vec<Tried>, Error> {
        let float = Answers::of(network, examples, device).await?;
        let path = self.path(Budget::BYTES);
        let places: std::collections::BTreeSet<usize> =
            (0..number).map(|at| at * (path.len() - 1) / (number - 1).max(1)).collect();
        let mut tried = Vec::new();
        for bits in places.into_iter().map(|at| path[at].clone()) {
            let answers = self.answers(network, ptq, &bits, examples, device).await?;
            let (predicted, measured) = (self.predicted(&bits), price(float.divergence(&answers)));
            tried.push(Tried { bits, predicted, measured });
        }
        Ok(tried)
    }

    /// The fewest bits, along the greedy path, with which the share of right answers falls by no more than `points`
    /// (hundredths). It is sought by halving, as if accuracy fell along the path.
    ///
    /// # Errors
    /// As for [`Answers::of`]; examples without classes; [`Error::Option`] where the most bits lose more.
    pub async fn within_points<N: Observed>(
        &self,
        network: &N,
        ptq: &Ptq,
        points: f64,
        examples: Examples<'_>,
        device: &Device,
    ) -> Result<Assignment, Error> {
        let right = |answers: &Answers| {
            answers.top1.ok_or_else(|| Error::Option {
                what: "the greatest drop",
                expected: "asked for where examples have classes",
                found: "asked for without".into(),
            })
        };
        let float = right(&Answers::of(network, examples, device).await?)?;
        let path = self.path(Budget::BYTES);
        let drop_of = async |bits: &Assignment| -> Result<f64, Error> {
            Ok(100.0 * (float - right(&self.answers(network, ptq, bits, examples, device).await?)?))
        };
        // Shares of the same examples differ by whole examples, but for the rounding of their numbers.
        let points = points + 1e-9;
        let least = drop_of(&path[0]).await?;
        if points < least {
            return Err(Error::Option {
                what: "the greatest drop",
                expected: "at least what the most bits on offer lose",
                found: format!(
                    "{points:.2} points, where these lose {least:.2}: offer more bits, or allow more"
                ),
            });
        }
        let (mut allowed, mut refused) = (0, path.len());
        while refused - allowed > 1 {
            let middle = (allowed + refused) / 2;
            match drop_of(&path[middle]).await? <= points {
                true => allowed = middle,
                false => refused = middle,
            }
        }
        Ok(path[allowed].clone())
    }
}
