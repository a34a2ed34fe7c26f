//! Each way of choosing, on a few digits.

use sapwood_backend::DeviceSpec;
use sapwood_core::Observed as _;
use sapwood_data::{OpenOptions, Split, open};
use sapwood_models::{Init, Spec};

use super::*;
use crate::Silent;

fn digits() -> Dataset {
    open("digits", Split::Train, "".as_ref(), &OpenOptions::default()).unwrap().take(120).unwrap()
}

fn nets(n: u64) -> (Vec<Net>, Device) {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let spec = Spec { width: 0.05, ..Spec::named("lenet-300-100").unwrap() }.fit([1, 8, 8], 10);
    let net = |seed| Init::default().apply(spec.net(&device).unwrap(), Seed(seed));
    ((0..n).map(net).collect(), device)
}

fn choice(by: Choosing, keep: usize) -> Choice {
    Choice { by, keep, balanced: false, easiest: false, seed: Seed(3) }
}

#[test]
fn every_method_keeps_as_many_as_asked_the_same_ones_each_time() {
    let (data, (nets, device)) = (digits(), nets(2));
    for by in Choosing::ALL {
        let nets = &nets[..(*by.networks().end()).min(2)];
        for balanced in [false, true] {
            let choice = Choice { balanced, ..choice(by, 50) };
            let list = choice.of(&data, nets, &device, &Silent).unwrap();
            assert_eq!((list.kept.len(), list.examples), (50, 120), "{by:?}");
            assert!(list.kept.is_sorted_by(|a, b| a < b));
            assert_eq!(list, choice.of(&data, nets, &device, &Silent).unwrap());
            let Labels::Class(labels) = data.labels() else { panic!("digits have classes") };
            let of = |class: u32, among: &mut dyn Iterator<Item = usize>| {
                among.filter(|at| labels[*at] == class).count()
            };
            for class in (0..10).filter(|_| balanced) {
                let (kept, all) = (of(class, &mut list.kept.iter().copied()), of(class, &mut (0..120)));
                assert!((kept as f64 - all as f64 * 50.0 / 120.0).abs() < 1.0, "{by:?}: {kept} of {all}");
            }
        }
    }
}

#[test]
fn the_hardest_and_the_easiest_share_nothing_and_scores_agree_with_their_formulas() {
    let (data, (nets, device)) = (digits(), nets(1));
    for by in [Choosing::El2n, Choosing::Grand] {
        let hard = choice(by, 60).of(&data, &nets, &device, &Silent).unwrap();
        let easy = Choice { easiest: true, ..choice(by, 60) }.of(&data, &nets, &device, &Silent).unwrap();
        assert!(hard.kept.iter().all(|at| !easy.kept.contains(at)), "{by:?}");
    }
    // Of a network of zeros all probabilities are a tenth.
    let zeros = vec![Spec::named("lenet-300-100").unwrap().fit([1, 8, 8], 10).net(&device).unwrap()];
    assert!(zeros[0].graph().nodes().len() > 1);
    let expected = (0.9_f64.powi(2) + 9.0 * 0.1_f64.powi(2)).sqrt();
    let all = Loader::new(Arc::new(data), LoaderOptions::default()).unwrap();
    for score in block_on(el2n(&zeros, &all, &device, &Silent)).unwrap() {
        assert!((score - expected).abs() < 1e-6, "{score}");
    }
    // And the gradient is that of the last bias alone: the same vector.
    for score in block_on(grand(&zeros, &all, &device, &Silent)).unwrap() {
        assert!((score - expected).abs() < 1e-6, "{score}");
    }
}

#[test]
fn what_cannot_be_chosen_is_one_line() {
    let (data, (nets, device)) = (digits(), nets(2));
    for (choice, nets, expected) in [
        (choice(Choosing::Random, 50), &nets[..], "`random` takes no network, found 2"),
        (choice(Choosing::KCentre, 50), &nets[..], "`k-centre` takes one network, found 2"),
        (choice(Choosing::Forgetting, 50), &nets[..1], "`forgetting` takes 2 networks or more, found 1"),
        (choice(Choosing::El2n, 0), &nets[..], "from 1 to 120 examples, found 0"),
        (choice(Choosing::El2n, 121), &nets[..], "from 1 to 120 examples, found 121"),
        (Choice { easiest: true, ..choice(Choosing::Random, 9) }, &[], "`random` has no easiest"),
    ] {
        let said = choice.of(&data, nets, &device, &Silent).unwrap_err().to_string();
        assert!(said.contains(expected) && !said.contains('\n'), "{said}");
    }
}
