//! Scores that were computed elsewhere.

use sapwood_backend::{Seed, block_on};
use sapwood_core::{Array, Bits, Masks, ParamInfo, State};
use sapwood_prune::{
    Ablation, Allocation, CRITERIA, Criterion, Cut, Granularity, Iterations, Magnitude, MaskSet, Needs,
    NetworkProbe, Probe, Scope, Stored, Wanda, criterion,
};

use super::{Net, batch, net, sparsity};

/// What a criterion says of a network, as values on the host.
fn scores(criterion: &dyn Criterion, probe: &dyn Probe, scope: &Scope) -> State {
    let prunable = criterion.scope(probe, scope.of(probe.infos()).unwrap()).unwrap();
    let scores = block_on(criterion.score(probe, &prunable).unwrap().read()).unwrap();
    let array = |(info, values): (&ParamInfo, &[f64])| {
        (info.path.clone(), Array::new(info.shape.clone(), values.to_vec()).unwrap())
    };
    State(scores.iter().map(array).collect())
}

fn error(cut: &Cut, scores: State, net: &Net) -> String {
    cut.masks_blocking(&Stored::new(scores), &NetworkProbe::new(net), None).unwrap_err().to_string()
}

#[test]
fn every_criterion_and_its_stored_scores_make_the_same_masks() {
    let (net, examples) = (net(), [batch(4)]);
    let probe = NetworkProbe::observed(&net).with_examples(&examples).in_f64();
    let alive = Cut::to(sparsity("0.3")).masks_blocking(&Magnitude, &probe, None).unwrap();
    let masked = alive.apply(net.clone()).unwrap();
    let of_whole: &dyn Probe = &probe;
    let of_masked: &dyn Probe = &NetworkProbe::observed(&masked);
    let half = || Cut::to(sparsity("0.5")).iterations(Iterations::ONE_SHOT);
    let filters: Granularity = "filter".parse().unwrap();
    let cuts = [
        half(),
        half().allocation(Allocation::Uniform).ablation(Ablation::Invert),
        half().ablation(Ablation::Shuffle).seed(Seed(5)),
        half().granularity(filters),
    ];
    // It also changes the weights that it keeps, so its masks alone are not what it prunes.
    for row in CRITERIA.iter().filter(|row| row.name != "sparsegpt") {
        let criterion = criterion(row.name, Seed(3)).unwrap();
        // It scores nothing but what has normalisation behind it.
        let excluded: &[&str] = if row.name == "bn-scale" { &["fc"] } else { &[] };
        let scope = Scope::excluding(excluded).unwrap();
        let mut networks: Vec<(&dyn Probe, Option<&MaskSet>)> = vec![(of_whole, None)];
        if row.needs == Needs::Weights {
            networks.push((of_masked, Some(&alive)));
        }
        for (probe, alive) in networks {
            let stored = Stored::new(scores(criterion.as_ref(), probe, &scope));
            for cut in cuts.clone().map(|cut| cut.scope(scope.clone())) {
                let expected = cut.prune_blocking(criterion.as_ref(), probe, alive).unwrap();
                let found = cut.prune_blocking(&stored, probe, alive).unwrap();
                assert_eq!(found.masks, expected.masks, "{} {cut:?}", row.name);
                assert_eq!(found.warnings, expected.warnings, "{} {cut:?}", row.name);
            }
        }
    }
}

#[test]
fn channels_have_the_scores_of_the_weights_that_leave_with_them() {
    let (net, examples) = (net(), [batch(4)]);
    let probe = NetworkProbe::observed(&net).with_examples(&examples).in_f64();
    let stored = Stored::new(scores(&Wanda, &probe, &Scope::default()));
    let cut = Cut::to(sparsity("0.5")).granularity("channel".parse().unwrap());
    let masks = |criterion: &dyn Criterion| cut.masks_blocking(criterion, &probe, None).unwrap();
    assert_eq!(masks(&stored), masks(&Wanda));
}

#[test]
fn weights_that_are_masked_do_not_count_in_groups() {
    let net = net();
    let dense = Stored::new(scores(&Magnitude, &NetworkProbe::new(&net), &Scope::default()));
    // The largest are gone, which the scores of the dense network do not know.
    let cut = Cut::to(sparsity("0.3")).ablation(Ablation::Invert);
    let alive = cut.masks_blocking(&Magnitude, &NetworkProbe::new(&net), None).unwrap();
    let masked = alive.apply(net).unwrap();
    let probe = NetworkProbe::new(&masked);
    let cut = Cut::to(sparsity("0.5")).granularity("filter".parse().unwrap());
    let masks = |criterion: &dyn Criterion| cut.masks_blocking(criterion, &probe, Some(&alive)).unwrap();
    let expected = masks(&Magnitude);
    assert_ne!(masks(&dense), expected);
    assert_eq!(masks(&dense.clone().without(alive.as_masks())), expected);
    // Masks of other parameters, or of another length, change no score.
    let foreign: Masks = [("fc.weight".into(), Bits::zeros(3)), ("bn.weight".into(), Bits::zeros(4))].into();
    assert_eq!(masks(&dense.clone().without(&foreign)), masks(&dense));
}

#[test]
fn scores_of_another_network_are_refused_by_name_and_shape() {
    let net = net();
    let whole = || scores(&Magnitude, &NetworkProbe::new(&net), &Scope::default());
    let half = Cut::to(sparsity("0.5"));

    let mut lacking = whole();
    lacking.0.remove("fc.weight");
    let said = error(&half, lacking.clone(), &net);
    assert!(said.starts_with("the scores do not belong to the network: missing fc.weight; "), "{said}");
    assert!(said.contains("exclude layers without scores"), "{said}");
    let conv = half.clone().scope(Scope::excluding(["fc"]).unwrap());
    let probe = NetworkProbe::new(&net);
    let masks = |criterion: &dyn Criterion| conv.masks_blocking(criterion, &probe, None).unwrap();
    assert_eq!(masks(&Stored::new(lacking)), masks(&Magnitude));

    let mut turned = whole();
    let weight = turned.0["fc.weight"].clone().reshape([16, 3]).unwrap();
    turned.0.insert("fc.weight".into(), weight);
    let said = error(&half, turned, &net);
    assert!(said.contains("fc.weight should be [3, 16] but is [16, 3]"), "{said}");

    let mut more = whole();
    more.0.insert("bn.weight".into(), Array::new([4], vec![1.0f32; 4]).unwrap());
    let said = error(&half, more, &net);
    assert!(said.contains("unexpected bn.weight; expected one for each weight"), "{said}");

    let mut broken = whole();
    broken.0.get_mut("fc.weight").unwrap().as_mut_slice::<f64>().unwrap()[7] = f64::NAN;
    let said = error(&half, broken, &net);
    assert!(said.contains("1 scores of `fc.weight` are not finite") && said.contains("index 7"), "{said}");
}
