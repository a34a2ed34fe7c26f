//! Dense convolutions and linear layers: channels in the lanes.
//!
//! A linear layer is a convolution whose window is all of its input. A sum goes through its inputs in one
//! order, whatever the shape of a tile is, so no value depends on how many threads or images there are.

use std::ops::Range;

use super::{
    Arena, Epilogue, Place, TileShape, Window,
    curve::{Parted, bend, bent_by},
    lanes::{Lanes, all},
    program::{Context, Step},
    tile::{Run, sums},
    weights::Weights,
    window::assert_window,
};
use crate::{Level, vector::Registers};

/// Blocks of outputs that are summed together.
#[derive(Clone, Debug)]
struct Group {
    /// Its first block, and how many there are.
    first: usize,
    outputs: usize,
    /// Where its weights begin.
    weights: usize,
    /// Pixels at once, for each number of images.
    pixels: Vec<usize>,
}

/// A dense layer with its weights.
#[derive(Debug)]
pub struct Dense {
    level: Level,
    from: Place,
    to: Place,
    epilogue: Epilogue,
    runs: Vec<Run>,
    /// Of all blocks' lanes.
    bias: Arena,
    weights: Arena,
    groups: Vec<Group>,
    /// How many pixels lie beside each other.
    together: usize,
    /// Of each pixel of an image: where its window begins, where it goes, where its residual is.
    pixels: Vec<[u32; 3]>,
}

impl Dense {
    /// A layer with these weights, for at most these numbers of images and threads.
    ///
    /// # Panics
    /// If a place does not hold what the window needs, or the output is not in blocks of the level's lanes.
    pub fn new(
        level: Level,
        (from, to): (Place, Place),
        window: Window,
        weights: Weights<'_>,
        epilogue: Epilogue,
        [images, threads]: [usize; 2],
    ) -> Self {
        let lanes = level.lanes::<f32>();
        assert!(to.lanes() == Some(lanes), "outputs in blocks");
        assert_eq!(weights.bias.len(), to.channels, "a bias for each output");
        let per_output = from.channels * window.kernel[0] * window.kernel[1];
        assert_eq!(weights.values.len(), to.channels * per_output, "a weight for each input of a window");
        assert_window(&from, &to, &window);
        epilogue.check(&to);
        let (runs, inputs) = runs(&from, &window);
        let blocks = to.blocks();
        let is_beside = from.lanes() == Some(lanes) && window.stride[1] == 1;
        let together = if is_beside { TileShape::together(level, to.size[1]) } else { 1 };
        let shape = TileShape::best(level, together, blocks, images * to.pixels(), threads);
        let mut groups: Vec<Group> = Vec::new();
        let (mut first, mut at) = (0, 0);
        while first < blocks {
            // What is left of the outputs, in halves.
            let mut outputs = shape.outputs;
            while blocks - first < outputs {
                outputs /= 2;
            }
            let pixels = (1..=images).map(|images| {
                let shape = TileShape::of(level, together, outputs, images * to.pixels());
                shape.map_or(1, |shape| shape.pixels)
            });
            groups.push(Group { first, outputs, weights: at, pixels: pixels.collect() });
            first += outputs;
            at += outputs * inputs.len() * lanes;
        }
        let of_group: Vec<usize> = groups.iter().map(|group| group.outputs).collect();
        // The inputs of a block of channels lie in one piece of an output's weights.
        let piece = from.lanes().unwrap_or(lanes) * window.kernel[0] * window.kernel[1];
        let packed = weights.packed(level, &inputs, piece, &of_group);
        assert_eq!(packed.len(), at, "weights of all groups");
        let mut bias = Arena::zeros(blocks * lanes);
        bias.values_mut()[..weights.bias.len()].copy_from_slice(weights.bias);
        let pixels = pixels(&from, &to, &window, epilogue.residual.as_ref());
        Self { level, from, to, epilogue, runs, bias, weights: packed, groups, together, pixels }
    }

    /// How many numbers its weights take.
    pub fn weights(&self) -> usize {
        self.weights.len()
    }

    /// The shape of most of its tiles, with one image.
    pub fn shape(&self) -> TileShape {
        let group = &self.groups[0];
        TileShape { outputs: group.outputs, pixels: group.pixels[0], together: self.together }
    }

    /// Of its tiles, counted group by group, those of one of a number of threads.
    fn share(&self, images: usize, index: usize, of: usize) -> impl Iterator<Item = (&Group, Range<usize>)> {
        let pixels = images * self.to.pixels();
        share(&self.groups, [index, of], move |group: &Group| {
            let of_tile = group.pixels[images - 1];
            [pixels.div_ceil(of_tile), group.outputs * of_tile]
        })
    }
}

