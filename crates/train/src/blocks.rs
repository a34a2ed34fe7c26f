//! Blocks that each learn to do what another network's block does.

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use sapwood_backend::ordered;
use sapwood_core::Tap;

/// The values of a teacher at some nodes of its graph.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) wanted: Vec<usize>,
    pub(crate) values: BTreeMap<usize, Tensor<4>>,
}

impl Tap for Kept {
    fn value(&mut self, node: usize, value: Tensor<4>) -> Tensor<4> {
        if self.wanted.contains(&node) {
            self.values.insert(node, value.clone());
        }
        value
    }
}

/// A student each of whose blocks is shown what the teacher's is, and compared by what it gives.
#[derive(Debug)]
pub(crate) struct Blocks {
    /// What the teacher gives where a block of the student ends.
    pub(crate) theirs: BTreeMap<usize, Tensor<4>>,
    /// The distances of the blocks that have run.
    pub(crate) apart: Vec<Tensor<1>>,
}

impl Tap for Blocks {
    fn value(&mut self, node: usize, value: Tensor<4>) -> Tensor<4> {
        match self.theirs.get(&node) {
            Some(theirs) if theirs.dims() == value.dims() => {
                self.apart.push(distance(value, theirs.clone()));
                theirs.clone()
            }
            _ => value,
        }
    }
}

/// The mean square of the difference over that of the teacher's values.
fn distance(student: Tensor<4>, teacher: Tensor<4>) -> Tensor<1> {
    let scale = ordered::mean(teacher.clone().square()).clamp_min(LEAST_SQUARE);
    ordered::mean((student - teacher).square()) / scale
}

/// Below this a teacher's values count as zeros.
const LEAST_SQUARE: f64 = 1e-12;
