//! Networks of integers as operations on integers.

use std::borrow::Cow;

use sapwood_graph::{Activation, Grid, Op, Quantized, QuantizedNetwork};

use super::{
    lattice::{Lattice, is_carrier},
    nodes, pairs,
    params::Params,
    whole, windows,
    writing::{Attribute, Writing},
};

use Attribute::Int;

/// What a node makes.
enum Made {
    /// Integers, under this name.
    Integers(String),
    /// Numbers.
    Numbers(String),
}

/// Writes a node; the name of its value, or nothing where that is known in integers only.
pub(super) fn write<'s>(
    to: &mut Writing<'s>,
    (network, lattice): (&'s QuantizedNetwork, &Lattice),
    at: usize,
    params: Params<'_, 's>,
) -> Result<String, String> {
    let node = &network.graph.nodes()[at];
    let grid = lattice.grid(at).or(lattice.grid_behind(at));
    let made = match node.op {
        Op::Input => Made::Numbers(to.input()),
        _ => {
            pairs::with_integers(to, (network, lattice), at, params)?;
            match operator(to, (network, lattice), at, grid.as_ref(), params)? {
                Some(made) => made,
                None => {
                    node.inputs.iter().try_for_each(|input| to.numbers_of(*input))?;
                    Made::Numbers(nodes::write(to, node, params)?)
                }
            }
        }
    };
    Ok(match (made, grid) {
        (Made::Integers(name), Some(grid)) => {
            to.whole.insert(at, (name, grid));
            String::new()
        }
        (Made::Numbers(name), Some(grid)) => {
            let integers = to.quantize(name, &grid)?;
            to.whole.insert(at, (integers, grid));
            String::new()
        }
        (Made::Integers(name) | Made::Numbers(name), None) => name,
    })
}

/// What a node makes by an operation on integers, if there is one.
fn operator<'s>(
    to: &mut Writing<'s>,
    (network, lattice): (&'s QuantizedNetwork, &Lattice),
    at: usize,
    grid: Option<&Grid>,
    params: Params<'_, 's>,
) -> Result<Option<Made>, String> {
    let node = &network.graph.nodes()[at];
    let name = node.name.as_str();
    let Some(inputs) =
        node.inputs.iter().map(|input| to.whole.get(input).cloned()).collect::<Option<Vec<_>>>()
    else {
        return Ok(None);
    };
    let Some((x, of_x)) = inputs.first().cloned() else { return Ok(None) };
    // Such operations are of bytes, and give those of the kind that they read.
    let is_byte = |grid: &Grid| grid.integers()[1].abs_diff(grid.integers()[0]) <= 255;
    let is_signed = |grid: &Grid| grid.integers()[0] < 0;
    let all = || inputs.iter().map(|(_, grid)| grid).chain(grid);
    if !all().all(is_byte) || all().any(|grid| is_signed(grid) != is_signed(&of_x)) {
        return Ok(None);
    }
    let weight =
        params.first().and_then(|(path, _)| to.integers.get(path)).filter(|w| whole::is_summed(w)).cloned();
    Ok(match (&node.op, grid) {
        (Op::Conv(spec), Some(grid)) if spec.transposed.is_none() => {
            let Some(weight) = weight else { return Ok(None) };
            let mut inputs = with_weight(to, (x, &of_x), params, weight)?;
            let bias = bias(to, params)?;
            inputs.extend(to.scale_of(grid)?);
            inputs.extend(bias);
            let attributes = windows::of_conv(spec);
            Some(Made::Integers(to.layer(name, "QLinearConv", inputs, &attributes)))
        }
        (Op::Linear { places: false, .. }, grid) => {
            let Some(weight) = weight else { return Ok(None) };
            let x = match to.dims[node.inputs[0]].rank() {
                2 => x,
                _ => to.layer("", "Flatten", vec![x], &[("axis", Int(1))]),
            };
            let mut inputs = with_weight(to, (x, &of_x), params, weight)?;
            inputs.extend(bias(to, params)?.or(grid.map(|_| String::new())));
            // Without a grid it gives numbers.
            if let Some(grid) = grid {
                inputs.extend(to.scale_of(grid)?);
            }
            let made = to.layer(name, "com.microsoft.QGemm", inputs, &[("transB", Int(1))]);
            Some(if grid.is_some() { Made::Integers(made) } else { Made::Numbers(made) })
        }
        (Op::Linear { places: true, bias: false, .. }, Some(grid)) => {
            let Some(weight) = weight else { return Ok(None) };
            let turned = Cow::Owned(whole::turned(&weight)?);
            let mut inputs = with_weight(to, (x, &of_x), params, turned)?;
            inputs.extend(to.scale_of(grid)?);
            Some(Made::Integers(to.layer(name, "QLinearMatMul", inputs, &[])))
        }
        (Op::Add, Some(grid)) if to.dims[node.inputs[0]] == to.dims[node.inputs[1]] => {
            let mut all = of_each(to, &inputs)?;
            all.extend(to.scale_of(grid)?);
            Some(Made::Integers(to.layer(name, "com.microsoft.QLinearAdd", all, &[])))
        }
        (Op::Concat { axis }, Some(grid)) => {
            let all = [to.scale_of(grid)?.to_vec(), of_each(to, &inputs)?].concat();
            let attributes = [("axis", Int(*axis as i64))];
            Some(Made::Integers(to.layer(name, "com.microsoft.QLinearConcat", all, &attributes)))
        }
        (Op::GlobalAvgPool, Some(grid)) => {
            let all = [of_each(to, &inputs)?, to.scale_of(grid)?.to_vec()].concat();
            let op = "com.microsoft.QLinearGlobalAveragePool";
            Some(Made::Integers(to.layer(name, op, all, &[("channels_last", Int(0))])))
        }
        (Op::AvgPool(pool), Some(grid)) => {
            let all = [of_each(to, &inputs)?, to.scale_of(grid)?.to_vec()].concat();
            let attributes = windows::of_average(pool, to.dims[node.inputs[0]].rank() - 2);
            Some(Made::Integers(to.layer(name, "com.microsoft.QLinearAveragePool", all, &attributes)))
        }
        (Op::Activation(activation), Some(grid)) if of_x == *grid => {
            // Of signed integers around 0 ONNX has a ReLU.
            let around =
                *activation == Activation::Relu && grid.zero_point() == 0 && grid.integers()[1] == 127;
            match lattice.is_rounding(at, node) {
                true => Some(Made::Integers(x)),
                false if around => Some(Made::Integers(to.layer(name, "Relu", vec![x], &[]))),
                false => None,
            }
        }
        (op, Some(grid))
            if is_carrier(op) && of_x == *grid && carries(op, to.dims[node.inputs[0]].image()[0]) =>
        {
            let numbers = std::mem::replace(&mut to.values[node.inputs[0]], x);
            let made = nodes::write(to, node, params);
            to.values[node.inputs[0]] = numbers;
            Some(Made::Integers(made?))
        }
        _ => None,
    })
}

