//! Whole channels, out of every layer that has them.

use std::sync::atomic::{AtomicUsize, Ordering};

use sapwood_backend::Seed;
use sapwood_core::graph::Groups;
use sapwood_prune::{
    Ablation, Allocation, Counted, Criterion, Cut, Error, Force, Fpgm, Granularity, Iterations, Magnitude,
    MaskSet, Movement, NetworkProbe, Probe, Prunable, Random, ScoreTensors, Snip,
};
use sapwood_shrink::{GroupScore, Normaliser, Removal, squares};

use super::{GRAPH, batch, net, sparsity, state, values};

fn cut(removed: &str) -> Cut {
    Cut::to(sparsity(removed)).granularity(Granularity::Channel(Counted::Channels))
}

/// Which of the four channels of `conv` are kept; each leaves from everywhere or from nowhere.
fn kept(masks: &MaskSet) -> Vec<usize> {
    let bits = |path: &str| masks.get(&path.into()).unwrap();
    let whole = |channel: usize| {
        let conv = (9 * channel..9 * channel + 9).map(|at| bits("conv.weight").get(at));
        let fc = (0..48).filter(|at| at % 16 / 4 == channel).map(|at| bits("fc.weight").get(at));
        let rest = ["conv.bias", "bn.weight", "bn.bias"].map(|path| bits(path).get(channel));
        let all: Vec<bool> = conv.chain(fc).chain(rest).collect();
        assert!(all.iter().all(|kept| *kept == all[0]), "channel {channel} is torn apart");
        all[0]
    };
    (0..4).filter(|channel| whole(*channel)).collect()
}

/// The channels by a score, from the highest on.
fn highest(scores: &[f64], count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    let mut found = order[..count].to_vec();
    found.sort_unstable();
    found
}

#[test]
fn magnitude_takes_the_channels_with_the_smallest_group_norm_out_of_all_parameters() {
    let net = net();
    let masks = cut("0.5").masks_blocking(&Magnitude, &NetworkProbe::observed(&net), None).unwrap();
    let groups = Groups::of(&GRAPH).unwrap();
    let score = GroupScore { normaliser: Normaliser::None, ..GroupScore::default() };
    let scores = score.of(&groups, &squares(&GRAPH, &state(&net))).unwrap();
    assert_eq!(kept(&masks), highest(&scores[0], 2));
    // The bias of the last layer has no mask: nothing of it goes.
    assert!(masks.get(&"fc.bias".into()).is_none());
}

#[test]
fn rounds_score_what_is_left_and_keep_what_is_gone() {
    let (net, examples) = (net(), [batch(6)]);
    let probe = NetworkProbe::observed(&net).with_examples(&examples).in_f64();
    let one = cut("0.25").masks_blocking(&Snip::default(), &probe, None).unwrap();
    let three = cut("0.75").iterations(Iterations::linear(3)).masks_blocking(&Snip::default(), &probe, None);
    let three = three.unwrap();
    assert_eq!((kept(&one).len(), kept(&three).len()), (3, 1));
    assert!(kept(&three).iter().all(|channel| kept(&one).contains(channel)));
}

#[test]
fn controls_keep_as_many_channels() {
    let net = net();
    let probe = NetworkProbe::observed(&net);
    let of = |cut: Cut| kept(&cut.masks_blocking(&Magnitude, &probe, None).unwrap());
    let (best, worst) = (of(cut("0.5")), of(cut("0.5").ablation(Ablation::Invert)));
    assert!(best.iter().all(|channel| !worst.contains(channel)) && worst.len() == 2);
    let shuffled: Vec<Vec<usize>> =
        (0..8).map(|seed| of(cut("0.5").ablation(Ablation::Shuffle).seed(Seed(seed)))).collect();
    assert!(shuffled.iter().all(|kept| kept.len() == 2) && shuffled.iter().any(|kept| *kept != best));
    let random = |seed| kept(&cut("0.5").masks_blocking(&Random(Seed(seed)), &probe, None).unwrap());
    assert!((0..8).any(|seed| random(seed) != random(8)));
}

#[test]
fn a_share_of_arithmetic_is_a_share_of_arithmetic() {
    let net = net();
    let how = Granularity::Channel(Counted::Macs);
    let cut = Cut::to(sparsity("0.4")).granularity(how);
    let masks = cut.masks_blocking(&Magnitude, &NetworkProbe::observed(&net), None).unwrap();
    // Each of the four channels is a quarter of all.
    assert_eq!(kept(&masks).len(), 2);
    assert_eq!("channel-macs".parse::<Granularity>().unwrap(), how);
    assert_eq!(how.to_string(), "channel-macs");
}

#[test]
fn what_cannot_leave_is_told() {
    let net = net();
    let probe = NetworkProbe::observed(&net);
    let said = |cut: Cut| cut.masks_blocking(&Magnitude, &probe, None).unwrap_err().to_string();
    assert!(said(cut("0.01")).contains("rounded, is none"), "{}", said(cut("0.01")));
    assert!(said(cut("1")).contains("expected a share above 0 and below 1"), "{}", said(cut("1")));
    let rows = cut("0.5").allocation(Allocation::Rows);
    assert!(said(rows.clone()).contains("`global` or `uniform`"), "{}", said(rows));
    let blind = cut("0.5").masks_blocking(&Magnitude, &NetworkProbe::new(&net), None).unwrap_err();
    assert!(matches!(blind, Error::Unmet { .. }), "{blind}");
    let all_but_one = cut("0.99").prune_blocking(&Magnitude, &probe, None).unwrap();
    assert_eq!(kept(&all_but_one.masks).len(), 1);
    let warned: Vec<String> = all_but_one.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warned, ["`conv` would be empty: at least one channel stays in each layer"]);
}

