//! Smaller kernels as functions of larger ones.

use burn::tensor::Tensor;

/// The name of the matrix between two kernel sizes, as the reference has it.
pub(crate) fn name([from, to]: [usize; 2]) -> String {
    format!("{from}to{to}_matrix")
}

/// A kernel made smaller step by step: each step takes the middle and multiplies it, flattened,
/// by a matrix: `y = M x` (Cai et al. 2020, section 3.3). The 3x3 kernel comes from the
/// transformed 5x5 one, not from the 7x7 one.
#[derive(Clone, Debug)]
pub(crate) struct Shrunk {
    /// What each step multiplied: `[filters, k k]`.
    middles: Vec<Tensor<2>>,
    matrices: Vec<Tensor<2>>,
    /// The sizes, from the first to the last.
    sizes: Vec<usize>,
    /// The smallest kernel: `[filters, k k]`.
    pub(crate) kernel: Tensor<2>,
}

impl Shrunk {
    /// # Shapes
    /// - `kernel`: `[filters, sizes[0]^2]`
    /// - `matrices`: one for each further size, `[size^2, size^2]`
    pub(crate) fn new(kernel: Tensor<2>, sizes: Vec<usize>, matrices: Vec<Tensor<2>>) -> Self {
        let mut shrunk = Self { middles: Vec::new(), matrices, sizes, kernel };
        for (step, matrix) in shrunk.matrices.iter().enumerate() {
            let x = middle(shrunk.kernel.clone(), shrunk.sizes[step], shrunk.sizes[step + 1]);
            shrunk.kernel = x.clone().matmul(matrix.clone().transpose());
            shrunk.middles.push(x);
        }
        shrunk
    }

    /// The gradients of the matrices and of the kernel that it began with, for that of the
    /// smallest one: `dM = dy^T x`, `dx = dy M`.
    pub(crate) fn backward(&self, smallest: Tensor<2>) -> (Tensor<2>, Vec<Tensor<2>>) {
        let mut dy = smallest;
        let mut matrices = Vec::new();
        for step in (0..self.matrices.len()).rev() {
            matrices.push(dy.clone().transpose().matmul(self.middles[step].clone()));
            let dx = dy.matmul(self.matrices[step].clone());
            dy = with_margin(dx, self.sizes[step + 1], self.sizes[step]);
        }
        matrices.reverse();
        (dy, matrices)
    }
}

fn middle(kernel: Tensor<2>, from: usize, to: usize) -> Tensor<2> {
    let [filters, _] = kernel.dims();
    let inside = (from - to) / 2..(from + to) / 2;
    let kernel = kernel.reshape([filters, from, from]).slice([0..filters, inside.clone(), inside]);
    kernel.reshape([filters, to * to])
}

fn with_margin(kernel: Tensor<2>, from: usize, to: usize) -> Tensor<2> {
    let [filters, _] = kernel.dims();
    let inside = (to - from) / 2..(to + from) / 2;
    let zeros = Tensor::<3>::zeros([filters, to, to], (&kernel.device(), kernel.dtype()));
    let kernel = kernel.reshape([filters, from, from]);
    zeros.slice_assign([0..filters, inside.clone(), inside], kernel).reshape([filters, to * to])
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::TensorData;
    use sapwood_backend::DeviceSpec;

    fn numbers<const D: usize>(shape: [usize; D], seed: u64, device: &burn::prelude::Device) -> Tensor<D> {
        let values = sapwood_conformance::uniform(&format!("matrix {seed}"), shape.iter().product());
        Tensor::from_data(TensorData::new(values, shape), device)
    }

    /// Burn's autodiff knows the same gradients.
    #[test]
    fn the_gradients_are_those_of_autodiff() {
        let device = DeviceSpec::CPU.resolve().unwrap().autodiff();
        let kernel = numbers([2, 49], 1, &device).require_grad();
        let matrices: Vec<_> =
            [25, 9].map(|n| numbers([n, n], n as u64, &device).require_grad()).into_iter().collect();
        let shrunk = Shrunk::new(kernel.clone(), vec![7, 5, 3], matrices.clone());
        let dy = numbers([2, 9], 3, &device);
        let expected = (shrunk.kernel * dy.clone()).sum().backward();

        let plain = |tensor: Tensor<2>| tensor.inner();
        let shrunk =
            Shrunk::new(plain(kernel.clone()), vec![7, 5, 3], matrices.iter().cloned().map(plain).collect());
        let (dk, dm) = shrunk.backward(plain(dy));
        let far = |a: Tensor<2>, b: Tensor<2>| (a - b).abs().max().into_scalar::<f64>();
        assert!(far(kernel.grad(&expected).unwrap(), dk) < 1e-5);
        for (matrix, found) in matrices.iter().zip(dm) {
            assert!(far(matrix.grad(&expected).unwrap(), found) < 1e-4);
        }
    }
}
