//! Layer collapse: where magnitude at initialisation empties layers, synaptic flow
//! leaves each some weights (Tanaka et al. 2020, figure 1).

use sapwood_backend::{DeviceSpec, Seed};
use sapwood_models::{Init, Spec};
use sapwood_prune::{Criterion, Cut, Magnitude, NetworkProbe, SynFlow, Warning};

/// The layers of a new network that a criterion leaves nothing.
fn emptied(model: &str, criterion: &dyn Criterion, sparsity: &str) -> Vec<String> {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let net = Init::named("kaiming-normal")
        .unwrap()
        .apply(Spec::named(model).unwrap().net(&device).unwrap(), Seed(1));
    let cut = Cut::to(sparsity.parse().unwrap());
    let masks = cut.masks_blocking(criterion, &NetworkProbe::observed(&net), None).unwrap();
    let layers = masks.warnings().into_iter().filter_map(|warning| match warning {
        Warning::LayerCollapse { path, .. } => Some(path.to_string()),
        _ => None,
    });
    layers.collect()
}

/// No method can keep a weight in each of resnet-20's 22 layers beyond 12,313 times
/// fewer weights, nor in each of vgg-16's 14 beyond 1,051,113 times.
#[test]
fn synflow_empties_no_layer_where_magnitude_at_init_has_emptied_some() {
    for (model, collapsed, sparsest) in [("resnet-20", "0.99", "0.999"), ("vgg-16", "0.999", "0.99999")] {
        let lost = emptied(model, &Magnitude, collapsed);
        assert!(!lost.is_empty(), "magnitude empties no layer of {model} at {collapsed}");
        let lost = emptied(model, &SynFlow::default(), sparsest);
        assert!(lost.is_empty(), "synflow empties {lost:?} of {model} at {sparsest}");
    }
}
