//! Rounds, and what is composed with them.

use sapwood_backend::Seed;
use sapwood_core::{Bits, Masks};
use sapwood_prune::{
    Ablation, Allocation, Criterion, Cut, Error, Force, Iterations, IterativeSnip, Magnitude, MaskSet,
    NetworkProbe, Random, RoundExamples, Scope, Snip,
};

use super::{batch, net, sparsity, values};

/// Round by round by hand: the criterion sees the network that the last one left.
#[test]
fn a_later_round_sees_the_network_that_the_last_one_left() {
    let (net, examples) = (net(), [batch(4)]);
    let probe = NetworkProbe::new(&net).with_examples(&examples).in_f64();
    let (all_at_once, rounds) = (Iterations::ONE_SHOT, Iterations::exponential(3));
    let cut = |target| Cut::to(target).iterations(all_at_once);
    let mut by_hand: Option<MaskSet> = None;
    for target in rounds.targets(sparsity("0.9")).unwrap() {
        let left = match &by_hand {
            Some(masks) => masks.apply(net.clone()).unwrap(),
            None => net.clone(),
        };
        let probe = NetworkProbe::new(&left).with_examples(&examples).in_f64();
        by_hand = Some(cut(target).masks_blocking(&IterativeSnip, &probe, by_hand.as_ref()).unwrap());
    }
    let iterated = Cut::to(sparsity("0.9")).iterations(rounds);
    let found = iterated.masks_blocking(&IterativeSnip, &probe, None).unwrap();
    assert_eq!(found, by_hand.unwrap());
    assert_ne!(found, cut(sparsity("0.9")).masks_blocking(&IterativeSnip, &probe, None).unwrap());
    assert_eq!(found.kept(), 8);
}

#[test]
fn magnitude_in_rounds_is_magnitude_at_once() {
    let net = net();
    let probe = NetworkProbe::new(&net);
    let masks = |iterations| {
        Cut::to(sparsity("0.8")).iterations(iterations).masks_blocking(&Magnitude, &probe, None).unwrap()
    };
    assert_eq!(masks(Iterations::exponential(7)), masks(Iterations::ONE_SHOT));
    assert_eq!(masks(Iterations::linear(5)), masks(Iterations::ONE_SHOT));
}

#[test]
fn force_lets_weights_return() {
    let (net, examples) = (net(), [batch(4)]);
    let probe = NetworkProbe::new(&net).with_examples(&examples).in_f64();
    let masks = |criterion: &dyn Criterion, rounds| {
        let cut = Cut::to(sparsity("0.8")).iterations(Iterations::exponential(rounds));
        cut.masks_blocking(criterion, &probe, None).unwrap()
    };
    // The first of two rounds keeps 84 * 0.2^(1/2): what the second keeps beside that was
    // removed and came back. Under iterative SNIP nothing does.
    let first = |criterion: &dyn Criterion| {
        let cut = Cut::to(Iterations::exponential(2).targets(sparsity("0.8")).unwrap()[0])
            .iterations(Iterations::ONE_SHOT);
        cut.masks_blocking(criterion, &probe, None).unwrap()
    };
    assert_eq!((first(&Force).kept(), masks(&Force, 2).kept()), (38, 17));
    assert!(!masks(&Force, 2).is_subset(&first(&Force)).unwrap());
    assert!(masks(&IterativeSnip, 2).is_subset(&first(&IterativeSnip)).unwrap());
}

#[test]
fn a_round_may_see_one_batch_alone() {
    let (net, examples) = (net(), [batch(4), batch(2)]);
    let one = Iterations { examples: RoundExamples::Next, ..Iterations::ONE_SHOT };
    let masks = |iterations, examples| {
        let probe = NetworkProbe::new(&net).with_examples(examples).in_f64();
        Cut::to(sparsity("0.6"))
            .iterations(iterations)
            .masks_blocking(&Snip::default(), &probe, None)
            .unwrap()
    };
    assert_eq!(masks(one, &examples[..]), masks(Iterations::ONE_SHOT, &examples[..1]));
    assert_ne!(masks(one, &examples[..]), masks(Iterations::ONE_SHOT, &examples[..]));
}

#[test]
fn rounds_begin_where_the_masks_of_a_network_are() {
    let net = net();
    let half =
        Cut::to(sparsity("0.5")).masks_blocking(&Random(Seed(1)), &NetworkProbe::new(&net), None).unwrap();
    let net = half.apply(net).unwrap();
    let cut = Cut::to(sparsity("0.9")).iterations(Iterations::exponential(10));
    let masks = cut.masks_blocking(&Magnitude, &NetworkProbe::new(&net), Some(&half)).unwrap();
    assert!(masks.is_subset(&half).unwrap() && masks.kept() == 8);
}

#[test]
fn rounds_of_filters_begin_where_the_filters_of_a_network_are() {
    let net = net();
    let one: Bits = (0..36).map(|at| at < 9).collect();
    let left = Masks::from([("conv.weight".into(), one), ("fc.weight".into(), Bits::ones(48))]);
    let left = MaskSet::from(left);
    // Of seven filters three are gone. The first round asks for two: for more weights than these are.
    let cut = Cut::to(sparsity("0.68")).granularity("filter".parse().unwrap());
    let cut = cut.iterations(Iterations::linear(2));
    let found = cut.masks_blocking(&Magnitude, &NetworkProbe::new(&net), Some(&left)).unwrap();
    assert!(found.is_subset(&left).unwrap() && found.kept() < left.kept());
}

