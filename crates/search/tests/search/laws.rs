//! What holds for every searcher.

use sapwood_search::{
    End, Evaluator as _, Genome, Goal, METHODS, Method, Parallel, PredictorKind, Ridge, Screened, Search,
};

use crate::{evaluate, gain_and_time, stages};

pub(crate) fn methods() -> impl Iterator<Item = Method> {
    METHODS.iter().map(|row| match (row.build)() {
        // Fewer predictions, so that the tests are quick.
        Method::Linas(linas) => Method::Linas(sapwood_search::Linas {
            predictions: 500,
            predictor: PredictorKind::Ridge(Ridge::default()),
            ..linas
        }),
        other => other,
    })
}

fn goals() -> [Goal; 3] {
    let goal = |objectives: &[&str], constraints: &[&str]| {
        let objectives: Vec<_> = objectives.iter().map(|text| text.parse().unwrap()).collect();
        let constraints: Vec<_> = constraints.iter().map(|text| text.parse().unwrap()).collect();
        Goal::new(objectives, constraints).unwrap()
    };
    [
        goal(&["max gain", "min time"], &[]),
        goal(&["max gain", "min time"], &["time <= 9", "time >= 2"]),
        goal(&["max gain"], &["time <= 6"]),
    ]
}

fn screened() -> impl sapwood_search::Evaluator {
    Screened::new(|genome: &Genome| Ok(vec![gain_and_time(genome)[1]; 2]), evaluate)
}

#[test]
fn names_lead_to_what_they_name() {
    for row in METHODS {
        assert_eq!((row.build)().name(), row.name);
        let written = serde_json::to_value(Method::named(row.name).unwrap()).unwrap();
        assert_eq!(written["method"], row.name);
    }
    assert!(Method::named("nsga3").unwrap_err().to_string().contains("nsga2"));
}

#[test]
fn no_member_of_a_front_is_dominated_and_all_are_allowed_and_canonical() {
    for (goal, method) in
        goals().into_iter().flat_map(|goal| methods().map(move |method| (goal.clone(), method)))
    {
        let name = method.name();
        let mut search = Search::new(stages(), goal.clone(), method, 11);
        let front = search.run(400, &mut evaluate).unwrap();
        let all: Vec<Vec<f64>> =
            (0..search.history().len()).map(|at| search.history().values(at).to_vec()).collect();
        let allowed =
            |values: &[f64]| goal.constraints().iter().all(|limit| limit.violation(values[1]) == 0.0);
        let two = goal.objectives().len() == 2;
        let dominates = |one: &[f64], other: &[f64]| {
            let no_worse = one[0] >= other[0] && (!two || one[1] <= other[1]);
            no_worse && (one[0] > other[0] || (two && one[1] < other[1]))
        };
        assert!(!front.members().is_empty(), "{name}");
        for member in front.members() {
            search.space().check(&member.genome).unwrap();
            assert_eq!(member.values, gain_and_time(&member.genome));
            assert!(allowed(&member.values), "{name}: {:?}", member.values);
            assert!(!all.iter().any(|other| allowed(other) && dominates(other, &member.values)), "{name}");
        }
        // Nothing that nobody dominates is missing.
        for values in all.iter().filter(|values| allowed(values)) {
            let covered = |member: &sapwood_search::Member| {
                dominates(&member.values, values)
                    || (member.values[0] == values[0] && (!two || member.values[1] == values[1]))
            };
            assert!(front.members().iter().any(covered), "{name}: {values:?} is missing");
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_answer_for_any_number_of_workers() {
    for method in methods() {
        let name = method.name();
        let run = |workers: usize, seed: u64| {
            let goal = goals()[0].clone();
            let mut search = Search::new(stages(), goal, method.clone(), seed);
            let mut evaluator = Parallel::new(workers, |genome: &Genome| Ok(gain_and_time(genome)));
            search.run(250, &mut evaluator).unwrap();
            search
        };
        let one = run(1, 5);
        assert!(one == run(3, 5) && one == run(8, 5), "{name}: workers changed the answer");
        assert!(one.history() != run(1, 6).history(), "{name}: the seed does not matter");
    }
}

#[test]
fn a_search_that_was_written_down_goes_on_as_if_nothing_had_happened() {
    for (goal, method) in
        goals().into_iter().flat_map(|goal| methods().map(move |method| (goal.clone(), method)))
    {
        let name = method.name();
        let mut straight = Search::new(stages(), goal.clone(), method.clone(), 2);
        straight.run(330, &mut evaluate).unwrap();
        let mut broken = Search::new(stages(), goal, method, 2);
        // Budgets that end in the middle of what a searcher asked for.
        for evaluations in [1, 77, 130, 201, 330] {
            broken
                .run(evaluations, &mut evaluate)
                .map(drop)
                .or_else(|error| match error {
                    sapwood_search::Error::Infeasible { .. } => Ok(()),
                    other => Err(other),
                })
                .unwrap();
            let written = serde_json::to_string(&broken).unwrap();
            broken = serde_json::from_str(&written).unwrap();
            broken.check().unwrap();
        }
        assert_eq!(broken.history(), straight.history(), "{name}");
        assert!(broken == straight, "{name}");
    }
}

#[test]
fn nothing_is_evaluated_twice_and_the_budget_is_kept() {
    for method in methods() {
        let name = method.name();
        let mut seen: Vec<Genome> = Vec::new();
        let mut search = Search::new(stages(), goals()[1].clone(), method, 4);
        let mut counted = |genomes: &[Genome]| {
            seen.extend(genomes.to_vec());
            evaluate(genomes)
        };
        search.run(313, &mut counted).unwrap();
        assert_eq!(seen.len(), 313, "{name}");
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 313, "{name}");
    }
}

#[test]
fn what_can_be_screened_is_never_evaluated_when_it_is_forbidden() {
    for method in methods() {
        let (name, goal) = (method.name(), goals()[1].clone());
        let mut search = Search::new(stages(), goal, method, 8);
        search.run(300, &mut screened()).unwrap();
        let times = (0..search.history().len()).map(|at| search.history().values(at)[1]);
        let outside = times.filter(|time| *time < 2.0 || 9.0 < *time).count();
        assert_eq!(outside, 0, "{name}");
    }
}

#[test]
fn a_small_space_is_searched_to_its_end_and_the_search_stops() {
    let few: Vec<Genome> = stages().genomes().step_by(2500).collect();
    for method in methods() {
        let name = method.name();
        let space = stages().only(few.clone()).unwrap();
        let mut search = Search::new(space, goals()[0].clone(), method, 1);
        let mut rounds = 0;
        let end = loop {
            rounds += 1;
            if let Some(end) = search.round(usize::MAX, &mut evaluate).unwrap() {
                break end;
            }
        };
        assert!(rounds < 5000 && end != End::Budget, "{name}: {end:?} after {rounds} rounds");
        if name == "random" || name == "local-search" {
            assert_eq!((end, search.history().len()), (End::Exhausted, few.len()), "{name}");
        }
    }
    let _ = screened().screen(&few[0]).unwrap();
}
