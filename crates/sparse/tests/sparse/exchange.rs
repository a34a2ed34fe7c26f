//! What an exchange of weights does to a network and its optimiser.

use sapwood_backend::{DeviceSpec, Seed};
use sapwood_core::{Gradients, Layout, Masks, Source, Step};
use sapwood_prune::{Allocation, Anneal, Cut, Growth, NetworkProbe, Random};
use sapwood_sparse::SparseTraining;
use sapwood_train::{Hook, HookError, Live, Recipe, Sgd, StepReport, Trainer};

use crate::small::{Examples, TwoLayers, Values, weights};

/// Compares what is there before and after each step at which weights are exchanged.
#[derive(Default)]
struct Look {
    before: Option<(Values, Masks)>,
    exchanges: usize,
    grown: usize,
}

impl Hook<TwoLayers> for &mut Look {
    fn on_gradients(
        &mut self,
        _: &StepReport,
        _: &mut Gradients,
        live: &Live<TwoLayers>,
    ) -> Result<(), HookError> {
        self.before = Some((weights(live), live.masks().clone()));
        Ok(())
    }

    fn on_step_end(&mut self, step: &StepReport, live: &mut Live<TwoLayers>) -> Result<(), HookError> {
        let (before, masks) = self.before.take().unwrap();
        if !step.iteration.is_multiple_of(3) || 9 <= step.iteration {
            assert_eq!(*live.masks(), masks, "masks change only where the rule says so");
            return Ok(());
        }
        self.exchanges += 1;
        let infos = sapwood_core::infos(&live.network);
        for ((path, old), (_, new)) in before.iter().zip(weights(live)) {
            let (was, is) = (&masks[path], &live.masks()[path]);
            let info = infos.iter().find(|info| info.path == *path).unwrap();
            let slots = live.memory.0.get(path).map(|slots| slots.tensors.clone()).unwrap_or_default();
            let slots = slots.into_values().map(|slot| info.reorder(slot, Layout::Stored, Layout::Torch));
            let slots: Vec<Vec<f32>> = slots.map(|slot| slot.into_data().iter::<f32>().collect()).collect();
            for at in 0..is.len() {
                match (was.get(at), is.get(at)) {
                    // The exchange is in the place of the step: what stays has not moved.
                    (true, true) => assert_eq!(old[at], new[at], "{path} {at}"),
                    (_, now) => {
                        self.grown += usize::from(now);
                        assert_eq!(new[at], 0.0, "{path} {at}");
                        assert!(slots.iter().all(|slot| slot[at] == 0.0), "{path} {at}: it is remembered");
                    }
                }
            }
        }
        Ok(())
    }
}

#[test]
fn an_exchange_stands_in_the_place_of_a_step_and_grown_weights_start_from_nothing() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let net = TwoLayers::new(&device);
    let cut = Cut::to("0.8".parse().unwrap()).allocation(Allocation::ErdosRenyi);
    let masks = cut.masks_blocking(&Random(Seed(1)), &NetworkProbe::new(&net), None).unwrap();
    let recipe = Recipe { weight_decay: 1e-2, ..Recipe::new(1, Sgd { momentum: 0.9, nesterov: true }, 0.1) };
    let plan = recipe.clone().plan(Examples.batches()).unwrap();
    for growth in [Growth::Random, Growth::Gradient] {
        let every = |iterations| Step::At { epochs: 0, iterations };
        let rule = SparseTraining::Regrow {
            growth,
            fraction: 0.3,
            anneal: Anneal::Cosine,
            until: every(9),
            every: every(3),
        };
        let mut look = Look::default();
        let trainer = Trainer::new(recipe.clone(), &device).masks(masks.clone().into_masks());
        let trainer =
            trainer.hooks([rule.hook(&plan, Seed(1), &net, masks.as_masks()).unwrap()]).hook(&mut look);
        let trained = trainer.run_blocking(net.clone(), &Examples).unwrap();
        assert_ne!(trained.masks, *masks.as_masks());
        assert!(look.exchanges == 3 && look.grown > 50, "{} {}", look.exchanges, look.grown);
    }
}
