//! Criteria on layers over one spatial dimension, at places, and transposed.

use sapwood_backend::{DeviceSpec, Seed, block_on};
use sapwood_conformance::{batch, fill};
use sapwood_core::{Conv, Dims, Entry, Graph, ModuleState, Reduction, infos};
use sapwood_models::Net;
use sapwood_prune::{CRITERIA, Cut, NetworkProbe, Options, Scope, Scores};

/// A sequence of three channels through a convolution and a layer at each of its places.
fn sequence() -> Graph {
    let entry = Entry { name: "x".into(), dims: Dims::batch_of(&[3, 9]).unwrap(), integers: false };
    let mut g = Graph::builder_of(vec![entry]);
    let x = g.conv("conv", g.input(), Conv::new(4, [1, 3]).stride([1, 2]).padding([0, 1, 0, 1]));
    let x = g.batch_norm("bn", x);
    let x = g.relu(x);
    let x = g.transpose(x, &[0, 2, 1]);
    let x = g.linear_at_places("fc", x, 5);
    g.reduce(x, Reduction::Mean, &[1], false);
    g.finish().unwrap()
}

/// The same, written with images of height 1.
fn image() -> Graph {
    let mut g = Graph::builder([3, 1, 9]);
    let x = g.conv("conv", g.input(), Conv::new(4, [1, 3]).stride([1, 2]).padding([0, 1, 0, 1]));
    let x = g.batch_norm("bn", x);
    let x = g.relu(x);
    let x = g.conv("fc", x, Conv::new(5, 1));
    let x = g.global_avg_pool(x);
    g.flatten(x);
    g.finish().unwrap()
}

fn filled(graph: Graph) -> Net {
    let net = Net::new(graph, &DeviceSpec::CPU.resolve().unwrap());
    fill(&infos(&net)).write(net).unwrap()
}

#[test]
fn every_criterion_scores_a_sequence_as_the_image_that_it_is() {
    let examples = [batch("a", "b", [6, 3, 1, 9], 5)];
    for row in CRITERIA {
        let scores = |graph: Graph| -> Scores {
            let net = filled(graph);
            let probe = NetworkProbe::observed(&net).with_examples(&examples).in_f64();
            let criterion = (row.build)(&Options::default(), Seed(1)).unwrap();
            let prunable = criterion.scope(&probe, Scope::default().on(&net).unwrap()).unwrap();
            block_on(criterion.score(&probe, &prunable).unwrap().read()).unwrap()
        };
        let (ours, expected) = (scores(sequence()), scores(image()));
        assert_eq!(ours.iter().count(), expected.iter().count(), "{}", row.name);
        for ((info, a), (_, b)) in ours.iter().zip(expected.iter()) {
            let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>().sqrt();
            let far = norm(&mut a.iter().zip(b).map(|(a, b)| a - b)) / norm(&mut b.iter().copied());
            assert!(a.len() == b.len() && far < 1e-6, "{}: {}: {far:e}", row.name, info.path);
        }
    }
}

#[test]
fn of_a_transposed_convolution_gradients_tell_and_inputs_do_not() {
    let mut g = Graph::builder([3, 4, 4]);
    let x = g.conv("down", g.input(), Conv::new(4, 3).stride(2).padding(1));
    let x = g.conv("up", x, Conv::new(5, 2).stride(2).transposed(0));
    let x = g.global_avg_pool(x);
    g.flatten(x);
    let net = filled(g.finish().unwrap());
    let examples = [batch("a", "b", [6, 3, 4, 4], 5)];
    let probe = NetworkProbe::observed(&net).with_examples(&examples);
    let cut = |name: &str| {
        let row = CRITERIA.iter().find(|row| row.name == name).unwrap();
        let criterion = (row.build)(&Options::default(), Seed(1)).unwrap();
        Cut::to("0.5".parse().unwrap()).masks_blocking(criterion.as_ref(), &probe, None)
    };
    let masks = cut("snip").unwrap();
    assert_eq!(masks.kept(), (4 * 3 * 9 + 4 * 5 * 4) / 2);
    assert!(masks.get(&"up.weight".into()).unwrap().count_ones() > 0);
    assert_eq!(
        cut("wanda").unwrap_err().to_string(),
        "`up.weight` is of a transposed convolution, which a criterion that asks for the inputs of layers cannot be \
         used with: exclude it"
    );
}
