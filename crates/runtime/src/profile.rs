//! What each layer takes.

use std::{sync::Mutex, time::Duration};

use sapwood_kernels::infer::{integers::Dots, peak};
use web_time::Instant;

use crate::{Error, Runtime, Session};

/// What a network takes, layer by layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// In the order in which they run.
    pub rows: Vec<Row>,
    /// The least that a whole run took.
    pub whole: Duration,
    /// How many images there were.
    pub images: usize,
}

/// What one layer takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The layer.
    pub layer: String,
    /// What computes it.
    pub kernel: String,
    /// The least that it took in any run.
    pub time: Duration,
    /// Multiply-accumulates of all images, with those of weights that are zero.
    pub macs: u64,
    /// How much of what the processor multiplies at most, from registers alone, the kernel multiplies: products of zeros
    /// that it leaves out do not count. None where it multiplies nothing.
    pub of_peak: Option<f64>,
}

impl Row {
    /// Multiply-accumulates in a second.
    pub fn rate(&self) -> f64 {
        self.macs as f64 / self.time.as_secs_f64().max(1e-9)
    }
}

pub(crate) fn measure(session: &mut Session, images: &[f32], runs: usize) -> Result<Profile, Error> {
    let plan = session.plan.clone();
    let count = images.len() / plan.program.sizes()[0];
    let mut least = vec![Duration::MAX; plan.labels.len()];
    let mut whole = Duration::MAX;
    for _ in 0..runs.max(1) {
        let (spent, begin) = (vec![Duration::ZERO; plan.labels.len()], Instant::now());
        // Written by the first thread alone: nobody waits for it.
        let clock = Mutex::new((spent, begin));
        session.watch(images, &|step| {
            if let Ok(mut clock) = clock.lock() {
                let now = Instant::now();
                let since = now - clock.1;
                clock.0[step] += since;
                clock.1 = now;
            }
        })?;
        whole = whole.min(begin.elapsed());
        let (spent, _) = clock.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        least.iter_mut().zip(spent).for_each(|(least, spent)| *least = (*least).min(spent));
    }
    let (floats, bytes) = peaks(&plan.runtime);
    let rows = plan.labels.iter().zip(least).map(|(label, time)| {
        let products = label.products;
        let made = (count * products.made) as f64 / time.as_secs_f64().max(1e-9);
        let peak = if products.are_bytes { bytes } else { floats };
        Row {
            layer: label.layer.clone(),
            kernel: label.kernel.clone(),
            time,
            macs: (count * products.all) as u64,
            of_peak: (products.all > 0).then_some(made / peak),
        }
    });
    Ok(Profile { rows: rows.collect(), whole, images: count })
}

/// What all threads multiply in a second at most, of numbers and of bytes.
fn peaks(runtime: &Runtime) -> (f64, f64) {
    let dots = runtime.dots.unwrap_or_else(|| Dots::of(runtime.level));
    let floats = fastest(|rounds| peak::floats(runtime.level, rounds));
    let bytes = fastest(|rounds| peak::bytes(dots, rounds));
    (floats * runtime.threads as f64, bytes * runtime.threads as f64)
}

/// The most products in a second: others make a processor slower, and nothing makes it faster.
fn fastest(multiply: impl Fn(usize) -> u64) -> f64 {
    const ROUNDS: usize = 10_000;
    const TIMES: usize = 30;
    let once = |_| {
        let begin = Instant::now();
        multiply(ROUNDS) as f64 / begin.elapsed().as_secs_f64().max(1e-9)
    };
    (0..TIMES).map(once).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use sapwood_graph::{Array, Conv, Graph, State};

    use super::*;

    #[test]
    fn what_zeros_gain_is_what_a_plan_with_all_weights_takes_more() {
        let mut g = Graph::builder([32, 32, 32]);
        let x = g.conv("a", g.input(), Conv::new(32, 3).same().no_bias());
        let x = g.relu(x);
        g.conv("b", x, Conv::new(32, 3).same().no_bias());
        let graph = g.finish().unwrap();
        let weights = |_| Array::from_fn([32, 32, 3, 3], |at| if at % 10 == 0 { 0.1f32 } else { 0.0 });
        let state = State(["a", "b"].map(|name| (format!("{name}.weight").into(), weights(name))).into());
        let images: Vec<f32> = (0..32 * 32 * 32).map(|at| (at % 13) as f32 / 13.0).collect();
        let runtime = Runtime::new();
        let plans =
            [true, false].map(|skips| runtime.clone().skip_zeros(skips).plan(&graph, &state).unwrap());
        assert_eq!(plans.each_ref().map(crate::Plan::skips_zeros), [true, false]);
        let [few, all] = plans.each_ref().map(|plan| {
            let mut session = plan.session().unwrap();
            (session.run(&images).unwrap().to_vec(), session.profile(&images, 3).unwrap())
        });
        assert!(few.0.iter().zip(&all.0).all(|(few, all)| (few - all).abs() <= 1e-4 * all.abs().max(1.0)));
        let macs = |profile: &Profile| profile.rows.iter().map(|row| row.macs).sum::<u64>();
        assert_eq!((macs(&few.1), macs(&all.1)), (2 * 32 * 32 * 9 * 1024, 2 * 32 * 32 * 9 * 1024));
        for row in few.1.rows.iter().chain(&all.1.rows) {
            assert_eq!(row.of_peak.is_some(), row.macs > 0, "{row:?}");
            assert!(row.of_peak.is_none_or(|share| share > 0.0 && share < 3.0), "{row:?}");
        }
        // Products of zeros that are left out are no work.
        let made = |profile: &Profile| -> f64 {
            let of = |row: &Row| row.of_peak.unwrap_or(0.0) * row.time.as_secs_f64();
            profile.rows.iter().map(of).sum()
        };
        assert!(made(&few.1) < 0.3 * made(&all.1), "{} {}", made(&few.1), made(&all.1));
    }
}
