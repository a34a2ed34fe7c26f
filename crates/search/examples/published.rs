//! Times the published search: 50,100 predictor calls.
//!
//! ```sh
//! cargo run -p sapwood-search --example published
//! ```
//!
//! Space `ofa-mbv3` with the four resolutions of the published encoding (124 columns), the
//! evolutionary search with its published parameters, a 3 x 400 perceptron as predictor and a
//! limit on the sum of block times as screen. Everything runs on one core. The
//! perceptron is fitted to a made-up accuracy: what it says costs the same whatever it learnt.

use std::{collections::BTreeMap, error::Error, time::Instant};

use sapwood_search::{
    Encoding, Evolution, Genome, Goal, Mlp, Predictor as _, Problem, Screened, Search, Space, ofa_mbv3,
};

/// A number for each block and each of its nine options, summed over a network's blocks.
struct Sum([[f64; 9]; 20]);

impl Sum {
    fn of(&self, space: &Space, genome: &Genome) -> f64 {
        let positions = genome.positions();
        let active = (0..20).filter(|block| space.active(genome, 6 + block));
        active.map(|block| self.0[block][usize::from(3 * positions[6 + block] + positions[26 + block])]).sum()
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let space = ofa_mbv3(&[128, 160, 192, 224])?;
    let encoding = Encoding::of_those(&space, |choice| !choice.name().starts_with("d."));
    assert_eq!(encoding.width(), 124);
    // Milliseconds grow with kernel and width, and so does accuracy, by less and less.
    let grid = |number: &dyn Fn(f64, f64, f64) -> f64| {
        let number = |block: usize, each: usize| number(block as f64, (each / 3) as f64, (each % 3) as f64);
        Sum(std::array::from_fn(|block| std::array::from_fn(|each| number(block, each))))
    };
    let times =
        grid(&|block, kernel, expand| (0.2 + 0.1 * kernel + 0.15 * expand) * (1.0 + block % 4.0 / 5.0));
    let gains = grid(&|block, kernel, expand| {
        0.002
            + 0.001 * (1.0 + kernel + 1.3 * expand + 0.4 * ((block * 7.0 + 3.0 * kernel) * 1.7).sin()).sqrt()
    });
    let latency = |genome: &Genome| times.of(&space, genome) * (1.0 + f64::from(genome.positions()[0]) / 4.0);

    let mut search = Search::new(
        space.clone(),
        Goal::new(["max score".parse()?], [])?,
        sapwood_search::Random::default(),
        1,
    );
    search.run(1000, &mut |genomes: &[Genome]| -> Result<Vec<Vec<f64>>, Problem> {
        Ok(vec![vec![0.0]; genomes.len()])
    })?;
    let examples: Vec<Genome> = (0..1000).map(|at| search.history().genome(at)).collect();
    let accuracy =
        |genome: &Genome| 0.65 + gains.of(&space, genome) + 0.01 * f64::from(genome.positions()[0]);
    let mut mlp = Mlp::new(vec![400; 3], 20);
    let targets: Vec<f64> = examples.iter().map(accuracy).collect();
    let start = Instant::now();
    mlp.fit(&encoding.rows(&space, &examples), &targets, 1)?;
    println!("fitting to 1000 examples, 20 epochs: {:.2} s", start.elapsed().as_secs_f64());

    let rows = encoding.rows(&space, examples.iter().cycle().take(50_100));
    for _ in 0..3 {
        let start = Instant::now();
        let predictions = mlp.predict(&rows)?;
        let seconds = start.elapsed().as_secs_f64();
        let operations = 2.0 * (124.0 * 400.0 + 2.0 * 160_000.0 + 400.0) * predictions.len() as f64;
        println!(
            "predicting {} rows: {seconds:.3} s, {:.1} GFLOP/s",
            predictions.len(),
            operations / seconds / 1e9
        );
    }

    let goal = Goal::new(["max accuracy".parse()?], ["latency_ms <= 12".parse()?])?;
    for seed in 0..3 {
        let evolution =
            Evolution { probabilities: BTreeMap::from([("r".into(), 0.5)]), ..Evolution::default() };
        let mut search = Search::new(space.clone(), goal.clone(), evolution, seed);
        let start = Instant::now();
        let (mut predicting, mut calls) = (0.0, 0);
        let mut evaluator = Screened::new(
            |genome: &Genome| Ok(vec![latency(genome)]),
            |genomes: &[Genome]| -> Result<Vec<Vec<f64>>, Problem> {
                let start = Instant::now();
                let accuracies = mlp.predict(&encoding.rows(&space, genomes))?;
                predicting += start.elapsed().as_secs_f64();
                calls += genomes.len();
                Ok(accuracies
                    .into_iter()
                    .zip(genomes)
                    .map(|(accuracy, genome)| vec![accuracy, latency(genome)])
                    .collect())
            },
        );
        let front = search.run(usize::MAX, &mut evaluator)?;
        let seconds = start.elapsed().as_secs_f64();
        let best = front.best().map(|best| best.values.clone());
        println!(
            "seed {seed}: {calls} predictor calls in {seconds:.3} s, {predicting:.3} s of it predicting: {best:?}"
        );
    }
    Ok(())
}
