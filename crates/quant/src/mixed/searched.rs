//! Bits that a searcher chooses.

use sapwood_search::{Choice, Genome, Goal, Method, Problem, Screened, Search, Space};

use super::{Assignment, Budget, Sensitivity};
use crate::Error;

impl Sensitivity {
    /// The best assignment that a searcher finds within a budget, by the sum of single costs.
    ///
    /// # Errors
    /// A searcher that there is not; a budget that cannot be met.
    pub fn searched(
        &self,
        budget: Budget,
        searcher: &str,
        evaluations: usize,
        seed: u64,
    ) -> Result<Assignment, Error> {
        // What cannot be met is said in the same words as without a search.
        self.greedy(budget)?;
        let choices = self.layers.iter().map(|layer| {
            Choice::new(layer.layer.clone(), layer.costs.iter().map(|cost| cost.bits.to_string()))
        });
        let space = Space::new("bits", choices.collect())?;
        let limit = format!("cost <= {}", budget.limit());
        let goal = Goal::new(["min divergence".parse()?], [limit.parse()?])?;
        let bits = |genome: &Genome| genome.positions().iter().map(|at| usize::from(*at)).collect::<Vec<_>>();
        let cost = |genome: &Genome| self.cost(budget, &bits(genome));
        let mut search = Search::new(space, goal, Method::named(searcher)?, seed);
        let mut evaluator = Screened::new(
            |genome: &Genome| Ok(vec![cost(genome)]),
            |genomes: &[Genome]| -> Result<_, Problem> {
                // A searcher compares numbers.
                let predicted = |genome: &Genome| self.predicted(&bits(genome)).min(f64::MAX);
                Ok(genomes.iter().map(|genome| vec![predicted(genome), cost(genome)]).collect())
            },
        );
        let front = search.run(evaluations, &mut evaluator)?;
        match front.best() {
            Some(best) => Ok(bits(&best.genome)),
            None => self.greedy(budget),
        }
    }
}
