//! The published search (Cai et al. 2020): 500 generations of 100 networks, on one core.
//!
//! ```sh
//! cargo bench -p sapwood-benches --profile dev --bench search -- published
//! ```
//!
//! Space `ofa-mbv3` with the four resolutions of the published encoding (124 columns), the
//! evolutionary search with its published parameters, a 3 x 400 perceptron as predictor, and a
//! limit on the sum of block times as screen. Equal networks are evaluated once, so the search asks
//! for fewer than 50,100 predictions; what these cost is timed beside it. The perceptron is
//! fitted to a made-up accuracy: what it says costs the same whatever it learnt.

use std::{collections::BTreeMap, hint::black_box, time::Duration};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sapwood_search::{
    Encoding, Evolution, Genome, Goal, Mlp, Predictor as _, Problem, Random, Screened, Search, Space,
    ofa_mbv3,
};

/// A number for each block and each of its nine options, summed over a network's blocks.
struct Sum([[f64; 9]; 20]);

impl Sum {
    /// Numbers out of block, kernel and width.
    fn new(number: impl Fn(f64, f64, f64) -> f64) -> Self {
        let number = |block: usize, each: usize| number(block as f64, (each / 3) as f64, (each % 3) as f64);
        Self(std::array::from_fn(|block| std::array::from_fn(|each| number(block, each))))
    }

    fn of(&self, space: &Space, genome: &Genome) -> f64 {
        let positions = genome.positions();
        let active = (0..20).filter(|block| space.active(genome, 6 + block));
        active.map(|block| self.0[block][usize::from(3 * positions[6 + block] + positions[26 + block])]).sum()
    }
}

/// The published space and what is known of its networks.
struct Published {
    space: Space,
    encoding: Encoding,
    times: Sum,
    mlp: Mlp,
    examples: Vec<Genome>,
}

impl Published {
    fn new() -> Self {
        let space = ofa_mbv3(&[128, 160, 192, 224]).expect("the space of the paper");
        let encoding = Encoding::of_those(&space, |choice| !choice.name().starts_with("d."));
        // Milliseconds grow with kernel and width, and so does accuracy, by less and less.
        let times = Sum::new(|block, kernel, expand| {
            (0.2 + 0.1 * kernel + 0.15 * expand) * (1.0 + block % 4.0 / 5.0)
        });
        let gains = Sum::new(|block, kernel, expand| {
            let wave = 0.4 * ((block * 7.0 + 3.0 * kernel) * 1.7).sin();
            0.002 + 0.001 * (1.0 + kernel + 1.3 * expand + wave).sqrt()
        });
        let goal = Goal::new(["max score".parse().expect("an objective")], []).expect("a goal");
        let mut search = Search::new(space.clone(), goal, Random::default(), 1);
        let mut nothing =
            |genomes: &[Genome]| -> Result<Vec<Vec<f64>>, Problem> { Ok(vec![vec![0.0]; genomes.len()]) };
        search.run(1000, &mut nothing).expect("random networks");
        let examples: Vec<Genome> = (0..1000).map(|at| search.history().genome(at)).collect();
        let accuracy =
            |genome: &Genome| 0.65 + gains.of(&space, genome) + 0.01 * f64::from(genome.positions()[0]);
        let targets: Vec<f64> = examples.iter().map(accuracy).collect();
        let mut mlp = Mlp::new(vec![400; 3], 20);
        mlp.fit(&encoding.rows(&space, &examples), &targets, 1).expect("a fit");
        Self { space, encoding, times, mlp, examples }
    }

    fn latency(&self, genome: &Genome) -> f64 {
        self.times.of(&self.space, genome) * (1.0 + f64::from(genome.positions()[0]) / 4.0)
    }

    /// The whole search; its best accuracy.
    fn search(&self, seed: u64) -> Option<f64> {
        let goal = Goal::new(
            ["max accuracy".parse().expect("an objective")],
            ["latency_ms <= 12".parse().expect("a limit")],
        );
        let evolution =
            Evolution { probabilities: BTreeMap::from([("r".into(), 0.5)]), ..Evolution::default() };
        let mut search = Search::new(self.space.clone(), goal.expect("a goal"), evolution, seed);
        let mut evaluator = Screened::new(
            |genome: &Genome| Ok(vec![self.latency(genome)]),
            |genomes: &[Genome]| -> Result<Vec<Vec<f64>>, Problem> {
                let accuracies = self.mlp.predict(&self.encoding.rows(&self.space, genomes))?;
                Ok(accuracies
                    .into_iter()
                    .zip(genomes)
                    .map(|(a, genome)| vec![a, self.latency(genome)])
                    .collect())
            },
        );
        let front = search.run(usize::MAX, &mut evaluator).expect("a feasible limit");
        front.best().map(|best| best.values[0])
    }
}

fn published(c: &mut Criterion) {
    const PREDICTIONS: usize = 50_100;
    let published = Published::new();
    let rows = published.encoding.rows(&published.space, published.examples.iter().cycle().take(PREDICTIONS));
    let mut group = c.benchmark_group("published");
    group.sample_size(10).measurement_time(Duration::from_secs(8));
    group.bench_function("search", |bencher| {
        let mut seed = 0;
        bencher.iter(|| {
            seed += 1;
            black_box(published.search(seed))
        });
    });
    group.throughput(Throughput::Elements(PREDICTIONS as u64));
    group.bench_function("50,100 predictions", |bencher| {
        bencher.iter(|| black_box(published.mlp.predict(&rows)).expect("predictions"));
    });
}

/// Time by the number of evaluations, which must grow no faster than they do.
fn growth(c: &mut Criterion) {
    let space = ofa_mbv3(&[128, 160, 192, 224]).expect("the space of the paper");
    let times = Sum::new(|block, kernel, expand| 1.0 + 0.1 * block + 0.2 * kernel + 0.3 * expand);
    let mut group = c.benchmark_group("growth");
    group.sample_size(10).warm_up_time(Duration::from_millis(100));
    for evaluations in [10_000, 100_000, 1_000_000] {
        group.throughput(Throughput::Elements(evaluations as u64));
        group.bench_function(BenchmarkId::from_parameter(evaluations), |bencher| {
            bencher.iter(|| {
                let goal = Goal::new(["max sum".parse().expect("an objective")], []).expect("a goal");
                let mut search = Search::new(space.clone(), goal, Random::default(), 1);
                let mut evaluator = |genomes: &[Genome]| -> Result<Vec<Vec<f64>>, Problem> {
                    Ok(genomes.iter().map(|genome| vec![times.of(&space, genome)]).collect())
                };
                black_box(search.run(evaluations, &mut evaluator)).expect("random networks")
            });
        });
    }
}

criterion_group!(search, published, growth);
criterion_main!(search);