/// Whether ONNX has a carrier of integers too, which brings in nothing of its own.
fn carries(op: &Op, channels: usize) -> bool {
    match op {
        Op::MaxPool(_) | Op::Flatten | Op::Reshape(_) | Op::Transpose { .. } | Op::Slice(_) => true,
        Op::Subsample { channels: after, .. } => *after == channels,
        _ => false,
    }
}

/// Integers with their scales and zero points, one value behind the other.
fn of_each(to: &mut Writing<'_>, values: &[(String, Grid)]) -> Result<Vec<String>, String> {
    let mut all = Vec::new();
    for (name, grid) in values {
        all.push(name.clone());
        all.extend(to.scale_of(grid)?);
    }
    Ok(all)
}

/// What a layer reads, and its weight: integers, scale and zero point of each.
fn with_weight<'s>(
    to: &mut Writing<'s>,
    (x, of_x): (String, &Grid),
    params: Params<'_, 's>,
    weight: Cow<'s, Quantized>,
) -> Result<Vec<String>, String> {
    let path = &params[0].0;
    let mut all = of_each(to, &[(x, *of_x)])?;
    let weight = to.whole(path, weight, false)?;
    all.extend([weight.values, weight.scale, weight.zero_point]);
    Ok(all)
}

/// The integers of a layer's bias.
fn bias(to: &mut Writing<'_>, params: Params<'_, '_>) -> Result<Option<String>, String> {
    let Some((path, _)) = params.get(1) else { return Ok(None) };
    let Some(value) = to.integers.remove(path) else { return Ok(None) };
    Ok(Some(to.integers_of(path, &value)))
}

impl Writing<'_> {
    /// Makes the value of a node known in numbers.
    pub(super) fn numbers_of(&mut self, at: usize) -> Result<(), String> {
        if let (true, Some((integers, grid))) = (self.values[at].is_empty(), self.whole.get(&at).cloned()) {
            self.values[at] = self.dequantize(integers, &grid)?;
        }
        Ok(())
    }
}
