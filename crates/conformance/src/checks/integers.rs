//! Values on grids, and quantised networks.

use burn::tensor::Tensor;
use sapwood_backend::read;
use sapwood_core::{
    Batch, ExampleShape, ModuleState, Network, Pass, Source, SourceError, State, Target,
    graph::{DType, Scheme, Symmetry},
};
use sapwood_models::{Spec, fold};
use sapwood_quant::{Answers, Examples, Ptq, on_grid};
use sapwood_runtime::Exact;

use crate::{Findings, On, Outcome, Workload, check::values, fill, uniform};

pub(super) async fn values_on_a_grid_are_the_nearest_of_its_numbers(
    on: &On,
    found: &mut Findings,
) -> Outcome {
    let (numbers, x) = on.values("x", [4, 250]);
    for (dtype, symmetry, [min, max]) in [
        (DType::U8, Symmetry::Affine, [-0.3f32, 1.0]),
        (DType::I8, Symmetry::Symmetric, [-0.9, 0.4]),
        (DType::U2, Symmetry::Affine, [0.0, 0.5]),
    ] {
        let grid = Scheme::new(dtype, symmetry)?.grid(min, max)?;
        let rounded = values(on_grid(x.clone(), &grid)).await?;
        let step = f64::from(grid.scale());
        // A device whose quotients are not rounded as f32's are may take the other neighbour of a half.
        let half = |x: f64| ((x / step).fract().abs() - 0.5).abs() < 1e-3;
        let differ = numbers.iter().zip(&rounded).filter(|(x, y)| {
            let expected = f64::from(grid.number(grid.nearest(**x as f32)));
            (expected - **y).abs() > 1e-6 && !half(**x)
        });
        found.holds(
            format!("{} numbers are not on the grid of {dtype}", differ.clone().count()),
            differ.count() == 0,
        );
    }
    Ok(())
}

/// Examples of the fill, in one batch.
pub(super) struct Filled(pub(super) Batch);

impl Source for Filled {
    fn examples(&self) -> usize {
        self.0.len()
    }

    fn batches(&self) -> usize {
        1
    }

    fn shape(&self) -> ExampleShape {
        self.0.shape()
    }

    fn epoch(&self, _: usize, from: usize) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + '_> {
        Box::new(std::iter::once(Ok(self.0.clone())).skip(from))
    }
}

/// What leaves a network, which is computed in f32, once its normalisations are in its weights, once its values lie on
/// grids, and once it is computed with integers.
pub(super) async fn folded_rounded_and_integer_networks_are_the_same_network(
    on: &On,
    found: &mut Findings,
) -> Outcome {
    let models: &[&str] = match on.workload {
        Workload::Smallest => &["lenet-5"],
        _ => &["lenet-300-100", "lenet-5", "conv-4", "vgg-11", "resnet-20", "resnet-18-small", "resnet-50"],
    };
    for model in models {
        let spec = Spec { width: 0.1, ..Spec::named(model)? };
        let spec = match spec.input {
            [3, 224, 224] => Spec { input: [3, 64, 64], ..spec },
            _ => spec,
        };
        let net = spec.net(&on.device)?;
        let state = fill(&sapwood_core::infos(&net));
        let (folded_spec, folded_state) = fold(&spec, &state)?;
        let folded = folded_state.write(folded_spec.net(&on.device)?)?;
        let [c, h, w] = spec.input;
        let numbers: Vec<f32> = uniform("x", 8 * c * h * w).into_iter().map(|x| x as f32).collect();
        let input = || Tensor::<1>::from_floats(&numbers[..], &on.device).reshape([8, c, h, w]);
        let evaluate = async |net: &dyn Fn(Tensor<4>) -> Tensor<2>| {
            let logits = read(net(input())).await?;
            Ok::<Vec<f64>, Box<dyn std::error::Error>>(logits.iter::<f64>().collect())
        };
        let float = state.write(net)?;
        let float = evaluate(&|x| float.forward(x, &mut Pass::evaluate())).await?;
        let without = evaluate(&|x| folded.forward(x, &mut Pass::evaluate())).await?;
        let largest = float.iter().fold(0.0f64, |most, x| most.max(x.abs()));
        found.near(format!("{model}, folded"), &without, &float, 1e-4 * largest.max(1.0));

        let batch = Batch::new([8, c, h, w], numbers.clone(), Target::Class(vec![0; 8]))?;
        let source = Filled(batch);
        let examples = Examples::new(&source, 8)?;
        let made = Ptq::default().quantize(&folded, examples, &on.device).await?;
        let rounded = made.network(folded.clone())?;
        let rounded = evaluate(&|x| rounded.forward(x, &mut Pass::evaluate())).await?;
        let exact = Exact::new(made.integers(&folded_spec.graph()?)?)?.run(&numbers, [c, h, w])?;
        let exact: Vec<f64> = exact.into_iter().map(f64::from).collect();
        let distance = |a: &[f64], b: &[f64]| {
            let square = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>().sqrt();
            square(&mut a.iter().zip(b).map(|(a, b)| a - b)) / square(&mut b.iter().copied())
        };
        let [by_rounding, by_integers] = [distance(&rounded, &without), distance(&exact, &rounded)];
        found.holds(format!("{model}: rounding moves its outputs by {by_rounding:.3}"), by_rounding < 0.2);
        // A sum that is nearly half a step goes to the other neighbour, and what follows is rounded otherwise: two
        // roundings that have nothing to do with each other would be 1.4 times as far apart as one is from float.
        // What integers are to the bit, ONNX Runtime's answers say (the tests of `sapwood-kernels`).
        found.holds(
            format!("{model}: integers are {by_integers:.4} from rounded values, which are {by_rounding:.4} from float"),
            by_integers < by_rounding,
        );
        let answers = Answers::of(&folded, examples, &on.device).await?;
        found.holds(format!("{model}: its loss is no number"), answers.loss.is_finite());
        let again = State::read(&folded).await?;
        found.holds(format!("{model}: quantising changed it"), again == folded_state);
    }
    Ok(())
}
