//! Masks in a loop of Burn's own: its layers, its backward pass, its optimisers.

use burn::{
    module::{Lora, Module, Param},
    optim::{
        AdamWConfig, GradientsParams, ModuleOptimizer, SgdConfig, decay::WeightDecayConfig,
        momentum::MomentumConfig,
    },
    tensor::Tensor,
};
use sapwood_backend::block_on;
use sapwood_core::{ModuleState as _, Network, Norm, ParamPath, Pass, State};
use sapwood_prune::{Cut, Magnitude, MaskSet, NetworkProbe, Scope};

use super::{Net, batch, net, sparsity};

/// Two thirds of the weights of `fc` and half of those of `conv` are removed, by no symmetric pattern.
fn masks() -> MaskSet {
    let masks = [
        ("fc.weight", (0..48).map(|i| i * i % 7 % 3 == 1).collect()),
        ("conv.weight", (0..36).map(|i| i * i % 11 < 5).collect()),
    ];
    MaskSet::from(
        masks.map(|(path, mask)| (ParamPath::from(path), mask)).into_iter().collect::<sapwood_core::Masks>(),
    )
}

fn loss(net: &Net) -> Tensor<1> {
    let input = batch(6).input(&net.fc.weight.lazy_device()).unwrap();
    net.forward(input, &mut Pass::new(Norm::Batch)).sub_scalar(1.0).powi_scalar(2).mean()
}

fn step(net: Net, optimizer: &mut ModuleOptimizer) -> Net {
    let gradients = GradientsParams::from_grads(loss(&net).backward(), &net);
    optimizer.step(0.1, net, gradients)
}

/// Burn's SGD with all that moves a weight without a gradient.
fn sgd() -> ModuleOptimizer {
    SgdConfig::new()
        .with_momentum(Some(MomentumConfig::new().with_dampening(0.0)))
        .with_weight_decay(Some(WeightDecayConfig::new(0.01)))
        .init()
}

fn state<M: Module>(net: &M) -> State {
    block_on(State::read(net)).unwrap()
}

fn flat<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

/// For each weight of a parameter, in the order in which Burn stores it: its effective value, and its gradient.
fn weight<const D: usize>(param: &Param<Tensor<D>>, loss: Tensor<1>) -> Vec<(f32, f32)> {
    let gradient = param.base().grad(&loss.backward()).unwrap();
    flat(param.val()).into_iter().zip(flat(gradient)).collect()
}

#[test]
fn layers_see_masked_weights_and_masked_weights_have_no_gradient() {
    let net = net().train();
    let (attached, masked) = (masks().attach(net.clone()).unwrap(), masks().apply(net.clone()).unwrap());
    assert_eq!(flat(loss(&attached)), flat(loss(&masked)));
    assert_ne!(flat(loss(&attached)), flat(loss(&net)));
    // `apply` knows the layouts and is tested elsewhere. It leaves the gradients of masked weights.
    let pairs = [
        (weight(&attached.conv.weight, loss(&attached)), weight(&masked.conv.weight, loss(&masked))),
        (weight(&attached.fc.weight, loss(&attached)), weight(&masked.fc.weight, loss(&masked))),
    ];
    for ((attached, masked), layer) in pairs.into_iter().zip(masks().layers()) {
        let silenced: Vec<_> = attached.iter().zip(&masked).filter(|(ours, theirs)| ours != theirs).collect();
        assert!(
            silenced.iter().all(|(ours, theirs)| *ours == &(0.0, 0.0) && theirs.0 == 0.0),
            "{silenced:?}"
        );
        let removed = layer.total - layer.kept;
        assert!(removed / 2 < silenced.len() && silenced.len() <= removed, "{} of {removed}", silenced.len());
    }
}

#[test]
fn what_is_masked_stays_zero_under_momentum_and_decay() {
    let (masks, mut optimizers) = (masks(), [sgd(), sgd()]);
    let mut attached = masks.attach(net().train()).unwrap();
    let mut by_hand = masks.apply(net().train()).unwrap();
    for _ in 0..5 {
        attached = step(attached, &mut optimizers[0]);
        // The other way to the same: masked weights are set back after each step. The kept ones do not see them.
        by_hand = masks.apply(step(by_hand, &mut optimizers[1])).unwrap();
    }
    assert_ne!(state(&by_hand), state(&masks.apply(net()).unwrap()), "nothing was learnt");
    let ordinary = attached.clone().materialize();
    assert_eq!(state(&ordinary), state(&by_hand));
    // Also what is stored below the masks is zero, so whoever reads the parameters is told no other values.
    assert_eq!(state(&attached), state(&by_hand));

    // An optimiser that remembers the dense network moves what lies below the masks, and no effective weight.
    let mut remembers = AdamWConfig::new().init();
    let dense = step(net().train(), &mut remembers);
    let attached = step(masks.attach(dense).unwrap(), &mut remembers);
    let below = state(&attached);
    let ordinary = state(&attached.materialize());
    assert_ne!(below, ordinary);
    let mut masked = below;
    masked.apply(masks.as_masks()).unwrap();
    assert_eq!(ordinary, masked);
}

#[test]
fn masks_go_with_the_network_through_clones_validation_and_records() {
    let attached = masks().attach(net().train()).unwrap();
    let effective = state(&attached.clone().materialize());
    assert_eq!(state(&attached.valid().materialize()), effective);
    let dense = MaskSet::dense(&Scope::default().on(&net()).unwrap());
    let empty = dense.attach(net().train()).unwrap();
    assert_ne!(state(&empty.clone().materialize()), effective);
    let loaded = empty.load_record(attached.into_record());
    let loaded = step(loaded, &mut sgd()).materialize();
    let mut masked = state(&loaded);
    masked.apply(masks().as_masks()).unwrap();
    assert_eq!(state(&loaded), masked);
}

#[test]
fn masks_of_nothing_of_another_length_or_over_others_are_refused() {
    let refused = |path: &str, bits: usize, net: Net| {
        let mask = [(ParamPath::from(path), (0..bits).map(|_| true).collect())];
        MaskSet::from(mask.into_iter().collect::<sapwood_core::Masks>()).attach(net).unwrap_err().to_string()
    };
    assert!(refused("fc2.weight", 48, net()).ends_with("unexpected fc2.weight"));
    assert!(refused("bn.running_mean", 4, net()).ends_with("unexpected bn.running_mean"));
    assert!(refused("fc.weight", 47, net()).ends_with("fc.weight should be [3, 16] but is [47]"));

    let low_rank = net().apply_lora(Lora::new(2, 1.0));
    let error = refused("fc.weight", 48, low_rank.clone());
    assert!(
        error.starts_with("`fc.weight` is computed by `lora") && error.contains("materialize"),
        "{error}"
    );
    assert!(refused("fc.weight", 48, masks().attach(net()).unwrap()).contains("`prune_mask`"));
    // Those of other parameters are none of its concern, and once they are folded in nothing is in the way.
    assert!(masks().attach(low_rank.materialize()).is_ok());
    let cut = Cut::to(sparsity("0.5")).scope(Scope::excluding(["conv.*"]).unwrap());
    let once =
        cut.masks_blocking(&Magnitude, &NetworkProbe::new(&net()), None).unwrap().attach(net()).unwrap();
    let rest = Scope::excluding(["fc.*"]).unwrap().on(&net()).unwrap();
    assert!(MaskSet::dense(&rest).attach(once).is_ok());
}
