//! The table of operations that are read.

use super::{
    arithmetic,
    call::{Call, Refusal},
    layers,
    making::Making,
    numbers, pools, shapes,
    value::Value,
};
use crate::proto::Node;

/// What makes a node of the file a part of the network.
pub(super) type Handler = for<'a, 'c, 'n> fn(&mut Making<'a>, &'c Call<'a, 'n>) -> Result<Value<'a>, Refusal>;

/// Every operation of ONNX that is read, in the order of the alphabet.
const OPERATIONS: &[(&str, Handler)] = &[
    ("Add", arithmetic::add),
    ("AveragePool", pools::average_pool),
    ("BatchNormalization", layers::batch_norm),
    ("Cast", shapes::cast),
    ("Clip", arithmetic::clip),
    ("Concat", numbers::concat),
    ("Constant", shapes::constant),
    ("Conv", layers::conv),
    ("Div", arithmetic::divide),
    ("Dropout", shapes::dropout),
    ("Erf", arithmetic::erf),
    ("Flatten", shapes::flatten),
    ("Gather", numbers::gather),
    ("Gelu", arithmetic::gelu),
    ("Gemm", layers::gemm),
    ("GlobalAveragePool", pools::global_average),
    ("HardSigmoid", arithmetic::hard_sigmoid),
    ("HardSwish", arithmetic::hard_swish),
    ("Identity", shapes::identity),
    ("MatMul", layers::matmul),
    ("MaxPool", pools::max_pool),
    ("Mul", arithmetic::multiply),
    ("Pad", pools::pad),
    ("ReduceMean", pools::reduce_mean),
    ("Relu", arithmetic::relu),
    ("Reshape", shapes::reshape),
    ("Resize", pools::resize),
    ("Shape", numbers::shape),
    ("Slice", pools::slice),
    ("Softmax", shapes::softmax),
    ("Squeeze", shapes::squeeze),
    ("Sub", arithmetic::subtract),
    ("Transpose", shapes::transpose),
    ("Unsqueeze", shapes::squeeze),
];

/// What reads a node. Of a file that brings functions of its own a name may mean anything.
pub(super) fn handler(node: &Node<'_>, functions: bool) -> Result<Handler, Refusal> {
    let own = matches!(node.domain, "" | "ai.onnx") && !functions;
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
