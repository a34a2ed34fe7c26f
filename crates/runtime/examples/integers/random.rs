//! Networks of integers drawn at random, whose values are about as large as their grids are wide.

use std::collections::{BTreeMap, BTreeSet};

use sapwood_graph::{
    Activation, Array, DType, Error, Graph, Op, Per, Points, Quantized, QuantizedNetwork, Scheme, State,
    Symmetry,
};

/// Numbers from -1 to 1 that look like chance.
pub(crate) fn numbers(seed: u64) -> impl FnMut() -> f32 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    }
}

/// A network with a scale for each output, and values on grids of a scheme.
///
/// # Errors
/// A graph that does not hold together.
pub(crate) fn network(
    graph: Graph,
    dtype: DType,
    symmetry: Symmetry,
    seed: u64,
) -> Result<QuantizedNetwork, Error> {
    let mut draw = numbers(seed);
    let (mut weights, mut rest) = (BTreeMap::new(), State(BTreeMap::new()));
    for node in graph.nodes() {
        let (shape, has_bias) = match &node.op {
            Op::Conv(spec) => (spec.weight().to_vec(), spec.bias),
            Op::Linear { inputs, outputs, bias, .. } => (vec![*outputs, *inputs], *bias),
            _ => continue,
        };
        let (outputs, size) = (shape[0], shape[1..].iter().product::<usize>());
        // Shaped like a bell, as those of trained networks are.
        let mut weight = || (0..4).map(|_| draw()).sum::<f32>() / 4.0 * 127.0;
        let values: Vec<i8> = (0..outputs * size).map(|_| weight() as i8).collect();
        // So that a sum varies by about as much as what it is made of.
        let step = 4.0 / (127.0 * (size as f32).sqrt());
        let scales: Vec<f32> = (0..outputs).map(|_| step * (1.0 + 0.3 * draw())).collect();
        let scales = Array::new([outputs], scales)?;
        let quantized = Quantized::new(Array::new(shape, values)?, Per::Axis(0), scales, None)?;
        weights.insert(format!("{}.weight", node.name).into(), quantized);
        if has_bias {
            let bias: Vec<f32> = (0..outputs).map(|_| 0.3 * draw()).collect();
            rest.0.insert(format!("{}.bias", node.name).into(), Array::new([outputs], bias)?);
        }
    }
    let scheme = Scheme::new(dtype, symmetry)?;
    let points = Points::of(&graph, &BTreeSet::new());
    let mut grids = BTreeMap::new();
    for (node, _) in points.own() {
        let reach = 2.5 + draw();
        let is_clip = matches!(graph.nodes()[node].op, Op::Activation(Activation::Relu | Activation::Relu6));
        let low = if is_clip { 0.0 } else { -reach };
        grids.insert(node, scheme.grid(low, reach)?);
    }
    Ok(QuantizedNetwork { graph, weights, rest, grids, dynamic: BTreeSet::new() })
}

/// Leaves a share of the weights in blocks of four inputs of an output, as pruning in blocks of `1x4` does, or of single
/// weights: those of least magnitude go.
///
/// # Errors
/// Weights that no array holds.
pub(crate) fn pruned(
    mut network: QuantizedNetwork,
    share: f64,
    size: usize,
) -> Result<QuantizedNetwork, Error> {
    for weight in network.weights.values_mut() {
        let shape = weight.shape().to_vec();
        let (inputs, taps) = (shape[1], shape[2..].iter().product::<usize>());
        let mut values: Vec<i8> = weight.values().iter().collect();
        let block = |at: usize| {
            let (output, input, tap) = (at / taps / inputs, at / taps % inputs, at % taps);
            (output * inputs.div_ceil(size) + input / size) * taps + tap
        };
        let mut sums = vec![0i64; shape[0] * inputs.div_ceil(size) * taps];
        values.iter().enumerate().for_each(|(at, q)| sums[block(at)] += i64::from(*q).pow(2));
        let mut order: Vec<usize> = (0..sums.len()).collect();
        order.sort_by_key(|at| (std::cmp::Reverse(sums[*at]), *at));
        let mut is_kept = vec![false; sums.len()];
        let count = (sums.len() as f64 * share).round() as usize;
        order[..count].iter().for_each(|at| is_kept[*at] = true);
        values.iter_mut().enumerate().filter(|(at, _)| !is_kept[block(*at)]).for_each(|(_, q)| *q = 0);
        let values = Array::new(shape, values)?;
        *weight = Quantized::new(values, weight.per(), weight.scale().clone(), None)?;
    }
    Ok(network)
}