/// Of the tiles of all groups, counted group by group, those of thread `index` of `of`: by how many each group has, and
/// what one of them takes.
pub(crate) fn share<G>(
    groups: &[G],
    [index, of]: [usize; 2],
    of_group: impl Fn(&G) -> [usize; 2],
) -> impl Iterator<Item = (&G, Range<usize>)> {
    let total: usize = groups.iter().map(|group| of_group(group).iter().product::<usize>()).sum();
    let bounds = [total * index / of, total * (index + 1) / of];
    let mut before = 0;
    groups.iter().filter_map(move |group| {
        let [tiles, cost] = of_group(group);
        // A tile is whose its begin is.
        let [first, end] = bounds.map(|bound| bound.saturating_sub(before).div_ceil(cost).min(tiles));
        before += tiles * cost;
        (first < end).then_some((group, first..end))
    })
}

impl Step for Dense {
    fn reads(&self) -> Vec<Place> {
        self.epilogue.reads(self.from)
    }

    fn writes(&self) -> Place {
        self.to
    }

    unsafe fn run(&self, context: &Context<'_>) {
        let member = context.member;
        // SAFETY (all): the program compared the places with the arena.
        unsafe { context.clear_rims(&self.to) };
        for (group, tiles) in self.share(context.images, member.index, member.of) {
            let shape = (self.together, group.outputs, group.pixels[context.images - 1]);
            macro_rules! dispatch {
                ($run:ident: $(($g:literal, $o:literal, $p:literal))*) => {
                    match shape {
                        $(($g, $o, $p) => unsafe { $run::<$o, $p, $g>(self, context, group, tiles) },)*
                        _ => unreachable!("a shape without a loop"),
                    }
                };
            }
            // Where there are many registers.
            macro_rules! wide {
                ($run:ident) => {
                    dispatch!($run:
                        (1, 8, 1) (1, 8, 2) (1, 8, 3)
                        (1, 4, 1) (1, 4, 2) (1, 4, 3) (1, 4, 4) (1, 4, 6)
                        (1, 2, 1) (1, 2, 2) (1, 2, 4) (1, 2, 6) (1, 2, 8) (1, 2, 10) (1, 2, 12) (1, 2, 14)
                        (1, 1, 1) (1, 1, 2) (1, 1, 4) (1, 1, 8) (1, 1, 12) (1, 1, 16) (1, 1, 20) (1, 1, 24) (1, 1, 28)
                        (4, 4, 4) (4, 2, 4) (4, 2, 8) (4, 2, 12)
                        (4, 1, 4) (4, 1, 8) (4, 1, 12) (4, 1, 16) (4, 1, 20) (4, 1, 24) (4, 1, 28)
                        (7, 2, 7) (7, 2, 14) (7, 1, 7) (7, 1, 14) (7, 1, 28))
                };
            }
            macro_rules! narrow {
                ($run:ident) => {
                    dispatch!($run:
                        (1, 8, 1) (1, 4, 1) (1, 4, 2) (1, 4, 3) (1, 2, 1) (1, 2, 2) (1, 2, 4) (1, 2, 6)
                        (1, 1, 1) (1, 1, 2) (1, 1, 4) (1, 1, 8) (1, 1, 12))
                };
            }
            match self.level {
                #[cfg(target_arch = "x86_64")]
                Level::Avx512 => wide!(avx512),
                #[cfg(target_arch = "x86_64")]
                Level::Avx2 => narrow!(avx2),
                #[cfg(target_arch = "aarch64")]
                Level::Neon => wide!(neon),
                Level::Portable => narrow!(portable),
            }
        }
    }
}

