//! How long the smaller network takes.

use std::time::Duration;

use sapwood_core::{Graph, State, graph::Groups};
use sapwood_deploy::latency::level;
use sapwood_runtime::Runtime;
use sapwood_shrink::{Chosen, Error as Shrinking, Removal, Selection, Surgery, Target};

use crate::Error;

/// Runs of which the least time counts.
const RUNS: usize = 30;

/// What is to be reached.
#[derive(Clone, Copy)]
pub(super) enum Aim {
    /// A share of what can be counted.
    Share(Target),
    /// A time for one image.
    Milliseconds(Timed),
}

/// A time for one image, as the runtime takes it on threads of this processor.
#[derive(Clone, Copy)]
pub(super) struct Timed {
    pub(super) most: f64,
    pub(super) threads: usize,
}

impl Timed {
    pub(super) fn choose(
        self,
        selection: Selection,
        (graph, groups, state): (&Graph, &Groups, &State),
        scores: &[Vec<f64>],
        round_to: usize,
    ) -> Result<Chosen, Error> {
        let time = |removal: &Removal| -> Result<f64, Error> {
            let surgery = Surgery::new(graph, groups, removal)?;
            self.of(&surgery.graph, &surgery.state(state)?)
        };
        if self.of(graph, state)? <= self.most {
            let reason = format!("the network takes no more than {} ms as it is", self.most);
            return Err(Shrinking::Nothing { reason }.into());
        }
        let mut fastest = f64::INFINITY;
        let found = selection.choose_until(graph, groups, scores, round_to, &mut |removal| {
            let taken = time(removal)?;
            fastest = fastest.min(taken);
            Ok::<bool, Error>(taken <= self.most)
        });
        found?.ok_or_else(|| {
            Error::Usage(format!(
                "{fastest:.3} ms are still taken when all channels that may leave have left, and {} ms were asked for: allow more \
                 time, or let more layers lose channels",
                self.most
            ))
        })
    }

    /// The milliseconds of a network.
    pub(super) fn of(self, graph: &Graph, state: &State) -> Result<f64, Error> {
        let plan = Runtime::new().level(level()).threads(self.threads).batch(1).plan(graph, state)?;
        let images: Vec<f32> =
            (0..plan.sizes()[0]).map(|at| ((at * 7919) % 1009) as f32 / 504.5 - 1.0).collect();
        let found: Duration = plan.session()?.profile(&images, RUNS)?.whole;
        Ok(1e3 * found.as_secs_f64())
    }
}
