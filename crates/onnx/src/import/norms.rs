//! Normalisation of examples: over channels, groups of channels, or single channels; as one operation or as its
//! formula.

use sapwood_graph::{Binary, Op, Reduction, Unary};

use super::{
    call::{Call, axis},
    layers::row,
    making::Making,
    refusal::Refusal,
    value::{Data, Stored, Value},
};
use crate::decimal;

pub(super) fn layer_norm<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let (at, epsilon) = (call.integer("axis", -1)?, call.finite("epsilon", 1e-5)?);
    call.ignore(&["stash_type"]);
    let (x, weight, bias) = (call.data(0)?, call.stored(1)?, call.maybe_stored(2)?);
    let rank = x.dims.rank();
    if axis(at, rank)? + 1 != rank {
        return Err(Refusal::Cannot(format!("over several dimensions of {}", x.dims)));
    }
    let channels = weight.len();
    let op = Op::LayerNorm { channels, epsilon: decimal(epsilon), last: true };
    let bias = match bias {
        Some(bias) => bias,
        None => {
            making.afford(channels)?;
            Stored::made("", vec![channels], vec![0.0; channels])
        }
    };
    if bias.len() != channels {
        return Err(Refusal::Damaged(format!("{} shifts for {channels} channels", bias.len())));
    }
    let params = vec![("weight", row(&weight)?), ("bias", row(&bias)?)];
    making.layer((call.node.name, "layer_norm"), op, x, params).map(Value::from)
}

pub(super) fn instance_norm<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let epsilon = call.finite("epsilon", 1e-5)?;
    let (x, weight, bias) = (call.data(0)?, call.stored(1)?, call.stored(2)?);
    group(making, call, x, weight.len(), epsilon, weight, bias)
}

pub(super) fn group_norm<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let (epsilon, groups) = (call.finite("epsilon", 1e-5)?, call.integer("num_groups", 1)?);
    call.ignore(&["stash_type"]);
    let (x, weight, bias) = (call.data(0)?, call.stored(1)?, call.stored(2)?);
    let groups = super::windows::number(groups)?;
    let channels = x.dims.example().and_then(|example| example.first().copied()).unwrap_or(0);
    // The first version has one for each group.
    let spread = |making: &mut Making<'a>, stored: Stored<'a>| match stored.len() {
        len if len == groups && len != channels && channels.is_multiple_of(groups) => {
            making.afford(channels)?;
            let values = stored.floats()?;
            let values = (0..channels).map(|at| values[at / (channels / groups)]).collect();
            Ok(Stored::made(stored.name, vec![channels], values))
        }
        _ => Ok::<_, Refusal>(stored),
    };
    let (weight, bias) = (spread(making, weight)?, spread(making, bias)?);
    group(making, call, x, groups, epsilon, weight, bias)
}

fn group<'a>(
    making: &mut Making<'a>,
    call: &Call<'a, '_>,
    x: Data,
    groups: usize,
    epsilon: f32,
    weight: Stored<'a>,
    bias: Stored<'a>,
) -> Result<Value<'a>, Refusal> {
    let channels = weight.len();
    if bias.len() != channels {
        return Err(Refusal::Damaged(format!("{} shifts for {channels} channels", bias.len())));
    }
    let op = Op::GroupNorm { groups, channels, epsilon: decimal(epsilon) };
    let params = vec![("weight", row(&weight)?), ("bias", row(&bias)?)];
    making.layer((call.node.name, "group_norm"), op, x, params).map(Value::from)
}

/// A normalisation of channels that were brought to the end for it, and are brought back in front.
pub(super) fn back_in_front(
    making: &mut Making<'_>,
    x: Data,
    order: &[usize],
) -> Result<Option<Data>, Refusal> {
    let node = &making.nodes[x.node];
    let Op::LayerNorm { channels, epsilon, last: true } = node.op else { return Ok(None) };
    let before = &making.nodes[node.inputs[0]];
    let Op::Transpose { order: there } = before.op else { return Ok(None) };
    let (origin, rank) = (making.at(before.inputs[0]), order.len());
    let is_there = there.iter().copied().eq([0].into_iter().chain(2..rank).chain([1]));
    let is_back = order.iter().copied().eq([0, rank - 1].into_iter().chain(1..rank - 1));
    let alone = making.is_alone(x.node);
    if rank < 3 || !is_there || !is_back || !alone || origin.dims.example().is_none() {
        return Ok(None);
    }
    making.replace(x.node, Op::LayerNorm { channels, epsilon, last: false }, origin).map(Some)
}

/// What was normalised without scale and shift, and over what.
struct Normalised {
    x: Data,
    over: Over,
    epsilon: f64,
}

enum Over {
    Axis(usize),
    /// This number of groups, by a layer that was made for this.
    Groups(usize, usize),
}

