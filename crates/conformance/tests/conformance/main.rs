//! Every device against PyTorch's answers.

mod files;
mod group_scores;
mod inputs;
mod layers;
mod misfits;
mod runtime;
mod shrunk;
mod table;
mod tokens;
#[path = "../../../onnx/tests/onnx/written.rs"]
#[allow(dead_code, reason = "other files are written elsewhere")]
mod written;

use sapwood_backend::block_on;
use sapwood_conformance::{CHECKS, Findings, On, devices, workload};

/// Runs a check on every device that is tested.
fn check(name: &str) {
    let check = CHECKS.iter().find(|check| check.name == name).expect("a check of this name");
    for spec in devices() {
        let mut found = Findings::default();
        let outcome = block_on(async {
            let on = On::new(spec, workload(spec)).await?;
            (check.run)(&on, &mut found).await
        });
        found.notes.iter().for_each(|note| println!("{spec}: {note}"));
        outcome.unwrap_or_else(|error| panic!("{spec}: {error}"));
        assert!(found.wrong.is_empty(), "{spec}:\n{}", found.wrong.join("\n"));
        println!("{spec}: {} comparisons, at most {:.2} of what is tolerated", found.compared, found.used);
    }
}

/// A test for each check, so that they are named and run side by side.
macro_rules! tests {
    ($($name:ident)*) => {
        $(#[test] fn $name() { check(stringify!($name)); })*
        const TESTED: &[&str] = &[$(stringify!($name)),*];
    };
}

tests! {
    elementwise_operations_are_their_definitions
    products_are_their_definitions
    windows_are_their_definitions
    gradients_of_a_product_are_products
    every_operation_of_a_graph_is_pytorchs
    values_on_a_grid_are_the_nearest_of_its_numbers
    folded_rounded_and_integer_networks_are_the_same_network
    networks_that_learn_with_rounding_are_their_integers
    steps_learn_as_in_the_paper
    the_fill_is_pythons
    counts_and_logits_are_pytorchs
    steps_of_sgd_and_adamw_are_pytorchs
    twenty_steps_of_small_models_are_the_cpus
    masked_weights_stay_zero_while_the_others_learn
    every_criterion_keeps_its_promises
    scores_are_the_cpus
    scores_of_lenet_300_100_are_pytorchs
    scores_of_conv_4_are_pytorchs
    scores_of_vgg_11_are_pytorchs
    scores_of_resnet_20_are_pytorchs
    a_sub_network_is_the_same_inside_and_cut_out
    sub_networks_learn_the_same
    synflow_leaves_each_layer_of_vgg_16_some_weights_where_magnitude_does_not
    synflow_never_cuts_resnet_20_through_where_magnitude_does
    memory_that_is_full_is_an_error
}

#[test]
fn every_check_is_tested() {
    assert_eq!(TESTED, CHECKS.iter().map(|check| check.name).collect::<Vec<_>>());
}

#[test]
fn what_is_wrong_is_noticed() {
    let mut found = Findings::default();
    found.near("near", &[1.0, 2.0], &[1.0, 2.0 + 1e-6], 1e-5);
    assert!(found.wrong.is_empty() && found.used < 1.0 && found.compared == 1);
    found.near("far", &[1.0, 2.0], &[1.0, 2.1], 1e-5);
    found.near("not a number", &[f64::NAN], &[1.0], 1e-5);
    found.near("too few", &[1.0], &[1.0, 2.0], 1e-5);
    found.holds("not so", false);
    assert_eq!(found.wrong.len(), 4);
}
