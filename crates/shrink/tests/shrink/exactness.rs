//! What is shrunk is what is masked.

use std::collections::BTreeSet;

use proptest::prelude::*;
use sapwood_graph::{Graph, Group, Groups, Masks, ParamPath, Side, Slot};
use sapwood_shrink::{Removal, Surgery, shrink};

use crate::{
    evaluator::run,
    networks::{Numbers, far, network, state},
};

/// Units at random, of each set of which one stays at least one.
fn some(groups: &Groups, share: f64, seed: u64) -> Removal {
    let mut numbers = Numbers(seed);
    let mut removal = Removal::none(groups);
    for (at, group) in groups.iter().enumerate() {
        for unit in (0..group.units()).filter(|unit| group.is_free(*unit)) {
            let mut tried = removal.clone();
            if numbers.next() < share {
                tried.take(at, unit);
                if tried.check(groups).is_ok() {
                    removal = tried;
                }
            }
        }
    }
    removal
}

/// For each dimension of channels what its indices belong to.
fn parts(groups: &Groups) -> Vec<(ParamPath, usize, Vec<Slot>)> {
    groups.axes().iter().map(|axis| (axis.path.clone(), axis.axis, axis.slots.clone())).collect()
}

/// The same where of each group these units are left, which count from 0 again.
fn left_of(
    parts: Vec<(ParamPath, usize, Vec<Slot>)>,
    units: &[Vec<usize>],
) -> Vec<(ParamPath, usize, Vec<Slot>)> {
    let renumbered = |Slot { group, unit }: Slot| {
        let at = units[group as usize].binary_search(&(unit as usize)).ok()?;
        Some(Slot { group, unit: at as u32 })
    };
    let left = |slots: Vec<Slot>| slots.into_iter().filter_map(renumbered).collect();
    parts.into_iter().map(|(path, axis, slots)| (path, axis, left(slots))).collect()
}

/// For each group the sets of these units of which one must stay, and which of them may leave. What is alone in such a
/// set must stay, whether or not the group says so.
fn allowed(groups: &Groups, units: &[Vec<usize>]) -> Vec<(BTreeSet<Vec<usize>>, Vec<bool>)> {
    let of = |(group, units): (&Group, &Vec<usize>)| {
        let left = |unit: &u32| units.binary_search(&(*unit as usize)).ok();
        let floors = group.floors().iter().map(|floor| floor.iter().filter_map(left).collect());
        let floors: BTreeSet<Vec<usize>> = floors.collect();
        let is_free = |at: usize| group.is_free(units[at]) && !floors.contains(&vec![at]);
        let free = (0..units.len()).map(is_free).collect();
        (floors, free)
    };
    groups.iter().zip(units).map(of).collect()
}

/// All units of each group.
fn all_units(groups: &Groups) -> Vec<Vec<usize>> {
    groups.iter().map(|group| (0..group.units()).collect()).collect()
}

fn input(seed: u64) -> Vec<f64> {
    let mut numbers = Numbers(seed ^ 77);
    (0..48).map(|_| 2.0 * numbers.next() - 1.0).collect()
}

