//! What functions of one value make of a constant.

use sapwood_graph::{Activation, Unary};

/// An activation at a number.
pub(crate) fn activation(of: Activation, x: f64) -> f64 {
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let hard = |x: f64| (x + 3.0).clamp(0.0, 6.0) / 6.0;
    match of {
        Activation::Relu => x.max(0.0),
        Activation::Relu6 => x.clamp(0.0, 6.0),
        Activation::HSwish => x * hard(x),
        Activation::HSigmoid => hard(x),
        Activation::Gelu => x * 0.5 * (1.0 + libm::erf(x / std::f64::consts::SQRT_2)),
        Activation::GeluTanh => {
            let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
            x * 0.5 * (1.0 + inner.tanh())
        }
        Activation::Sigmoid => sigmoid(x),
        Activation::Tanh => x.tanh(),
        Activation::Silu => x * sigmoid(x),
        Activation::Mish => x * x.exp().ln_1p().tanh(),
        // Beyond 709 the exponential is infinite.
        Activation::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
        Activation::LeakyRelu(factor) => x.max(0.0) + factor.0 * x.min(0.0),
        Activation::Elu(factor) => x.max(0.0) + factor.0 * x.min(0.0).exp_m1(),
        Activation::Selu => {
            let [alpha, scale] = Activation::SELU;
            scale * (x.max(0.0) + alpha * x.min(0.0).exp_m1())
        }
        Activation::Clip(low, high) => x.max(low.0).min(high.0),
    }
}

/// Another function at a number.
pub(crate) fn unary(of: Unary, x: f64) -> f64 {
    match of {
        Unary::Neg => -x,
        Unary::Abs => x.abs(),
        Unary::Exp => x.exp(),
        Unary::Log => x.ln(),
        Unary::Sqrt => x.sqrt(),
        Unary::Reciprocal => 1.0 / x,
        Unary::Erf => libm::erf(x),
        Unary::Floor => x.floor(),
        Unary::Ceil => x.ceil(),
        Unary::Sin => x.sin(),
        Unary::Cos => x.cos(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_finite_where_their_values_are() {
        for x in [-800.0, 0.0, 800.0] {
            let near = |of: Activation, expected: f64| {
                let found = activation(of, x);
                assert!(
                    (found - expected).abs() <= 1e-12 * expected.abs().max(1.0),
                    "{of:?} of {x}: {found}"
                );
            };
            near(Activation::Softplus, if x == 0.0 { 2f64.ln() } else { x.max(0.0) });
            near(Activation::Mish, x.max(0.0));
            near(Activation::Silu, x.max(0.0));
        }
    }
}
