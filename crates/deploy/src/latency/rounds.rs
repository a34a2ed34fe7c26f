//! Networks that are timed in turn.

use std::time::Instant;

use burn::tensor::Tensor;
use rand::seq::SliceRandom as _;
use sapwood_backend::{Seed, Stream, Timer, block_on, read};
use sapwood_core::{Batch, Graph, Network as _, Observed as _, Pass, Reporter, Target};
use sapwood_models::{Init, Net};

use super::{Stopwatch, Times};
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
    nets: Vec<Net>,
    rows: Vec<Vec<usize>>,
}

impl Rounds {
    /// Builds a network with new weights; its number.
    pub(super) fn build(&mut self, stopwatch: &Stopwatch, graph: &Graph) -> usize {
        let net = Net::new(graph.clone(), &stopwatch.device);
        self.nets.push(Init::default().apply(net, Seed(0)));
        self.nets.len() - 1
    }

    /// Runs these networks one after the other, each on the output of the one before, once in
    /// every round. Each is timed by itself.
    pub(super) fn row(&mut self, numbers: Vec<usize>) {
        self.rows.push(numbers);
    }

    /// The times of each network. The last of these rounds is the one that begins before the
    /// stopwatch's seconds are over.
    pub(super) fn run(&self, stopwatch: &Stopwatch, reporter: &dyn Reporter) -> Result<Vec<Times>, Error> {
        let mut found = vec![Times::default(); self.nets.len()];
        let inputs: Vec<Batch> =
            self.rows.iter().map(|row| self.input(stopwatch, row)).collect::<Result<_, _>>()?;
        for _ in 0..WARM_UP {
            for (row, input) in self.rows.iter().zip(&inputs) {
                self.pass(stopwatch, row, input, |_, _| {})?;
            }
        }
        reporter.begin("rounds", stopwatch.rounds as u64);
        let begun = Instant::now();
        for round in 0..stopwatch.rounds.max(FEWEST) {
            if FEWEST <= round && stopwatch.seconds < begun.elapsed().as_secs_f64() {
                break;
            }
            let mut order: Vec<usize> = (0..self.rows.len()).collect();
            order.shuffle(&mut Seed(0).stream(Stream::Timing, round as u64));
            for at in order {
                let (row, input) = (&self.rows[at], &inputs[at]);
                self.pass(stopwatch, row, input, |_, _| {})?;
                for _ in 0..stopwatch.runs {
                    self.pass(stopwatch, row, input, |number, ms| found[number].add(round, ms))?;
                }
            }
            reporter.advance(1);
        }
        reporter.end();
        Ok(found)
    }

    /// Runs a row once, and says how many milliseconds each network took.
    fn pass(
        &self,
        stopwatch: &Stopwatch,
        row: &[usize],
        input: &Batch,
        mut took: impl FnMut(usize, f64),
    ) -> Result<(), Error> {
        // New in each pass and nobody else's, as values within a network are: in the caches, and
        // to be written over.
        let mut x = input.input::<Tensor<4>>(&stopwatch.device)?;
        for (at, number) in row.iter().enumerate() {
            let (output, ms) = timed_run(stopwatch, &self.nets[*number], x)?;
            took(*number, ms);
            let Some(next) = row.get(at + 1) else { break };
            let [c, h, w] = self.nets[*next].graph().input();
            x = output.reshape([stopwatch.batch, c, h, w]);
        }
        Ok(())
    }

    fn input(&self, stopwatch: &Stopwatch, row: &[usize]) -> Result<Batch, Error> {
        images(stopwatch.batch, row.first().map_or([1; 3], |first| self.nets[*first].graph().input()))
    }
}

/// Numbers from -1 to 1.
pub(super) fn images(batch: usize, [c, h, w]: sapwood_core::Shape) -> Result<Batch, Error> {
    let shape = [batch, c, h, w];
    let values = (0..shape.iter().product()).map(|at: usize| (at * 7919 % 1009) as f32 / 504.5 - 1.0);
    Ok(Batch::new(shape, values.collect(), Target::Class(vec![0; batch]))?)
}

/// What a network makes of its input, and in how many milliseconds.
pub(super) fn timed_run(
    stopwatch: &Stopwatch,
    net: &Net,
    input: Tensor<4>,
) -> Result<(Tensor<2>, f64), Error> {
    let timer = Timer::start(&stopwatch.device)?;
    let output = net.forward(input, &mut Pass::evaluate());
    // One value is enough to wait for; a block's outputs would take time to read.
    block_on(read(output.clone().slice([0..1, 0..1])))?;
    let ms = timer.stop()?.as_secs_f64() * 1e3;
    Ok((output, ms))
}
