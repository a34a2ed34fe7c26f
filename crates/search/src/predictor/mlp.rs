//! The published accuracy predictor: three hidden layers of 400.

use rand::{RngExt as _, seq::SliceRandom as _};
use serde::{Deserialize, Serialize};

use super::{
    adam::Adam,
    matmul::{Packed, product},
    observed,
};
use crate::{
    Error, Predictor, Rows,
    streams::{Stream, stream},
};

/// A perceptron with ReLU between its layers (Cai et al. 2020, section 3.4), trained by Adam
/// on the squared error. The defaults are the published network and its author's recipe:
/// 3 x 400, Adam with rate 1e-3, weight decay 1e-4, the output's bias starting at the mean
/// of the targets, without which it does not converge.
///
/// Targets are standardised for training, so that neither their unit nor their spread asks
/// for another learning rate. Initial weights are uniform in `+-sqrt(1/inputs)`. All
/// arithmetic is f32 on one core.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mlp {
    /// Width of each hidden layer.
    pub hidden: Vec<usize>,
    /// Passes over the examples.
    pub epochs: usize,
    /// Examples in a step.
    pub batch: usize,
    /// Learning rate at the start; it falls to 0 along half a cosine.
    pub learning_rate: f64,
    /// Weight decay, added to the gradient as in PyTorch's Adam; biases have none.
    pub weight_decay: f64,
    fitted: Option<Fitted>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Fitted {
    mean: f64,
    scale: f64,
    layers: Vec<Layer>,
}

/// `outputs = inputs x weights + bias`, with the weights ready for that.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Layer {
    weights: Packed,
    bias: Vec<f32>,
}

impl Default for Mlp {
    fn default() -> Self {
        Self {
            hidden: vec![400; 3],
            epochs: 150,
            batch: 256,
            learning_rate: 1e-3,
            weight_decay: 1e-4,
            fitted: None,
        }
    }
}

impl Layer {
    fn forward(&self, inputs: &[f32], relu: bool) -> Vec<f32> {
        let mut outputs = product(inputs, &self.weights);
        for row in outputs.chunks_exact_mut(self.bias.len()) {
            for (output, bias) in row.iter_mut().zip(&self.bias) {
                let sum = *output + bias;
                *output = if relu { sum.max(0.0) } else { sum };
            }
        }
        outputs
    }
}

/// What a layer learns.
struct Learner {
    inputs: usize,
    outputs: usize,
    /// Row by row: one row for each input.
    weights: Vec<f32>,
    bias: Vec<f32>,
    of_weights: Adam,
    of_bias: Adam,
}

impl Learner {
    fn new(inputs: usize, outputs: usize, seed: u64, index: u64) -> Self {
        let mut rng = stream(seed, Stream::Weights, index);
        let bound = (inputs as f32).sqrt().recip();
        let mut draw = || rng.random_range(-bound..bound);
        let weights: Vec<f32> = (0..inputs * outputs).map(|_| draw()).collect();
        let bias = (0..outputs).map(|_| draw()).collect();
        let (of_weights, of_bias) = (Adam::new(inputs * outputs), Adam::new(outputs));
        Self { inputs, outputs, weights, bias, of_weights, of_bias }
    }

    fn layer(&self) -> Layer {
        let weights = Packed::of(self.inputs, self.outputs, |i, o| self.weights[i * self.outputs + o]);
        Layer { weights, bias: self.bias.clone() }
    }

    /// The gradient of the loss by the inputs, given that by the outputs.
    fn backward(&self, gradient: &[f32]) -> Vec<f32> {
        product(gradient, &Packed::of(self.outputs, self.inputs, |o, i| self.weights[i * self.outputs + o]))
    }

    fn step(&mut self, inputs: &[f32], gradient: &[f32], rate: f32, decay: f32) {
        let examples = inputs.len() / self.inputs;
        let mut transposed = vec![0.0; inputs.len()];
        for (example, row) in inputs.chunks_exact(self.inputs).enumerate() {
            for (input, number) in row.iter().enumerate() {
                transposed[input * examples + example] = *number;
            }
        }
        let packed = Packed::of(examples, self.outputs, |e, o| gradient[e * self.outputs + o]);
        self.of_weights.step(&mut self.weights, &product(&transposed, &packed), rate, decay);
        let mut of_bias = vec![0.0; self.outputs];
        for row in gradient.chunks_exact(self.outputs) {
            of_bias.iter_mut().zip(row).for_each(|(sum, number)| *sum += number);
        }
        self.of_bias.step(&mut self.bias, &of_bias, rate, 0.0);
    }
}

impl Mlp {
    /// Hidden layers of these widths, trained for this many passes; the rest as published.
    pub fn new(hidden: Vec<usize>, epochs: usize) -> Self {
        Self { hidden, epochs, ..Self::default() }
    }

