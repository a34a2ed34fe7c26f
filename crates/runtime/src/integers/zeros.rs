//! Which layers skip zeros.

use sapwood_kernels::infer::integers::{Dots, Sparse};

use super::schedule::{Job, Schedule, Work};
use crate::Runtime;

/// Of each job, whether it multiplies only quads of weights that are not zero: what it reads then has room for whole
/// registers.
pub(crate) fn skipped(schedule: &mut Schedule<'_>, dots: Dots, runtime: &Runtime) -> Vec<bool> {
    let Schedule { values, jobs, .. } = schedule;
    let mut is_skipped = |job: &Job| {
        let Work::Layer(layer, ..) = &job.work else { return false };
        let [height, width] = values[job.writes].size;
        let (from, pixels) = (&mut values[job.reads[0]], runtime.batch * height * width);
        let pays = !layer.is_depthwise()
            && layer.with(1.0, |weights| {
                let input = (from.channels.next_multiple_of(16) / 4, &layer.window);
                Sparse::pays(dots, input, weights, [pixels, runtime.threads])
            });
        from.is_wide |= pays;
        pays
    };
    jobs.iter().map(|job| is_skipped(job)).collect()
}
