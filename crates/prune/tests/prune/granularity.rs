//! What is removed together.

use proptest::prelude::*;
use sapwood_core::{ParamInfo, Role};
use sapwood_prune::{
    Allocation, BnScale, Criterion, Cut, Error, Granularity, Magnitude, MaskSet, NetworkProbe, Probe,
    Prunable, Scope, ScoreTensors,
};

use super::{batch, filled, net, sparsity, values};

fn masks(granularity: &str, removed: &str) -> MaskSet {
    let net = net();
    let cut = Cut::to(sparsity(removed)).granularity(granularity.parse().unwrap());
    cut.masks_blocking(&Magnitude, &NetworkProbe::new(&net), None).unwrap()
}

fn row(masks: &MaskSet, path: &str, places: impl Iterator<Item = usize>) -> usize {
    let mask = masks.get(&path.into()).unwrap();
    places.filter(|at| mask.get(*at)).count()
}

#[test]
fn two_of_four_along_the_input() {
    let masks = masks("2:4", "0.5");
    // `fc` is [3, 16]: in each row, of each four neighbours two.
    assert!((0..12).all(|group| row(&masks, "fc.weight", 4 * group..4 * group + 4) == 2));
    // `conv` is [4, 1, 3, 3]: one input, which four do not divide, stays dense.
    assert_eq!(row(&masks, "conv.weight", 0..36), 36);
    let net = net();
    let wrong = Cut::to(sparsity("0.6")).granularity("2:4".parse().unwrap());
    let error = wrong.masks_blocking(&Magnitude, &NetworkProbe::new(&net), None).unwrap_err().to_string();
    assert_eq!(error, "granularity `2:4`: this pattern removes 0.5 of the weights, not 0.6");
    let wrong = Cut::to(sparsity("0.5")).granularity("2:4".parse().unwrap()).allocation(Allocation::Rows);
    assert!(wrong.masks_blocking(&Magnitude, &NetworkProbe::new(&net), None).is_err());
}

#[test]
fn a_pattern_whose_share_no_decimal_is_goes_by_the_nearest() {
    let two_of_three = masks("2:3", "0.3333333333333333");
    // Of the 16 inputs of `fc` the last is left over.
    let mut groups = (0..15).map(|at| 16 * (at / 5) + 3 * (at % 5));
    assert!(groups.all(|first| row(&two_of_three, "fc.weight", first..first + 3) == 2));
    let net = net();
    let wrong = Cut::to(sparsity("0.33")).granularity("2:3".parse().unwrap());
    let error = wrong.masks_blocking(&Magnitude, &NetworkProbe::new(&net), None).unwrap_err().to_string();
    assert_eq!(error, "granularity `2:3`: this pattern removes 0.3333333333333333 of the weights, not 0.33");
}

#[test]
fn what_would_take_groups_apart_is_refused() {
    let (net, examples) = (net(), [batch(2)]);
    let probe = NetworkProbe::new(&net).with_examples(&examples);
    let cut = |granularity: &str| Cut::to(sparsity("0.5")).granularity(granularity.parse().unwrap());
    let rounds = cut("2:4").masks_blocking(&sapwood_prune::Force, &probe, None).unwrap_err().to_string();
    assert!(rounds.contains("`2:4`") && rounds.contains("ask for one iteration"), "{rounds}");
    let shuffled = cut("filter").ablation(sapwood_prune::Ablation::Shuffle);
    let error = shuffled.masks_blocking(&Magnitude, &probe, None).unwrap_err().to_string();
    assert!(error.contains("shuffled weight by weight"), "{error}");
}

#[test]
fn whole_filters_go() {
    let masks = masks("filter", "0.43");
    // 7 filters and neurons, 3 go.
    let kept: Vec<usize> = (0..4).map(|f| row(&masks, "conv.weight", 9 * f..9 * f + 9)).collect();
    let neurons: Vec<usize> = (0..3).map(|f| row(&masks, "fc.weight", 16 * f..16 * f + 16)).collect();
    assert!(kept.iter().all(|n| [0, 9].contains(n)) && neurons.iter().all(|n| [0, 16].contains(n)));
    assert_eq!(kept.iter().filter(|n| **n > 0).count() + neurons.iter().filter(|n| **n > 0).count(), 4);
}

