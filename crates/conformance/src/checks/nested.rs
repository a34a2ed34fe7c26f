//! Nested networks: the same inside and cut out, and the same gradients, on every device.

use burn::module::Module;
use burn::tensor::Tensor;
use sapwood_backend::{Seed, Stream, read_all};
use sapwood_core::{ModuleState, Network, Pass, State, infos};
use sapwood_models::Net;
use sapwood_supernet::{Nested, Opened, Rule, Supernet, family};
use sapwood_train::{Objective, Recipe, Sgd, StepContext};

use crate::{Findings, On, Outcome, Workload, batch, check::values, fill};

type Answer<T> = Result<T, Box<dyn std::error::Error>>;

/// Elastic kernels with matrices, squeeze and excitation, resolutions; residual networks; attention.
const FAMILIES: [&str; 3] = ["mbv3-small-image", "resnet-tiny-image", "vit-small-image"];

/// Those that a device is asked to compute.
fn families(on: &On) -> &'static [&'static str] {
    if on.workload == Workload::Smallest { &FAMILIES[1..2] } else { &FAMILIES }
}

fn filled(name: &str, on: &On) -> Answer<Supernet> {
    let supernet = Supernet::new(&family(name, None, None)?, &on.device);
    Ok(fill(&infos(&supernet)).write(supernet)?)
}

async fn outputs(network: &impl Network<Input = Tensor<4>, Output = Tensor<2>>, on: &On) -> Answer<Vec<f64>> {
    let images = batch("image", "label", [2, 3, 32, 32], 10).input(&on.device)?;
    Ok(values(network.forward(images, &mut Pass::evaluate())).await?)
}

pub(super) async fn a_sub_network_is_the_same_inside_and_cut_out(on: &On, found: &mut Findings) -> Outcome {
    let cpu = on.cpu().await?;
    for name in families(on) {
        let supernet = filled(name, on)?;
        let genome = supernet.family().space().sample(&mut Seed(5).stream(Stream::Data, 0));
        let inside = supernet.subnet(&genome)?.uncalibrated();
        let state = State::read(&inside).await?;
        let graph = supernet.family().graph(&genome)?;
        let alone = |on: &On| state.write(Net::new(graph.clone(), &on.device));
        let (here, there) = (outputs(&alone(on)?, on).await?, outputs(&alone(&cpu)?, &cpu).await?);
        let inside = outputs(&inside, on).await?;
        found.near(format!("{name} cut out"), &inside, &here, on.tolerances.cut_out);
        found.near(format!("{name} on the CPU"), &inside, &there, on.tolerances.outputs);
    }
    Ok(())
}

pub(super) async fn sub_networks_learn_the_same(on: &On, found: &mut Findings) -> Outcome {
    let cpu = on.cpu().await?;
    for name in families(on) {
        let (here, there) = (gradients(name, on).await?, gradients(name, &cpu).await?);
        for ((path, gradient), (_, expected)) in here.iter().zip(&there) {
            // A bias in front of a normalisation has no gradient but rounding.
            if 1e-4 < expected.iter().map(|x| x * x).sum::<f64>().sqrt() {
                let what = format!("{name}: gradient of {path}");
                found.near(what, gradient, expected, on.tolerances.deep_gradients);
            }
        }
    }
    Ok(())
}

/// What two random sub-networks learn of a batch, by parameter.
async fn gradients(name: &str, on: &On) -> Answer<Vec<(String, Vec<f64>)>> {
    let supernet = filled(name, on)?;
    let opened = Opened::all(supernet.family().space());
    let rule = Rule::Random { subnets: 2 };
    let mut nested = Nested { opened, rule, distillation: Default::default(), teacher: None, seed: Seed(2) };
    let plan = Recipe::new(1, Sgd::default(), 0.1).plan(1)?;
    let context = StepContext { plan: &plan, iteration: 0, device: &on.device };
    let batch = batch("image", "label", [4, 3, 32, 32], 10);
    let lesson = nested.teach(&supernet.train(), &batch, &context)?;
    let (paths, tensors): (Vec<_>, Vec<_>) = lesson.gradients.into_iter().unzip();
    let read = read_all(tensors).await?;
    let values = read.iter().map(|data| data.iter::<f64>().collect());
    Ok(paths.iter().map(ToString::to_string).zip(values).collect())
}