/// The loops of each level.
macro_rules! level {
    ($(#[$attribute:meta])* $name:ident, $registers:ident) => {
        $(#[$attribute])*
        unsafe fn $name<const O: usize, const P: usize, const G: usize>(
            dense: &Dense,
            context: &Context<'_>,
            group: &Group,
            tiles: Range<usize>,
        ) {
            // SAFETY: the caller's.
            unsafe { sweep::<<f32 as Registers>::$registers, O, P, G>(dense, context, group, tiles) }
        }
    };
}

#[cfg(target_arch = "x86_64")]
level!(
    #[target_feature(enable = "avx512f,fma")]
    avx512,
    Avx512
);
#[cfg(target_arch = "x86_64")]
level!(
    #[target_feature(enable = "avx2,fma")]
    avx2,
    Avx2
);
#[cfg(target_arch = "aarch64")]
level!(neon, Neon);
level!(portable, Portable);

/// Some tiles of a group.
///
/// # Safety
/// The machine must have the registers, and the places lie in the arena.
#[inline(always)]
unsafe fn sweep<V: Lanes, const O: usize, const P: usize, const G: usize>(
    dense: &Dense,
    context: &Context<'_>,
    group: &Group,
    tiles: Range<usize>,
) {
    let per_image = dense.pixels.len();
    let total = context.images * per_image;
    let from = context.arena.wrapping_add(dense.from.at);
    let weights = dense.weights.values()[group.weights..].as_ptr();
    let bias = dense.bias.values()[group.first * V::LANES..].as_ptr();
    let block = dense.to.block();
    let to = context.arena.wrapping_add(dense.to.at + group.first * block);
    let residual = dense.epilogue.residual.map(|place| {
        let block = place.block();
        (context.arena.wrapping_add(place.at + group.first * block), block, place.image)
    });
    let curve = Parted::of(dense.epilogue.curve);
    for tile in tiles {
        let (mut inputs, mut outputs, mut residuals) = ([0usize; P], [0usize; P], [0usize; P]);
        for p in 0..P / G {
            // The last pixels again, where there are too few.
            let pixel = (tile * P + p * G).min(total - G);
            let (image, pixel) = match context.images {
                1 => (0, pixel),
                _ => (pixel / per_image, pixel % per_image),
            };
            let [input, output, other] = dense.pixels[pixel];
            inputs[p] = image * dense.from.image + input as usize;
            outputs[p] = image * dense.to.image + output as usize;
            residuals[p] = image * residual.map_or(0, |(_, _, image)| image) + other as usize;
        }
        // SAFETY (all): the sizes were compared when the layer was made, and the places with the arena.
        unsafe {
            let mut sums = sums::<V, O, P, G>(weights, bias, &dense.runs, from, &inputs);
            if let Some((residual, block, _)) = residual {
                all!(8: O, o => {
                    all!(28: P, p => {
                        sums[o][p] = sums[o][p].plus(V::load(residual.add(o * block + residuals[p / G] + p % G * V::LANES)));
                    });
                });
            }
            if let Some(curve) = curve.short {
                all!(8: O, o => {
                    all!(28: P, p => {
                        sums[o][p] = bend(sums[o][p], curve);
                    });
                });
            }
            all!(8: O, o => {
                all!(28: P, p => {
                    sums[o][p].store(to.add(o * block + outputs[p / G] + p % G * V::LANES));
                });
            });
            if let Some(curve) = curve.long {
                // The last pixels only once.
                let groups = P.min(total - tile * P).div_ceil(G);
                bent_by!(V, curve, of => {
                    for o in 0..O {
                        for at in &outputs[..groups] {
                            for p in 0..G {
                                let at = to.add(o * block + at + p * V::LANES);
                                of(V::load(at)).store(at);
                            }
                        }
                    }
                });
            }
        }
    }
}

/// What a window sees, in runs; and for each input of them, where its weight lies among an output's.
fn runs(from: &Place, window: &Window) -> (Vec<Run>, Vec<usize>) {
    let [step, pixel] = from.steps();
    let (mut runs, mut inputs): (Vec<Run>, Vec<usize>) = Default::default();
    let [rows, columns] = window.kernel;
    let lanes = from.lanes().unwrap_or(1);
    for block in 0..from.blocks() {
        for row in 0..rows {
            for column in 0..columns {
                let at = block * from.block()
                    + row * window.dilation[0] * step
                    + column * window.dilation[1] * pixel;
                let channels = lanes.min(from.channels - block * lanes);
                match runs.last_mut() {
                    Some([first, count]) if (*first + *count) as usize == at => *count += channels as u32,
                    _ => runs.push([at as u32, channels as u32]),
                }
                let first = block * lanes;
                inputs.extend((first..first + channels).map(|input| (input * rows + row) * columns + column));
            }
        }
    }
    (runs, inputs)
}

/// Of each pixel of an image: where its window begins, where it goes, where its residual is.
pub(crate) fn pixels(from: &Place, to: &Place, window: &Window, residual: Option<&Place>) -> Vec<[u32; 3]> {
    let at = |place: &Place, y: usize, x: usize| {
        let [row, pixel] = place.steps();
        place.lead() + y * row + x * pixel
    };
    let [row, pixel] = from.steps();
    let padding = window.before[0] * row + window.before[1] * pixel;
    let all = (0..to.size[0]).flat_map(|y| (0..to.size[1]).map(move |x| [y, x]));
    let offsets = all.map(|[y, x]| {
        let first = at(from, y * window.stride[0], x * window.stride[1]) - padding;
        [first as u32, at(to, y, x) as u32, residual.map_or(0, |place| at(place, y, x)) as u32]
    });
    offsets.collect()
}
