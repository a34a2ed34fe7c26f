//! Activations that an exporter wrote as their formula.

use std::f32::consts::{FRAC_1_SQRT_2, FRAC_2_PI};

use sapwood_graph::{Activation, Binary, Op, Unary};

use super::making::Making;

/// The activation, and of which value, that an operation of two nodes is the last step of.
pub(super) fn whole(making: &Making<'_>, op: Op, a: usize, b: usize) -> Option<(Activation, usize)> {
    let known = Formula { making };
    let (value, by) = match op {
        Op::Binary(Binary::Mul) => match (making.number(a), making.number(b)) {
            (None, None) => return known.product(a, b, 1.0),
            (None, Some(by)) => (a, by),
            (Some(by), None) => (b, by),
            _ => return None,
        },
        Op::Binary(Binary::Div) => (a, making.number(b)?.recip()),
        _ => return None,
    };
    if let Some(x) = known.relu6_of_three_more(value).filter(|_| close(by, 1.0 / 6.0)) {
        return Some((Activation::HSigmoid, x));
    }
    let node = &making.nodes[value];
    match (node.op, &node.inputs[..]) {
        // With one pixel a channel it may have been taken for a factor of each.
        (Op::Binary(Binary::Mul) | Op::Scale, &[a, b]) => known.product(a, b, by),
        _ => None,
    }
}

fn close(found: f32, expected: f32) -> bool {
    (found - expected).abs() <= 1e-6 * expected.abs()
}

/// What has been made so far.
struct Formula<'m, 'a> {
    making: &'m Making<'a>,
}

impl Formula<'_, '_> {
    fn of(&self, node: usize) -> (Op, &[usize]) {
        let node = &self.making.nodes[node];
        (node.op, &node.inputs)
    }

    /// A product of two nodes and a number, each of which may be the `x` of an activation.
    fn product(&self, a: usize, b: usize, by: f32) -> Option<(Activation, usize)> {
        let as_it_is_or_scaled = |node: usize| [Some((node, 1.0)), self.scaled(node)].into_iter().flatten();
        as_it_is_or_scaled(a).find_map(|(a, p)| {
            as_it_is_or_scaled(b).find_map(|(b, q)| {
                let by = by * p * q;
                let of = |x: usize, gate: usize| self.gate(x, gate, by).map(|activation| (activation, x));
                of(a, b).or_else(|| of(b, a))
            })
        })
    }

    /// Which activation is `by x gate(x)`.
    fn gate(&self, x: usize, gate: usize, by: f32) -> Option<Activation> {
        if let Some(of) = self.relu6_of_three_more(gate) {
            return (of == x && close(by, 1.0 / 6.0)).then_some(Activation::HSwish);
        }
        if let Some(inner) = self.more(gate, 1.0) {
            return (close(by, 0.5)).then(|| self.gelu(x, inner)).flatten();
        }
        match self.of(gate) {
            (Op::Activation(Activation::Sigmoid), &[of]) if of == x && by == 1.0 => Some(Activation::Silu),
            (Op::Activation(Activation::HSigmoid), &[of]) if of == x && by == 1.0 => Some(Activation::HSwish),
            (Op::Activation(Activation::Tanh), &[of]) if by == 1.0 => match self.of(of) {
                (Op::Activation(Activation::Softplus), &[of]) if of == x => Some(Activation::Mish),
                _ => None,
            },
            _ => None,
        }
    }

    /// Which GELU has this beside the 1.
    fn gelu(&self, x: usize, inner: usize) -> Option<Activation> {
        match self.of(inner) {
            (Op::Unary(Unary::Erf), &[of]) => {
                let (of, by) = self.scaled(of)?;
                (of == x && close(by, FRAC_1_SQRT_2)).then_some(Activation::Gelu)
            }
            (Op::Activation(Activation::Tanh), &[of]) => {
                let (sum, by) = self.scaled(of)?;
                let (Op::Add, &[a, b]) = self.of(sum) else { return None };
                let rest = if a == x { b } else { a };
                let (cube, factor) = self.scaled(rest)?;
                let fits = (a == x || b == x) && self.is_cube(cube, x);
                (fits && close(by, FRAC_2_PI.sqrt()) && close(factor, 0.044715))
                    .then_some(Activation::GeluTanh)
            }
            _ => None,
        }
    }

    fn is_cube(&self, node: usize, x: usize) -> bool {
        let is_square = |node: usize| match self.of(node) {
            (Op::Binary(Binary::Mul), &[a, b]) => a == x && b == x,
            (Op::Binary(Binary::Pow), &[a, two]) => a == x && self.making.number(two) == Some(2.0),
            _ => false,
        };
        match self.of(node) {
            (Op::Binary(Binary::Pow), &[a, three]) => a == x && self.making.number(three) == Some(3.0),
            (Op::Binary(Binary::Mul), &[a, b]) => a == x && is_square(b) || b == x && is_square(a),
            _ => false,
        }
    }

    /// What a node is times a number.
    fn scaled(&self, node: usize) -> Option<(usize, f32)> {
        match self.of(node) {
            (Op::Binary(Binary::Mul), &[a, b]) => match (self.making.number(a), self.making.number(b)) {
                (None, Some(by)) => Some((a, by)),
                (Some(by), None) => Some((b, by)),
                _ => None,
            },
            (Op::Binary(Binary::Div), &[a, b]) => Some((a, self.making.number(b)?.recip())),
            _ => None,
        }
    }

    /// What a node is this number more than.
    fn more(&self, node: usize, than: f32) -> Option<usize> {
        let (Op::Add, &[a, b]) = self.of(node) else { return None };
        match (self.making.number(a), self.making.number(b)) {
            (None, Some(number)) if number == than => Some(a),
            (Some(number), None) if number == than => Some(b),
            _ => None,
        }
    }

    fn relu6_of_three_more(&self, node: usize) -> Option<usize> {
        match self.of(node) {
            (Op::Activation(Activation::Relu6), &[of]) => self.more(of, 3.0),
            _ => None,
        }
    }
}
