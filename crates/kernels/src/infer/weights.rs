//! Weights in the order in which dense layers read them: of each input those of the outputs that are summed together.

use super::Arena;
use crate::{Level, level::Loop};

/// What a layer multiplies and adds.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a> {
    /// Of each output, input, row and column of the kernel.
    pub values: &'a [f32],
    /// What each output's are multiplied by, if by anything.
    pub scale: Option<&'a [f64]>,
    /// Of each output.
    pub bias: &'a [f32],
}

impl Weights<'_> {
    /// Lays them out group by group, of which `groups` says how many blocks of outputs each has: of each input in
    /// order, which is said by where its weight lies among an output's, come the weights of all outputs of the group.
    /// Of every `piece` of the order the inputs lie in the same piece of an output's weights.
    pub(crate) fn packed(&self, level: Level, order: &[usize], piece: usize, groups: &[usize]) -> Arena {
        let lanes = level.numbers();
        let mut packed = Arena::zeros(groups.iter().sum::<usize>() * order.len() * lanes);
        let to = packed.values_mut();
        match lanes {
            16 => level.run(Packing::<16> { weights: self, order, piece, groups, to }),
            8 => level.run(Packing::<8> { weights: self, order, piece, groups, to }),
            _ => level.run(Packing::<4> { weights: self, order, piece, groups, to }),
        }
        packed
    }
}

struct Packing<'a, const L: usize> {
    weights: &'a Weights<'a>,
    order: &'a [usize],
    piece: usize,
    groups: &'a [usize],
    to: &'a mut [f32],
}

impl<const L: usize> Loop for Packing<'_, L> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { weights, order, piece, groups, mut to } = self;
        let outputs = weights.bias.len();
        // A piece of the weights of a block's outputs, beside each other.
        let mut beside = vec![[0.0f32; L]; piece.min(order.len())];
        let mut first = 0;
        for &blocks in groups {
            let (group, others) = to.split_at_mut(blocks * order.len() * L);
            to = others;
            for block in 0..blocks {
                let count = L.min(outputs - first);
                let mut scale = [1.0; L];
                if let Some(all) = weights.scale {
                    scale[..count].copy_from_slice(&all[first..][..count]);
                }
                if count < L {
                    beside.fill([0.0; L]);
                }
                for (number, order) in order.chunks(piece).enumerate() {
                    let begin = number * piece;
                    for lane in 0..count {
                        let row = &weights.values[(first + lane) * self.order.len() + begin..][..order.len()];
                        beside.iter_mut().zip(row).for_each(|(beside, weight)| beside[lane] = *weight);
                    }
                    for (at, input) in order.iter().enumerate() {
                        let from = &beside[input - begin];
                        let to = &mut group[((begin + at) * blocks + block) * L..][..L];
                        for lane in 0..L {
                            to[lane] = (f64::from(from[lane]) * scale[lane]) as f32;
                        }
                    }
                }
                first += L;
            }
        }
    }
}
