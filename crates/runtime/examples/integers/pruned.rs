//! Networks of integers with zeros.

use sapwood_graph::{Array, Error, Quantized, QuantizedNetwork};

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