#[test]
fn rows_of_one_kernel_keep_the_best_and_rows_of_filters_are_refused() {
    let net = net();
    let rows = |granularity: &str| {
        let cut = Cut::to(sparsity("0.5")).granularity(granularity.parse().unwrap());
        cut.allocation(Allocation::Rows).masks_blocking(&Magnitude, &NetworkProbe::new(&net), None)
    };
    // Each filter of `conv` has one kernel: two of the four stay, those with the largest weights.
    let masks = rows("kernel").unwrap();
    let kept: Vec<usize> = (0..4).map(|k| row(&masks, "conv.weight", 9 * k..9 * k + 9)).collect();
    assert_eq!(kept, [9, 0, 0, 9]);
    let error = rows("filter").unwrap_err().to_string();
    assert!(error.contains("`filter`") && error.contains("`rows`"), "{error}");
}

/// A layer has the density of its own shape, and not that of a grid of its filters.
#[test]
fn random_graphs_of_filters_are_as_dense_as_those_of_weights() {
    let layer = |path: &str, shape: &[usize]| ParamInfo {
        path: path.into(),
        role: Role::ConvWeight,
        shape: shape.to_vec(),
        transposed: false,
    };
    let layers = [layer("a.weight", &[8, 8, 3, 3]), layer("b.weight", &[4, 8, 1, 1])];
    let prunable = Scope::default().of(&layers).unwrap();
    let numbers = |info: &ParamInfo| (0..info.len()).map(|at| at as f64).collect();
    let scores = sapwood_prune::Scores::try_from_fn(&prunable, numbers).unwrap();
    let filters = |allocation: Allocation| {
        let masks = Granularity::Filter.select(&scores, sparsity("0.5"), &allocation, None).unwrap();
        let kept = |path: &str, size: usize| masks.get(&path.into()).unwrap().count_ones() / size;
        [kept("a.weight", 72), kept("b.weight", 8)]
    };
    // 6 of 12 filters. The densities are as 22/576 to 14/32, so that `b` would need more than its 4: 2 are left.
    assert_eq!(filters(Allocation::ErdosRenyiKernel), [2, 4]);
    // As 16/64 to 12/32: 3.43 and 2.57.
    assert_eq!(filters(Allocation::ErdosRenyi), [3, 3]);
}

#[test]
fn kernels_and_blocks_go_whole() {
    let kernels = masks("kernel", "0.5");
    assert!((0..4).all(|k| [0, 9].contains(&row(&kernels, "conv.weight", 9 * k..9 * k + 9))));
    let blocks = masks("2x5", "0.5");
    // Rows 0 and 1 of `fc` by columns 0 to 4; column 15 and row 2 are blocks of rest.
    let block = |rows: std::ops::Range<usize>, columns: std::ops::Range<usize>| {
        let places = rows.flat_map(|row| columns.clone().map(move |column| row * 16 + column));
        row(&blocks, "fc.weight", places)
    };
    assert!([0, 10].contains(&block(0..2, 0..5)) && [0, 2].contains(&block(0..2, 15..16)));
    assert!([0, 5].contains(&block(2..3, 5..10)));
    for text in ["", "5:4", "0:4", "axb", "2x", "channels"] {
        assert!(text.parse::<Granularity>().is_err(), "{text}");
    }
    for text in ["weight", "2:4", "4x1", "kernel", "filter", "channel", "channel-macs", "channel-params"] {
        assert_eq!(text.parse::<Granularity>().unwrap().to_string(), text);
    }
}

/// The scale behind each filter of `conv` decides which filters go; `fc`, which has
/// none behind it, is out of scope.
#[test]
fn the_scale_of_normalisation_chooses_channels() {
    let net = filled(net(), |index| [0.5, -0.9, 0.1, 0.7][index % 4]);
    assert_eq!(values(&net, "bn.weight"), [0.5, -0.9, 0.1, 0.7]);
    let cut = Cut::to(sparsity("0.5")).granularity(Granularity::Filter);
    let masks = cut.masks_blocking(&BnScale, &NetworkProbe::observed(&net), None).unwrap();
    let kept: Vec<usize> = (0..4).map(|f| row(&masks, "conv.weight", 9 * f..9 * f + 9)).collect();
    assert_eq!((kept, masks.total()), (vec![0, 9, 0, 9], 36));
    let none = cut.scope(Scope::excluding(["conv.*"]).unwrap());
    let error = none.masks_blocking(&BnScale, &NetworkProbe::observed(&net), None).unwrap_err();
    assert!(matches!(error, Error::NothingToScore { .. }), "{error}");
}

