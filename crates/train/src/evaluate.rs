//! How good a network is on a data set.

use burn::prelude::Device;
use sapwood_backend::read;
use sapwood_core::{Network, Output as _, Pass, Source, Target};
use serde::{Deserialize, Serialize};

use crate::Error;

/// What an evaluation found. Shares are from 0 to 1 and count over all examples,
/// so that how these were cut into batches changes them by no more than rounding does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The number of examples; of token targets, the number of tokens that count, which then are
    /// the examples of the shares below.
    pub examples: usize,
    /// The mean loss, without label smoothing, computed and summed in f64.
    pub loss: f64,
    /// Classes: the share of examples whose class has the largest output. Dense
    /// targets: the share of all outputs that are on the right side of 0.5.
    pub top1: f64,
    /// The share of examples whose class is among the five largest outputs;
    /// `None` for dense targets.
    pub top5: Option<f64>,
    /// The share of examples of which every output is on the right side of 0.5;
    /// `None` for classes.
    pub exact: Option<f64>,
}

/// Evaluates a network on the batches of the data set's first epoch, with the
/// running statistics of its normalisation layers.
///
/// Of equal outputs the one with the smaller index counts as the larger. An
/// output that is not a number is never right.
///
/// # Errors
/// Data that fail, have no examples, or do not fit the network; a device that fails.
pub async fn evaluate<N: Network>(
    network: &N,
    source: &dyn Source,
    device: &Device,
) -> Result<Evaluation, Error> {
    let network = network.valid();
    let device = device.clone().inner();
    let mut tally = Tally::default();
    for batch in source.epoch(0, 0) {
        let batch = batch.map_err(Error::Source)?;
        let logits = network.forward(batch.input(&device)?, &mut Pass::evaluate()).rows();
        let [examples, outputs] = logits.dims();
        if !fit(batch.target(), [examples, outputs]) {
            // Says what is wrong.
            sapwood_core::loss(logits.clone(), batch.target(), 0.0)?;
        }
        let logits: Vec<f64> = read(logits).await?.iter::<f64>().collect();
        tally.add(&logits, [examples, outputs], batch.target());
    }
    if tally.examples == 0 {
        let (promised, found) = (source.examples().to_string(), "none".into());
        return Err(Error::BrokenPromise { what: "examples", promised, found });
    }
    Ok(tally.finish())
}

/// Evaluates the outputs that something else than a network of Burn's has computed: for each batch what they should
/// be, and row by row what they are.
///
/// # Errors
/// The outputs' own; targets that do not fit them; no examples.
pub fn evaluate_outputs<E: From<Error>>(
    batches: impl IntoIterator<Item = Result<(Target, Vec<f64>), E>>,
    outputs: usize,
) -> Result<Evaluation, E> {
    let mut tally = Tally::default();
    for batch in batches {
        let (target, logits) = batch?;
        let examples = logits.len() / outputs.max(1);
        if !fit(&target, [examples, outputs]) {
            let promised = format!("targets for {examples} rows of {outputs} outputs");
            return Err(Error::BrokenPromise { what: "outputs", promised, found: "others".into() }.into());
        }
        tally.add(&logits, [examples, outputs], &target);
    }
    match tally.examples {
        0 => {
            let (promised, found) = ("some".into(), "none".into());
            Err(Error::BrokenPromise { what: "examples", promised, found }.into())
        }
        _ => Ok(tally.finish()),
    }
}

/// Whether targets can be compared with outputs of this shape.
fn fit(target: &Target, [examples, outputs]: [usize; 2]) -> bool {
    match target {
        Target::Class(classes) => {
            classes.len() == examples && classes.iter().all(|class| (*class as usize) < outputs)
        }
        Target::Token(tokens) => {
            tokens.len() == examples && tokens.iter().flatten().all(|token| (*token as usize) < outputs)
        }
        Target::Dense(values) => values.len() == examples * outputs,
    }
}

#[derive(Default)]
struct Tally {
    examples: usize,
    losses: f64,
    top1: usize,
    top5: usize,
    dense: Option<Dense>,
}

#[derive(Default)]
struct Dense {
    outputs: usize,
    right: usize,
    exact: usize,
}