    fn train(&self, rows: &Rows, targets: &[f32], seed: u64) -> Vec<Layer> {
        let mut widths = vec![rows.width()];
        widths.extend(&self.hidden);
        widths.push(1);
        let mut learners: Vec<Learner> = widths
            .windows(2)
            .zip(0..)
            .map(|(pair, index)| Learner::new(pair[0], pair[1], seed, index))
            .collect();
        if let Some(last) = learners.last_mut() {
            last.bias[0] = 0.0; // The mean of the standardised targets.
        }
        let last = learners.len() - 1;
        let steps = self.epochs * rows.len().div_ceil(self.batch);
        let mut done = 0;
        for epoch in 0..self.epochs {
            let mut order: Vec<usize> = (0..rows.len()).collect();
            order.shuffle(&mut stream(seed, Stream::Order, epoch as u64));
            for examples in order.chunks(self.batch) {
                let mut inputs =
                    vec![examples.iter().flat_map(|at| rows.row(*at)).copied().collect::<Vec<f32>>()];
                for (at, learner) in learners.iter().enumerate() {
                    inputs.push(learner.layer().forward(&inputs[at], at < last));
                }
                let outputs = inputs.pop().unwrap_or_default();
                let pairs = outputs.iter().zip(examples);
                // The derivative of the mean squared error.
                let mut gradient: Vec<f32> =
                    pairs.map(|(out, at)| 2.0 * (out - targets[*at]) / examples.len() as f32).collect();
                let turn = std::f64::consts::PI * f64::from(done) / steps as f64;
                let rate = (self.learning_rate * (1.0 + turn.cos()) / 2.0) as f32;
                done += 1;
                for (at, learner) in learners.iter_mut().enumerate().rev() {
                    let mut below = if 0 < at { learner.backward(&gradient) } else { Vec::new() };
                    for (gradient, input) in below.iter_mut().zip(&inputs[at]) {
                        // What ReLU had cut off has no gradient.
                        if *input <= 0.0 {
                            *gradient = 0.0;
                        }
                    }
                    learner.step(&inputs[at], &gradient, rate, self.weight_decay as f32);
                    gradient = below;
                }
            }
        }
        learners.iter().map(Learner::layer).collect()
    }

    fn wrong(problem: String) -> Error {
        Error::Predictor { predictor: "mlp".into(), problem }
    }
}

impl Predictor for Mlp {
    fn name(&self) -> &'static str {
        "mlp"
    }

    fn fit(&mut self, rows: &Rows, targets: &[f64], seed: u64) -> Result<(), Error> {
        let (mean, deviation) = observed(self.name(), rows, targets)?;
        if self.epochs == 0 || self.batch == 0 || self.hidden.contains(&0) {
            return Err(Self::wrong("epochs, batch and hidden widths must be at least 1".into()));
        }
        if !(self.learning_rate.is_finite() && 0.0 < self.learning_rate && 0.0 <= self.weight_decay) {
            return Err(Self::wrong(
                "the learning rate must be above 0 and the weight decay not below 0".into(),
            ));
        }
        let scale = if deviation == 0.0 { 1.0 } else { deviation };
        let targets: Vec<f32> = targets.iter().map(|target| ((target - mean) / scale) as f32).collect();
        let layers = self.train(rows, &targets, seed);
        if layers.iter().any(|layer| layer.bias.iter().any(|bias| !bias.is_finite())) {
            return Err(Self::wrong("training diverged: lower the learning rate".into()));
        }
        self.fitted = Some(Fitted { mean, scale, layers });
        Ok(())
    }

    fn predict(&self, rows: &Rows) -> Result<Vec<f64>, Error> {
        let fitted = self.fitted.as_ref().ok_or_else(|| Self::wrong("fit it before it is asked".into()))?;
        let width = fitted.layers[0].weights.rows();
        if rows.width() != width {
            let found = rows.width();
            return Err(Self::wrong(format!(
                "expected rows of {width} numbers, as in fitting, found {found}"
            )));
        }
        let last = fitted.layers.len() - 1;
        let mut predictions = Vec::with_capacity(rows.len());
        // As many rows as let what lies between two layers stays in the second cache.
        for some in rows.blocks(ROWS_AT_ONCE) {
            let mut numbers = fitted.layers[0].forward(some, 0 < last);
            for (at, layer) in fitted.layers.iter().enumerate().skip(1) {
                numbers = layer.forward(&numbers, at < last);
            }
            predictions.extend(numbers.iter().map(|number| fitted.mean + fitted.scale * f64::from(*number)));
        }
        Ok(predictions)
    }
}

/// Rows that are predicted together.
const ROWS_AT_ONCE: usize = 120;
