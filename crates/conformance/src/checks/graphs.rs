//! Every operation of a graph, as `Net` computes it, against PyTorch's, with the gradients of inputs and parameters.

use burn::{
    module::Module,
    prelude::Int,
    tensor::{Tensor, TensorData},
};
use sapwood_core::{Array, Entry, Layout, ModuleState, ParamInfo, Pass, State, gradients, infos};
use sapwood_models::{Net, Value};

use crate::{
    Digest, Findings, On, OperationCase, Outcome, check::values, expected_operations::operations, uniform,
};

pub(super) async fn every_operation_of_a_graph_is_pytorchs(on: &On, found: &mut Findings) -> Outcome {
    let all = operations();
    for case in &all.cases {
        of_case(on, found, case, all.examples).await.map_err(|error| format!("{}: {error}", case.id))?;
    }
    Ok(())
}

async fn of_case(on: &On, found: &mut Findings, case: &OperationCase, examples: usize) -> Outcome {
    let room = on.tolerances.graph_operation;
    let net = Net::new(case.graph.clone(), &on.device);
    let net = weights(&net).write(net)?;

    let inputs: Vec<Row> =
        case.graph.entries().iter().map(|entry| Row::new(on, case, entry, examples)).collect();
    let given = || inputs.iter().map(|input| input.value()).collect();
    let outputs = net.run_all(given(), &mut Pass::evaluate())?;
    let output = outputs.into_iter().next().ok_or("nothing went out")?;
    let sizes = if case.output.shape.is_empty() { vec![1] } else { case.output.shape.clone() };
    found.holds(format!("{}: sizes {:?}, not {sizes:?}", case.id, output.dims()), output.dims() == sizes);
    near(found, &case.id, &values(output.into_row()).await?, &case.output, room);

    let net = Module::train(net);
    let response = |inputs: Vec<Value>| -> Result<Tensor<1>, Box<dyn std::error::Error>> {
        let output = net.run_all(inputs, &mut Pass::evaluate())?.remove(0).into_row();
        let (_, weights) = on.values("response", output.dims());
        Ok((output * weights.autodiff()).sum())
    };
    let tracked: Vec<Row> = inputs.iter().map(Row::tracked).collect();
    let tape = response(tracked.iter().map(|input| input.value()).collect())?;
    if tape.is_tracked() {
        let tape = tape.backward();
        for input in &tracked {
            let Row::Numbers { name, row, .. } = input else { continue };
            let gradient = row.grad(&tape).unwrap_or_else(|| row.clone().inner().zeros_like());
            compare(found, case, name, gradient, room).await?;
        }
    }
    let trained = infos(&net).into_iter().filter(|info| case.gradients.contains_key(info.path.as_str()));
    if trained.count() > 0 {
        for (path, gradient) in gradients(&net, response(given())?, Layout::Torch) {
            compare(found, case, path.as_str(), gradient, room).await?;
        }
    }
    Ok(())
}

/// A gradient beside PyTorch's. Where that is nothing but rounding, as behind a sigmoid far from zero, it is not
/// in the file, and only has to be a number.
async fn compare(
    found: &mut Findings,
    case: &OperationCase,
    name: &str,
    gradient: Tensor<1>,
    room: f64,
) -> Outcome {
    let what = format!("{}: gradient of {name}", case.id);
    let gradient = values(gradient).await?;
    match case.gradients.get(name) {
        Some(expected) => near(found, &what, &gradient, expected, room),
        None => found.holds(format!("{what} is finite"), gradient.iter().all(|x| x.is_finite())),
    }
    Ok(())
}

/// A tensor beside what PyTorch's was abridged to.
fn near(found: &mut Findings, what: &str, tensor: &[f64], expected: &Digest, room: f64) {
    let of = |Digest { norm, products, first, .. }: &Digest| [&[*norm], &products[..], &first[..]].concat();
    let signed = |number: usize| {
        uniform(&format!("product.{number}"), tensor.len()).into_iter().map(|u| 2.0 * u - 1.0)
    };
    let product = |number: usize| tensor.iter().zip(signed(number)).map(|(a, b)| a * b).sum();
    let digest = Digest {
        shape: expected.shape.clone(),
        norm: tensor.iter().map(|x| x * x).sum::<f64>().sqrt(),
        products: (0..expected.products.len()).map(product).collect(),
        first: tensor.iter().take(expected.first.len()).copied().collect(),
    };
    // Of nothing but zeros no part can be tolerated.
    match expected.norm == 0.0 {
        true => found.holds(format!("{what} is zero"), digest.norm == 0.0),
        false => found.near(what, &of(&digest), &of(expected), room),
    }
}

/// The parameters that a case has.
fn weights(net: &Net) -> State {
    let value = |info: &ParamInfo| {
        let is_variance = info.path.as_str().ends_with("running_var");
        let numbers = uniform(info.path.as_str(), info.len()).into_iter();
        let numbers: Vec<f32> =
            numbers.map(|u| if is_variance { 0.5 + u } else { 2.0 * u - 1.0 } as f32).collect();
        (info.path.clone(), Array::from_fn(info.shape.clone(), |at| numbers[at]))
    };
    State(infos(net).iter().map(value).collect())
}

/// An input in one row, from which its gradient is taken.
enum Row {
    Numbers { name: String, row: Tensor<1>, sizes: Vec<usize> },
    Integers { row: Tensor<1, Int>, sizes: Vec<usize> },
}

impl Row {
    fn new(on: &On, case: &OperationCase, entry: &Entry, examples: usize) -> Self {
        let sizes = entry.dims.at(examples);
        let count = sizes.iter().product();
        let u = uniform(&format!("{}.{}", case.id, entry.name), count);
        if entry.integers {
            let values: Vec<i64> = u.into_iter().map(|u| (u * case.entries as f64) as i64).collect();
            return Self::Integers {
                row: Tensor::from_data(TensorData::new(values, [count]), &on.device),
                sizes,
            };
        }
        let [low, high] = case.span;
        let values: Vec<f32> = u.into_iter().map(|u| (low + (high - low) * u) as f32).collect();
        let row = Tensor::from_data(TensorData::new(values, [count]), &on.device);
        Self::Numbers { name: entry.name.clone(), row, sizes }
    }

    fn tracked(&self) -> Self {
        match self {
            Self::Numbers { name, row, sizes } => Self::Numbers {
                name: name.clone(),
                row: row.clone().autodiff().require_grad(),
                sizes: sizes.clone(),
            },
            Self::Integers { row, sizes } => Self::Integers { row: row.clone(), sizes: sizes.clone() },
        }
    }

    fn value(&self) -> Value {
        match self {
            Self::Numbers { row, sizes, .. } => Value::of_row(row.clone(), sizes),
            Self::Integers { row, sizes } => Value::of_integers(row.clone(), sizes),
        }
    }
}
