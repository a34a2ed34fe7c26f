//! What is dead leaves random networks, and outputs stay.

use sapwood_graph::{Groups, Masks, Side, State};
use sapwood_shrink::{Dead, without_zero_branches};

use crate::{
    evaluator::run,
    networks::{Numbers, far, network, state},
};

/// The values, in which some channels are set to zero: drawn for each parameter anew, and fewer of the channels that a layer reads.
fn thinned(groups: &Groups, mut values: State, numbers: &mut Numbers) -> State {
    let (made, read) = (numbers.next(), numbers.next());
    for axis in groups.axes().iter().filter(|axis| !axis.path.as_str().contains(".running_")) {
        let Some(value) = values.0.get_mut(&axis.path) else { continue };
        let inner: usize = value.shape()[axis.axis + 1..].iter().product();
        let share = if axis.side == Side::Reads { made * read } else { made };
        let gone: Vec<bool> = axis.slots.iter().map(|_| numbers.next() < share).collect();
        let weights = value.as_mut_slice::<f64>().unwrap().iter_mut().enumerate();
        weights.filter(|(at, _)| gone[at / inner % gone.len()]).for_each(|(_, weight)| *weight = 0.0);
    }
    values
}

#[test]
fn dead_channels_and_zero_branches_leave_random_networks_and_outputs_stay() {
    let (mut numbers, mut units, mut layers) = (Numbers(3), 0, 0);
    for seed in 0..400 {
        let count = (14.0 * numbers.next()) as usize;
        let choices: Vec<u8> = (0..count).map(|_| (256.0 * numbers.next()) as u8).collect();
        let graph = network(&choices);
        let groups = Groups::of(&graph).unwrap();
        let values = thinned(&groups, state(&graph, seed), &mut numbers);
        let x: Vec<f64> = (0..48).map(|_| 2.0 * numbers.next() - 1.0).collect();
        let whole = run(&graph, &values, &x);

        let dead = Dead::of(&graph, &groups, &values);
        units += dead.removal.units();
        let small = dead.remove(&graph, &groups, &values, &Masks::new()).unwrap();
        let away = far(&run(&small.graph, &small.state, &x), &whole);
        assert!(away < 1e-9, "{away:e} without {} channels of {graph:?}", dead.removal.units());

        let (short, gone) = without_zero_branches(&graph, &values, &Masks::new()).unwrap();
        layers += gone.len();
        let away = far(&run(&short.graph, &short.state, &x), &whole);
        assert!(away < 1e-9, "{away:e} without {gone:?} of {graph:?}");
    }
    assert!(1000 < units && 10 < layers, "{units} channels, {layers} layers");
}
