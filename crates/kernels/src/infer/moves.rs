//! Values from one place to another: in another form, every so-manieth pixel, other channels.

use super::{
    Form, Place,
    program::{Context, Load, Step},
};

/// Which side of a step is not in the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// None.
    Arena,
    /// It comes from the caller.
    Input,
    /// It goes to the caller.
    Output,
}

/// Some pixels of all channels, and which channels they become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The first row and column that is taken.
    pub first: [usize; 2],
    /// From one that is taken to the next.
    pub stride: [usize; 2],
    /// What the first channel becomes.
    pub channel: usize,
}

impl Part {
    /// All pixels.
    pub const ALL: Self = Self { first: [0, 0], stride: [1, 1], channel: 0 };

    /// How many rows and columns are taken of a plane.
    fn size(&self, from: [usize; 2], to: [usize; 2]) -> [usize; 2] {
        std::array::from_fn(|axis| {
            from[axis].saturating_sub(self.first[axis]).div_ceil(self.stride[axis]).min(to[axis])
        })
    }
}

/// Channels that lie beside each other on both sides.
#[derive(Clone, Copy, Debug)]
struct Run {
    part: usize,
    /// The first one's number on either side, and how many there are.
    from: usize,
    to: usize,
    count: usize,
}

/// A copy into another place. What no part covers becomes zero.
#[derive(Debug)]
pub struct Move {
    from: Place,
    to: Place,
    source: Source,
    parts: Vec<Part>,
    /// Of each block of the target.
    runs: Vec<Vec<Run>>,
    /// Whether parts cover all numbers of the target.
    is_whole: bool,
    /// Whether it is a copy of numbers one behind the other.
    is_row: bool,
}

impl Move {
    /// Copies these parts.
    ///
    /// # Panics
    /// If a part has no channel to become, or the side of the caller does not begin at 0.
    pub fn new(from: Place, to: Place, source: Source, parts: Vec<Part>) -> Self {
        from.check();
        to.check();
        let outside = match source {
            Source::Arena => None,
            Source::Input => Some(&from),
            Source::Output => Some(&to),
        };
        assert!(outside.is_none_or(|place| place.at == 0), "what the caller has begins with its first image");
        let [of_from, of_to] = [from, to].map(|place| place.lanes().unwrap_or(1));
        let mut runs: Vec<Vec<Run>> = vec![Vec::new(); to.blocks()];
        for (number, part) in parts.iter().enumerate() {
            assert!(part.channel + from.channels <= to.channels, "a channel for each of a part");
            for channel in 0..from.channels {
                let to = part.channel + channel;
                let block = &mut runs[to / of_to];
                match block.last_mut() {
                    Some(run) if run.part == number && channel % of_from != 0 => run.count += 1,
                    _ => block.push(Run { part: number, from: channel, to, count: 1 }),
                }
            }
        }
        let covered: usize = parts
            .iter()
            .map(|part| part.size(from.size, to.size).iter().product::<usize>() * from.channels)
            .sum();
        let is_whole = covered == to.image;
        let is_row = is_whole && parts == [Part::ALL] && is_row(&from) && is_row(&to);
        Self { from, to, source, parts, runs, is_whole, is_row }
    }

    /// The side that is not in the arena.
    pub(crate) fn outside(&self) -> &Place {
        if self.source == Source::Input { &self.from } else { &self.to }
    }
}

impl Load for Move {
    /// # Panics
    /// If what it reads does not come from the caller.
    fn numbers(&self) -> usize {
        assert_eq!(self.source, Source::Input, "a copy of what comes in");
        self.from.image
    }
}

impl Step for Move {
    fn reads(&self) -> Vec<Place> {
        if self.source == Source::Input { vec![] } else { vec![self.from] }
    }

    fn writes(&self) -> Place {
        self.to
    }

    fn source(&self) -> Source {
        self.source
    }

    unsafe fn run(&self, context: &Context<'_>) {
        let from = if self.source == Source::Input { context.input } else { context.arena.cast_const() };
        let to = if self.source == Source::Output { context.output } else { context.arena };
        if self.is_row {
            for image in context.member.share(context.images) {
                let [from_at, to_at] = [&self.from, &self.to].map(|place| place.at + image * place.image);
                // SAFETY: all numbers of an image of both places, which lie in their memory.
                unsafe { to.add(to_at).copy_from_nonoverlapping(from.add(from_at), self.to.image) };
            }
            return;
        }
        let blocks = self.to.blocks();
        for unit in context.member.share(context.images * blocks) {
            let (image, number) = (unit / blocks, unit % blocks);
            if !self.is_whole {
                let block = self.to.block();
                let rest = if number + 1 == blocks { self.to.image - number * block } else { block };
                // SAFETY: the block lies in the arena.
                unsafe { to.add(self.to.at + image * self.to.image + number * block).write_bytes(0, rest) };
            }
            for run in &self.runs[number] {
                let part = &self.parts[run.part];
                let (source, target) = (self.from.plane(image, run.from), self.to.plane(image, run.to));
                let [rows, columns] = part.size(self.from.size, self.to.size);
                let step = [source.steps[0] * part.stride[0], source.steps[1] * part.stride[1]];
                let first = source.first + part.first[0] * source.steps[0] + part.first[1] * source.steps[1];
                for y in 0..rows {
                    // SAFETY: pixels of both places, which lie in their memory.
                    unsafe {
                        let from = from.add(first + y * step[0]);
                        let to = to.add(target.first + y * target.steps[0]);
                        copy((from, step[1]), (to, target.steps[1]), [columns, run.count]);
                    }
                }
            }
        }
    }
}

/// Whether a value is one pixel, whose channels lie one behind the other.
fn is_row(place: &Place) -> bool {
    place.pixels() == 1
        && match place.form {
            Form::Blocked { rim, .. } => rim == [0; 4],
            Form::Planar { lead, plane, .. } => lead == 0 && plane == 1,
        }
}

/// Copies pixels of a number of numbers each, which lie as far apart as is said.
///
/// # Safety
/// They must be there, and not overlap.
#[inline]
unsafe fn copy(
    (from, step): (*const f32, usize),
    (to, pitch): (*mut f32, usize),
    [pixels, count]: [usize; 2],
) {
    // SAFETY (all): the caller's.
    if step == count && pitch == count {
        return unsafe { to.copy_from_nonoverlapping(from, pixels * count) };
    }
    if count == 1 && pitch == 1 && step == 2 {
        // So that it is known when this is compiled.
        return (0..pixels).for_each(|pixel| unsafe { *to.add(pixel) = *from.add(2 * pixel) });
    }
    if count == 1 {
        return (0..pixels).for_each(|pixel| unsafe { *to.add(pixel * pitch) = *from.add(pixel * step) });
    }
    for pixel in 0..pixels {
        unsafe { to.add(pixel * pitch).copy_from_nonoverlapping(from.add(pixel * step), count) };
    }
}