fn shrunk_is_masked(graph: &Graph, share: f64, seed: u64) -> usize {
    let groups = Groups::of(graph).unwrap();
    let (state, removal) = (state(graph, seed), some(&groups, share, seed));
    let small = shrink(graph, &state, &Masks::new(), &removal).unwrap();
    let mut masked = state.clone();
    masked.apply(&removal.masks(&groups, &state, true)).unwrap();
    let x = input(seed);
    let far = far(&run(&small.graph, &small.state, &x), &run(graph, &masked, &x));
    assert!(far < 1e-10, "{far:e} with {} units of {graph:?}", removal.units());
    removal.units()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn shrunk_is_masked_for_random_networks(
        choices in prop::collection::vec(any::<u8>(), 0..12),
        seed in any::<u64>(),
        share in 0.1f64..0.9,
    ) {
        shrunk_is_masked(&network(&choices), share, seed);
    }

    #[test]
    fn every_index_of_a_weight_belongs_to_one_unit(choices in prop::collection::vec(any::<u8>(), 0..12)) {
        let graph = network(&choices);
        let groups = Groups::of(&graph).unwrap();
        let mut seen = BTreeSet::new();
        let mut known: BTreeSet<(String, usize)> = BTreeSet::new();
        for axis in groups.axes() {
            prop_assert!(known.insert((axis.path.to_string(), axis.axis)), "{} twice", axis.path);
            for slot in &axis.slots {
                prop_assert!((slot.unit as usize) < groups[slot.group as usize].units());
                prop_assert!(groups.axes_of(slot.group as usize).any(|of| of == axis));
                seen.insert(*slot);
            }
        }
        // No unit is without a place, and no layer without its groups.
        for (at, group) in groups.iter().enumerate().filter(|(_, group)| !group.makers.is_empty()) {
            for unit in 0..group.units() {
                let slot = Slot { group: at as u32, unit: unit as u32 };
                prop_assert!(seen.contains(&slot) || !group.is_free(unit) || group.width(unit) == 0);
            }
        }
        for node in graph.nodes().iter().filter(|node| node.op.has_weights()) {
            let path = format!("{}.weight", node.name);
            let made = |axis: &&sapwood_graph::ParamAxis| axis.path.as_str() == path && axis.side != Side::Reads;
            prop_assert!(groups.axes().iter().any(|axis| made(&axis)), "{path}");
        }
    }

    #[test]
    fn three_steps_are_one(choices in prop::collection::vec(any::<u8>(), 0..10), seed in any::<u64>()) {
        let graph = network(&choices);
        let first = Groups::of(&graph).unwrap();
        let (state, removal) = (state(&graph, seed), some(&first, 0.6, seed));
        let once = shrink(&graph, &state, &Masks::new(), &removal).unwrap();
        let (mut left, mut values) = (graph.clone(), state.clone());
        // For each group its units that are still there, by what they were called first.
        let mut units = all_units(&first);
        for step in 0..3 {
            // A convolution with groups that is left with one input for each is a depthwise one, and one with one
            // group an ordinary one: its channels go with others then, and may leave otherwise.
            let groups = Groups::of(&left).unwrap();
            prop_assume!(parts(&groups) == left_of(parts(&first), &units));
            prop_assume!(allowed(&groups, &all_units(&groups)) == allowed(&first, &units));
            let mut part = Removal::none(&groups);
            for (group, units) in units.iter_mut().enumerate() {
                let leaves = |unit: usize| {
                    unit % 3 == step && removal.has(Slot { group: group as u32, unit: unit as u32 })
                };
                (0..units.len()).filter(|at| leaves(units[*at])).for_each(|at| part.take(group, at));
                units.retain(|unit| !leaves(*unit));
            }
            let surgery = Surgery::new(&left, &groups, &part).unwrap();
            values = surgery.state(&values).unwrap();
            left = surgery.graph;
        }
        prop_assert!(left == once.graph);
        prop_assert!(values == once.state);
    }
}

#[test]
fn much_of_a_network_leaves() {
    // Of networks that say all operations the groups are not just kept whole.
    let units: usize = (0..16u8).map(|op| shrunk_is_masked(&network(&[op, 16 + op, 32 + op]), 0.7, 3)).sum();
    assert!(100 < units, "{units}");
}

#[test]
fn what_stays_is_refused_with_its_reason_and_a_layer_is_never_emptied() {
    let graph = network(&[1, 2]);
    let groups = Groups::of(&graph).unwrap();
    let mut all = Removal::none(&groups);
    (0..6).for_each(|unit| all.take(0, unit));
    let refused = |removal: &Removal| removal.check(&groups).unwrap_err().to_string();
    assert_eq!(
        refused(&all),
        "all channels of `stem` would leave, and at least one stays in each of its layers"
    );
    let head = groups.iter().position(|group| group.name == "head").unwrap();
    let mut output = Removal::none(&groups);
    output.take(head, 1);
    assert_eq!(refused(&output), "channel 1 of `head` cannot leave: they go out of the network");
}
