//! Steps one after the other.

use std::ops::Range;

use super::{Arena, Form, Move, Place, Source, Team, team::Member};

/// What a step is run with.
pub struct Context<'a> {
    /// Where the arena begins.
    pub(crate) arena: *mut f32,
    /// What comes in, and what goes out: of the images that are computed.
    pub(crate) input: *const f32,
    pub(crate) output: *mut f32,
    /// How many images there are.
    pub(crate) images: usize,
    pub(crate) member: Member<'a>,
}

impl Context<'_> {
    /// Fills this thread's share of what lies around the pixels of a value with zeros.
    ///
    /// # Safety
    /// The place must lie in the arena, and be nobody else's to read or write but for its pixels.
    pub(crate) unsafe fn clear_rims(&self, place: &Place) {
        // SAFETY: the caller's.
        unsafe { self.fill_rims(place, 0) };
    }

    /// Fills this thread's share of what lies around the pixels of a value with a byte.
    ///
    /// # Safety
    /// As [`Self::clear_rims`].
    pub(crate) unsafe fn fill_rims(&self, place: &Place, byte: u8) {
        // SAFETY: the caller's.
        unsafe { self.fill(place, byte, true) };
    }

    /// Fills this thread's share of what lies before and behind the planes of a value with zeros, but not of what lies
    /// between their rows.
    ///
    /// # Safety
    /// As [`Self::clear_rims`].
    pub(crate) unsafe fn clear_ends(&self, place: &Place) {
        // SAFETY: the caller's.
        unsafe { self.fill(place, 0, false) };
    }

    /// # Safety
    /// As [`Self::clear_rims`].
    unsafe fn fill(&self, place: &Place, byte: u8, between: bool) {
        let row = place.steps()[0];
        let (blocks, block) = (place.blocks(), place.block());
        // Numbers before the first pixel, between two rows, and behind the last.
        let (lead, gap) = match place.form {
            Form::Blocked { rim: [0, 0, 0, 0], .. } => return,
            Form::Blocked { lanes, rim } => (place.lead(), (rim[1] + rim[3]) * lanes),
            Form::Planar { pitch, lead, .. } => (lead, pitch - place.size[1]),
        };
        let pixels = row - gap;
        for unit in self.member.share(self.images * blocks) {
            let (image, number) = (unit / blocks, unit % blocks);
            let first = place.at + image * place.image + number * block;
            // Behind the last block there is room for what shifted vectors read.
            let end = if number + 1 == blocks { place.image - number * block } else { block };
            let clear = |at: usize, count: usize| {
                // SAFETY: the caller's.
                unsafe { self.arena.add(first + at).write_bytes(byte, count) };
            };
            clear(0, lead);
            if between && gap > 0 {
                (1..place.size[0]).for_each(|y| clear(lead + y * row - gap, gap));
            }
            let last = lead + (place.size[0] - 1) * row + pixels;
            clear(last, end - last);
        }
    }

    /// This thread's share of the rows of a value: image, block and row.
    pub(crate) fn rows(&self, place: &Place) -> impl Iterator<Item = [usize; 3]> {
        let (blocks, rows) = (place.blocks(), place.size[0]);
        let units = self.member.share(self.images * blocks * rows);
        units.map(move |unit| [unit / rows / blocks, unit / rows % blocks, unit % rows])
    }

    /// This thread's share of the channels or blocks of a value, the same as of what lies around them: image, block and
    /// the first row.
    pub(crate) fn planes(&self, place: &Place) -> impl Iterator<Item = [usize; 3]> {
        let blocks = place.blocks();
        self.member.share(self.images * blocks).map(move |unit| [unit / blocks, unit % blocks, 0])
    }

    /// Where a row's first pixel lies.
    pub(crate) fn row(&self, place: &Place, [image, block, y]: [usize; 3]) -> *mut f32 {
        let at = place.at + image * place.image + block * place.block() + place.lead() + y * place.steps()[0];
        self.arena.wrapping_add(at)
    }
}

/// A layer with where its values lie.
pub trait Step: Send + Sync {
    /// What it reads in the arena.
    fn reads(&self) -> Vec<Place>;

    /// What it writes in the arena.
    fn writes(&self) -> Place;

    /// Numbers of the arena that it writes and reads meanwhile, and that are nobody's before and after.
    fn scratch(&self) -> Range<usize> {
        0..0
    }

    /// The most threads that share it: of what it needs meanwhile there is a part for each.
    fn most_threads(&self) -> usize {
        usize::MAX
    }

    /// Which side of it is not in the arena: only a program's first step and its last one have one.
    fn source(&self) -> Source {
        Source::Arena
    }

