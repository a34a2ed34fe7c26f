//! A process that times kernels, as it is asked on standard input.
//!
//! It begins with a line of levels, a line for each job, and an empty one. Then each line
//! `JOB LEVEL` is answered with seconds. This file, like `jobs`, is also compiled in a crate
//! outside of this workspace.

use std::io::{self, BufRead, Write};

use sapwood_kernels::Level;

use super::jobs::Job;

pub(super) fn serve(mut jobs: Vec<Job>) -> io::Result<()> {
    let levels: Vec<Level> = Level::available().collect();
    let mut out = io::stdout().lock();
    let names: Vec<String> = levels.iter().map(|level| format!("{level:?}").to_lowercase()).collect();
    writeln!(out, "{}", names.join(" "))?;
    for job in &jobs {
        writeln!(out, "{} {}", job.work, job.name)?;
    }
    writeln!(out)?;
    out.flush()?;
    for line in io::stdin().lock().lines() {
        let asked: Vec<usize> = line?.split(' ').filter_map(|number| number.parse().ok()).collect();
        let [job, level] = asked[..] else { continue };
        if let (Some(job), Some(level)) = (jobs.get_mut(job), levels.get(level)) {
            writeln!(out, "{:e}", job.time(*level))?;
            out.flush()?;
        }
    }
    Ok(())
}
