//! `scores.json`: PyTorch's scores, and what it keeps.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{expected::parse, uniform};

/// One criterion on one network.
#[derive(Debug, Deserialize)]
pub struct ScoreCase {
    /// Its name in the file.
    pub id: String,
    /// The network.
    pub model: String,
    /// The criterion.
    pub criterion: String,
    /// Its options that are not at their default.
    pub options: BTreeMap<String, String>,
    /// Examples of a batch; 64 in all.
    pub batch_size: usize,
    /// The fraction that is kept by a mask, where there is one.
    pub mask: Option<f64>,
    /// By parameter.
    pub tensors: BTreeMap<String, TensorDigest>,
    /// What is kept where 90 % are removed.
    pub kept90: Option<Kept>,
}

/// A tensor, abridged.
#[derive(Debug, Deserialize)]
pub struct TensorDigest {
    /// Its Euclidean norm.
    pub norm: f64,
    /// Sums of its values with signs that are made from a name.
    pub projections: [f64; 8],
}

/// What is kept, abridged.
#[derive(Debug, Deserialize)]
pub struct Kept {
    /// All weights.
    pub total: usize,
    /// How many are kept.
    pub kept: usize,
    /// Some of them: the first position, and how far each is from the one before.
    /// Positions count through all weights in the order of their paths.
    pub gaps: Vec<usize>,
}

/// The outcome of pruning in rounds.
#[derive(Debug, Deserialize)]
pub struct PrunedCase {
    /// Its name in the file.
    pub id: String,
    /// The network.
    pub model: String,
    /// The criterion.
    pub criterion: String,
    /// In how many rounds.
    pub rounds: usize,
    /// The fraction removed.
    pub sparsity: f64,
    /// How much of it PyTorch keeps when it starts from weights that differ in the
    /// twelfth digit: what no implementation can be held to.
    pub nudged_overlap: f64,
    /// How many weights of each layer are kept.
    pub layers: BTreeMap<String, usize>,
    /// What is kept.
    #[serde(flatten)]
    pub kept: Kept,
}

/// `scores.json`
#[derive(Debug, Deserialize)]
pub struct ExpectedScores {
    /// All examples.
    pub batch: usize,
    /// Classes.
    pub classes: usize,
    /// One evaluation each.
    pub entries: Vec<ScoreCase>,
    /// Several rounds each.
    pub pruned: Vec<PrunedCase>,
}

/// PyTorch's scores.
pub fn scores() -> ExpectedScores {
    parse(include_str!("../expected/scores.json"))
}

impl TensorDigest {
    /// About how far a tensor is from this one, over the norm of this one: the mean
    /// square of the differences of eight sums with random signs is, in expectation,
    /// the square of the norm of the difference.
    pub fn distance(&self, path: &str, found: &[f64]) -> f64 {
        let squares = self.projections.iter().enumerate().map(|(k, expected)| {
            let signs = uniform(&format!("projection.{k}.{path}"), found.len());
            let sum: f64 = signs.iter().zip(found).map(|(u, x)| if *u < 0.5 { *x } else { -x }).sum();
            (sum - expected).powi(2)
        });
        let difference = (squares.sum::<f64>() / 8.0).sqrt();
        let norm = found.iter().map(|x| x * x).sum::<f64>().sqrt();
        difference.max((norm - self.norm).abs()) / self.norm.max(f64::MIN_POSITIVE)
    }
}

impl Kept {
    /// The sampled positions.
    pub fn positions(&self) -> Vec<usize> {
        self.gaps
            .iter()
            .scan(0, |at, gap| {
                *at += gap;
                Some(*at)
            })
            .collect()
    }
}
