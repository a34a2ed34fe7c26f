//! The best network under a limit.

use sapwood_deploy::{
    Error, Pairs, Searching, check, coverage,
    latency::{Measured, predicted},
};
use sapwood_search::{Constraint, Goal, Method, Objective, Predictor as _};
use sapwood_supernet::Family;

use crate::small::{all, family, table};

/// What a network is worth here: more for wider layers, and most for the second.
fn pairs(family: &Family) -> Pairs {
    let worth = |genome: &sapwood_search::Genome| {
        let [one, two] = [0, 1].map(|at| f64::from(genome.positions()[at]));
        0.5 + 0.03 * one + 0.05 * two
    };
    Pairs { pairs: all(family).into_iter().map(|genome| (genome.clone(), worth(&genome))).collect() }
}

fn goal(limit_ms: f64) -> Goal {
    let limit = Constraint::at_most("latency_ms", limit_ms);
    Goal::new([Objective::maximise("accuracy")], [limit]).unwrap()
}

#[test]
fn no_network_within_the_limit_is_expected_to_be_better_than_the_one_that_is_found() {
    let family = family();
    let (table, pairs) = (table(&family), pairs(&family));
    let predictor = pairs.predictor(&family, 0).unwrap();
    let searching = Searching { family: &family, predictor: &predictor, table: Some(&table) };
    let rows = predictor.0.rows(family.space(), &all(&family));
    let expected = predictor.1.predictor.predict(&rows).unwrap();
    let times: Vec<f64> =
        all(&family).iter().map(|genome| predicted(&table, &family, genome).unwrap()).collect();
    for limit in [0.3, 0.6, 0.9, 2.0] {
        let front = searching.run(&goal(limit), Method::named("evolution").unwrap(), 500, 1).unwrap();
        let best = front.best().unwrap();
        let within = expected.iter().zip(&times).filter(|(_, ms)| **ms <= limit);
        let most = within.map(|(expected, _)| *expected).fold(f64::NEG_INFINITY, f64::max);
        assert!(best.values[1] <= limit, "{limit}: {:?}", best.values);
        assert!((best.values[0] - most).abs() < 1e-9, "{limit}: {:?} and not {most}", best.values);
    }
    let none = searching.run(&goal(0.01), Method::named("evolution").unwrap(), 500, 1).unwrap_err();
    assert!(matches!(none, Error::Search(sapwood_search::Error::Infeasible { .. })), "{none}");
}

#[test]
fn what_a_table_lacks_is_said_before_and_in_a_search() {
    let family = family();
    let (mut table, pairs) = (table(&family), pairs(&family));
    assert!(coverage(&family, &table, &goal(1.0)).unwrap().iter().all(|each| each.is_complete()));
    let key = table.blocks.keys().next().unwrap().clone();
    table.blocks.remove(&key);
    let lacking = coverage(&family, &table, &goal(1.0)).unwrap();
    assert!(lacking.iter().any(|each| !each.is_complete() && each.to_string().contains(&key)));

    let predictor = pairs.predictor(&family, 0).unwrap();
    let searching = Searching { family: &family, predictor: &predictor, table: Some(&table) };
    let error = searching.run(&goal(2.0), Method::named("evolution").unwrap(), 500, 1).unwrap_err();
    assert!(matches!(error, Error::Lacking { measured: Measured::Times, .. }), "{error}");

    let none = check(&family, None, &goal(1.0)).unwrap_err();
    assert_eq!(none.to_string(), "latency wants a table");
    let speed = Goal::new([Objective::maximise("acuracy")], []).unwrap();
    let unknown = check(&family, None, &speed).unwrap_err();
    assert!(unknown.to_string().contains("did you mean accuracy"), "{unknown}");
}
