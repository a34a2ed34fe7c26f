//! Networks that are rounded while they learn.

use burn::tensor::{Tensor, TensorData};
use sapwood_backend::read;
use sapwood_core::{
    Batch, ModuleState, Network, ParamPath, Pass, State, Target,
    graph::{Array, Folding, Per},
};
use sapwood_models::{Spec, fold};
use sapwood_quant::{Examples, FakeQuantized, Qat, Rounds, learnt, weight_scheme};
use sapwood_train::{Recipe, Sgd, Trainer};

use super::integers::Filled;
use crate::{Findings, On, Outcome, Workload, fill, uniform};

/// Learnt steps, with the numbers of the code of LSQ's authors.
pub(super) async fn steps_learn_as_in_the_paper(on: &On, found: &mut Findings) -> Outcome {
    let device = on.device.clone().autodiff();
    let v = [-1.3f32, -0.4, 0.1, 0.36, 2.5];
    let x = Tensor::<2>::from_data(TensorData::new(v.to_vec(), [5, 1]), &device).require_grad();
    let s = Tensor::<2>::from_data(TensorData::new(vec![0.3f32; 5], [5, 1]), &device).require_grad();
    let y = learnt(x.clone(), s.clone(), [-4.0, 3.0]);
    let mut tape = y.clone().sum().backward();
    let gradient = |of: &Tensor<2>, tape: &mut _| of.grad_remove(tape).unwrap_or_else(|| of.clone().inner());
    let (to_step, to_value) = (gradient(&s, &mut tape), gradient(&x, &mut tape));
    for (what, tensor, expected) in [
        ("numbers", y.inner(), [-1.2, -0.3, 0.0, 0.3, 0.9]),
        ("gradients of the step", to_step, [-4.0, 1.0 / 3.0, -1.0 / 3.0, -0.2, 3.0]),
        ("gradients of the value", to_value, [0.0, 1.0, 1.0, 1.0, 0.0]),
    ] {
        let read: Vec<f64> = read(tensor).await?.iter().collect();
        found.near(what, &read, &expected, 1e-5);
    }
    Ok(())
}

/// Some scales of normalisation as nobody wishes them: nothing, below nothing, next to nothing; and a channel that never
/// varied.
fn with_odd_channels(mut state: State, spec: &Spec) -> Result<State, Box<dyn std::error::Error>> {
    for pair in Folding::of(&spec.graph()?).pairs() {
        for (name, odd) in [("weight", [0.0f32, -0.7, 1e-30]), ("running_var", [1.0, 1.0, 0.0])] {
            let path = ParamPath::of(&pair.norm, name);
            let old = &state.0[&path];
            let mut values: Vec<f32> = old.iter().collect();
            let places = values.len().min(odd.len());
            values[..places].copy_from_slice(&odd[..places]);
            let new = Array::new(old.shape(), values)?;
            state.0.insert(path, new);
        }
    }
    Ok(state)
}

/// Steps of a training, and those after which steps of grids stand still.
const STEPS: usize = 10;
const FROZEN: usize = 7;

/// A network that learns with rounding gives in evaluation what its integers give, before and after ten steps, also
/// where its normalisations have odd scales; and it learns.
pub(super) async fn networks_that_learn_with_rounding_are_their_integers(
    on: &On,
    found: &mut Findings,
) -> Outcome {
    let models: &[&str] = match on.workload {
        Workload::Smallest => &["lenet-5"],
        _ => &["lenet-5", "resnet-20", "vgg-11"],
    };
    for model in models {
        for per in [Per::Axis(0), Per::Tensor] {
            let spec = Spec { width: 0.25, ..Spec::named(model)? };
            let net = spec.net(&on.device)?;
            let state = with_odd_channels(fill(&sapwood_core::infos(&net)), &spec)?;
            let net = state.write(net)?.node_by_node();
            let [c, h, w] = spec.input;
            let numbers: Vec<f32> = uniform("x", 8 * c * h * w).into_iter().map(|x| x as f32).collect();
            let classes = (0..8).collect();
            let source = Filled(Batch::new([8, c, h, w], numbers.clone(), Target::Class(classes))?);
            let qat = Qat { weights: weight_scheme(4, per)?, ..Qat::default() };
            let learning = qat.begin(net, Examples::new(&source, 8)?, &on.device).await?;

            let input = || Tensor::<1>::from_floats(&numbers[..], &on.device).reshape([8, c, h, w]);
            let both = async |net: &FakeQuantized<_>| {
                let logits = read(net.forward(input(), &mut Pass::evaluate())).await?;
                let made = net.integers().await?;
                let (folded, _) = fold(&spec, &state)?;
                let integers = made.network(folded.net(&on.device)?)?;
                let other = read(integers.forward(input(), &mut Pass::evaluate())).await?;
                let numbers = |data: TensorData| data.iter::<f64>().collect::<Vec<_>>();
                Ok::<_, Box<dyn std::error::Error>>([numbers(logits), numbers(other)])
            };
            let distance = |[a, b]: &[Vec<f64>; 2]| {
                let square =
                    |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>().sqrt();
                square(&mut a.iter().zip(b).map(|(a, b)| a - b)) / square(&mut a.iter().copied())
            };
            // A value that is nearly half a step goes to the other neighbour, and what follows with it.
            let before = distance(&both(&learning).await?);
            found.holds(format!("{model}, {per:?}: its integers are {before:.5} from it"), before < 0.05);

            let recipe = Recipe::new(STEPS, Sgd { momentum: 0.9, nesterov: false }, 0.01);
            let trainer = Trainer::new(recipe, &on.device).objective(Rounds { frozen_from: FROZEN });
            let trained = trainer.run(learning, &source).await?;
            let losses: Vec<f64> = trained.curve.iter().map(|row| row.train_loss).collect();
            // Then normalisations see other statistics.
            let (first, last) = (losses[0], losses[FROZEN - 1]);
            found.holds(
                format!("{model}, {per:?}: the loss goes from {first:.4} to {last:.4}"),
                losses.iter().all(|loss| loss.is_finite()) && last < first,
            );
            let after = distance(&both(&trained.network).await?);
            found.holds(
                format!("{model}, {per:?}: after ten steps they are {after:.5} from it"),
                after < 0.05,
            );
        }
    }
    Ok(())
}
