//! The kernels by themselves: processes that time them, and what is compared.

mod jobs;
mod timer;

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

use crate::{Load, Spread, ratios};

/// The file that says what is timed: a crate outside of the workspace compiles it too.
pub const JOBS: &str = include_str!("kernels/jobs.rs");
/// The file of a process that times, which such a crate compiles too.
pub const TIMER: &str = include_str!("kernels/timer.rs");

/// Pairs of times of which the median is taken.
const PAIRS: usize = 20;
/// How much slower is too slow.
pub const TOLERANCE: f64 = 1.1;

/// Answers on standard output what is asked on standard input, until that ends: the other end of
/// a [`Timer`].
///
/// # Errors
/// Pipes that break.
pub fn serve() -> Result<()> {
    Ok(timer::serve(jobs::jobs())?)
}

/// A process with one thread that times kernels.
pub struct Timer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// The levels it can run, best first.
    pub levels: Vec<String>,
    /// What it can time: floating-point operations, or values, and a name.
    pub jobs: Vec<(f64, String)>,
}

impl Timer {
    /// Starts it.
    ///
    /// # Errors
    /// A program that is none, or that says something else.
    pub fn start(command: &mut Command) -> Result<Self> {
        let piped = command.env("RAYON_NUM_THREADS", "1").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = piped.spawn().context("cannot start a process that times kernels")?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            bail!("the pipes of a process that times kernels are missing");
        };
        let mut timer = Self { child, input, output: BufReader::new(output), levels: vec![], jobs: vec![] };
        timer.levels = timer.line()?.split(' ').map(String::from).collect();
        loop {
            let line = timer.line()?;
            let Some((work, name)) = line.split_once(' ') else { return Ok(timer) };
            timer.jobs.push((work.parse()?, name.into()));
        }
    }

    /// The seconds that a job takes at a level, by their numbers.
    ///
    /// # Errors
    /// A process that has ended.
    pub fn time(&mut self, job: usize, level: usize) -> Result<f64> {
        writeln!(self.input, "{job} {level}").and_then(|()| self.input.flush())?;
        self.line()?.parse().context("a process that times kernels says seconds")
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        match self.output.read_line(&mut line)? {
            0 => bail!("a process that times kernels has ended"),
            _ => Ok(line.trim_end().into()),
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        // Either may fail only because the child has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Two times of a kernel beside each other.
pub struct Pair {
    /// Of the first, in seconds.
    pub first: f64,
    /// Of the second.
    pub second: f64,
    /// The median of the ratios of 20 pairs, second to first.
    pub ratio: f64,
    /// The share of all processors that foreign work took meanwhile.
    pub foreign: f64,
}

impl Pair {
    /// Lets two take turns.
    ///
    /// # Errors
    /// The first error of one of them.
    pub fn measure(
        own: &[u32],
        mut first: impl FnMut() -> Result<f64>,
        mut second: impl FnMut() -> Result<f64>,
    ) -> Result<Self> {
        let before = Load::now(own);
        let (mut firsts, mut seconds) = (Vec::new(), Vec::new());
        for _ in 0..PAIRS {
            firsts.push(first()?);
            seconds.push(second()?);
        }
        let foreign = before.zip(Load::now(own)).map_or(0.0, |(then, now)| now.foreign_since(&then));
        let median = |values: &[f64]| Spread::of(values).map_or(f64::NAN, |spread| spread.median);
        let ratio = median(&ratios(&seconds, &firsts));
        Ok(Self { first: median(&firsts), second: median(&seconds), ratio, foreign })
    }
}

impl Timer {
    /// The process, for [`Load`].
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }
}