    /// Computes this thread's share.
    ///
    /// # Safety
    /// All that it reads and writes must lie in the arena, and no other thread may do anything else there.
    #[doc(hidden)]
    unsafe fn run(&self, context: &Context<'_>);
}

/// A step that brings what the caller gives to its place.
pub trait Load: Step {
    /// How many numbers of an image it reads of what the caller gives.
    fn numbers(&self) -> usize;
}

/// Steps that have been compared with the memory that they need.
pub struct Program {
    load: Box<dyn Load>,
    steps: Vec<Box<dyn Step>>,
    store: Move,
    /// Numbers of an arena.
    floats: usize,
    /// Images at once, at most.
    images: usize,
}

impl Program {
    /// Brings the input to its place, takes steps, and brings out what the last of them left, for at most `images` at
    /// once.
    ///
    /// # Panics
    /// If something does not lie in an arena of `floats` numbers, a step writes where it reads, or another than the
    /// first one reads what the caller gives, or than the last one writes there.
    pub fn new(
        load: impl Load + 'static,
        steps: Vec<Box<dyn Step>>,
        store: Move,
        floats: usize,
        images: usize,
    ) -> Self {
        let ends = [load.source(), store.source()];
        assert!(
            ends == [Source::Input, Source::Output]
                && steps.iter().all(|step| step.source() == Source::Arena),
            "what comes in is read by the first step, and what goes out is written by the last one"
        );
        assert!(images > 0, "images at once");
        let load = Box::new(load);
        let is_there = |place: &Place| {
            place.check();
            assert!(place.end(images) <= floats, "values end in the arena");
        };
        is_there(&load.writes());
        store.reads().iter().for_each(is_there);
        for step in &steps {
            let (to, scratch) = (step.writes(), step.scratch());
            is_there(&to);
            assert!(scratch.end <= floats, "what is needed meanwhile ends in the arena");
            for place in step.reads().iter().chain([&to]).filter(|_| !scratch.is_empty()) {
                let is_apart = place.end(images) <= scratch.start || scratch.end <= place.at;
                assert!(is_apart, "what is needed meanwhile lies beside the values");
            }
            for from in step.reads() {
                is_there(&from);
                assert!(!to.overlaps(&from, images), "a step writes beside what it reads");
            }
        }
        Self { load, steps, store, floats, images }
    }

    /// How many numbers an arena for it has.
    pub fn floats(&self) -> usize {
        self.floats
    }

    /// How many images it computes at once, at most.
    pub fn images(&self) -> usize {
        self.images
    }

    /// Numbers of an image that come in, and that go out.
    pub fn sizes(&self) -> [usize; 2] {
        [self.load.numbers(), self.store.outside().image]
    }

    /// Computes the outputs of some images. After each step the first thread calls `after` with its number:
    /// 0 for the input, and one more than there are steps for the output.
    ///
    /// # Panics
    /// If the arena, input or output has another size, or there are more threads than a step was made for.
    pub fn run(
        &self,
        arena: &mut Arena,
        team: &mut Team,
        (input, output): (&[f32], &mut [f32]),
        after: &(dyn Fn(usize) + Sync),
    ) {
        let [per_input, per_output] = self.sizes();
        assert_eq!(arena.len(), self.floats, "an arena of this program");
        let most = self.steps.iter().map(|step| step.most_threads()).min().unwrap_or(usize::MAX);
        assert!(team.threads() <= most, "no more threads than the program was made for");
        let count = input.len() / per_input;
        assert_eq!((input.len(), output.len()), (count * per_input, count * per_output), "whole images");
        let arena = Shared(arena.values_mut().as_mut_ptr());
        let pieces = input.chunks(self.images * per_input).zip(output.chunks_mut(self.images * per_output));
        for (input, output) in pieces {
            let images = input.len() / per_input;
            let (from, to) = (Shared(input.as_ptr().cast_mut()), Shared(output.as_mut_ptr()));
            team.run(&|member| {
                let [arena, input, output] = [&arena, &from, &to].map(Shared::get);
                let context = Context { arena, input, output, images, member };
                let mut number = 0;
                let mut done = || {
                    member.wait();
                    if member.index == 0 {
                        after(number);
                    }
                    number += 1;
                };
                // SAFETY: all places were compared with the arena, whose size is as it was then, and with
                // each other; only the first step reads the input and only the last one writes the output, which
                // have the numbers that these ask for; threads have shares that do not overlap, and wait after
                // each step.
                unsafe {
                    self.load.run(&context);
                    done();
                    for step in &self.steps {
                        step.run(&context);
                        done();
                    }
                    self.store.run(&context);
                    done();
                }
            });
        }
    }
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} steps on {} numbers", self.steps.len(), self.floats)
    }
}

/// Memory that all threads of a team work on.
struct Shared(*mut f32);

impl Shared {
    fn get(&self) -> *mut f32 {
        self.0
    }
}

// SAFETY: who works on it shares it out.
unsafe impl Sync for Shared {}
