//! Networks that are timed in turn.

use std::time::Instant;

use rand::seq::SliceRandom as _;
use sapwood_backend::{Seed, Stream};
use sapwood_core::{Graph, Reporter};

use super::{
    Stopwatch, Times,
    engine::{Ends, Runnable},
};
use crate::Error;

/// Passes over everything before the first that counts: a device chooses its kernels, and
/// memory is asked for.
const WARM_UP: usize = 2;
/// Rounds that there are at least, so that there are two halves.
const FEWEST: usize = 2;

/// Networks, each built once, and rows in which they run.
///
/// In each round every row is run, in an order that is drawn for the round. So a machine that
/// becomes slower and faster in the course of minutes does so for all of them alike. A row runs
/// once without being timed, then some times in a row, as a network does that is used: what it
/// has in the caches is its own.
#[derive(Default)]
pub(super) struct Rounds {
    nets: Vec<Runnable>,
    rows: Vec<Vec<usize>>,
}

impl Rounds {
    /// Builds a network with new weights; its number.
    pub(super) fn build(&mut self, stopwatch: &Stopwatch, graph: &Graph) -> Result<usize, Error> {
        self.nets.push(stopwatch.engine.build(graph, stopwatch.batch)?);
        Ok(self.nets.len() - 1)
    }

    /// Runs these networks one after the other, each on the output of the one before, once in
    /// every round. Each is timed by itself.
    pub(super) fn row(&mut self, numbers: Vec<usize>) {
        self.rows.push(numbers);
    }

    /// The times of each network. The last of these rounds is the one that begins before the
    /// stopwatch's seconds are over.
    pub(super) fn run(mut self, stopwatch: &Stopwatch, reporter: &dyn Reporter) -> Result<Vec<Times>, Error> {
        let mut found = vec![Times::default(); self.nets.len()];
        let rows = std::mem::take(&mut self.rows);
        for _ in 0..WARM_UP {
            for row in &rows {
                self.pass(row, |_, _| {})?;
            }
        }
        reporter.begin("rounds", stopwatch.rounds as u64);
        let begun = Instant::now();
        for round in 0..stopwatch.rounds.max(FEWEST) {
            if FEWEST <= round && stopwatch.seconds < begun.elapsed().as_secs_f64() {
                break;
            }
            let mut order: Vec<usize> = (0..rows.len()).collect();
            order.shuffle(&mut Seed(0).stream(Stream::Timing, round as u64));
            for at in order {
                self.pass(&rows[at], |_, _| {})?;
                for _ in 0..stopwatch.runs {
                    self.pass(&rows[at], |number, ms| found[number].add(round, ms))?;
                }
            }
            reporter.advance(1);
        }
        reporter.end();
        Ok(found)
    }

    /// Runs a row once, and says how many milliseconds each network took.
    fn pass(&mut self, row: &[usize], mut took: impl FnMut(usize, f64)) -> Result<(), Error> {
        let Some(first) = row.first() else { return Ok(()) };
        let mut value = self.nets[*first].images();
        for (at, &number) in row.iter().enumerate() {
            let ends = Ends { first: at == 0, last: at + 1 == row.len() };
            let (output, ms) = self.nets[number].run(value, ends)?;
            took(number, ms);
            value = output;
        }
        Ok(())
    }
}
