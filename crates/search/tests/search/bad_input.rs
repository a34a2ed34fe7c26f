//! Everything that a caller can get wrong is a clear error.

use sapwood_search::{
    Choice, Constraint, Error, Evolution, Genome, Goal, Method, Nsga2, Objective, Problem, Search, Space,
};

use crate::{evaluate, stages};

fn said<T>(result: Result<T, Error>, words: &str) {
    let error = result.err().unwrap_or_else(|| panic!("no error, but expected: {words}")).to_string();
    assert!(error.contains(words), "expected `{words}` in: {error}");
    assert!(!error.contains('\n'), "an error is one line: {error}");
}

#[test]
fn choices_that_make_no_space() {
    let space = |choices: Vec<Choice>| Space::new("s", choices);
    said(space(vec![]), "it has no choice");
    said(space(vec![Choice::new("a", Vec::<String>::new())]), "choice `a` has 0 options");
    said(space(vec![Choice::new("a", (0..257).map(|at| at.to_string()))]), "257 options: expected 1 to 256");
    said(space(vec![Choice::new("a", ["x", "x"])]), "option `x` twice");
    said(space(vec![Choice::new("a", ["x"]), Choice::new("a", ["y"])]), "choice `a` is there twice");
    said(space(vec![Choice::new("a", ["x"]).when("b", ["y"])]), "`b`, which does not stand before it");
    said(
        space(vec![Choice::new("a", ["x"]), Choice::new("b", ["x"]).when("a", ["z"])]),
        "none of its options x",
    );
    let mut deep = vec![Choice::new("root", ["0", "1"])];
    deep.extend((0..200).map(|at| Choice::new(format!("c{at}"), ["0", "1"]).when("root", ["1"])));
    said(space(deep), "more than 2^128 ways to choose depend on `root`");
    let wide = Space::product("wide", (0..200).map(|at| (format!("c{at}"), ["0", "1"]))).unwrap();
    assert_eq!(wide.count(), None);
    assert!((wide.log10_count() - 200.0 * 2f64.log10()).abs() < 1e-9);
}

#[test]
fn what_is_no_genome() {
    let space = stages();
    let sound = vec![0; 15];
    said(space.genome(&sound[1..]), "expected 15 positions, one for each choice, found 14");
    said(
        space.genome(&[&[2], &sound[1..]].concat()),
        "choice `d.0` has 2 options, counted from 0, found number 2",
    );
    let stray: Genome = serde_json::from_str("[0,0,0, 0,1,0,0,0,0, 0,0,0,0,0,0]").unwrap();
    said(space.check(&stray), "an option for `ks.1`, which has no meaning");
    said(space.clone().only([stray]), "no meaning");
    said(space.clone().only([]), "no genome is left");
    let only = space.clone().only([space.genome(&sound).unwrap()]).unwrap();
    said(only.genome(&[&[1], &sound[1..]].concat()), "is not in it");
    said(space.parse("d.0=1"), "choice `d.1` is missing: give one of 1, 2");
    said(space.parse("d.0"), "expected `choice=option`, found `d.0`");
    said(space.parse("d.0=1 d.0=2"), "`d.0` is written twice");
    said(space.parse("depth=1"), "no choice `depth`");
    said(space.from_json(&serde_json::json!([1])), "expected a JSON object");
}

#[test]
fn goals_that_make_no_sense() {
    said(Goal::new([], []), "there is no objective");
    said(Goal::new([Objective::maximise("a"), Objective::minimise("a")], []), "`a` is an objective twice");
    said(Goal::new([Objective::maximise("a")], [Constraint::at_most("b", f64::NAN)]), "not finite");
    let contradiction = [Constraint::at_most("ms", 5.0), Constraint::at_least("ms", 6.0)];
    said(Goal::new([Objective::maximise("a")], contradiction), "`ms <= 5` and `ms >= 6` exclude each other");
    said("accuracy".parse::<Objective>(), "expected a direction and a metric");
    for text in ["ms < 5", "ms <= fast", "<= 5", "ms <= inf"] {
        said(text.parse::<Constraint>(), "expected a metric, `<=` or `>=`, and a number");
    }
}

#[test]
fn evaluations_that_cannot_be_used() {
    let goal = Goal::new([Objective::maximise("gain"), Objective::minimise("time")], []).unwrap();
    let run = |row: Result<Vec<f64>, &str>| {
        let mut search = Search::new(stages(), goal.clone(), Nsga2::default(), 0);
        let mut evaluator =
            |genomes: &[Genome]| -> Result<Vec<Vec<f64>>, Problem> { Ok(vec![row.clone()?; genomes.len()]) };
        search.run(100, &mut evaluator)
    };
    said(run(Ok(vec![1.0, f64::NAN])), "metric `time` is NaN");
    said(run(Ok(vec![f64::INFINITY, 1.0])), "metric `gain` is inf");
    said(run(Ok(vec![1.0])), "expected the metrics gain, time, found 1 values");
    said(run(Err("the device is gone")), "the device is gone");
    let mut search = Search::new(stages(), goal.clone(), Nsga2::default(), 0);
    said(search.run(100, &mut |_: &[Genome]| Ok(vec![vec![1.0, 1.0]])), "expected 50 rows of metrics");
    // What went wrong was not remembered: the same search goes on.
    assert_eq!(search.history().len(), 0);
    search.run(100, &mut evaluate).unwrap();
    assert_eq!(search.history().len(), 100);
}

#[test]
fn options_and_states_that_do_not_fit() {
    let goal = Goal::new([Objective::maximise("gain"), Objective::minimise("time")], []).unwrap();
    let run = |method: Method| Search::new(stages(), goal.clone(), method, 0).run(10, &mut evaluate);
    said(
        run(Method::Nsga2(Nsga2 { population: 1, ..Nsga2::default() })),
        "population must be at least 2, but it is 1",
    );
    let ratio = Evolution { parent_ratio: 0.0, ..Evolution::default() };
    said(run(Method::Evolution(ratio)), "parent ratio must be above 0 and at most 1, but it is 0");
    let probability = Evolution { mutation_probability: 1.5, ..Evolution::default() };
    said(run(Method::Evolution(probability)), "from 0 to 1");
    let unknown = Evolution { probabilities: [("resolution".into(), 0.5)].into(), ..Evolution::default() };
    said(run(Method::Evolution(unknown)), "no choice `resolution`");
    // Kernel and width of a block are one gene.
    let probabilities = [("e.0".into(), 0.1), ("ks.0".into(), 0.5)].into();
    let two = Evolution { probabilities, ..Evolution::default() };
    said(
        run(Method::Evolution(two)),
        "of `ks.0` must be 0.1, as that of `e.0`, with which it mutates, but it is 0.5",
    );
    said(run(Method::Nsga2(Nsga2 { alive: vec![7], ..Nsga2::default() })), "evaluation 7 of 0");
    assert!(serde_json::from_str::<Method>(r#"{"method": "nsga2", "poplation": 3}"#).is_err());

    let mut search = Search::new(stages(), goal, Nsga2::default(), 0);
    search.run(60, &mut evaluate).unwrap();
    let written = serde_json::to_string(&search).unwrap();
    let other = written.replace("\"min time\"", "\"min time\",\"min memory\"");
    said(
        serde_json::from_str::<Search<Nsga2>>(&other).unwrap().check(),
        "expected evaluations of 15 choices and 3",
    );
}
