//! Activations that are one operation.

use sapwood_graph::{Activation, Binary, Factor, Op};

use super::{arithmetic::factor, call::Call, fold, making::Making, reduced, refusal::Refusal, value::Value};

fn activate<'a>(
    making: &mut Making<'a>,
    call: &Call<'a, '_>,
    activation: Activation,
) -> Result<Value<'a>, Refusal> {
    let x = call.data(0)?;
    making.push(Op::Activation(activation), &[x]).map(Value::from)
}

/// Those without numbers of their own, and those with one.
pub(super) fn activation<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    if call.is_constant() {
        return fold::unary(making, call);
    }
    let found = match call.node.op {
        "Relu" => Activation::Relu,
        "Sigmoid" => Activation::Sigmoid,
        "Tanh" => Activation::Tanh,
        "Softplus" => Activation::Softplus,
        "Mish" => Activation::Mish,
        "HardSwish" => Activation::HSwish,
        "LeakyRelu" => Activation::LeakyRelu(factor(call.finite("alpha", 0.01)?)),
        "Elu" => Activation::Elu(factor(call.finite("alpha", 1.0)?)),
        "Gelu" => match call.text("approximate", "none")? {
            "none" => Activation::Gelu,
            "tanh" => Activation::GeluTanh,
            other => return Err(Refusal::Cannot(format!("with approximation `{other}`"))),
        },
        "Selu" => {
            let usual = Activation::SELU.map(|number| number as f32);
            let (alpha, gamma) = (call.finite("alpha", usual[0])?, call.finite("gamma", usual[1])?);
            if 1e-6 < (alpha - usual[0]).abs() || 1e-6 < (gamma - usual[1]).abs() {
                return Err(Refusal::Cannot(format!("with alpha {alpha} and gamma {gamma}")));
            }
            Activation::Selu
        }
        _ => return Err(Refusal::Unheard),
    };
    activate(making, call, found)
}

pub(super) fn clip<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let min = call.number("min", 1, f32::MIN)?;
    let max = call.number("max", 2, f32::MAX)?;
    if call.is_constant() && !min.is_nan() && !max.is_nan() {
        making.computed(call.input(0));
        return reduced::clip(making, call.known(0)?, min, max);
    }
    match (min, max) {
        (0.0, 6.0) => activate(making, call, Activation::Relu6),
        (0.0, max) if f32::MAX <= max => activate(making, call, Activation::Relu),
        (min, max) if min.is_nan() || max.is_nan() => Err(Refusal::Damaged("a bound is no number".into())),
        (min, max) => activate(making, call, Activation::Clip(factor(min), factor(max))),
    }
}

/// `min(max(alpha x + beta, 0), 1)`
pub(super) fn hard_sigmoid<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let (alpha, beta) = (call.finite("alpha", 0.2)?, call.finite("beta", 0.5)?);
    // A sixth, as nearly as f32 or an exporter's decimals have it.
    if (alpha - 1.0 / 6.0).abs() <= 1e-6 && beta == 0.5 {
        return activate(making, call, Activation::HSigmoid);
    }
    let x = call.data(0)?;
    let (alpha, beta) = (making.scalar(alpha)?, making.scalar(beta)?);
    let scaled = making.push(Op::Binary(Binary::Mul), &[x, alpha])?;
    let moved = making.push(Op::Add, &[scaled, beta])?;
    making.push(Op::Activation(Activation::Clip(Factor(0.0), Factor(1.0))), &[moved]).map(Value::from)
}