#[test]
fn shuffling_keeps_the_count_of_each_layer_and_inverting_keeps_the_other_end() {
    let net = net();
    let probe = NetworkProbe::new(&net);
    let cut = Cut::to(sparsity("0.7"));
    let masks = |cut: Cut| cut.masks_blocking(&Magnitude, &probe, None).unwrap();
    let plain = masks(cut.clone());
    let shuffled = masks(cut.clone().ablation(Ablation::Shuffle).seed(Seed(4)));
    assert_eq!(plain.layers(), shuffled.layers());
    assert_ne!(plain, shuffled);
    let all = MaskSet::dense(&Scope::default().on(&net).unwrap());
    assert_eq!(shuffled, plain.shuffled(&all, Seed(4)));
    assert_ne!(shuffled, plain.shuffled(&all, Seed(5)));

    // What is kept of the other end is the smallest: nothing that is removed is smaller.
    let inverted = masks(cut.ablation(Ablation::Invert));
    let (mut kept, mut removed): (Vec<f32>, Vec<f32>) = (Vec::new(), Vec::new());
    for (path, mask) in inverted.as_masks() {
        for (weight, keep) in values(&net, path.as_str()).into_iter().zip(mask.iter()) {
            if keep { kept.push(weight.abs()) } else { removed.push(weight.abs()) }
        }
    }
    let largest_kept = kept.iter().copied().fold(0.0, f32::max);
    assert_eq!((kept.len(), removed.len()), (25, 59));
    assert!(removed.iter().all(|weight| largest_kept <= *weight));
}

#[test]
fn shuffling_brings_back_nothing_that_the_network_came_without() {
    let net = net();
    let half =
        Cut::to(sparsity("0.5")).masks_blocking(&Random(Seed(1)), &NetworkProbe::new(&net), None).unwrap();
    let net = half.apply(net).unwrap();
    let probe = NetworkProbe::new(&net);
    let masks = |cut: Cut| cut.masks_blocking(&Magnitude, &probe, Some(&half)).unwrap();
    let plain = masks(Cut::to(sparsity("0.8")));
    let shuffled = masks(Cut::to(sparsity("0.8")).ablation(Ablation::Shuffle));
    assert_eq!(plain.layers(), shuffled.layers());
    assert_ne!(plain, shuffled);
    assert!(shuffled.is_subset(&half).unwrap());
}

#[test]
fn another_methods_layer_proportions_can_be_borrowed() {
    let (net, examples) = (net(), [batch(4)]);
    let probe = NetworkProbe::new(&net).with_examples(&examples);
    let cut = Cut::to(sparsity("0.7"));
    let snip = cut.masks_blocking(&Snip::default(), &probe, None).unwrap();
    let borrowed = cut.clone().allocation(Allocation::like(&snip));
    let magnitude = borrowed.masks_blocking(&Magnitude, &probe, None).unwrap();
    assert_eq!(magnitude.layers(), snip.layers());
    assert_ne!(magnitude, snip);

    let table = |text: &str| cut.clone().allocation(text.parse().unwrap());
    let masks = table("fc.weight=0.875").masks_blocking(&Magnitude, &probe, None).unwrap();
    // 25 of 84 are kept: 6 of the 48 in `fc`, and what is left in `conv`.
    assert_eq!(masks.layers().iter().map(|layer| layer.kept).collect::<Vec<_>>(), [19, 6]);
    let refused = |text: &str| table(text).masks_blocking(&Magnitude, &probe, None).unwrap_err().to_string();
    assert!(refused("fc2.weight=0.5").contains("names `fc2.weight`"));
    assert!(refused("conv.weight=0.5,fc.weight=0.5").contains("keep 42 weights"));
    assert!(refused("fc.weight=kept:50").contains("keeps 50 weights of `fc.weight`, which has 48"));
    for text in ["fc.weight=", "fc.weight=2", "fc.weight=kept:x", "fc.weight=0.1,fc.weight=0.1"] {
        assert!(text.parse::<Allocation>().is_err(), "{text}");
    }
}

#[test]
fn each_row_keeps_the_same_number() {
    let net = net();
    let cut = Cut::to(sparsity("0.75")).allocation(Allocation::Rows);
    let masks = cut.masks_blocking(&Magnitude, &NetworkProbe::new(&net), None).unwrap();
    let fc = masks.get(&"fc.weight".into()).unwrap();
    let rows: Vec<usize> = (0..3).map(|row| (0..16).filter(|i| fc.get(row * 16 + i)).count()).collect();
    assert_eq!((masks.kept(), rows), (21, vec![4, 4, 4]));
}

#[test]
fn more_than_is_alive_is_refused_in_any_round() {
    let net = net();
    let half = Cut::to(sparsity("0.5")).masks_blocking(&Magnitude, &NetworkProbe::new(&net), None).unwrap();
    let cut = Cut::to(sparsity("0.4")).iterations(Iterations::exponential(3));
    let error = cut.masks_blocking(&Magnitude, &NetworkProbe::new(&net), Some(&half)).unwrap_err();
    assert!(matches!(error, Error::TooFewAlive { asked: 50, total: 84, alive: 42 }), "{error}");
}
