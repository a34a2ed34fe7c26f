//! What the searcher promises, as tests.

mod bad_input;
mod laws;
mod predictors;
mod published;
mod random_goals;
mod searches;
mod spaces;
mod tables;

use sapwood_search::{Choice, Genome, Problem, Space};

/// A space of three stages of elastic depth, with kernels and widths as genes of two: 74,088
/// networks.
fn stages() -> Space {
    let mut choices: Vec<Choice> = (0..3).map(|s| Choice::new(format!("d.{s}"), ["1", "2"])).collect();
    for (list, options) in [("ks", ["3", "5"].as_slice()), ("e", ["2", "3", "4"].as_slice())] {
        for block in 0..6 {
            let choice = Choice::new(format!("{list}.{block}"), options.iter().copied())
                .gene(format!("block {block}"));
            choices.push(match block % 2 {
                0 => choice,
                _ => choice.when(format!("d.{}", block / 2), ["2"]),
            });
        }
    }
    Space::new("stages", choices).unwrap()
}

/// Two costs that pull in different directions, and roughly: gain and time.
fn gain_and_time(genome: &Genome) -> Vec<f64> {
    let numbers = || genome.positions().iter().zip(1..).map(|(p, at)| (f64::from(*p), f64::from(at)));
    let gain: f64 = numbers().map(|(p, at)| p.sqrt() * (1.0 + 0.3 * (at * 1.3).sin())).sum();
    let time: f64 = numbers().map(|(p, at)| p * (1.0 + 0.5 * (at * 2.1).cos())).sum();
    vec![gain, time]
}

fn evaluate(genomes: &[Genome]) -> Result<Vec<Vec<f64>>, Problem> {
    Ok(genomes.iter().map(gain_and_time).collect())
}
