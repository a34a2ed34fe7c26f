//! The whole numbers of a layer.

use super::quads::QUAD;

/// The whole numbers of a layer.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a> {
    /// `[outputs, inputs / groups, rows, columns]`
    pub values: &'a [i8],
    /// One, or one for each output.
    pub scales: &'a [f32],
    /// One for each output, in steps of what a product stands for.
    pub bias: &'a [i32],
    /// Channels that come in, and that go out.
    pub inputs: usize,
    /// As above.
    pub outputs: usize,
    /// Groups of channels that do not see each other.
    pub groups: usize,
}

impl Weights<'_> {
    /// Inputs that an output sees.
    pub(crate) fn each(&self) -> usize {
        self.inputs / self.groups
    }

    /// Outputs of a group.
    pub(crate) fn share(&self) -> usize {
        self.outputs / self.groups
    }

    /// Whether they are those of such a window.
    pub(crate) fn check(&self, kernel: [usize; 2]) {
        let size = self.each() * kernel[0] * kernel[1];
        assert_eq!(self.values.len(), self.outputs * size, "a weight of each output for all that it sees");
        assert!([1, self.outputs].contains(&self.scales.len()), "one scale, or one for each output");
        assert_eq!(self.bias.len(), self.outputs, "a bias for each output");
    }

    /// The weights of an output for a quad of channels; 0 where there is none.
    pub(crate) fn quad(
        &self,
        output: usize,
        quad: usize,
        [y, x]: [usize; 2],
        kernel: [usize; 2],
    ) -> [i8; QUAD] {
        std::array::from_fn(|at| {
            let seen = (output < self.outputs)
                .then(|| (QUAD * quad + at).checked_sub(output / self.share() * self.each()));
            let channel = seen.flatten().filter(|channel| *channel < self.each());
            channel.map_or(0, |channel| {
                self.values[((output * self.each() + channel) * kernel[0] + y) * kernel[1] + x]
            })
        })
    }

    /// The bias of an output whose input's zeros are bytes like others: less the products with them.
    pub(crate) fn bias(&self, output: usize, zero: u8) -> i32 {
        let size = self.values.len() / self.outputs;
        let sum: i32 = self.values[output * size..][..size].iter().map(|weight| i32::from(*weight)).sum();
        self.bias[output].wrapping_sub(sum.wrapping_mul(i32::from(zero)))
    }
}
