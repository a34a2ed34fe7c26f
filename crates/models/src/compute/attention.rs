//! Attention between places.

use burn::tensor::Tensor;
use sapwood_backend::ordered;

use crate::value::Value;

/// `softmax(Q K^T / sqrt(d)) V` over the places of each head.
///
/// # Shapes
/// Each `[N, C, ..]`, and so is the result.
pub(crate) fn attention(inputs: [Value; 3], heads: usize) -> Value {
    let sizes = inputs[0].dims();
    let (n, c) = (sizes[0], sizes[1]);
    let (width, places) = (c / heads, sizes[2..].iter().product());
    // The channels of a head lie together: [N, heads, channels, places].
    let [queries, keys, values] = inputs.map(|x| -> Tensor<4> { x.into_rank([n, heads, width, places]) });
    let likeness = ordered::product(queries.swap_dims(2, 3), keys) / (width as f64).sqrt();
    let weights = ordered::softmax(likeness);
    Value::from(ordered::product(values, weights.swap_dims(2, 3))).reshaped(&sizes)
}
