//! The networks answer as PyTorch's do.

use burn::tensor::Tensor;
use sapwood_core::{ModuleState, Network, Norm, Pass, State, absorb, infos};
use sapwood_models::{Padding, Shortcut, Spec};

use crate::{
    Answers, Case, Findings, On, Outcome, Workload, batch, board, check::values, fill, fnv1a, logits, uniform,
};

/// The largest network that the smallest workload has, in multiply-accumulates.
const SMALLEST: u64 = 3_000_000;

pub(super) async fn the_fill_is_pythons(_: &On, found: &mut Findings) -> Outcome {
    for (name, check) in logits().fill {
        found.holds(format!("the hash of {name}"), format!("{:016x}", fnv1a(&name)) == check.fnv1a);
        // Eight digits are written down.
        found.near(&name, &uniform(&name, check.u.len()), &check.u, 1e-7);
    }
    Ok(())
}

pub(super) async fn counts_and_logits_are_pytorchs(on: &On, found: &mut Findings) -> Outcome {
    for case in logits().cases {
        let wanted = match on.workload {
            Workload::Smallest => case.quick && case.macs <= SMALLEST,
            Workload::Quick => case.quick,
            Workload::Full => true,
        };
        if wanted {
            agrees(&case, on, found).await?;
        }
    }
    Ok(())
}

fn spec(case: &Case) -> Result<Spec, sapwood_models::Error> {
    Ok(Spec {
        width: case.width,
        shortcut: if case.shortcut == "a" { Shortcut::A } else { Shortcut::B },
        overcompleteness: case.m.unwrap_or(1),
        steps: case.n.unwrap_or(1),
        padding: if case.padding.as_deref() == Some("circular") { Padding::Circular } else { Padding::Zeros },
        ..Spec::named(&case.model)?.fit(case.input, case.classes)
    })
}

async fn agrees(case: &Case, on: &On, found: &mut Findings) -> Outcome {
    let what = &case.id;
    let anatomy = spec(case)?.graph()?.anatomy(case.input)?;
    let counts = (anatomy.params(), anatomy.weights(), anatomy.macs());
    let expected = (case.parameters, case.weights, case.macs);
    found.holds(format!("{what}: counts {counts:?}, not {expected:?}"), counts == expected);

    let net = spec(case)?.net(&on.device)?;
    let net = fill(&infos(&net)).write(net)?;
    let [c, h, w] = case.input;
    let input = match case.model.as_str() {
        "life-net" => board("input", [case.batch, c, h, w]),
        _ => batch("input", "labels", [case.batch, c, h, w], 1),
    };
    let input: Tensor<4> = input.input(&on.device)?;

    let mut pass = Pass::evaluate();
    let logits = net.forward(input.clone(), &mut pass);
    compare(on, found, logits, &case.eval, &format!("{what}, evaluation")).await?;
    let mut pass = Pass::new(Norm::Batch);
    let logits = net.forward(input, &mut pass);
    compare(on, found, logits, &case.train, &format!("{what}, training")).await?;

    let state = State::read(&absorb(net, pass.into_moments())).await?;
    if let Some(expected) = case.running_norm_after_train {
        let running = state.0.iter().filter(|(path, _)| path.as_str().contains("running_"));
        let squares: f64 = running.flat_map(|(_, value)| value.iter::<f64>()).map(|x| x * x).sum();
        let what = format!("{what}: norm of the running statistics");
        found.near(what, &[squares.sqrt()], &[expected], on.tolerances.outputs);
    }
    for (path, expected) in case.running_after_train.iter().flatten() {
        let values: Vec<f64> = state.0[path.as_str()].iter().collect();
        found.near(format!("{what}: {path}"), &values, expected, on.tolerances.outputs);
    }
    Ok(())
}

async fn compare(
    on: &On,
    found: &mut Findings,
    logits: Tensor<2>,
    expected: &Answers,
    what: &str,
) -> Outcome {
    let (logits, tolerance) = (values(logits).await?, on.tolerances.outputs);
    let head = &logits[..expected.logits.len().min(logits.len())];
    found.near(format!("{what}: the first logits"), head, &expected.logits, tolerance);
    let norm = logits.iter().map(|x| x * x).sum::<f64>().sqrt();
    found.near(format!("{what}: norm"), &[norm], &[expected.norm], tolerance);
    let sum: f64 = logits.iter().sum();
    let room = tolerance * expected.norm * (logits.len() as f64).sqrt();
    found.holds(format!("{what}: sum {sum}, not {}", expected.sum), (sum - expected.sum).abs() <= room);
    Ok(())
}
