//! Searches that find what is there, and that say so when nothing is.

use sapwood_search::{
    Constraint, Error, Evaluator, Genome, Goal, Linas, METHODS, Method, Objective, PredictorKind, Problem,
    Ridge, Screened, Search, ofa_mbv3,
};

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
        assert_eq!(**constraint, Constraint::at_most("time", least - 1.0));
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

/// The genome that is measured first takes no time, and any other takes some.
struct First {
    genome: Option<Genome>,
    /// Whether that is known without measuring.
    screens: bool,
}

impl First {
    fn time(&self, genome: &Genome) -> f64 {
        if self.genome.as_ref() == Some(genome) { 0.0 } else { 1.0 }
    }
}

impl Evaluator for First {
    fn evaluate(&mut self, genomes: &[Genome]) -> Result<Vec<Vec<f64>>, Problem> {
        self.genome.get_or_insert_with(|| genomes[0].clone());
        let gain = |genome: &Genome| genome.positions().iter().map(|at| f64::from(*at)).sum::<f64>();
        Ok(genomes.iter().map(|genome| vec![gain(genome), self.time(genome)]).collect())
    }

    fn screen(&self, genome: &Genome) -> Result<Option<Vec<f64>>, Problem> {
        Ok(self.screens.then(|| vec![self.time(genome)]))
    }
}

#[test]
fn what_was_measured_stays_allowed_where_a_search_of_predictions_finds_nothing_that_is() {
    let goal = Goal::new([Objective::maximise("gain")], [Constraint::at_most("time", 0.5)]).unwrap();
    let predictor = PredictorKind::Ridge(Ridge::default());
    let linas = Linas { explore: 0.0, predictor, ..Linas::default() };
    let mut search = Search::new(ofa_mbv3(&[224]).unwrap(), goal, linas, 5);
    let mut evaluator = First { genome: None, screens: false };
    search.run(50, &mut evaluator).unwrap();
    // From here on the limit is known beforehand, and no draw comes upon the one genome that keeps it.
    evaluator.screens = true;
    let front = search.run(100, &mut evaluator).unwrap();
    assert_eq!(search.history().len(), 100);
    let found: Vec<&Genome> = front.members().iter().map(|member| &member.genome).collect();
    assert_eq!(found, [evaluator.genome.as_ref().unwrap()]);
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
