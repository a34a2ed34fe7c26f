//! Values of integers behind each other, channel by channel.

use super::{Quads, table::rounded};
use crate::infer::{
    Place,
    program::{Context, Step},
};

/// The channels of several values behind each other, as integers of one grid (QLinearConcat).
#[derive(Debug)]
pub struct Concat {
    from: Vec<Quads>,
    to: Quads,
    /// Of each value what its bytes become, where that is something else.
    tables: Vec<Option<[u8; 256]>>,
}

impl Concat {
    /// # Panics
    /// If the values are of different sizes, or have other channels together than the target.
    pub fn new(from: Vec<Quads>, to: Quads) -> Self {
        assert_eq!(from.iter().map(Quads::channels).sum::<usize>(), to.channels(), "all channels");
        assert!(from.iter().all(|from| from.place().size == to.place().size), "values of one size");
        let table = |from: &Quads| {
            let byte = |byte: usize| {
                let q = byte as i32 - from.shift();
                let number = (q - from.of().zero_point) as f32 * from.of().scale;
                (rounded(number, to.of()) + to.shift()) as u8
            };
            (from.of() != to.of()).then(|| std::array::from_fn(byte))
        };
        Self { tables: from.iter().map(table).collect(), from, to }
    }
}

impl Step for Concat {
    fn reads(&self) -> Vec<Place> {
        self.from.iter().map(|from| *from.place()).collect()
    }

    fn writes(&self) -> Place {
        *self.to.place()
    }

    unsafe fn run(&self, context: &Context<'_>) {
        let place = self.to.place();
        // SAFETY: the program compared the places with the arena.
        unsafe { context.fill_rims(place, self.to.zero()) };
        for row in context.rows(place) {
            let mut output = context.row(place, row).cast::<u8>();
            for (from, table) in self.from.iter().zip(&self.tables) {
                let input = context.row(from.place(), row).cast_const().cast::<u8>();
                for x in 0..place.size[1] {
                    // SAFETY: the channels of a pixel of both, which the program found to be there and apart.
                    let (input, output) = unsafe {
                        let input = input.add(x * 4 * from.quads());
                        let output = output.add(x * 4 * self.to.quads());
                        (
                            std::slice::from_raw_parts(input, from.channels()),
                            std::slice::from_raw_parts_mut(output, from.channels()),
                        )
                    };
                    match table {
                        None => output.copy_from_slice(input),
                        Some(table) => {
                            output
                                .iter_mut()
                                .zip(input)
                                .for_each(|(to, from)| *to = table[usize::from(*from)]);
                        }
                    }
                }
                output = output.wrapping_add(from.channels());
            }
        }
    }
}
