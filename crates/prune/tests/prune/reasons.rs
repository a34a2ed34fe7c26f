//! What is said where masks are not what one expects.

use burn::tensor::Tensor;
use sapwood_prune::{
    Allocation, Criterion, Cut, Error, Magnitude, NetworkProbe, Probe, Prunable, ScoreTensors, SynFlow,
    TieBreak, Ties, Warning,
};

use super::{filled, net, sparsity};

/// What a cut of a network with these weights warns of.
fn warnings(cut: &Cut, value: impl Fn(usize) -> f32) -> Vec<Warning> {
    let net = filled(net(), value);
    cut.prune_blocking(&Magnitude, &NetworkProbe::new(&net), None).unwrap().warnings
}

#[test]
fn equal_scores_at_the_threshold_are_counted() {
    let half = Cut::to(sparsity("0.5"));
    // 36 weights of `conv` and 48 of `fc`, of which 42 are kept.
    let binary = |index: usize| if index.is_multiple_of(2) { 0.5 } else { -0.5 };
    let ties = Ties { score: 0.5, equal: 84, kept: 42, ranked: 84, rankings: 1, by: TieBreak::Drawn };
    assert_eq!(warnings(&half, binary), [Warning::Ties(ties)]);
    assert_eq!(
        ties.to_string(),
        "84 equal scores of 0.5 at the threshold, 42 of them kept: which of them go is drawn, in each layer the same \
         fraction, and not decided by the scores"
    );
    // Of four different values that are in both layers three are above the line or below it.
    let four = |index: usize| [0.1, 0.2, 0.3, 0.4][index % 4];
    assert_eq!(warnings(&half, four), []);
    let [Warning::Ties(parted)] = warnings(&Cut::to(sparsity("0.6")), four)[..] else { panic!() };
    // 84 - floor(50.4 + 0.5) = 34 are kept: the 21 of 0.4, and 13 of the 21 of 0.3.
    assert_eq!((parted.equal, parted.kept, parted.by), (21, 13, TieBreak::Drawn));
    assert!(
        parted.to_string().contains("21 equal scores of 0.3 at the threshold, 13 of them kept"),
        "{parted}"
    );

    let [Warning::Ties(rows)] = warnings(&half.clone().allocation(Allocation::Rows), binary)[..] else {
        panic!()
    };
    assert_eq!((rows.equal, rows.kept, rows.rankings, rows.by), (84, 42, 7, TieBreak::Order));
    assert!(rows.to_string().contains("at the thresholds of 7 rankings (most of 0.5)"), "{rows}");
    assert!(rows.to_string().ends_with("decided by their order and not by the scores"), "{rows}");
    let [Warning::Ties(filters)] = warnings(&half.granularity("filter".parse().unwrap()), binary)[..] else {
        panic!()
    };
    assert_eq!((filters.equal, filters.kept, filters.ranked), (7, 3, 7));
    // Each weight has a score of its own.
    assert_eq!(warnings(&Cut::to(sparsity("0.5")), |index| index as f32 + 1.0)[..], []);
}

/// Zero in one layer, and in a precision that is said.
#[derive(Debug)]
struct Vanishing(f64);

impl Criterion for Vanishing {
    fn name(&self) -> &str {
        "vanishing"
    }

    fn score(&self, probe: &dyn Probe, prunable: &Prunable) -> Result<ScoreTensors, Error> {
        let weights = probe.weights()?;
        ScoreTensors::try_from_fn(prunable, |info| {
            let weight: Tensor<1> = weights.get(&info.path)?.abs();
            Ok(if info.path.as_str() == "conv.weight" { weight * self.0 } else { weight })
        })
    }
}

#[test]
fn scores_that_are_zero_or_not_finite_say_whether_more_digits_would_help() {
    let net = net();
    let prune = |factor: f64, wide: bool| {
        let probe = NetworkProbe::new(&net);
        let probe = if wide { probe.in_f64() } else { probe };
        Cut::to(sparsity("0.5")).prune_blocking(&Vanishing(factor), &probe, None)
    };
    for (wide, narrow) in [(false, true), (true, false)] {
        let found = prune(0.0, wide).unwrap().warnings;
        let expected = Warning::ZeroScores { layers: vec!["conv.weight".into()], of: 2, narrow };
        assert_eq!(found[0], expected);
        assert_eq!(found[0].is_of_precision(), narrow);
        let said = found[0].to_string();
        assert!(said.starts_with("all scores of 1 of 2 layers are zero (`conv.weight`)"), "{said}");
        assert_eq!(said.contains("compute in f64"), narrow, "{said}");
    }
    let error = prune(1e39, false).unwrap_err();
    assert!(matches!(&error, Error::NotFinite { narrow: true, .. }), "{error}");
    assert!(error.to_string().ends_with("a loss or weight that overflowed, or compute in f64"), "{error}");
    assert!(prune(1e39, true).is_ok());
    let error = prune(f64::INFINITY, true).unwrap_err().to_string();
    assert!(error.ends_with("overflowed"), "{error}");

    let zero = filled(self::net(), |_| 0.0);
    let probe = NetworkProbe::new(&zero).with_input_shape([1, 4, 4]).in_f64();
    let pruned = Cut::to(sparsity("0.5")).prune_blocking(&SynFlow::default(), &probe, None).unwrap();
    assert!(pruned.warnings[0].to_string().starts_with("all scores are zero"), "{:?}", pruned.warnings);
}

#[test]
fn what_a_pattern_leaves_dense_is_said() {
    let pattern = |text: &str, removed: &str| Cut::to(sparsity(removed)).granularity(text.parse().unwrap());
    let distinct = |index: usize| index as f32 + 1.0;
    // `conv` has 1 input and `fc` 16.
    let narrow = Warning::NarrowerThanPattern { layers: vec![("conv.weight".into(), 1)], of: 4 };
    assert_eq!(warnings(&pattern("2:4", "0.5"), distinct), std::slice::from_ref(&narrow));
    assert_eq!(narrow.to_string(), "stays dense, with fewer than 4 inputs: `conv.weight` (1 input)");
    let said: Vec<String> =
        warnings(&pattern("1:5", "0.8"), distinct).iter().map(ToString::to_string).collect();
    assert_eq!(said[1..], ["inputs that groups of 5 leave over stay dense: 1 of 16 of `fc.weight`"]);
    assert_eq!(warnings(&pattern("4:4", "0"), distinct), [], "it removes nothing anywhere");

    let net = net();
    let probe = NetworkProbe::new(&net);
    let error = pattern("16:32", "0.5").masks_blocking(&Magnitude, &probe, None).unwrap_err().to_string();
    assert_eq!(
        error,
        "granularity `16:32`: no layer has 32 inputs (the widest has 16): choose a shorter pattern"
    );
    let error = "4:2".parse::<sapwood_prune::Granularity>().unwrap_err().to_string();
    assert_eq!(error, "granularity `4:2`: in N:M, N of M weights stay, so N is at most M: is 2:4 meant?");
}
