//! Layer collapse: where magnitude at initialisation has cut a network through,
//! synaptic flow has not (Tanaka et al. 2020, figure 1).

use sapwood_backend::Seed;
use sapwood_core::{Layout, Observed, Role, map};
use sapwood_models::{Init, Spec};
use sapwood_prune::{Criterion, Cut, Diagnosis, Magnitude, NetworkProbe, SynFlow};

use crate::{Findings, On, Outcome, Workload};

/// What a criterion leaves of a network as the paper has it: Kaiming normal weights and
/// no biases. With PyTorch's, which flow into later layers, the first ones go first.
async fn pruned(
    on: &On,
    model: &str,
    criterion: &dyn Criterion,
    sparsity: &str,
) -> Result<Diagnosis, Box<dyn std::error::Error>> {
    let net = Spec::named(model)?.net(&on.device)?;
    let net = Init::named("kaiming-normal")?.apply(net, Seed(1));
    let net = map(net, Layout::Stored, |info, value| match info.role {
        Role::Bias => value.zeros_like(),
        _ => value,
    });
    let cut = Cut::to(sparsity.parse()?);
    let masks = cut.masks(criterion, &NetworkProbe::observed(&net), None).await?;
    Ok(Diagnosis::of(net.graph(), &masks)?)
}

fn emptied(found: &Diagnosis) -> Vec<&str> {
    found.layers.iter().filter(|layer| layer.kept == 0).map(|layer| layer.path.layer()).collect()
}

/// A hundred gradients of a network at full width are too much for the smallest workload.
fn too_much(on: &On, found: &mut Findings) -> bool {
    let is = on.workload == Workload::Smallest;
    if is {
        found.note("not checked: a hundred rounds of a network at full width are too much here");
    }
    is
}

/// No method can keep a weight in each of the 14 layers beyond 1,051,113 times fewer
/// weights than there are: here it is 100,000 times fewer.
pub(super) async fn synflow_leaves_each_layer_of_vgg_16_some_weights_where_magnitude_does_not(
    on: &On,
    found: &mut Findings,
) -> Outcome {
    if too_much(on, found) {
        return Ok(());
    }
    let magnitude = pruned(on, "vgg-16", &Magnitude, "0.999").await?;
    found.holds("magnitude empties no layer", !emptied(&magnitude).is_empty());
    let synflow = pruned(on, "vgg-16", &SynFlow::default(), "0.99999").await?;
    found.holds(format!("SynFlow empties {:?}", emptied(&synflow)), emptied(&synflow).is_empty());
    Ok(())
}

/// What flows into a residual block may flow around any of its layers, so single ones
/// can be emptied, and nothing collapses: a path is left to the last.
pub(super) async fn synflow_never_cuts_resnet_20_through_where_magnitude_does(
    on: &On,
    found: &mut Findings,
) -> Outcome {
    if too_much(on, found) {
        return Ok(());
    }
    let synflow = pruned(on, "resnet-20", &SynFlow::default(), "0.99").await?;
    found.holds(format!("SynFlow empties {:?}", emptied(&synflow)), emptied(&synflow).is_empty());
    for (sparsity, kept) in [("0.9995", 135), ("0.9999", 27)] {
        let magnitude = pruned(on, "resnet-20", &Magnitude, sparsity).await?.effective.kept();
        found.holds(format!("magnitude leaves {magnitude} weights on a path"), magnitude == 0);
        let effective = pruned(on, "resnet-20", &SynFlow::default(), sparsity).await?.effective.kept();
        found.holds(format!("{effective} of {kept} at {sparsity}"), effective + 5 > kept);
    }
    Ok(())
}
