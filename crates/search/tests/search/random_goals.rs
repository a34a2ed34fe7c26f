//! What holds for every searcher in any space and for any goal.

use std::collections::BTreeSet;

use proptest::prelude::*;
use sapwood_search::{
    Constraint, Error, Evaluator, Front, Genome, Goal, Objective, Parallel, Problem, Screened, Search, Space,
};

use crate::{laws::methods, spaces::any_space};

const METRICS: [&str; 3] = ["m0", "m1", "m2"];
/// Evaluations of a search; many spaces have fewer genomes, others many more.
const EVALUATIONS: usize = 70;

/// Sums over what is chosen, of few different values, so that many genomes have equal ones.
#[derive(Clone, Copy, Debug)]
struct Worth(u64);

impl Worth {
    fn of(self, metric: usize, genome: &Genome) -> f64 {
        let part = |(at, position): (usize, &u8)| {
            let mixed = (self.0 ^ (metric as u64) << 40 ^ (at as u64) << 8 ^ u64::from(*position))
                .wrapping_mul(0x9E37_79B9_7F4A_7C15);
            (mixed >> 61) as f64 - 2.0
        };
        genome.positions().iter().enumerate().map(part).sum()
    }

    fn row(self, goal: &Goal, genome: &Genome) -> Vec<f64> {
        let number = |metric: &String| METRICS.iter().position(|name| name == metric).unwrap();
        goal.metrics().iter().map(|metric| self.of(number(metric), genome)).collect()
    }
}

/// One objective to three, and limits of which each is kept by somebody.
fn any_goal() -> impl Strategy<Value = Vec<(bool, Option<(bool, prop::sample::Index)>)>> {
    let limit = prop::option::of((any::<bool>(), any::<prop::sample::Index>()));
    prop::collection::vec((any::<bool>(), limit), 1..4)
}

fn goal(space: &Space, worth: Worth, drawn: &[(bool, Option<(bool, prop::sample::Index)>)]) -> Goal {
    let objective = |(metric, (maximise, _)): (usize, &(bool, _))| match maximise {
        true => Objective::maximise(METRICS[metric]),
        false => Objective::minimise(METRICS[metric]),
    };
    let genomes: Vec<Genome> = space.genomes().collect();
    let limits = drawn.iter().enumerate().filter_map(|(at, (_, limit))| {
        let (at_most, index) = limit.as_ref()?;
        // Of the metric after this one, so that not every limit is on an objective.
        let metric = (at + 1) % METRICS.len();
        let limit = worth.of(metric, index.get(&genomes));
        Some(match at_most {
            true => Constraint::at_most(METRICS[metric], limit),
            false => Constraint::at_least(METRICS[metric], limit),
        })
    });
    Goal::new(drawn.iter().enumerate().map(objective), limits.collect::<Vec<_>>()).unwrap()
}

fn allowed(goal: &Goal, values: &[f64]) -> bool {
    goal.constraints().iter().all(|limit| {
        let at = goal.metrics().iter().position(|metric| metric == limit.metric()).unwrap();
        limit.violation(values[at]) == 0.0
    })
}

/// Whether one is as good as the other in every objective.
fn as_good(goal: &Goal, one: &[f64], other: &[f64]) -> bool {
    let objectives = goal.objectives().iter().zip(one.iter().zip(other));
    objectives.into_iter().all(|(objective, (one, other))| match objective.to_string().starts_with("max") {
        true => one >= other,
        false => one <= other,
    })
}

fn dominates(goal: &Goal, one: &[f64], other: &[f64]) -> bool {
    as_good(goal, one, other) && !as_good(goal, other, one)
}

