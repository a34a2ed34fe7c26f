//! How much of a benchmark table's true Pareto front each searcher finds.
//!
//! ```sh
//! cargo run -p sapwood-search --example tabular -- TABLE.csv "max valid_perf" "min latency" \
//!     --evaluations 524 --seeds 20
//! ```
//!
//! The share is that of the true front's hypervolume; the reference point is the worst of each
//! objective over all architectures. The table is read by `Table::parse`.

use std::{error::Error, time::Instant};

use sapwood_search::{Goal, METHODS, Objective, Search, Table};

struct Asked {
    path: String,
    objectives: Vec<Objective>,
    evaluations: Option<usize>,
    seeds: u64,
}

fn asked() -> Result<Asked, Box<dyn Error>> {
    let mut asked = Asked { path: String::new(), objectives: Vec::new(), evaluations: None, seeds: 20 };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut number = || args.next().ok_or_else(|| format!("`{arg}` needs a number"));
        match arg.as_str() {
            "--evaluations" => asked.evaluations = Some(number()?.parse()?),
            "--seeds" => asked.seeds = number()?.parse()?,
            _ if asked.path.is_empty() => asked.path = arg,
            _ => asked.objectives.push(arg.parse()?),
        }
    }
    if asked.path.is_empty() || asked.objectives.is_empty() || asked.seeds == 0 {
        return Err(
            "usage: tabular TABLE.csv \"max METRIC\" \"min METRIC\" [--evaluations N] [--seeds N]".into()
        );
    }
    Ok(asked)
}

fn main() -> Result<(), Box<dyn Error>> {
    let asked = asked()?;
    let table = Table::parse("table", &std::fs::read_to_string(&asked.path)?)?;
    let goal = Goal::new(asked.objectives, [])?;
    let rows = table.space().count().unwrap_or(u128::MAX);
    let evaluations = asked.evaluations.unwrap_or(rows as usize / 50);
    let (truth, reference) = (table.front(&goal)?, table.worst(&goal)?);
    let volume = truth.hypervolume(&goal, &reference);
    println!(
        "{rows} architectures, true front of {} with hypervolume {volume:.6} from {reference:?}",
        truth.members().len()
    );
    println!(
        "{evaluations} evaluations ({:.2} %), {} seeds\n",
        100.0 * evaluations as f64 / rows as f64,
        asked.seeds
    );
    println!(
        "| searcher | share of hypervolume: mean | lowest | highest | of the true front found | ms a search |"
    );
    println!("|---|---|---|---|---|---|");
    for row in METHODS {
        let (mut shares, mut recalls, start) = (Vec::new(), 0.0, Instant::now());
        for seed in 0..asked.seeds {
            let mut search = Search::new(table.space().clone(), goal.clone(), (row.build)(), seed);
            let front = search.run(evaluations, &mut table.evaluator(&goal)?)?;
            shares.push(front.hypervolume(&goal, &reference) / volume);
            let hits = truth.members().iter().filter(|member| front.members().contains(member)).count();
            recalls += hits as f64 / truth.members().len() as f64;
        }
        let each = start.elapsed().as_secs_f64() * 1000.0 / asked.seeds as f64;
        let mean = shares.iter().sum::<f64>() / shares.len() as f64;
        let lowest = shares.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = shares.iter().copied().fold(0.0, f64::max);
        println!(
            "| {} | {:.3} % | {:.3} % | {:.3} % | {:.0} % | {each:.0} |",
            row.name,
            100.0 * mean,
            100.0 * lowest,
            100.0 * highest,
            100.0 * recalls / asked.seeds as f64,
        );
    }
    Ok(())
}