impl Tally {
    fn add(&mut self, logits: &[f64], [examples, outputs]: [usize; 2], target: &Target) {
        let rows = logits.chunks_exact(outputs.max(1));
        match target {
            Target::Class(classes) => {
                rows.zip(classes).for_each(|(row, class)| self.add_class(row, *class as usize));
            }
            Target::Token(tokens) => {
                let counted = rows.zip(tokens).filter_map(|(row, token)| Some((row, (*token)?)));
                counted.for_each(|(row, class)| self.add_class(row, class as usize));
            }
            Target::Dense(values) => {
                self.examples += examples;
                let dense = self.dense.get_or_insert_default();
                for (row, values) in rows.zip(values.chunks_exact(outputs.max(1))) {
                    let pairs = || row.iter().zip(values).map(|(z, y)| (*z, f64::from(*y)));
                    let right = pairs().filter(|(z, y)| !z.is_nan() && (*z > 0.0) == (*y > 0.5)).count();
                    dense.outputs += outputs;
                    dense.right += right;
                    dense.exact += usize::from(right == outputs);
                    let losses: f64 =
                        pairs().map(|(z, y)| z.max(0.0) - z * y + (-z.abs()).exp().ln_1p()).sum();
                    self.losses += losses / outputs as f64;
                }
            }
        }
    }

    fn add_class(&mut self, row: &[f64], class: usize) {
        let rank = rank(row, class);
        self.examples += 1;
        self.top1 += usize::from(rank < 1);
        self.top5 += usize::from(rank < 5);
        self.losses += cross_entropy(row, class);
    }

    fn finish(self) -> Evaluation {
        let share = |count: usize, of: usize| count as f64 / of as f64;
        let (examples, loss) = (self.examples, self.losses / self.examples as f64);
        match self.dense {
            None => Evaluation {
                examples,
                loss,
                top1: share(self.top1, examples),
                top5: Some(share(self.top5, examples)),
                exact: None,
            },
            Some(dense) => Evaluation {
                examples,
                loss,
                top1: share(dense.right, dense.outputs),
                top5: None,
                exact: Some(share(dense.exact, examples)),
            },
        }
    }
}

/// How many outputs are before that of the class.
fn rank(row: &[f64], class: usize) -> usize {
    let own = row[class];
    let behind = |index: usize, z: f64| z < own || (z == own && class < index);
    row.iter().enumerate().filter(|&(index, &z)| index != class && !behind(index, z)).count()
        + if own.is_nan() { row.len() } else { 0 }
}

/// `log(sum(exp(z))) - z[class]`, from the largest output, so it overflows
/// nowhere.
fn cross_entropy(row: &[f64], class: usize) -> f64 {
    let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = row.iter().map(|z| (z - largest).exp()).sum();
    largest + sum.ln() - row[class]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(logits: &[f64], shape: [usize; 2], target: Target) -> Evaluation {
        let mut tally = Tally::default();
        tally.add(logits, shape, &target);
        tally.finish()
    }

    #[test]
    fn of_equal_outputs_the_first_is_the_largest() {
        let row = [1.0, 2.0, 2.0, 0.0, 2.0, 2.0, 2.0];
        let ranks: Vec<usize> = (0..7).map(|class| rank(&row, class)).collect();
        assert_eq!(ranks, [5, 0, 1, 6, 2, 3, 4]);
    }

    #[test]
    fn an_output_that_is_not_a_number_is_never_right() {
        assert_eq!(rank(&[f64::NAN], 0), 1);
        assert_eq!(rank(&[f64::NAN, 5.0], 1), 1);
        let dense = tally(&[f64::NAN, -1.0], [1, 2], Target::Dense(vec![0.0, 0.0]));
        assert_eq!((dense.top1, dense.exact), (0.5, Some(0.0)));
    }

    /// PyTorch 2.15, f64: `cross_entropy` and `binary_cross_entropy_with_logits`.
    #[test]
    fn losses_are_those_of_pytorch() {
        let logits = [1.0f32, -2.0, 0.5, 0.0, 0.3, 0.2, -1.0, 2.0].map(f64::from);
        let classes = tally(&logits, [2, 4], Target::Class(vec![2, 3]));
        assert!((classes.loss - 0.7700254511001459).abs() < 1e-14, "{classes:?}");
        assert_eq!((classes.top1, classes.top5, classes.exact), (0.5, Some(1.0), None));
        let tokens = tally(&logits, [2, 4], Target::Token(vec![Some(2), None]));
        let first = tally(&logits[..4], [1, 4], Target::Class(vec![2]));
        assert_eq!(tokens, first);
        let target = Target::Dense(vec![1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0]);
        let dense = tally(&logits, [2, 4], target);
        assert!((dense.loss - 0.43751221015235636).abs() < 1e-14, "{dense:?}");
        assert_eq!((dense.top1, dense.top5, dense.exact), (0.875, None, Some(0.5)));
    }
}
