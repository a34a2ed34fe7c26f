//! The table of operations that are read.

use super::{
    activations, arithmetic, call::Call, fold, integers, layers, making::Making, norms, pads, parts, pools,
    refusal::Refusal, reshape, resize, shapes, softmax, triangle, truths, value::Value,
};
use crate::proto::Node;

/// What makes a node of the file a part of the network.
pub(super) type Handler = for<'a, 'c, 'n> fn(&mut Making<'a>, &'c Call<'a, 'n>) -> Result<Value<'a>, Refusal>;

/// Every operation of ONNX that is read and makes one value, in the order of the alphabet. `If` and `Split` stand
/// beside it.
const OPERATIONS: &[(&str, Handler)] = &[
    ("Abs", arithmetic::unary),
    ("Add", arithmetic::add),
    ("And", arithmetic::of_constants),
    ("AveragePool", pools::average_pool),
    ("BatchNormalization", layers::batch_norm),
    ("Cast", fold::cast),
    ("CastLike", fold::cast_like),
    ("Ceil", arithmetic::unary),
    ("Clip", activations::clip),
    ("Concat", parts::concat),
    ("Constant", shapes::constant),
    ("ConstantOfShape", fold::constant_of_shape),
    ("Conv", layers::conv),
    ("ConvTranspose", layers::transposed_conv),
    ("Cos", arithmetic::unary),
    ("DepthToSpace", parts::depth_and_space),
    ("Div", arithmetic::binary),
    ("Dropout", shapes::dropout),
    ("Elu", activations::activation),
    ("Equal", arithmetic::of_constants),
    ("Erf", arithmetic::unary),
    ("Exp", arithmetic::unary),
    ("Expand", shapes::expand),
    ("Flatten", shapes::flatten),
    ("Floor", arithmetic::unary),
    ("Gather", parts::gather),
    ("GatherND", fold::gather_nd),
    ("Gelu", activations::activation),
    ("Gemm", layers::gemm),
    ("GlobalAveragePool", pools::global_average),
    ("GlobalMaxPool", pools::global_max),
    ("Greater", arithmetic::of_constants),
    ("GreaterOrEqual", arithmetic::of_constants),
    ("GroupNormalization", norms::group_norm),
    ("HardSigmoid", activations::hard_sigmoid),
    ("HardSwish", activations::activation),
    ("Identity", shapes::identity),
    ("InstanceNormalization", norms::instance_norm),
    ("LayerNormalization", norms::layer_norm),
    ("LeakyRelu", activations::activation),
    ("Less", arithmetic::of_constants),
    ("LessOrEqual", arithmetic::of_constants),
    ("Log", arithmetic::unary),
    ("LogSoftmax", softmax::softmax),
    ("LpNormalization", arithmetic::over_norm),
    ("MatMul", layers::matmul),
    ("Max", arithmetic::binary),
    ("MaxPool", pools::max_pool),
    ("Mean", arithmetic::binary),
    ("Min", arithmetic::binary),
    ("Mish", activations::activation),
    ("Mod", arithmetic::of_constants),
    ("Mul", arithmetic::multiply),
    ("Neg", arithmetic::unary),
    ("Not", arithmetic::of_constants),
    ("OneHot", truths::one_hot),
    ("Or", arithmetic::of_constants),
    ("PRelu", layers::prelu),
    ("Pad", pads::pad),
    ("Pow", arithmetic::binary),
    ("Range", fold::range),
    ("Reciprocal", arithmetic::unary),
    ("ReduceL1", pools::reduce),
    ("ReduceL2", pools::reduce),
    ("ReduceLogSum", pools::reduce),
    ("ReduceLogSumExp", pools::reduce),
    ("ReduceMax", pools::reduce),
    ("ReduceMean", pools::reduce),
    ("ReduceMin", pools::reduce),
    ("ReduceProd", pools::reduce),
    ("ReduceSum", pools::reduce),
    ("ReduceSumSquare", pools::reduce),
    ("Relu", activations::activation),
    ("Reshape", reshape::reshape),
    ("Resize", resize::resize),
    ("Round", arithmetic::of_constants),
    ("Selu", activations::activation),
    ("SequenceAt", parts::of_sequence),
    ("Shape", fold::shape),
    ("Sigmoid", activations::activation),
    ("Sin", arithmetic::unary),
    ("Size", fold::size),
    ("Slice", parts::slice),
    ("Softmax", softmax::softmax),
    ("Softplus", activations::activation),
    ("Softsign", arithmetic::softsign),
    ("SpaceToDepth", parts::depth_and_space),
    ("SplitToSequence", parts::sequence),
    ("Sqrt", arithmetic::unary),
    ("Squeeze", shapes::squeeze),
    ("Sub", arithmetic::binary),
    ("Sum", arithmetic::binary),
    ("Tanh", activations::activation),
    ("Tile", parts::tile),
    ("Transpose", shapes::transpose),
    ("Trilu", triangle::triangle),
    ("Unsqueeze", shapes::unsqueeze),
    ("Upsample", resize::upsample),
    ("Where", fold::choose),
];

/// What reads a node of ONNX's own operations, or of ONNX Runtime's on integers.
pub(super) fn handler(node: &Node<'_>) -> Result<Handler, Refusal> {
    if let Some(reader) = integers::reader(node) {
        return Ok(reader);
    }
    let own = matches!(node.domain, "" | "ai.onnx");
    let found = OPERATIONS.binary_search_by_key(&node.op, |(name, _)| name);
    found.ok().filter(|_| own).map(|at| OPERATIONS[at].1).ok_or(Refusal::Unheard)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_so_that_each_row_is_found() {
        assert!(OPERATIONS.is_sorted_by_key(|(name, _)| name));
    }
}
