//! What energy blocks use.

use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant},
};

use rand::seq::SliceRandom as _;
use sapwood_backend::{Seed, Stream};
use sapwood_core::{Graph, Reporter};
use sapwood_search::LatencyTable;
use sapwood_supernet::Family;

use super::{
    FITTED_AT_LEAST, Stopwatch,
    cover::Cover,
    engine::{Ends, Runnable},
    fitted, keys, nothing,
    times::median,
};
use crate::Error;

/// Counts the energy of a device, whoever it works for: measure on one that does nothing else.
pub struct EnergyMeter {
    device: String,
    counter: Box<dyn FnMut() -> Result<f64, String>>,
    stretch: Duration,
}

/// Stretches of each network, in rounds over all of them.
const ROUNDS: u64 = 3;
/// Indices of random orders that no times were taken in.
const ENERGIES: u64 = 1 << 48;

impl EnergyMeter {
    /// A meter of a device by its counter, which says how many millijoules were used since any fixed
    /// moment, or why it cannot be read. A network runs for a `stretch` between two looks at
    /// it: counters advance in steps, of about a millisecond in processors and up to a tenth of a
    /// second in GPUs.
    pub fn new(
        device: &str,
        counter: impl FnMut() -> Result<f64, String> + 'static,
        stretch: Duration,
    ) -> Self {
        Self { device: device.into(), counter: Box::new(counter), stretch }
    }

    /// Adds the energies of all blocks to a table of this family, and fits the fixed energy and
    /// its factor to whole networks.
    ///
    /// # Errors
    /// [`Error::NoEnergy`] where the counter cannot be read; a block or network that cannot be built or run.
    pub fn add_to(
        &mut self,
        table: &mut LatencyTable,
        family: &Family,
        stopwatch: &Stopwatch,
        reporter: &dyn Reporter,
    ) -> Result<(), Error> {
        let Cover { blocks, .. } = Cover::of(family)?;
        // A stretch takes longer than a run: no more than a line needs.
        let fitted = fitted(family, FITTED_AT_LEAST)?;
        let idle = nothing([family.whole().outputs()?, 1, 1])?;
        let all: Vec<&Graph> =
            blocks.values().chain(fitted.iter().map(|(_, graph)| graph)).chain([&idle]).collect();
        let found = self.each(&all, stopwatch, reporter)?;
        let overhead_mj = found[all.len() - 1];
        let energies: BTreeMap<&String, f64> = blocks.keys().zip(found.iter().copied()).collect();
        for (key, block) in &mut table.blocks {
            block.mj = energies.get(key).map(|mj| (mj - overhead_mj).max(0.0));
        }
        let whole = fitted.iter().zip(&found[blocks.len()..]);
        let measured: Result<Vec<_>, Error> =
            whole.map(|((genome, _), mj)| Ok((keys(family, genome)?, *mj))).collect();
        Ok(table.fit_energy(&measured?)?)
    }

    /// The millijoules of a run of each network: the median of its stretches.
    fn each(
        &mut self,
        graphs: &[&Graph],
        stopwatch: &Stopwatch,
        reporter: &dyn Reporter,
    ) -> Result<Vec<f64>, Error> {
        let build = |graph: &&Graph| stopwatch.engine.build(graph, stopwatch.batch);
        let mut nets: Vec<Runnable> = graphs.iter().map(build).collect::<Result<_, _>>()?;
        let mut found = vec![Vec::new(); nets.len()];
        reporter.begin("stretches of energy", ROUNDS * nets.len() as u64);
        for round in 0..ROUNDS {
            let mut order: Vec<usize> = (0..nets.len()).collect();
            order.shuffle(&mut Seed(0).stream(Stream::Timing, ENERGIES | round));
            for at in order {
                let net = &mut nets[at];
                let run = || net.run(net.images(), Ends { first: true, last: true }).map(drop);
                found[at].push(self.per_run(run)?);
                reporter.advance(1);
            }
        }
        reporter.end();
        Ok(found.iter().map(|mj| median(mj)).collect())
    }

    /// The millijoules of a run, over a stretch of them.
    fn per_run(&mut self, mut run: impl FnMut() -> Result<(), Error>) -> Result<f64, Error> {
        run()?;
        let (before, begun, mut runs) = (self.millijoules()?, Instant::now(), 0u32);
        while runs == 0 || begun.elapsed() < self.stretch {
            run()?;
            runs += 1;
        }
        let used = self.millijoules()? - before;
        if used <= 0.0 {
            let why = format!("its counter stood still for {:.2} s", begun.elapsed().as_secs_f64());
            return Err(Error::NoEnergy { device: self.device.clone(), why });
        }
        Ok(used / f64::from(runs))
    }

    /// Since any fixed moment.
    fn millijoules(&mut self) -> Result<f64, Error> {
        (self.counter)().map_err(|why| Error::NoEnergy { device: self.device.clone(), why })
    }
}

impl fmt::Debug for EnergyMeter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnergyMeter")
            .field("device", &self.device)
            .field("stretch", &self.stretch)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, rc::Rc};

    use super::*;

    #[test]
    fn a_run_uses_what_the_counter_grows_by_over_many() {
        let used = Rc::new(Cell::new(1000.0));
        let counter = Rc::clone(&used);
        let stretch = Duration::from_millis(5);
        let mut meter = EnergyMeter::new("cpu", move || Ok(counter.get()), stretch);
        let begun = Instant::now();
        let mj = meter.per_run(|| {
            used.set(used.get() + 2.5);
            Ok(())
        });
        // How many runs a stretch holds is the machine's affair, so only its length is known.
        assert!((mj.unwrap() - 2.5).abs() < 1e-9 && stretch <= begun.elapsed());
        let error = meter.per_run(|| Ok(())).unwrap_err().to_string();
        assert!(error.contains("its counter stood still for "), "{error}");
    }

    #[test]
    fn a_counter_that_cannot_be_read_says_why() {
        let mut meter = EnergyMeter::new("cpu", || Err("it is gone".into()), Duration::ZERO);
        let error = meter.per_run(|| Ok(())).unwrap_err();
        assert!(
            matches!(&error, Error::NoEnergy { device, why } if device == "cpu" && why == "it is gone"),
            "{error}"
        );
    }
}
