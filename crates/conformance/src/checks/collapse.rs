//! Layer collapse: where magnitude at initialisation has cut a network through,
//! synaptic flow has not (Tanaka et al. 2020, figure 1).

use sapwood_backend::{DeviceSpec, Seed};
use sapwood_core::{Layout, Observed, Role, map};
use sapwood_models::{Init, Spec};
use sapwood_prune::{Criterion, Cut, Diagnosis, Magnitude, NetworkProbe, SynFlow};

/// What a criterion leaves of a network as the paper has it: Kaiming normal weights and
/// no biases. With PyTorch's, which flow into later layers, the first ones go first.
fn pruned(model: &str, criterion: &dyn Criterion, sparsity: &str) -> Diagnosis {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let net = Spec::named(model).unwrap().net(&device).unwrap();
    let net = Init::named("kaiming-normal").unwrap().apply(net, Seed(1));
    let net = map(net, Layout::Stored, |info, value| match info.role {
        Role::Bias => value.zeros_like(),
        _ => value,
    });
    let cut = Cut::to(sparsity.parse().unwrap());
    let masks = cut.masks_blocking(criterion, &NetworkProbe::observed(&net), None).unwrap();
    Diagnosis::of(net.graph(), &masks).unwrap()
}

fn emptied(found: &Diagnosis) -> Vec<&str> {
    found.layers.iter().filter(|layer| layer.kept == 0).map(|layer| layer.path.layer()).collect()
}

/// No method can keep a weight in each of the 14 layers beyond 1,051,113 times fewer
/// weights than there are: here it is 100,000 times fewer.
#[test]
fn synflow_leaves_each_layer_of_vgg_16_some_weights_where_magnitude_does_not() {
    assert!(!emptied(&pruned("vgg-16", &Magnitude, "0.999")).is_empty());
    assert_eq!(emptied(&pruned("vgg-16", &SynFlow::default(), "0.99999")), [""; 0]);
}

/// What flows into a residual block may flow around any of its layers, so single ones
/// can be emptied, and nothing collapses: a path is left to the last.
#[test]
fn synflow_never_cuts_resnet_20_through_where_magnitude_does() {
    assert_eq!(emptied(&pruned("resnet-20", &SynFlow::default(), "0.99")), [""; 0]);
    for (sparsity, kept) in [("0.9995", 135), ("0.9999", 27)] {
        assert_eq!(pruned("resnet-20", &Magnitude, sparsity).effective.kept(), 0);
        let effective = pruned("resnet-20", &SynFlow::default(), sparsity).effective.kept();
        assert!(effective + 5 > kept, "{effective} of {kept} at {sparsity}");
    }
}
