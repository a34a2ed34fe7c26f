//! Searches that find what is there, and that say so when nothing is.

use sapwood_search::{Constraint, Error, Genome, Goal, METHODS, Method, Objective, Screened, Search};

use crate::{evaluate, gain_and_time, stages};

#[test]
fn every_searcher_misses_less_than_half_of_what_chance_misses() {
    let space = stages();
    let goal = Goal::new([Objective::maximise("gain"), Objective::minimise("time")], []).unwrap();
    let reference = [0.0, 40.0];
    let volume = |evaluations: usize, method, seed| {
        let mut search = Search::new(space.clone(), goal.clone(), method, seed);
        search.run(evaluations, &mut evaluate).unwrap().hypervolume(&goal, &reference)
    };
    let all = volume(usize::MAX, (METHODS[0].build)(), 0);
    let missing = |method: fn() -> Method| {
        (0..3).map(|seed| 1.0 - volume(700, method(), seed) / all).sum::<f64>() / 3.0
    };
    let chance = missing(METHODS[0].build);
    for row in &METHODS[1..] {
        let missing = missing(row.build);
        assert!(0.0 <= missing && missing < chance / 2.0, "{}: {missing} beside {chance}", row.name);
    }
}

#[test]
fn a_limit_that_nothing_keeps_is_refused_at_once_with_the_nearest_value() {
    let space = stages();
    let least = space.genomes().map(|genome| gain_and_time(&genome)[1]).fold(f64::INFINITY, f64::min);
    let goal = Goal::new([Objective::maximise("gain")], [Constraint::at_most("time", least - 1.0)]).unwrap();
    for row in METHODS {
        let mut calls = 0;
        let mut evaluator = Screened::new(
            |genome: &Genome| Ok(vec![gain_and_time(genome)[1]]),
            |genomes: &[Genome]| {
                calls += genomes.len();
                evaluate(genomes)
            },
        );
        let mut search = Search::new(space.clone(), goal.clone(), (row.build)(), 0);
        let error = search.run(100_000, &mut evaluator).unwrap_err();
        let Error::Infeasible { constraint, nearest, .. } = &error else { panic!("{error}") };
        assert_eq!((calls, *nearest), (0, least), "{}", row.name);
        assert_eq!(constraint, &format!("`time <= {}`", least - 1.0));
    }
    // Where the metric must be measured, that is what it takes.
    let mut search = Search::new(space, goal, (METHODS[3].build)(), 0);
    let error = search.run(3000, &mut evaluate).unwrap_err();
    assert!(matches!(error, Error::Infeasible { nearest, .. } if nearest == least), "{error}");
}

#[test]
fn a_limit_that_hardly_anything_keeps_is_kept() {
    // 3 of 74,088 are so quick.
    let space = stages();
    let mut times: Vec<f64> = space.genomes().map(|genome| gain_and_time(&genome)[1]).collect();
    times.sort_by(f64::total_cmp);
    let goal = Goal::new([Objective::maximise("gain")], [Constraint::at_most("time", times[2])]).unwrap();
    let quick = space.genomes().map(|genome| gain_and_time(&genome)).filter(|values| values[1] <= times[2]);
    let best = quick.map(|values| values[0]).fold(f64::NEG_INFINITY, f64::max);
    for row in METHODS {
        let screen = |genome: &Genome| Ok(vec![gain_and_time(genome)[1]]);
        let mut search = Search::new(space.clone(), goal.clone(), (row.build)(), 3);
        let front = search.run(40, &mut Screened::new(screen, evaluate)).unwrap();
        assert_eq!(front.best().unwrap().values[0], best, "{}", row.name);
    }
}

#[test]
fn the_last_evaluation_counts() {
    let space = stages();
    let goal = Goal::new([Objective::maximise("gain")], []).unwrap();
    for row in METHODS {
        let mut count = 0;
        // The very last one is better than all.
        let mut evaluator = |genomes: &[Genome]| {
            let row = |_: &Genome| {
                count += 1;
                vec![if count == 200 { 1.0 } else { 0.0 }]
            };
            Ok(genomes.iter().map(row).collect())
        };
        let mut search = Search::new(space.clone(), goal.clone(), (row.build)(), 1);
        let front = search.run(200, &mut evaluator).unwrap();
        assert_eq!(front.best().unwrap().values, [1.0], "{}", row.name);
    }
}
