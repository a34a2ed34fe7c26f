//! What answers.

use std::sync::Arc;

use sapwood_kernels::infer::{Arena, Team};

use crate::{Error, Profile, plan::Inner, profile};

/// Answers with a plan: it owns the memory for all values, and threads that wait for the next images.
#[derive(Debug)]
pub struct Session {
    pub(crate) plan: Arc<Inner>,
    arena: Arena,
    team: Team,
    output: Vec<f32>,
}

impl Session {
    pub(crate) fn new(plan: Arc<Inner>) -> Result<Self, Error> {
        let threads = plan.runtime.threads;
        let team = Team::new(threads).map_err(|source| Error::Threads { threads, source })?;
        let (arena, [_, outputs]) = (Arena::zeros(plan.program.floats()), plan.program.sizes());
        let output = Vec::with_capacity(plan.program.images() * outputs);
        Ok(Self { plan, arena, team, output })
    }

    /// The outputs for some images, one behind the other. It takes no memory, but where there are more images
    /// than ever before and than are computed together ([`Plan::images`](crate::Plan::images)).
    ///
    /// # Errors
    /// [`Error::Input`], unless whole images are given.
    pub fn run(&mut self, images: &[f32]) -> Result<&[f32], Error> {
        self.watch(images, &|_| {})
    }

    /// What each layer takes, as the least of `runs` runs on these images.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub fn profile(&mut self, images: &[f32], runs: usize) -> Result<Profile, Error> {
        profile::measure(self, images, runs)
    }

    /// [`Session::run`], which calls a function behind each step, by its number among [`Plan::kernels`](crate::Plan::kernels):
    /// the first one takes what comes in, and the last one gives what goes out. One thread calls it, when all have done
    /// the step; the others go on with the next one meanwhile, and wait behind that.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub fn watch(&mut self, images: &[f32], after: &(dyn Fn(usize) + Sync)) -> Result<&[f32], Error> {
        let [expected, outputs] = self.plan.program.sizes();
        let (found, count) = (images.len(), images.len() / expected);
        if count == 0 || found != count * expected {
            return Err(Error::Input { expected, found });
        }
        self.output.resize(count * outputs, 0.0);
        self.plan.program.run(&mut self.arena, &mut self.team, (images, &mut self.output), after);
        Ok(&self.output)
    }
}
