//! Activations.

use std::f32::consts::{FRAC_2_PI, SQRT_2};

use sapwood_graph::Activation;

use super::writing::{Attribute, Writing};

use Attribute::{Float, Text};

/// An activation of a value: one operation where this opset has it, and else its formula.
pub(super) fn curve(to: &mut Writing<'_>, name: &str, activation: Activation, x: String) -> String {
    let one = |to: &mut Writing<'_>, op: &str, x: String| to.layer(name, op, vec![x], &[]);
    let within = |to: &mut Writing<'_>, low: f32, high: f32, x: String| {
        let bounds = [low, high].map(|bound| to.number(bound));
        to.layer(name, "Clip", [x].into_iter().chain(bounds).collect(), &[])
    };
    match activation {
        Activation::Relu => one(to, "Relu", x),
        Activation::Relu6 => within(to, 0.0, 6.0, x),
        Activation::Clip(low, high) => within(to, low.0 as f32, high.0 as f32, x),
        Activation::HSwish => one(to, "HardSwish", x),
        Activation::HSigmoid => {
            to.layer(name, "HardSigmoid", vec![x], &[("alpha", Float(1.0 / 6.0)), ("beta", Float(0.5))])
        }
        Activation::Sigmoid => one(to, "Sigmoid", x),
        Activation::Tanh => one(to, "Tanh", x),
        Activation::Softplus => one(to, "Softplus", x),
        Activation::Selu => one(to, "Selu", x),
        Activation::LeakyRelu(factor) => {
            to.layer(name, "LeakyRelu", vec![x], &[("alpha", Float(factor.0 as f32))])
        }
        Activation::Elu(factor) => to.layer(name, "Elu", vec![x], &[("alpha", Float(factor.0 as f32))]),
        Activation::Silu => {
            let gate = to.layer("", "Sigmoid", vec![x.clone()], &[]);
            to.layer(name, "Mul", vec![x, gate], &[])
        }
        Activation::Mish if 18 <= to.opset => one(to, "Mish", x),
        Activation::Mish => {
            let soft = to.layer("", "Softplus", vec![x.clone()], &[]);
            let gate = to.layer("", "Tanh", vec![soft], &[]);
            to.layer(name, "Mul", vec![x, gate], &[])
        }
        Activation::Gelu if 20 <= to.opset => one(to, "Gelu", x),
        Activation::GeluTanh if 20 <= to.opset => {
            to.layer(name, "Gelu", vec![x], &[("approximate", Text("tanh"))])
        }
        Activation::Gelu => {
            let root = to.number(SQRT_2);
            let scaled = to.layer("", "Div", vec![x.clone(), root], &[]);
            let inner = to.layer("", "Erf", vec![scaled], &[]);
            half_of_one_more(to, name, x, inner)
        }
        Activation::GeluTanh => {
            let [three, factor, root] = [3.0, 0.044715, FRAC_2_PI.sqrt()].map(|number| to.number(number));
            let cube = to.layer("", "Pow", vec![x.clone(), three], &[]);
            let rest = to.layer("", "Mul", vec![cube, factor], &[]);
            let sum = to.layer("", "Add", vec![x.clone(), rest], &[]);
            let scaled = to.layer("", "Mul", vec![sum, root], &[]);
            let inner = to.layer("", "Tanh", vec![scaled], &[]);
            half_of_one_more(to, name, x, inner)
        }
    }
}

/// `x (1 + inner) / 2`
fn half_of_one_more(to: &mut Writing<'_>, name: &str, x: String, inner: String) -> String {
    let [one, half] = [1.0, 0.5].map(|number| to.number(number));
    let sum = to.layer("", "Add", vec![inner, one], &[]);
    let twice = to.layer("", "Mul", vec![x, sum], &[]);
    to.layer(name, "Mul", vec![twice, half], &[])
}
