//! The optimiser of the perceptron.

/// Adam (Kingma and Ba 2015, algorithm 1) with its default constants, for one tensor.
pub(super) struct Adam {
    mean: Vec<f32>,
    square: Vec<f32>,
    steps: i32,
}

const BETA1: f32 = 0.9;
const BETA2: f32 = 0.999;
const EPSILON: f32 = 1e-8;

impl Adam {
    pub(super) fn new(len: usize) -> Self {
        Self { mean: vec![0.0; len], square: vec![0.0; len], steps: 0 }
    }

    /// One step. The decay is added to the gradient, as in PyTorch's `Adam`.
    pub(super) fn step(&mut self, numbers: &mut [f32], gradient: &[f32], rate: f32, decay: f32) {
        self.steps += 1;
        let unbiased = 1.0 - BETA1.powi(self.steps);
        let spread = (1.0 - BETA2.powi(self.steps)).sqrt();
        let state = self.mean.iter_mut().zip(&mut self.square);
        for ((number, gradient), (mean, square)) in numbers.iter_mut().zip(gradient).zip(state) {
            let gradient = gradient + decay * *number;
            *mean += (1.0 - BETA1) * (gradient - *mean);
            *square += (1.0 - BETA2) * (gradient * gradient - *square);
            *number -= rate / unbiased * *mean / (square.sqrt() / spread + EPSILON);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_step_has_the_length_of_the_rate_and_the_second_follows_the_moments() {
        let mut adam = Adam::new(2);
        let mut numbers = [1.0, -1.0];
        adam.step(&mut numbers, &[0.5, -20.0], 0.1, 0.0);
        assert!((numbers[0] - 0.9).abs() < 1e-6 && (numbers[1] + 0.9).abs() < 1e-6, "{numbers:?}");
        // By hand: m = 0.9 x 0.05 + 0.1 x -0.3 = 0.015, v = 0.999 x 0.00025 + 0.001 x 0.09.
        adam.step(&mut numbers, &[-0.3, 0.0], 0.1, 0.0);
        let (mean, square) = (0.015_f64 / 0.19, (0.00033975_f64 / (1.0 - 0.999 * 0.999)).sqrt());
        assert!((f64::from(numbers[0]) - (0.9 - 0.1 * mean / square)).abs() < 1e-5, "{numbers:?}");
    }
}