#[test]
fn filters_near_the_others_go_first() {
    let net = net();
    let masks = cut("0.25").masks_blocking(&Fpgm, &NetworkProbe::observed(&net), None).unwrap();
    let weights = values(&net, "conv.weight");
    let distance = |a: usize, b: usize| {
        let pairs = weights[9 * a..9 * a + 9].iter().zip(&weights[9 * b..9 * b + 9]);
        f64::from(pairs.map(|(a, b)| (a - b) * (a - b)).sum::<f32>()).sqrt()
    };
    let sums: Vec<f64> = (0..4).map(|a| (0..4).map(|b| distance(a, b)).sum()).collect();
    assert_eq!(kept(&masks), highest(&sums, 3));
    let removal = Removal::of_masks(&Groups::of(&GRAPH).unwrap(), masks.as_masks(), |path| {
        state(&net).0.get(path).map(|value| value.shape().to_vec())
    });
    assert_eq!(removal.units(), 1);
}

/// How often weights were scored.
#[derive(Debug, Default)]
struct Asked(AtomicUsize);

impl Criterion for Asked {
    fn name(&self) -> &str {
        "asked"
    }

    fn score(&self, probe: &dyn Probe, prunable: &Prunable) -> Result<ScoreTensors, Error> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Magnitude.score(probe, prunable)
    }
}

#[test]
fn a_network_without_half_of_its_channels_goes_through_all_rounds() {
    let net = net();
    let half = cut("0.5").masks_blocking(&Magnitude, &NetworkProbe::observed(&net), None).unwrap();
    let net = half.apply(net).unwrap();
    let asked = Asked::default();
    let rounds = cut("0.75").iterations(Iterations::linear(4));
    let masks = rounds.masks_blocking(&asked, &NetworkProbe::observed(&net), Some(&half)).unwrap();
    assert_eq!((kept(&masks).len(), asked.0.into_inner()), (1, 4));
}

#[test]
fn channels_that_are_gone_stay_so_whatever_is_asked_for_next() {
    let net = net();
    let half = cut("0.5").masks_blocking(&Magnitude, &NetworkProbe::observed(&net), None).unwrap();
    let net = half.apply(net).unwrap();
    let again =
        |cut: Cut| kept(&cut.masks_blocking(&Magnitude, &NetworkProbe::observed(&net), Some(&half)).unwrap());
    // A quarter is less than what is gone.
    assert_eq!(again(cut("0.25")), kept(&half));
    // The control draws one of the two that are left.
    for seed in 0..8 {
        let left = again(cut("0.75").ablation(Ablation::Shuffle).seed(Seed(seed)));
        assert!(left.len() == 1 && kept(&half).contains(&left[0]), "{left:?}");
    }
}

#[test]
fn where_weights_may_return_channels_that_are_gone_do_not() {
    let (net, examples) = (net(), [batch(6)]);
    let half = cut("0.5").masks_blocking(&Magnitude, &NetworkProbe::observed(&net), None).unwrap();
    let net = half.apply(net).unwrap();
    let probe = NetworkProbe::observed(&net).with_examples(&examples).in_f64();
    for criterion in [&Movement as &dyn Criterion, &Force] {
        let again = |cut: Cut| cut.masks_blocking(criterion, &probe, Some(&half)).unwrap();
        assert_eq!(kept(&again(cut("0.25"))), kept(&half), "{criterion:?}");
        for rounds in [1, 3] {
            let left = kept(&again(cut("0.75").iterations(Iterations::linear(rounds))));
            assert!(left.len() == 1 && kept(&half).contains(&left[0]), "{criterion:?}: {left:?}");
        }
    }
}

/// A criterion of somebody else's, which knows nothing of channels.
#[derive(Debug)]
struct Foreign;

impl Criterion for Foreign {
    fn name(&self) -> &str {
        "foreign"
    }

    fn score(&self, probe: &dyn Probe, prunable: &Prunable) -> Result<ScoreTensors, Error> {
        assert!(prunable.params().iter().all(|info| info.role.is_weight()));
        ScoreTensors::new(prunable, probe.weights()?.of(prunable)?.map(|w| w.square().square()))
    }
}

#[test]
fn a_criterion_that_knows_nothing_of_channels_scores_them_by_their_weights() {
    let net = net();
    let masks = cut("0.5").masks_blocking(&Foreign, &NetworkProbe::observed(&net), None).unwrap();
    let fourth = |path: &str, of: &dyn Fn(usize) -> bool| -> f64 {
        let weights = values(&net, path);
        let some = weights.iter().enumerate().filter(|(at, _)| of(*at));
        some.map(|(_, w)| f64::from(w * w * w * w)).sum()
    };
    let sums: Vec<f64> = (0..4)
        .map(|c| fourth("conv.weight", &|at| at / 9 == c) + fourth("fc.weight", &|at| at % 16 / 4 == c))
        .collect();
    assert_eq!(kept(&masks), highest(&sums, 2));
}
