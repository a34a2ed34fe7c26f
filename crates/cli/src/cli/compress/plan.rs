//! What would be done.

use std::io::Write;

use sapwood_lab::Planned;
use sapwood_report::Cell;
use sapwood_shrink::Share;
use serde::Serialize;

use super::{
    super::{
        bar::note,
        duration::duration,
        json,
        shrink::plan::{Row, rows, table},
    },
    limits::rounded_up,
};
use crate::Error;

#[derive(Serialize)]
struct Json<'a> {
    #[serde(flatten)]
    planned: &'a Planned,
    groups: Vec<Row<'a>>,
}

/// Prints a plan as JSON.
pub(super) fn write_json(planned: &Planned, out: &mut dyn Write) -> Result<(), Error> {
    let groups = rows(&planned.groups, &planned.removal);
    writeln!(out, "{}", json::lines(&Json { planned, groups })?)?;
    Ok(())
}

/// Prints a plan.
pub(super) fn write(planned: &Planned, out: &mut dyn Write) -> Result<(), Error> {
    let Planned { given, least, threads, deciding_examples, test_examples, .. } = planned;
    let count = |n: u64| Cell::count(n).text().to_string();
    let time = |ms: Option<f64>| ms.map_or(String::new(), |ms| format!(", {ms:.3} ms on {}", on(*threads)));
    let margin = given.test_interval.map_or(0.0, |[low, high]| 50.0 * (high - low));
    writeln!(
        out,
        "{}: {} multiply-accumulates, {} parameters, {} bytes{}",
        given.network,
        count(given.macs),
        count(given.params),
        count(given.bytes as u64),
        time(given.milliseconds),
    )?;
    writeln!(
        out,
        "{:.2} % right of {deciding_examples} examples that decide, {:.2} ± {margin:.2} % of {test_examples} test examples",
        100.0 * given.deciding,
        100.0 * given.test,
    )?;
    writeln!(out, "channels that leave together, and how many are left if all leave that may:")?;
    table(&planned.groups, &planned.removal, out)?;
    writeln!(
        out,
        "at the most {} % of the multiply-accumulates leave: {} and {} parameters are left{}",
        rounded_down(reachable(planned)),
        count(least.macs),
        count(least.params),
        time(planned.least_milliseconds),
    )?;
    let long = duration(planned.seconds_of_a_step);
    write!(out, "the first step would learn for at most about {long}, later ones for less")?;
    match planned.steps {
        Some(steps) => {
            let s = if steps == 1 { "" } else { "s" };
            writeln!(out, "; `--macs` asks for about {steps} step{s}")?;
        }
        None => writeln!(out)?,
    }
    Ok(())
}

/// Tells of limits, of the multiply-accumulates and the milliseconds, that cannot be reached or that are already.
pub(super) fn tell(planned: &Planned, (macs, milliseconds): (Option<Share>, Option<f64>)) {
    let Planned { given, least_milliseconds, .. } = planned;
    let reachable = reachable(planned);
    if let Some(asked) = macs.filter(|asked| reachable < asked.get()) {
        let (asked, most) = (asked.to_string(), rounded_down(reachable));
        let asked = asked.trim_end_matches('%');
        note(&format!("note: `--macs` asks for {asked} %, and at the most {most} % can leave"));
    }
    match (milliseconds, given.milliseconds, *least_milliseconds) {
        (Some(most), Some(found), _) if found <= most => {
            note(&format!(
                "note: {most} ms were asked for, and no more are taken already: nothing would leave"
            ));
        }
        (Some(most), _, Some(least)) if most < least => {
            let least = rounded_up(least, most);
            note(&format!(
                "note: {most} ms were asked for, and at least {least} are needed in floating point"
            ));
        }
        _ => {}
    }
}

/// The share of the multiply-accumulates that leaves with all that may.
fn reachable(planned: &Planned) -> f64 {
    1.0 - planned.least.macs as f64 / planned.given.macs.max(1) as f64
}

/// A share in percent of two decimals, and no more than it is.
fn rounded_down(share: f64) -> String {
    format!("{:.2}", (1e4 * share).floor() / 100.0)
}

fn on(threads: usize) -> String {
    format!("{threads} thread{}", if threads == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_leave_is_not_said_to_be_more_than_it_is() {
        for (share, expected) in [(0.99987, "99.98"), (0.5, "50.00"), (0.0, "0.00"), (1.0, "100.00")] {
            assert_eq!(rounded_down(share), expected);
        }
    }
}
