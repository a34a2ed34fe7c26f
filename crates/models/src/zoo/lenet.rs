//! LeNets, for MNIST and its kin.

use sapwood_core::{Conv, Graph, graph::Error};

use crate::Spec;

/// Three fully connected layers; any input, flattened.
pub(super) fn lenet_300_100(spec: &Spec) -> Result<Graph, Error> {
    let mut g = Graph::builder(spec.input);
    let x = g.flatten(g.input());
    let x = g.linear("fc1", x, spec.width(300));
    let x = g.relu(x);
    let x = g.linear("fc2", x, spec.width(100));
    let x = g.relu(x);
    g.linear("fc3", x, spec.classes);
    g.finish()
}

/// LeNet-5 in the sizes of Caffe's example.
pub(super) fn lenet_5(spec: &Spec) -> Result<Graph, Error> {
    let mut g = Graph::builder(spec.input);
    let x = g.conv("conv1", g.input(), Conv::new(spec.width(20), 5));
    let x = g.relu(x);
    let x = g.max_pool(x, 2, 2, 0);
    let x = g.conv("conv2", x, Conv::new(spec.width(50), 5));
    let x = g.relu(x);
    let x = g.max_pool(x, 2, 2, 0);
    let x = g.flatten(x);
    let x = g.linear("fc1", x, spec.width(500));
    let x = g.relu(x);
    g.linear("fc2", x, spec.classes);
    g.finish()
}
