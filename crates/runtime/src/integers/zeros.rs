//! Which layers skip zeros.

use sapwood_kernels::infer::integers::{Dots, Sparse};

use super::{
    schedule::{Job, Schedule, Work},
    value::Value,
};
use crate::Runtime;

/// Of each job, whether it multiplies only quads of weights that are not zero: what it reads then has room for whole
/// registers.
pub(crate) fn skipped(schedule: &mut Schedule<'_>, dots: Dots, runtime: &Runtime) -> Vec<bool> {
    let Schedule { values, jobs, .. } = schedule;
    let is_skipped = |job: &Job| {
        let Work::Layer(layer, ..) = &job.work else { return false };
        if !runtime.skips_zeros {
            return false;
        }
        let [height, width] = values[job.writes].size;
        let (from, pixels) = (&mut values[job.reads[0]], runtime.batch * height * width);
        let wide = Value { is_wide: true, ..from.clone() }.quads();
        let pays = wide.filter(|_| !layer.is_depthwise()).is_some_and(|wide| {
            let input = (wide.place().channels, &layer.window);
            Sparse::pays(dots, input, &layer.weights(), [pixels, runtime.threads])
        });
        from.is_wide |= pays;
        pays
    };
    jobs.iter().map(is_skipped).collect()
}