/// The layer of which the sum of a value and a constant is the end: `normalised(x) weight + bias`.
pub(super) fn whole<'a>(
    making: &mut Making<'a>,
    call: &Call<'a, '_>,
    value: Data,
    shift: &Stored<'a>,
) -> Result<Option<Data>, Refusal> {
    let Some((product, scale)) = with_constant(making, value.node, Op::Binary(Binary::Mul)) else {
        return Ok(None);
    };
    let Some(found) = normalised(making, product) else { return Ok(None) };
    let scale = making.params[&scale][0].1.clone();
    let channels = scale.len();
    let (rank, Some(example)) = (found.x.dims.rank(), found.x.dims.example()) else { return Ok(None) };
    let at = match found.over {
        Over::Axis(at) => at,
        Over::Groups(..) => 1,
    };
    // Of the dimension `at`, with 1 for each behind it.
    let fits = |stored: &Stored<'_>| {
        let behind = rank - 1 - at;
        let (before, after) = stored.shape.split_at(stored.shape.len().saturating_sub(behind));
        stored.len() == channels
            && after.len() == behind
            && after.iter().all(|n| *n == 1)
            && before.last() == Some(&channels)
    };
    if example.get(at.wrapping_sub(1)) != Some(&channels) || !fits(&scale) || !fits(shift) {
        return Ok(None);
    }
    let epsilon = found.epsilon;
    let (kind, op) = match found.over {
        Over::Axis(at) if at + 1 == rank => ("layer_norm", Op::LayerNorm { channels, epsilon, last: true }),
        Over::Axis(1) => ("layer_norm", Op::LayerNorm { channels, epsilon, last: false }),
        Over::Axis(_) => return Ok(None),
        Over::Groups(groups, layer) => {
            making.release(layer);
            ("group_norm", Op::GroupNorm { groups, channels, epsilon })
        }
    };
    let params = vec![("weight", row(&scale)?), ("bias", row(shift)?)];
    making.layer((call.node.name, kind), op, found.x, params).map(Some)
}

/// The value and the constant that a node of two inputs joins.
fn with_constant(making: &Making<'_>, node: usize, op: Op) -> Option<(usize, usize)> {
    let node = &making.nodes[node];
    let (&[a, b], true) = (&node.inputs[..], node.op == op) else { return None };
    match (
        making.params.contains_key(&a) && is_constant(making, a),
        making.params.contains_key(&b) && is_constant(making, b),
    ) {
        (false, true) => Some((a, b)),
        (true, false) => Some((b, a)),
        _ => None,
    }
}

fn is_constant(making: &Making<'_>, node: usize) -> bool {
    matches!(making.nodes[node].op, Op::Constant { .. })
}

fn normalised(making: &Making<'_>, node: usize) -> Option<Normalised> {
    of_axis(making, node).or_else(|| of_groups(making, node))
}

/// `(x - mean(x)) / sqrt(mean((x - mean(x))^2) + epsilon)`
fn of_axis(making: &Making<'_>, node: usize) -> Option<Normalised> {
    let nodes = &making.nodes;
    let read = |node: usize, op: Op| match (&nodes[node].inputs[..], nodes[node].op == op) {
        (inputs, true) => Some(inputs),
        _ => None,
    };
    let (difference, root) = match nodes[node].op {
        Op::Binary(Binary::Div) => (nodes[node].inputs[0], nodes[node].inputs[1]),
        Op::Binary(Binary::Mul) => {
            let inverse = |node: usize| read(node, Op::Unary(Unary::Reciprocal)).map(|inputs| inputs[0]);
            let (a, b) = (nodes[node].inputs[0], nodes[node].inputs[1]);
            inverse(b).map(|root| (a, root)).or_else(|| inverse(a).map(|root| (b, root)))?
        }
        _ => return None,
    };
    let &[x, mean] = read(difference, Op::Binary(Binary::Sub))? else { return None };
    let (variance, epsilon) = with_constant(making, *read(root, Op::Unary(Unary::Sqrt))?.first()?, Op::Add)?;
    let (of_x, axis) = mean_over(making, mean)?;
    let (square, same) = mean_over(making, variance)?;
    let squared = match (nodes[square].op, &nodes[square].inputs[..]) {
        (Op::Binary(Binary::Mul), &[a, b]) if a == b => a,
        (Op::Binary(Binary::Pow), &[a, two]) if making.number(two) == Some(2.0) => a,
        _ => return None,
    };
    let is_same = |node: usize| node == difference || read(node, Op::Binary(Binary::Sub)) == Some(&[x, mean]);
    let epsilon = decimal(making.number(epsilon).filter(|epsilon| epsilon.is_finite())?);
    (of_x == x && axis == same && is_same(squared)).then(|| Normalised {
        x: making.at(x),
        over: Over::Axis(axis),
        epsilon,
    })
}

/// A mean over one dimension, which is kept.
fn mean_over(making: &Making<'_>, node: usize) -> Option<(usize, usize)> {
    match (making.nodes[node].op, &making.nodes[node].inputs[..]) {
        (Op::Reduce { to: Reduction::Mean, axes, keep: true }, &[x]) if axes.len() == 1 => Some((x, axes[0])),
        (Op::GlobalAvgPool, &[x]) if making.dims[x].rank() == 3 => Some((x, 2)),
        _ => None,
    }
}

/// Groups that are channels of their own for a while, each normalised without scale and shift.
fn of_groups(making: &Making<'_>, node: usize) -> Option<Normalised> {
    let nodes = &making.nodes;
    let (Op::Reshape(back), &[norm]) = (nodes[node].op, &nodes[node].inputs[..]) else { return None };
    let (Op::GroupNorm { groups, channels, epsilon }, &[there]) = (nodes[norm].op, &nodes[norm].inputs[..])
    else {
        return None;
    };
    let (Op::Reshape(_), &[x]) = (nodes[there].op, &nodes[there].inputs[..]) else { return None };
    let is = |at: usize, expected: f32| {
        let values = making.params.get(&norm).and_then(|params| params[at].1.floats().ok());
        values.is_some_and(|values| values.iter().all(|value| *value == expected))
    };
    let x = making.at(x);
    let plain =
        groups == channels && x.dims == back && x.dims.example().is_some() && is(0, 1.0) && is(1, 0.0);
    plain.then_some(Normalised { x, over: Over::Groups(groups, norm), epsilon })
}
