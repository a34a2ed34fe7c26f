//! Whether anything is allowed at all.

use crate::{
    Error, Genome, View,
    streams::{Stream, stream},
};

/// Genomes drawn before it is doubted that the constraints can be satisfied.
const DRAWS: usize = 256;
/// How many of them are followed downhill then.
const DESCENTS: usize = 4;

/// Looks for one allowed genome where that costs no evaluation: among random ones, then
/// by steepest descent from the least forbidden of them. Descent finds the smallest
/// value of a sum over blocks, as a latency is, unless the space has local minima.
///
/// # Errors
/// [`Error::Infeasible`] with the nearest value, after a number of steps that does not
/// depend on the constraints.
pub(crate) fn probe(view: &View<'_>, seed: u64) -> Result<(), Error> {
    let space = view.space();
    let mut rng = stream(seed, Stream::Probe, 0);
    let mut drawn: Vec<(f64, Genome)> = Vec::new();
    for _ in 0..DRAWS {
        let genome = space.sample(&mut rng);
        let violation = view.violation(&genome);
        if violation == 0.0 {
            return Ok(());
        }
        drawn.push((violation, genome));
    }
    drawn.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    drawn.truncate(DESCENTS);
    let mut nearest: Option<(f64, Genome)> = None;
    for (mut violation, mut genome) in drawn {
        loop {
            let near = space.neighbours(&genome).into_iter().map(|near| (view.violation(&near), near));
            let Some((after, next)) = near.min_by(|(one, _), (other, _)| one.total_cmp(other)) else { break };
            if violation <= after {
                break;
            }
            (violation, genome) = (after, next);
        }
        if violation == 0.0 {
            return Ok(());
        }
        if nearest.as_ref().is_none_or(|(other, _)| violation < *other) {
            nearest = Some((violation, genome));
        }
    }
    let looked = format!("{DRAWS} draws and {DESCENTS} descents from the best of them");
    let why = nearest.and_then(|(_, genome)| infeasible(view, &view.screened(&genome)?, &genome, looked));
    why.map_or(Ok(()), Err)
}

/// The error for a genome that misses the constraints least of those that were looked at, with its constrained values;
/// none where there are no constraints.
pub(crate) fn infeasible(view: &View<'_>, values: &[f64], genome: &Genome, looked: String) -> Option<Error> {
    let missed = view.goal().constraints().iter().zip(values);
    let worst = missed.max_by(|(one, a), (other, b)| one.violation(**a).total_cmp(&other.violation(**b)));
    worst.map(|(constraint, nearest)| Error::Infeasible {
        looked,
        constraint: Box::new(constraint.clone()),
        nearest: *nearest,
        genome: view.space().text(genome),
    })
}