/// Scores that a test makes up.
#[derive(Debug)]
struct Made;

impl Criterion for Made {
    fn name(&self) -> &str {
        "made"
    }

    fn score(&self, probe: &dyn Probe, prunable: &Prunable) -> Result<ScoreTensors, Error> {
        ScoreTensors::new(prunable, probe.weights()?.of(prunable)?)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn groups_are_kept_whole_and_their_number_is_exact(
        rows in 1usize..7,
        columns in 1usize..9,
        block in (1usize..4, 1usize..4),
        thousandths in 0u32..=1000,
        salt in 0usize..1000,
    ) {
        let info = ParamInfo {
            path: "a.weight".into(),
            role: Role::LinearWeight,
            shape: vec![rows, columns],
            transposed: true,
        };
        let prunable = Scope::default().of(&[info]).unwrap();
        let scores = sapwood_prune::Scores::try_from_fn(&prunable, |info| {
            (0..info.len()).map(|index| ((index * 7919 + salt) % 13) as f64).collect()
        }).unwrap();
        let target = sparsity(&format!("{}.{:03}", thousandths / 1000, thousandths % 1000));
        let granularity: Granularity = format!("{}x{}", block.0, block.1).parse().unwrap();
        let masks = granularity.select(&scores, target, &Allocation::Global, None).unwrap();
        let mask = masks.get(&"a.weight".into()).unwrap();
        let groups = rows.div_ceil(block.0) * columns.div_ceil(block.1);
        let mut kept = 0;
        for top in (0..rows).step_by(block.0) {
            for left in (0..columns).step_by(block.1) {
                let places: Vec<usize> = (top..rows.min(top + block.0))
                    .flat_map(|r| (left..columns.min(left + block.1)).map(move |c| r * columns + c))
                    .collect();
                let alive = places.iter().filter(|at| mask.get(**at)).count();
                prop_assert!(alive == 0 || alive == places.len());
                kept += usize::from(alive > 0);
            }
        }
        prop_assert_eq!(kept, target.kept(groups));
    }
}

#[test]
fn made_scores_compose_with_rounds_in_groups() {
    let (net, examples) = (net(), [batch(2)]);
    let probe = NetworkProbe::new(&net).with_examples(&examples);
    let cut = Cut::to(sparsity("0.6")).granularity(Granularity::Kernel);
    let rounds = cut.clone().iterations(sapwood_prune::Iterations::exponential(3));
    let at_once = cut.masks_blocking(&Magnitude, &probe, None).unwrap();
    assert_eq!(rounds.masks_blocking(&Magnitude, &probe, None).unwrap(), at_once);
    assert!(cut.masks_blocking(&Made, &probe, None).is_ok());
}

#[test]
fn a_transposed_convolution_has_no_rows_of_outputs() {
    let info = ParamInfo {
        path: "up.weight".into(),
        role: Role::TransposedConvWeight,
        shape: vec![2, 3, 2, 2],
        transposed: false,
    };
    let prunable = Scope::default().of(&[info]).unwrap();
    let numbers = |info: &ParamInfo| (0..info.len()).map(|at| at as f64).collect();
    let scores = sapwood_prune::Scores::try_from_fn(&prunable, numbers).unwrap();
    let select = |granularity: &str, allocation: Allocation| {
        granularity.parse::<Granularity>().unwrap().select(&scores, sparsity("0.5"), &allocation, None)
    };
    assert_eq!(select("weight", Allocation::Global).unwrap().kept(), 12);
    assert_eq!(select("kernel", Allocation::Global).unwrap().kept(), 12);
    for (granularity, allocation, what) in [
        ("filter", Allocation::Global, "the granularity `filter` (unlike `channel`)"),
        ("2:4", Allocation::Global, "the granularity `2:4`"),
        ("2x2", Allocation::Global, "the granularity `2x2`"),
        ("weight", Allocation::Rows, "the allocation `rows`"),
        ("kernel", Allocation::Rows, "the allocation `rows`"),
    ] {
        let said = select(granularity, allocation).unwrap_err().to_string();
        let expected = format!(
            "`up.weight` is of a transposed convolution, which {what} cannot be used with: exclude it"
        );
        assert_eq!(said, expected);
    }
    assert!(MaskSet::of_scores(&scores, sparsity("0.5"), &Allocation::Rows, None).is_err());
}