fn check(search: &Search<sapwood_search::Method>, front: &Front, worth: Worth) -> Result<(), TestCaseError> {
    let (space, goal, history) = (search.space(), search.goal(), search.history());
    let evaluated: Vec<(Genome, Vec<f64>)> =
        (0..history.len()).map(|at| (history.genome(at), history.values(at).to_vec())).collect();
    let different: BTreeSet<&Genome> = evaluated.iter().map(|(genome, _)| genome).collect();
    prop_assert_eq!(different.len(), evaluated.len());
    for (genome, values) in &evaluated {
        prop_assert!(space.check(genome).is_ok() && &space.genome(genome.positions()).unwrap() == genome);
        prop_assert_eq!(values, &worth.row(goal, genome));
    }
    for member in front.members() {
        prop_assert!(space.check(&member.genome).is_ok());
        prop_assert_eq!(&member.values, &worth.row(goal, &member.genome));
        prop_assert!(allowed(goal, &member.values), "{:?}", member);
        for (_, values) in evaluated.iter().filter(|(_, values)| allowed(goal, values)) {
            prop_assert!(!dominates(goal, values, &member.values), "{:?} beats {:?}", values, member);
        }
        let others = front.members().iter().filter(|other| other.genome != member.genome);
        for other in others {
            prop_assert!(!as_good(goal, &other.values, &member.values), "{:?} and {:?}", other, member);
        }
    }
    for (_, values) in evaluated.iter().filter(|(_, values)| allowed(goal, values)) {
        let covered = front.members().iter().any(|member| as_good(goal, &member.values, values));
        prop_assert!(covered, "{:?} is missing", values);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn what_every_searcher_returns_is_canonical_allowed_and_not_dominated(
        space in any_space(), worth in any::<u64>().prop_map(Worth), drawn in any_goal(), seed in any::<u64>(),
        screened in any::<bool>(),
    ) {
        let goal = goal(&space, worth, &drawn);
        let limited: Vec<usize> = goal.constraints().iter().map(|limit| {
            METRICS.iter().position(|name| *name == limit.metric()).unwrap()
        }).collect();
        let screen = |genome: &Genome| Ok(limited.iter().map(|metric| worth.of(*metric, genome)).collect());
        let rows = |genomes: &[Genome]| -> Result<Vec<Vec<f64>>, Problem> {
            Ok(genomes.iter().map(|genome| worth.row(&goal, genome)).collect())
        };
        for method in methods() {
            let name = method.name();
            let mut search = Search::new(space.clone(), goal.clone(), method, seed);
            let mut plain = rows;
            let mut screening = Screened::new(screen, rows);
            let evaluator: &mut dyn Evaluator = if screened { &mut screening } else { &mut plain };
            match search.run(EVALUATIONS, evaluator) {
                Ok(front) => check(&search, &front, worth)?,
                Err(Error::Infeasible { nearest, genome, .. }) => {
                    // It says the truth: what is nearest is not allowed, and nothing allowed was seen.
                    let genome = space.parse(&genome).unwrap();
                    prop_assert!(!allowed(&goal, &worth.row(&goal, &genome)), "{}", name);
                    prop_assert!(worth.row(&goal, &genome).contains(&nearest), "{}", name);
                    let seen = (0..search.history().len()).map(|at| search.history().values(at));
                    prop_assert!(!seen.into_iter().any(|values| allowed(&goal, values)), "{}", name);
                }
                Err(other) => prop_assert!(false, "{}: {}", name, other),
            }
            prop_assert!(search.history().len() <= EVALUATIONS, "{}", name);
        }
    }

    #[test]
    fn any_number_of_workers_gives_the_same_answer(
        space in any_space(), worth in any::<u64>().prop_map(Worth), drawn in any_goal(), seed in any::<u64>(),
        workers in 2usize..6,
    ) {
        let goal = goal(&space, worth, &drawn);
        for method in methods() {
            let run = |workers: usize| {
                let mut search = Search::new(space.clone(), goal.clone(), method.clone(), seed);
                let row = |genome: &Genome| Ok(worth.row(&goal, genome));
                let found = search.run(EVALUATIONS, &mut Parallel::new(workers, row));
                (search, found.map_err(|error| error.to_string()))
            };
            prop_assert!(run(1) == run(workers), "{}", method.name());
        }
    }

    #[test]
    fn limits_that_exclude_each_other_are_refused_by_name(
        low in -1e9f64..1e9, gap in 1e-3f64..1e9, lower_first in any::<bool>(), target in 0usize..2,
    ) {
        let mut limits = [Constraint::at_least("ms", low + gap), Constraint::at_most("ms", low)];
        if !lower_first {
            limits.reverse();
        }
        let objective = [Objective::maximise(["accuracy", "ms"][target])];
        let error = Goal::new(objective.clone(), limits).unwrap_err();
        prop_assert!(matches!(&error, Error::Goal { problem } if problem.contains("exclude each other")), "{}", error);
        // What leaves room does not.
        let room = [Constraint::at_least("ms", low), Constraint::at_most("ms", low + gap)];
        prop_assert!(Goal::new(objective, room).is_ok());
    }

    #[test]
    fn a_metric_that_is_no_number_is_named_and_never_remembered(
        space in any_space(), worth in any::<u64>().prop_map(Worth), drawn in any_goal(), seed in any::<u64>(),
        every in 1u64..12, broken in prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY]),
    ) {
        let goal = goal(&space, worth, &drawn);
        let is_broken = |genome: &Genome| {
            genome.positions().iter().fold(seed, |sum, p| sum.wrapping_mul(31).wrapping_add(u64::from(*p))) % every == 0
        };
        let row = |genome: &Genome| {
            let mut row = worth.row(&goal, genome);
            if is_broken(genome) {
                row[0] = broken;
            }
            Ok(row)
        };
        for method in methods() {
            let name = method.name();
            let mut search = Search::new(space.clone(), goal.clone(), method, seed);
            match search.run(EVALUATIONS, &mut Parallel::new(1, row)) {
                Err(Error::NotANumber { metric, genome, .. }) => {
                    prop_assert_eq!(&metric, &goal.metrics()[0]);
                    prop_assert!(is_broken(&space.parse(&genome).unwrap()), "{}", name);
                }
                Ok(_) | Err(Error::Infeasible { .. }) => {}
                Err(other) => prop_assert!(false, "{}: {}", name, other),
            }
            for at in 0..search.history().len() {
                prop_assert!(!is_broken(&search.history().genome(at)), "{}", name);
                prop_assert!(search.history().values(at).iter().all(|value| value.is_finite()), "{}", name);
            }
            prop_assert!(search.check().is_ok(), "{}", name);
        }
    }
}
