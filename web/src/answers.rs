//! What networks say to one image.

use burn::prelude::Device;
use sapwood_backend::read;
use sapwood_core::{Batch, Network, Output as _, Pass};
use sapwood_data::Task;
use serde::Serialize;

use crate::Error;

/// What one network says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// Classes: their probabilities, which sum to 1. Boards: for each cell the probability that
    /// it lives.
    pub probabilities: Vec<f32>,
    /// Classes: the most probable one, of equal ones the first.
    pub class: Option<usize>,
}

/// Asks networks one after the other, in evaluation mode.
///
/// # Errors
/// Of reading from the device.
pub async fn answers<'a, N: Network + 'a>(
    networks: impl Iterator<Item = &'a N>,
    batch: &Batch,
    task: Task,
    device: &Device,
) -> Result<Vec<Answer>, Error> {
    let mut found = Vec::new();
    for network in networks {
        let outputs = network.valid().forward(batch.input(device)?, &mut Pass::evaluate());
        let logits: Vec<f64> = read(outputs.rows()).await?.iter::<f64>().collect();
        found.push(Answer::of(&logits, task));
    }
    Ok(found)
}

impl Answer {
    fn of(logits: &[f64], task: Task) -> Self {
        match task {
            Task::Classes(_) => {
                let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let sum: f64 = logits.iter().map(|z| (z - largest).exp()).sum();
                Self {
                    probabilities: logits.iter().map(|z| ((z - largest).exp() / sum) as f32).collect(),
                    class: logits.iter().position(|z| *z == largest),
                }
            }
            Task::Dense(_) => {
                let sigmoid = |z: &f64| (1.0 / (1.0 + (-z).exp())) as f32;
                Self { probabilities: logits.iter().map(sigmoid).collect(), class: None }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_of_classes_sum_to_1_however_large_the_logits() {
        let answer = Answer::of(&[1000.0, 1000.0, 0.0], Task::Classes(3));
        assert_eq!((answer.probabilities, answer.class), (vec![0.5, 0.5, 0.0], Some(0)));
        let cells = Answer::of(&[0.0, 1000.0, -1000.0], Task::Dense(3));
        assert_eq!((cells.probabilities, cells.class), (vec![0.5, 1.0, 0.0], None));
    }
}
