//! Predictors learn what can be learnt.

use chacha20::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng as _};
use sapwood_search::{
    Bagged, Encoding, Genome, Mlp, Predictor, PredictorKind, Quality, Ridge, Rows, choose, cross_validate,
};

use crate::{gain_and_time, stages};

/// Encoded genomes and a target with interactions of pairs, with a little noise.
fn examples(count: usize, seed: u64) -> (Rows, Vec<f64>) {
    let space = stages();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let genomes: Vec<Genome> = (0..count).map(|_| space.sample(&mut rng)).collect();
    let target = |genome: &Genome| {
        let [gain, time] = gain_and_time(genome)[..] else { unreachable!("two metrics") };
        70.0 + gain + 0.05 * gain * time + 0.01 * rng.random::<f64>()
    };
    let targets = genomes.iter().map(target).collect();
    (Encoding::of(&space).rows(&space, &genomes), targets)
}

fn quick(kind: &str) -> PredictorKind {
    match kind {
        "mlp" => PredictorKind::Mlp(Mlp::new(vec![64; 3], 150)),
        "bagged" => PredictorKind::Bagged(Bagged::new(PredictorKind::default(), 5)),
        _ => PredictorKind::Ridge(Ridge::new(0.1, 0.25)),
    }
}

#[test]
fn every_predictor_ranks_genomes_that_it_never_saw() {
    let (rows, targets) = examples(400, 1);
    let (others, truth) = examples(300, 2);
    let mean = truth.iter().sum::<f64>() / truth.len() as f64;
    let spread = Quality::of(&vec![mean; truth.len()], &truth).rmse;
    for name in PredictorKind::NAMES {
        let mut predictor = quick(name);
        assert!(predictor.predict(&others).unwrap_err().to_string().contains("fit it before"), "{name}");
        predictor.fit(&rows, &targets, 3).unwrap();
        let quality = Quality::of(&predictor.predict(&others).unwrap(), &truth);
        assert!(quality.rmse < 0.2 * spread && 0.85 < quality.tau, "{name}: {quality:?} of {spread}");
        // The same seed gives the same predictor, and one that is written down stays what it is.
        let mut again = quick(name);
        again.fit(&rows, &targets, 3).unwrap();
        assert_eq!(again, predictor, "{name}");
        let read: PredictorKind = serde_json::from_str(&serde_json::to_string(&predictor).unwrap()).unwrap();
        assert_eq!(read.predict(&others).unwrap(), predictor.predict(&others).unwrap(), "{name}");
        // One row is predicted as in company.
        let alone = predictor.predict(&others.select(&[7])).unwrap()[0];
        assert!((alone - predictor.predict(&others).unwrap()[7]).abs() < 1e-6, "{name}");
    }
}

#[test]
fn ridge_gives_what_the_normal_equations_give() {
    // Two columns that are never both present: y = 1, 3 and 5, 5, without pairs. By hand, with a
    // penalty of 2 on the centred columns: X'X + 2 = [[3, -1], [-1, 3]], X'y = [-3, 3] / 2 each.
    let mut rows = Rows::new(2);
    for row in [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]] {
        rows.push(&row);
    }
    let mut ridge = Ridge::new(2.0, 0.0);
    ridge.fit(&rows, &[1.0, 3.0, 5.0, 5.0], 0).unwrap();
    // X'y is [-3, 3], so w = [-3/4, 3/4], and the mean is 3.5.
    let found = ridge.predict(&rows).unwrap();
    for (found, expected) in found.iter().zip([2.75, 2.75, 4.25, 4.25]) {
        assert!((found - expected).abs() < 1e-12, "{found}");
    }
    // A product of two columns is learnt only with pairs.
    let mut rows = Rows::new(2);
    for row in [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]] {
        rows.push(&row);
    }
    let and = [0.0, 0.0, 0.0, 1.0];
    let error = |pairs| {
        let mut ridge = Ridge::new(1e-6, pairs);
        ridge.fit(&rows, &and, 0).unwrap();
        Quality::of(&ridge.predict(&rows).unwrap(), &and).rmse
    };
    assert!(error(1.0) < 1e-4 && 0.2 < error(0.0), "{} {}", error(1.0), error(0.0));
}

#[test]
fn an_ensemble_is_the_surer_the_more_it_saw() {
    let (others, _) = examples(200, 7);
    let spread = |count: usize| {
        let (rows, targets) = examples(count, 5);
        let mut bagged = quick("bagged");
        bagged.fit(&rows, &targets, 1).unwrap();
        let spread = bagged.spread(&others).unwrap().unwrap();
        spread.iter().sum::<f64>() / spread.len() as f64
    };
    assert!(0.0 < spread(600) && 2.0 * spread(600) < spread(60), "{} {}", spread(600), spread(60));
    let (rows, targets) = examples(60, 5);
    assert!(Bagged::new(PredictorKind::default(), 1).fit(&rows, &targets, 1).is_err());
    assert_eq!(quick("ridge").spread(&rows).unwrap(), None);
}

#[test]
fn cross_validation_chooses_the_one_of_least_error() {
    let (rows, targets) = examples(200, 6);
    let kinds = [PredictorKind::Ridge(Ridge::new(1e6, 0.0)), PredictorKind::Ridge(Ridge::new(0.1, 0.25))];
    let chosen = choose(&kinds, &rows, &targets, 5, 0).unwrap();
    assert!(chosen.all[1].quality.rmse < chosen.all[0].quality.rmse);
    let mut expected = kinds[1].clone();
    expected.fit(&rows, &targets, 0).unwrap();
    assert_eq!(chosen.predictor, expected);
    // Every example was predicted by one that had not seen it: the error is larger than in sight.
    let seen = Quality::of(&expected.predict(&rows).unwrap(), &targets);
    assert!(seen.rmse < chosen.all[1].quality.rmse);
    assert!(cross_validate(&kinds[0], &rows, &targets, 1, 0).is_err());
    assert!(cross_validate(&kinds[0], &rows, &targets, 201, 0).is_err());
    assert!(choose(&[], &rows, &targets, 5, 0).is_err());
}

#[test]
fn what_cannot_be_learnt_from_is_refused() {
    let (rows, targets) = examples(10, 0);
    for name in PredictorKind::NAMES {
        let mut predictor = quick(name);
        assert!(predictor.fit(&rows, &targets[1..], 0).unwrap_err().to_string().contains("found 9 for 10"));
        let mut broken = targets.clone();
        broken[3] = f64::NAN;
        assert!(predictor.fit(&rows, &broken, 0).unwrap_err().to_string().contains("target 3 is NaN"));
        assert!(predictor.fit(&Rows::new(4), &[], 0).is_err());
        predictor.fit(&rows, &targets, 0).unwrap();
        assert!(predictor.predict(&Rows::new(3)).unwrap_err().to_string().contains("found 3"), "{name}");
    }
    let mut wild = Mlp::new(vec![8], 50);
    wild.learning_rate = 1e30;
    assert!(wild.fit(&rows, &targets, 0).unwrap_err().to_string().contains("lower the learning rate"));
    assert!(PredictorKind::named("forest").unwrap_err().to_string().contains("ridge, mlp, bagged"));
}
