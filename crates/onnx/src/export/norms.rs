//! Normalisation of examples.

use super::{
    forms,
    params::Params,
    writing::{Attribute, Writing},
};

use Attribute::{Float, Int, Ints};

pub(super) fn layer<'s>(
    to: &mut Writing<'s>,
    name: &str,
    from: usize,
    (epsilon, last): (f64, bool),
    params: Params<'_, 's>,
) -> Result<String, String> {
    let attributes = [("axis", Int(-1)), ("epsilon", Float(epsilon as f32))];
    let (x, rank) = (to.values[from].clone(), to.dims[from].rank() as i64);
    if last {
        let inputs = to.with_params(x, params, &[])?;
        return Ok(to.layer(name, "LayerNormalization", inputs, &attributes));
    }
    // The channels go to the end and come back.
    let there = [0].into_iter().chain(2..rank).chain([1]).collect();
    let back = [0, rank - 1].into_iter().chain(1..rank - 1).collect();
    let x = to.layer("", "Transpose", vec![x], &[("perm", Ints(there))]);
    let inputs = to.with_params(x, params, &[])?;
    let x = to.layer(name, "LayerNormalization", inputs, &attributes);
    Ok(to.layer("", "Transpose", vec![x], &[("perm", Ints(back))]))
}

pub(super) fn group<'s>(
    to: &mut Writing<'s>,
    name: &str,
    from: usize,
    (groups, channels, epsilon): (usize, usize, f64),
    params: Params<'_, 's>,
) -> Result<String, String> {
    let (x, dims) = (to.values[from].clone(), to.dims[from]);
    let epsilon = ("epsilon", Float(epsilon as f32));
    if dims.rank() < 3 {
        return Err("normalises groups of what has no places".into());
    }
    if groups == channels {
        let inputs = to.with_params(x, params, &[])?;
        return Ok(to.layer(name, "InstanceNormalization", inputs, &[epsilon]));
    }
    if 21 <= to.opset {
        let inputs = to.with_params(x, params, &[])?;
        return Ok(to.layer(
            name,
            "GroupNormalization",
            inputs,
            &[epsilon, ("num_groups", Int(groups as i64))],
        ));
    }
    // Groups are channels for a while.
    let shape = to.integers(vec![0, groups as i64, -1]);
    let x = to.layer("", "Reshape", vec![x, shape], &[]);
    let (ones, zeros) = (to.numbers(vec![1.0; groups]), to.numbers(vec![0.0; groups]));
    let x = to.layer("", "InstanceNormalization", vec![x, ones, zeros], &[epsilon]);
    let x = forms::reshape(to, "", x, &dims);
    let behind = dims.rank() - 2;
    let [scale, shift] = [0, 1].map(|at| to.column(&params[at].0, params[at].1, behind));
    let x = to.layer("", "Mul", vec![x, scale], &[]);
    Ok(to.layer(name, "Add", vec![x, shift], &[]))
}
