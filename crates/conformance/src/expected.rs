//! The files in `expected/`.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, de::DeserializeOwned};

/// One network, its options and PyTorch's answers.
#[derive(Debug, Deserialize)]
pub struct Case {
    /// Its name in the file.
    pub id: String,
    /// Whether it is part of the usual suite.
    pub quick: bool,
    /// The network.
    pub model: String,
    /// `[C, H, W]`
    pub input: [usize; 3],
    /// Examples in the batch.
    pub batch: usize,
    /// Classes.
    pub classes: usize,
    /// The width multiplier.
    pub width: f64,
    /// `a` or `b`.
    pub shortcut: String,
    /// Life: steps.
    pub n: Option<usize>,
    /// Life: times the minimal network.
    pub m: Option<usize>,
    /// Life: `zeros` or `circular`.
    pub padding: Option<String>,
    /// All parameters.
    pub parameters: u64,
    /// Prunable weights.
    pub weights: u64,
    /// Multiply-accumulates per example.
    pub macs: u64,
    /// In evaluation mode.
    pub eval: Answers,
    /// In training mode.
    pub train: Answers,
    /// The norm of all running statistics after one pass in training mode.
    pub running_norm_after_train: Option<f64>,
    /// Some running statistics after one pass in training mode.
    pub running_after_train: Option<BTreeMap<String, Vec<f64>>>,
}

/// The logits of a batch, abridged.
#[derive(Debug, Deserialize)]
pub struct Answers {
    /// The first ones, flattened.
    pub logits: Vec<f64>,
    /// The norm of all.
    pub norm: f64,
    /// The sum of all.
    pub sum: f64,
}

/// `logits.json`
#[derive(Debug, Deserialize)]
pub struct Logits {
    /// Some values of the fill.
    pub fill: BTreeMap<String, FillCheck>,
    /// All networks.
    pub cases: Vec<Case>,
}

/// The hash of a name and its first numbers.
#[derive(Debug, Deserialize)]
pub struct FillCheck {
    /// In hexadecimal.
    pub fnv1a: String,
    /// The first numbers.
    pub u: Vec<f64>,
}

/// Steps of an optimiser on a network.
#[derive(Debug, Deserialize)]
pub struct Series {
    /// Its name in the file.
    pub id: String,
    /// The network.
    pub model: String,
    /// `[C, H, W]`
    pub input: [usize; 3],
    /// `sgd` or `adamw`.
    pub optimizer: String,
    /// Of the optimiser.
    pub options: Options,
    /// Before each step.
    pub losses: Vec<f64>,
    /// Some running statistics in the end.
    pub running: BTreeMap<String, Vec<f64>>,
    /// The norms of all running statistics in the end.
    pub running_norms: BTreeMap<String, f64>,
    /// The norms of all parameters in the end.
    pub parameter_norms: BTreeMap<String, f64>,
    /// The norms of the first step's gradients.
    pub first_gradient_norms: BTreeMap<String, f64>,
}

/// The options of an optimiser.
#[derive(Debug, Deserialize)]
pub struct Options {
    /// Learning rate.
    pub lr: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Of SGD.
    #[serde(default)]
    pub momentum: f64,
    /// Of SGD.
    #[serde(default)]
    pub nesterov: bool,
    /// Of AdamW.
    #[serde(default)]
    pub betas: [f64; 2],
    /// Of AdamW.
    #[serde(default)]
    pub eps: f64,
}

/// A file of PyTorch's.
#[derive(Debug, Deserialize)]
pub struct Checkpoint {
    /// Its name.
    pub file: String,
    /// The network.
    pub model: String,
    /// `[C, H, W]`
    pub input: [usize; 3],
    /// Examples in the batch.
    pub batch: usize,
    /// In evaluation mode, flattened.
    pub logits: Vec<f64>,
}

/// Where the files lie.
pub fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "expected"].iter().collect()
}

/// The logits of every network.
pub fn logits() -> Logits {
    parse(include_str!("../expected/logits.json"))
}

/// The series of training steps.
pub fn training() -> Vec<Series> {
    #[derive(Deserialize)]
    struct File {
        series: Vec<Series>,
    }
    parse::<File>(include_str!("../expected/training.json")).series
}

/// The files of PyTorch's.
pub fn checkpoints() -> Vec<Checkpoint> {
    #[derive(Deserialize)]
    struct File {
        files: Vec<Checkpoint>,
    }
    parse::<File>(include_str!("../expected/checkpoints.json")).files
}

/// A network in an ONNX file, by PyTorch's exporter.
#[derive(Debug, Deserialize)]
pub struct OnnxFile {
    /// Its name.
    pub file: String,
    /// The network's input, `[C, H, W]`.
    pub input: [usize; 3],
    /// The examples that it was given: [`crate::batch`]'s.
    pub batch: usize,
    /// PyTorch's names of its convolutions and linear layers.
    pub layers: Vec<String>,
    /// ONNX Runtime's outputs, row by row.
    pub logits: Vec<f64>,
}

/// The ONNX files in [`folder`].
pub fn onnx_files() -> Vec<OnnxFile> {
    #[derive(Deserialize)]
    struct File {
        files: Vec<OnnxFile>,
    }
    parse::<File>(include_str!("../expected/onnx.json")).files
}

/// These files are part of this crate, and a browser has no others: one that cannot be read is a
/// broken checkout, and no check can go on.
pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("a file in `expected/`: {error}"))
}
