//! Figures of windows, and of whole dimensions.

use sapwood_graph::{AvgPool, Op, Pads, Pair, Ranked, Reduction};

use super::{
    call::{Call, axis},
    making::Making,
    reduced,
    refusal::Refusal,
    value::{Data, Value},
    windows::Said,
};

pub(super) fn max_pool<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let said = Said::of(call)?;
    let ceil = call.integer("ceil_mode", 0)? != 0;
    call.ignore(&["storage_order"]);
    let x = call.planes(0)?;
    let window = said.window(&said.kernel(x.dims.rank() - 2)?)?;
    let window = sapwood_graph::Window { ceil, ..said.over(making, &x, window) };
    making.push(Op::MaxPool(window), &[x]).map(Value::from)
}

pub(super) fn average_pool<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let said = Said::of(call)?;
    let (ceil, count_padding) =
        (call.integer("ceil_mode", 0)? != 0, call.integer("count_include_pad", 0)? != 0);
    let x = call.planes(0)?;
    let window = said.window(&said.kernel(x.dims.rank() - 2)?)?;
    let window = sapwood_graph::Window { ceil, ..said.over(making, &x, window) };
    if window.dilation != Pair::both(1) {
        return Err(Refusal::Cannot(format!("with dilation {}", window.dilation)));
    }
    // Without padding there is nothing that could be counted.
    let count_padding = count_padding && window.padding != Pads::default();
    making.push(Op::AvgPool(AvgPool { window, count_padding }), &[x]).map(Value::from)
}

pub(super) fn global_average<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let x = call.planes(0)?;
    making.push(Op::GlobalAvgPool, &[x]).map(Value::from)
}

pub(super) fn global_max<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let x = call.planes(0)?;
    let places: Vec<usize> = (2..x.dims.rank()).collect();
    over(making, x, Reduction::Max, &places, true).map(Value::from)
}

/// A figure over some dimensions.
pub(super) fn reduce<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let keep = call.integer("keepdims", 1)? != 0;
    let nothing = call.integer("noop_with_empty_axes", 0)? != 0;
    let axes = call.either("axes", 1)?.unwrap_or_default();
    if call.is_constant() && !(nothing && axes.is_empty()) {
        making.computed(call.input(0));
        return reduced::reduce(making, (call.node.op, call.known(0)?), &axes, keep);
    }
    let x = call.data(0)?;
    let rank = x.dims.rank();
    let mut axes = axes.iter().map(|at| axis(*at, rank)).collect::<Result<Vec<usize>, _>>()?;
    if axes.is_empty() {
        if nothing {
            return Ok(x.into());
        }
        axes = (0..rank).collect();
    }
    axes.sort_unstable();
    axes.dedup();
    let to = match call.node.op {
        "ReduceMean" => Reduction::Mean,
        "ReduceSum" => Reduction::Sum,
        "ReduceMax" => Reduction::Max,
        "ReduceMin" => Reduction::Min,
        "ReduceL2" => Reduction::L2,
        "ReduceSumSquare" => {
            let squares = making.push(Op::Binary(sapwood_graph::Binary::Mul), &[x, x])?;
            return over(making, squares, Reduction::Sum, &axes, keep).map(Value::from);
        }
        "ReduceL1" => {
            let sizes = making.push(Op::Unary(sapwood_graph::Unary::Abs), &[x])?;
            return over(making, sizes, Reduction::Sum, &axes, keep).map(Value::from);
        }
        _ => return Err(Refusal::Unheard),
    };
    // What exporters write for a mean over height and width.
    if to == Reduction::Mean
        && (rank == 4 || rank == 3)
        && x.dims.example().is_some()
        && axes.iter().copied().eq(2..rank)
    {
        let mean = making.push(Op::GlobalAvgPool, &[x])?;
        return match keep {
            true => Ok(mean.into()),
            false => making.flatten("", mean).map(Value::from),
        };
    }
    over(making, x, to, &axes, keep).map(Value::from)
}

fn over(
    making: &mut Making<'_>,
    x: Data,
    to: Reduction,
    axes: &[usize],
    keep: bool,
) -> Result<Data, Refusal> {
    let axes = Ranked::new(axes).ok_or_else(|| Refusal::Cannot(format!("over {axes:?}")))?;
    making.push(Op::Reduce { to, axes, keep }, &[x])
}
