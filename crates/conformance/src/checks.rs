//! The checks, in one table.

mod collapse;
mod graphs;
mod integers;
mod logits;
mod masks;
mod memory;
mod nested;
mod operations;
mod scores;
mod steps;
mod training;

use crate::{Check, promises};

/// Checks of these functions, by their names.
macro_rules! checks {
    ($($module:ident::$name:ident,)*) => {
        &[$(Check { name: stringify!($name), run: |on, found| Box::pin($module::$name(on, found)) },)*]
    };
}

/// All that is checked on every device, quick ones first.
pub const CHECKS: &[Check] = checks! {
    operations::elementwise_operations_are_their_definitions,
    operations::products_are_their_definitions,
    operations::windows_are_their_definitions,
    operations::gradients_of_a_product_are_products,
    graphs::every_operation_of_a_graph_is_pytorchs,
    integers::values_on_a_grid_are_the_nearest_of_its_numbers,
    integers::folded_rounded_and_integer_networks_are_the_same_network,
    logits::the_fill_is_pythons,
    logits::counts_and_logits_are_pytorchs,
    training::steps_of_sgd_and_adamw_are_pytorchs,
    steps::twenty_steps_of_small_models_are_the_cpus,
    masks::masked_weights_stay_zero_while_the_others_learn,
    promises::every_criterion_keeps_its_promises,
    scores::scores_are_the_cpus,
    scores::scores_of_lenet_300_100_are_pytorchs,
    scores::scores_of_conv_4_are_pytorchs,
    scores::scores_of_vgg_11_are_pytorchs,
    scores::scores_of_resnet_20_are_pytorchs,
    nested::a_sub_network_is_the_same_inside_and_cut_out,
    nested::sub_networks_learn_the_same,
    collapse::synflow_leaves_each_layer_of_vgg_16_some_weights_where_magnitude_does_not,
    collapse::synflow_never_cuts_resnet_20_through_where_magnitude_does,
    memory::memory_that_is_full_is_an_error,
};
