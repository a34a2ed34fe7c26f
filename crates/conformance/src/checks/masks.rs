//! A pruned network stays pruned, and goes on learning.

use sapwood_core::{Masks, ModuleState, State, infos};
use sapwood_models::Spec;
use sapwood_prune::{Allocation, Cut, Magnitude, NetworkProbe};
use sapwood_train::{AdamW, Recipe, Trainer};

use super::steps::{Again, BATCH_OF_STEPS, CLASSES, Steps};
use crate::{Findings, On, Outcome, fill};

pub(super) async fn masked_weights_stay_zero_while_the_others_learn(
    on: &On,
    found: &mut Findings,
) -> Outcome {
    let spec = Spec::named("lenet-300-100")?.fit([1, 8, 8], CLASSES);
    let net = spec.net(&on.device)?;
    let net = fill(&infos(&net)).write(net)?;
    // In one ranking nothing would be left of the second layer.
    let cut = Cut::to("0.9".parse()?).allocation(Allocation::Uniform);
    let masks = cut.masks(&Magnitude, &NetworkProbe::new(&net), None).await?;
    let expected = cut.sparsity.kept(masks.total());
    found.holds(format!("{} weights are kept, not {expected}", masks.kept()), masks.kept() == expected);

    let before = State::read(&masks.apply(net.clone())?).await?;
    let source = Again(Steps { shape: spec.input, batch: BATCH_OF_STEPS, steps: 5 });
    let masks: Masks = masks.as_masks().clone();
    let recipe = Recipe { weight_decay: 1e-2, ..Recipe::new(1, AdamW::default(), 1e-2) };
    let trained = Trainer::new(recipe, &on.device).masks(masks.clone()).run(net, &source).await?;
    let after = State::read(&trained.network).await?;
    for (path, mask) in &masks {
        let [before, after] = [&before, &after].map(|state| state.0[path].iter::<f64>().collect::<Vec<_>>());
        let (mut left_zero, mut moved) = (0, 0);
        for ((kept, before), after) in mask.iter().zip(&before).zip(&after) {
            left_zero += usize::from(!kept && *after != 0.0);
            moved += usize::from(kept && before != after);
        }
        found.holds(format!("{left_zero} masked weights of {path} are not zero"), left_zero == 0);
        found.holds(format!("no kept weight of {path} has moved"), 0 < moved);
    }
    Ok(())
}
