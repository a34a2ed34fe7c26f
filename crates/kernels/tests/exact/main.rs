//! The reference for integers against ONNX Runtime's answers.

mod expected;

use expected::CASES;
use sapwood_kernels::{
    Convolution,
    exact::{Factors, Integers, add, largest, mean, means, sums},
};

/// Which operator a case is of.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Convolution,
    Matrix,
    Sum,
    Mean,
    Means,
}

/// One call of an operator, as `benches/pytorch/integers.py` wrote it.
struct Case {
    kind: Kind,
    groups: usize,
    stride: &'static [usize],
    padding: &'static [usize],
    x: &'static [i32],
    x_shape: &'static [usize],
    w: &'static [i32],
    w_shape: &'static [usize],
    bias: &'static [i32],
    scales: &'static [f32],
    weight_scales: &'static [f32],
    zeros: &'static [i32],
    bounds: &'static [i32],
    expected: &'static [i32],
    expected_shape: &'static [usize],
}

impl Case {
    fn integers(&self, scale: f32, zero: usize) -> Integers {
        Integers { scale, zero_point: self.zeros[zero], bounds: [self.bounds[0], self.bounds[1]] }
    }

    fn found(&self) -> Vec<i32> {
        let [x, y] = [0, 1].map(|at| self.integers(self.scales[at], at));
        let [h, w] = [self.x_shape[2], self.x_shape[3]];
        match self.kind {
            Kind::Convolution | Kind::Matrix => {
                let conv = Convolution {
                    images: self.x_shape[0],
                    groups: self.groups,
                    inputs: self.x_shape[1] / self.groups,
                    outputs: self.w_shape[0] / self.groups,
                    input: [h, w],
                    kernel: [self.w_shape[2], self.w_shape[3]],
                    stride: [self.stride[0], self.stride[1]],
                    padding: [self.padding[0], self.padding[1]],
                    dilation: [1, 1],
                };
                let sums = sums(&conv, self.x, x.zero_point, self.w, self.bias);
                let plane = self.expected_shape[2] * self.expected_shape[3];
                Factors::of(&x, self.weight_scales, &y).requantise(&sums, plane)
            }
            Kind::Sum => add([self.x, self.w], [&x, &self.integers(self.weight_scales[0], 2)], &y),
            Kind::Mean => mean(self.x, h * w, &x, &y),
            Kind::Means => means(self.x, [h, w], self.groups, &x, &y),
        }
    }
}

#[test]
fn every_operator_gives_the_bytes_of_onnx_runtime() {
    let mut seen = [0; 5];
    for (number, case) in CASES.iter().enumerate() {
        assert_eq!(case.found(), case.expected, "case {number}: {:?}", case.kind);
        seen[case.kind as usize] += case.expected.len();
    }
    assert!(seen.iter().all(|bytes| *bytes >= 20), "{seen:?}");
}

#[test]
fn the_largest_of_a_window_is_never_padding() {
    let x = [-5, -4, -3, -9, -8, -7, -1, -2, -6];
    assert_eq!(largest(&x, [3, 3], [[2, 2], [2, 2], [0, 0]], [1, 1]), [-4]);
    assert_eq!(largest(&x, [3, 3], [[3, 3], [2, 2], [1, 1]], [2, 2]), [-4, -3, -1, -2]);
}
