//! Attention as products of matrices with a softmax between them, which every version of the operations has.

use sapwood_graph::Dims;

use super::{
    forms,
    writing::{Attribute, Writing},
};

use Attribute::{Int, Ints};

/// `softmax(Q K^T / sqrt(d)) V` over the places of each head. The channels of a head lie together.
pub(super) fn attention(
    to: &mut Writing<'_>,
    name: &str,
    inputs: &[usize],
    heads: usize,
) -> Result<String, String> {
    let dims = to.dims[inputs[0]];
    let (channels, places) =
        dims.example().and_then(<[usize]>::split_first).ok_or("reads what has no channels")?;
    let width = channels / heads;
    let apart = Dims::batch_of(&[heads, width, places.iter().product()]);
    let apart = apart.ok_or("would have too many dimensions")?;
    let mut of_heads = |at: usize| {
        let x = to.values[inputs[at]].clone();
        forms::reshape(to, "", x, &apart)
    };
    let [queries, keys, values] = [of_heads(0), of_heads(1), of_heads(2)];
    let queries = turned(to, queries);
    let likeness = to.layer("", "MatMul", vec![queries, keys], &[]);
    let scale = to.number((width as f64).sqrt().recip() as f32);
    let likeness = to.layer("", "Mul", vec![likeness, scale], &[]);
    let weights = to.layer("", "Softmax", vec![likeness], &[("axis", Int(3))]);
    let weights = turned(to, weights);
    let found = to.layer("", "MatMul", vec![values, weights], &[]);
    Ok(forms::reshape(to, name, found, &dims))
}

/// The matrices of each head with columns for rows.
fn turned(to: &mut Writing<'_>, x: String) -> String {
    to.layer("", "Transpose", vec![x], &[("perm", Ints(vec![0, 1, 3, 2]))])
}
