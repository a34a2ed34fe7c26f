//! Predictor-assisted search.

use rand::RngExt as _;
use serde::{Deserialize, Serialize};

use super::{Nsga2, at_least};
use crate::{
    Encoding, Error, Front, Genome, Goal, History, Predictor as _, PredictorKind, Problem, Rows, Search,
    Searcher, View, evaluator::Evaluator, ranking,
};

/// Search in the manner of LINAS (Cummings et al. 2022): what was measured trains a
/// predictor for each metric; NSGA-II searches the predictions; the best predicted genomes
/// that are not measured yet are, and the predictors are fitted again.
///
/// Constraints that can be screened are not predicted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Linas {
    /// Random genomes that are measured first.
    pub start: usize,
    /// Genomes that are measured between two fits.
    pub batch: usize,
    /// Predictions in each search within the search.
    pub predictions: usize,
    /// The fraction of a batch that is not predicted but stands one step beside what was
    /// measured best: a predictor cannot know what it never saw.
    pub explore: f64,
    /// What predicts.
    pub predictor: PredictorKind,
    /// Measurements that a predictor learns from at most, half of them the best and half the
    /// latest ones: a fit costs the same however long a search is.
    pub examples: usize,
}

impl Default for Linas {
    fn default() -> Self {
        Self {
            start: 50,
            batch: 25,
            predictions: 2000,
            explore: 0.25,
            predictor: PredictorKind::default(),
            examples: 1000,
        }
    }
}

/// Predictions in the place of measurements.
struct Predicted<'a> {
    view: &'a View<'a>,
    encoding: Encoding,
    predictors: Vec<PredictorKind>,
}

impl Evaluator for Predicted<'_> {
    fn evaluate(&mut self, genomes: &[Genome]) -> Result<Vec<Vec<f64>>, Problem> {
        let rows: Rows = self.encoding.rows(self.view.space(), genomes);
        let columns: Vec<Vec<f64>> =
            self.predictors.iter().map(|predictor| predictor.predict(&rows)).collect::<Result<_, _>>()?;
        Ok((0..genomes.len()).map(|at| columns.iter().map(|column| column[at]).collect()).collect())
    }

    fn screen(&self, genome: &Genome) -> Result<Option<Vec<f64>>, Problem> {
        self.view.evaluator().screen(genome)
    }
}

impl Linas {
    fn fitted<'a>(&self, view: &'a View<'a>, seed: u64) -> Result<Predicted<'a>, Error> {
        let (space, history) = (view.space(), view.history());
        let encoding = Encoding::of(space);
        let examples = examples(view.goal(), history, self.examples);
        let genomes: Vec<Genome> = examples.iter().map(|at| history.genome(*at)).collect();
        let rows = encoding.rows(space, &genomes);
        let fit = |metric: usize| {
            let targets: Vec<f64> = examples.iter().map(|at| history.values(*at)[metric]).collect();
            let mut predictor = self.predictor.clone();
            predictor.fit(&rows, &targets, seed)?;
            Ok(predictor)
        };
        let predictors = (0..view.goal().metrics().len()).map(fit).collect::<Result<_, Error>>()?;
        Ok(Predicted { view, encoding, predictors })
    }
}

/// What predictors learn from: this number at most, half of them the latest and half the best of the
/// earlier ones, in the order in which they were measured.
fn examples(goal: &Goal, history: &History, most: usize) -> Vec<usize> {
    if history.len() <= most {
        return (0..history.len()).collect();
    }
    let latest = history.len() - most.div_ceil(2);
    let earlier = (0..latest).map(|at| ranking::rate(goal, history, at)).collect();
    let mut examples = ranking::best(earlier, most / 2);
    examples.sort_unstable();
    examples.extend(latest..history.len());
    examples
}

impl Searcher for Linas {
    fn ask(&mut self, view: &View<'_>) -> Result<Vec<Genome>, Error> {
        let (space, goal, history) = (view.space(), view.goal(), view.history());
        let mut batch = view.batch();
        if history.len() < self.start {
            for _ in history.len()..self.start {
                batch.add(|rng| space.sample(rng));
            }
            return Ok(batch.into_genomes());
        }
        let seed = view.inner_seed();
        let mut predicted = self.fitted(view, seed)?;
        let best = ranking::best((0..history.len()).map(|at| ranking::rate(goal, history, at)).collect(), 50);
        let start = best.into_iter().map(|at| history.genome(at)).collect();
        let inner = Nsga2 { population: 100, children: 100, start, ..Nsga2::default() };
        let mut search = Search::new(space.clone(), goal.clone(), inner, seed);
        // Whether anything is allowed it asks anew, with other draws, which may miss the few that are known here:
        // then nothing is predicted.
        loop {
            match search.round(self.predictions, &mut predicted) {
                Ok(None) => {}
                Ok(Some(_)) | Err(Error::Infeasible { .. }) => break,
                Err(error) => return Err(error),
            }
        }
        let found = search.history();
        let new = (0..found.len()).filter(|at| history.find(&found.genome(*at)).is_none());
        let rated = new.map(|at| ranking::rate(goal, found, at)).collect();
        let explored = (self.batch as f64 * self.explore).round() as usize;
        for at in ranking::best(rated, self.batch - explored) {
            batch.push(found.genome(at));
        }
        let front = Front::of(goal, history);
        for _ in 0..explored.min(self.batch * front.members().len()) {
            batch.add(|rng| {
                space.step(&front.members()[rng.random_range(0..front.members().len())].genome, rng)
            });
        }
        // Nothing new was predicted: chance may know more.
        if batch.is_empty() {
            for _ in 0..self.batch {
                batch.add(|rng| space.sample(rng));
            }
        }
        Ok(batch.into_genomes())
    }

    fn tell(&mut self, _view: &View<'_>, _asked: &[usize]) {}

    fn check(&self, _evaluations: usize) -> Result<(), Error> {
        at_least("start", 2, self.start)?;
        at_least("batch", 1, self.batch)?;
        at_least("predictions", 1, self.predictions)?;
        at_least("examples", 2, self.examples)?;
        match (0.0..=1.0).contains(&self.explore) {
            true => Ok(()),
            false => Err(Error::option("explored fraction", "from 0 to 1", self.explore)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Random, ofa_mbv3};

    #[test]
    fn a_long_history_is_learnt_from_in_part() {
        let goal = Goal::new(["max sum".parse().unwrap()], []).unwrap();
        let mut search = Search::new(ofa_mbv3(&[224]).unwrap(), goal.clone(), Random::default(), 3);
        let sum = |genome: &Genome| genome.positions().iter().map(|at| f64::from(*at)).sum::<f64>();
        let mut evaluator = |genomes: &[Genome]| -> Result<Vec<Vec<f64>>, Problem> {
            Ok(genomes.iter().map(|genome| vec![sum(genome)]).collect())
        };
        search.run(20, &mut evaluator).unwrap();
        let history = search.history();
        let found = examples(&goal, history, 6);
        assert_eq!(found[3..], [17, 18, 19]);
        let mut earlier: Vec<f64> = (0..17).map(|at| history.values(at)[0]).collect();
        earlier.sort_by(|a, b| b.total_cmp(a));
        assert!(found[..3].is_sorted() && found[..3].iter().all(|at| history.values(*at)[0] >= earlier[2]));
        assert_eq!(examples(&goal, history, 20), (0..20).collect::<Vec<_>>());
        let error = Linas { examples: 1, ..Linas::default() }.check(100).unwrap_err().to_string();
        assert!(error.contains("examples"), "{error}");
    }
}
