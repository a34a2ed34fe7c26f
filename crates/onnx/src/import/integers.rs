//! Operations on integers: each is an operation on numbers, between where integers become numbers and where numbers
//! become integers.

use super::{
    call::Call,
    making::Making,
    operations::{Handler, handler},
    pairs::{self, numbers},
    refusal::Refusal,
    rounding::rounded,
    value::{Levels, Value},
};
use crate::{
    CONTRIBUTED,
    proto::{Attribute, Node},
};

/// How the inputs of an operation on integers lie.
#[derive(Clone, Copy)]
enum Form {
    /// Integers, scale and zero point of this many values, then those of the result, then a bias.
    Result(usize),
    /// The same with the bias before the result, which may be in numbers.
    Gemm,
    /// Those of the result, then integers, scale and zero point of each value.
    Concat,
}

/// Operations on integers, by their domains and names, with what they are on numbers.
const OPERATIONS: &[(&str, &str, &str, Form)] = &[
    ("", "QLinearConv", "Conv", Form::Result(2)),
    ("", "QLinearMatMul", "MatMul", Form::Result(2)),
    (CONTRIBUTED, "QGemm", "Gemm", Form::Gemm),
    (CONTRIBUTED, "QLinearAdd", "Add", Form::Result(2)),
    (CONTRIBUTED, "QLinearAveragePool", "AveragePool", Form::Result(1)),
    (CONTRIBUTED, "QLinearConcat", "Concat", Form::Concat),
    (CONTRIBUTED, "QLinearConv", "Conv", Form::Result(2)),
    (CONTRIBUTED, "QLinearGlobalAveragePool", "GlobalAveragePool", Form::Result(1)),
    (CONTRIBUTED, "QLinearLeakyRelu", "LeakyRelu", Form::Result(1)),
    (CONTRIBUTED, "QLinearMul", "Mul", Form::Result(2)),
    (CONTRIBUTED, "QLinearSigmoid", "Sigmoid", Form::Result(1)),
    (CONTRIBUTED, "QLinearSoftmax", "Softmax", Form::Result(1)),
];

/// What reads a node that knows the types of integers.
pub(super) fn reader(node: &Node<'_>) -> Option<Handler> {
    match (node.domain, node.op) {
        ("" | "ai.onnx" | CONTRIBUTED, "QuantizeLinear") => Some(pairs::quantize),
        ("" | "ai.onnx" | CONTRIBUTED, "DequantizeLinear") => Some(pairs::dequantize),
        _ => row(node).map(|_| operator as Handler),
    }
}

/// Whether a node takes integers with their types.
pub(super) fn knows_integers(node: &Node<'_>) -> bool {
    node.op == "Identity" || reader(node).is_some()
}

fn row(node: &Node<'_>) -> Option<&'static (&'static str, &'static str, &'static str, Form)> {
    let domain = if node.domain == "ai.onnx" { "" } else { node.domain };
    OPERATIONS.iter().find(|(of, name, ..)| (*of, *name) == (domain, node.op))
}

fn operator<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let (_, _, op, form) = row(call.node).ok_or(Refusal::Unheard)?;
    if call.has("channels_last") {
        call.only("channels_last", 0)?;
    }
    // Of which version its softmax is: before 13 over all dimensions from the axis on.
    if *op == "Softmax" && call.integer("opset", 13)? < 13 {
        return Err(Refusal::Cannot("of an opset before 13".into()));
    }
    // Scales of a weight are those of its outputs.
    let axis = match *op {
        "MatMul" => -1,
        "Gemm" if call.integer("transB", 0)? == 0 => 1,
        _ => 0,
    };
    let mut value = |at: usize| numbers(making, call, [at, at + 1, at + 2], if at == 3 { axis } else { 0 });
    let (inputs, result) = match form {
        Form::Result(count) => {
            let mut inputs = (0..*count).map(|at| value(3 * at)).collect::<Result<Vec<_>, _>>()?;
            inputs.extend(bias(making, call, 3 * count + 2)?);
            (inputs, Some(3 * count))
        }
        Form::Gemm => {
            let mut inputs = vec![value(0)?, value(3)?];
            inputs.extend(bias(making, call, 6)?);
            (inputs, Some(7).filter(|at| !matches!(call.input(*at), Value::Absent)))
        }
        Form::Concat => {
            let places = (2..call.inputs.len()).step_by(3);
            (
                places.map(|at| numbers(making, call, [at, at + 1, at + 2], 0)).collect::<Result<_, _>>()?,
                Some(0),
            )
        }
    };
    let grid = result.map(|at| pairs::grid(making, call, at, at + 1)).transpose()?;
    let own = |attribute: &&Attribute<'a>| !["channels_last", "opset"].contains(&attribute.name);
    let attributes: Vec<Attribute<'a>> = call.node.attributes.iter().filter(own).cloned().collect();
    call.ignore(&attributes.iter().map(|attribute| attribute.name).collect::<Vec<_>>());
    let node = Node { op, domain: "", attributes, ..call.node.clone() };
    let inner = Call::new(&node, inputs, call.opset);
    let made = handler(&node)?(making, &inner)?;
    inner.all_read()?;
    match (made, grid) {
        (Value::Data(data), Some(grid)) => {
            Ok(Value::Levels(Levels { data: rounded(making, data, grid)?, grid }))
        }
        (made, None) => Ok(made),
        _ => Err(Refusal::Cannot("of constants".into())),
    }
}

/// A bias of integers that are added to the sums of products: they stand for multiples of the product of the scales.
fn bias<'a>(making: &mut Making<'a>, call: &Call<'a, '_>, at: usize) -> Result<Option<Value<'a>>, Refusal> {
    let whole = match call.input(at) {
        Value::Absent => return Ok(None),
        Value::Whole(whole) => whole.clone(),
        Value::Unknown => return Err(Refusal::Follows),
        _ => return Err(Refusal::Cannot("with a bias that is computed".into())),
    };
    pairs::products(making, call, whole).map(|stored| Some(Value::Stored(stored)))
}
