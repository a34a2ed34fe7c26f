//! Scores, and what is kept, are PyTorch's.
//!
//! In f64, where the device has it. In f32 PyTorch itself comes no nearer than some
//! 1e-3 to its own f64: an activation that is zero but for rounding passes its
//! gradient in the one and not in the other. There the distance is noted, and the scores are
//! compared with those of the CPU in f32.

use std::collections::BTreeMap;

use burn::tensor::DType;
use sapwood_backend::Seed;
use sapwood_core::{Batch, Masks, ModuleState as _, infos};
use sapwood_models::{Net, Spec};
use sapwood_prune::{
    Allocation, CRITERIA, Criterion, Cut, Iterations, MaskSet, NetworkProbe, Options, Prunable, Scope,
    Scores, Sparsity, find,
};

use crate::{ExpectedScores, Findings, Kept, On, Outcome, ScoreCase, Workload, batch, fill, scores, uniform};

type Answer<T> = Result<T, Box<dyn std::error::Error>>;

// A check for each network, so that they run side by side.

pub(super) async fn scores_of_lenet_300_100_are_pytorchs(on: &On, found: &mut Findings) -> Outcome {
    check("lenet-300-100", on, found).await
}

pub(super) async fn scores_of_conv_4_are_pytorchs(on: &On, found: &mut Findings) -> Outcome {
    check("conv-4", on, found).await
}

pub(super) async fn scores_of_vgg_11_are_pytorchs(on: &On, found: &mut Findings) -> Outcome {
    check("vgg-11", on, found).await
}

pub(super) async fn scores_of_resnet_20_are_pytorchs(on: &On, found: &mut Findings) -> Outcome {
    check("resnet-20", on, found).await
}

/// On a network with convolutions, normalisation, shortcuts and a linear layer.
pub(super) async fn scores_are_the_cpus(on: &On, found: &mut Findings) -> Outcome {
    let cpu = on.cpu().await?;
    if on.spec == cpu.spec {
        found.note("not compared: this is the CPU");
        return Ok(());
    }
    let examples = [batch("a", "b", [6, 3, 8, 8], 10)];
    for row in CRITERIA {
        let criterion = (row.build)(&Options::default(), Seed(1))?;
        let scores = async |on: &On| -> Answer<Scores> {
            let spec = Spec { width: 0.25, ..Spec::named("resnet-20")? }.fit([3, 8, 8], 10);
            let net = spec.net(&on.device)?;
            let net = fill(&infos(&net)).write(net)?;
            let probe = NetworkProbe::observed(&net).with_examples(&examples);
            let prunable = criterion.scope(&probe, Scope::default().on(&net)?)?;
            Ok(criterion.score(&probe, &prunable)?.read().await?)
        };
        let (here, there) = (scores(on).await?, scores(&cpu).await?);
        for ((info, score), (_, expected)) in here.iter().zip(there.iter()) {
            found.near(format!("{}: {}", row.name, info.path), score, expected, on.tolerances.scores_in_f32);
        }
        let ninety: Sparsity = "0.9".parse()?;
        let [here, there] =
            [here, there].map(|scores| MaskSet::of_scores(&scores, ninety, &Allocation::Global, None));
        let (here, there) = (here?, there?);
        let share = here.and(&there)?.kept() as f64 / there.kept() as f64;
        let what = format!("{}: {share} of what the CPU keeps is kept", row.name);
        found.holds(what, on.tolerances.overlap_in_f32 <= share);
    }
    Ok(())
}

struct Subject {
    net: Net,
    all: Batch,
}

impl Subject {
    fn new(model: &str, expected: &ExpectedScores, on: &On) -> Answer<Self> {
        let spec = Spec::named(model)?;
        let net = spec.net(&on.device)?;
        let net = fill(&infos(&net)).write(net)?;
        let [c, h, w] = spec.input;
        let all = batch("score.input", "score.labels", [expected.batch, c, h, w], expected.classes);
        Ok(Self { net, all })
    }

    fn batches(&self, size: usize) -> Vec<Batch> {
        let rows: Vec<usize> = (0..self.all.len()).collect();
        rows.chunks(size).map(|rows| self.all.select(rows)).collect()
    }
}

async fn check(model: &str, on: &On, found: &mut Findings) -> Outcome {
    // A driver in software takes minutes for a gradient of these networks.
    if on.workload == Workload::Smallest && model != "lenet-300-100" {
        found.note(format!("not scored: {model}, too slow here"));
        return Ok(());
    }
    let expected = scores();
    let subject = Subject::new(model, &expected, on)?;
    for case in expected.entries.iter().filter(|case| case.model == model) {
        agrees(case, &subject, on, found).await?;
    }
    for case in expected.pruned.iter().filter(|case| case.model == model) {
        let batches = subject.batches(expected.batch);
        let probe = NetworkProbe::observed(&subject.net).with_examples(&batches).in_f64();
        let cut = Cut::to(Sparsity::try_from(case.sparsity)?);
        let cut = cut.iterations(Iterations::exponential(case.rounds));
        let criterion = named(&case.criterion, &BTreeMap::new())?;
        let masks = cut.masks(criterion.as_ref(), &probe, None).await?;
        let share = overlap(&masks, &case.kept);
        found.note(format!("{}: {share} of what PyTorch keeps", case.id));
        if probe.dtype() == Some(DType::F64) {
            let layers: BTreeMap<String, usize> =
                masks.layers().into_iter().map(|layer| (layer.path.to_string(), layer.kept)).collect();
            let what =
                format!("{}: {share} of what PyTorch keeps; {layers:?}, not {:?}", case.id, case.layers);
            found.holds(what, on.tolerances.overlap.min(case.nudged_overlap) <= share);
        }
    }
    Ok(())
}

fn named(name: &str, options: &BTreeMap<String, String>) -> Answer<Box<dyn Criterion>> {
    let texts: Vec<String> = options.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let options = Options::parse(texts.iter().map(String::as_str))?;
    Ok((find(CRITERIA, name)?.build)(&options, Seed(0))?)
}

async fn agrees(case: &ScoreCase, subject: &Subject, on: &On, found: &mut Findings) -> Outcome {
    let criterion = named(&case.criterion, &case.options)?;
    let net = match case.mask {
        None => subject.net.clone(),
        // FORCE ranks the weights that a round has masked too: its rounds are compared.
        Some(_) if case.criterion == "force" => return Ok(()),
        Some(density) => mask(&subject.net, density).apply(subject.net.clone())?,
    };
    let batches = subject.batches(case.batch_size);
    let probe = NetworkProbe::observed(&net).with_examples(&batches).in_f64();
    let wide = probe.dtype() == Some(DType::F64);
    let prunable: Prunable = match criterion.scope(&probe, Scope::default().on(&net)?) {
        Ok(prunable) => prunable,
        Err(_) if case.tensors.is_empty() => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let scores = criterion.score(&probe, &prunable)?.read().await?;
    let paths: Vec<&str> = scores.iter().map(|(info, _)| info.path.as_str()).collect();
    let same = case.tensors.keys().map(String::as_str).eq(paths.iter().copied());
    found.holds(format!("{}: {paths:?} have scores, not {:?}", case.id, case.tensors.keys()), same);
    let mut worst: f64 = 0.0;
    for ((info, scores), expected) in scores.iter().zip(case.tensors.values()) {
        let far = expected.distance(info.path.as_str(), scores);
        worst = if far.is_nan() { f64::NAN } else { worst.max(far) };
        if wide {
            let what = format!("{}: {} differs by {far:e}", case.id, info.path);
            found.holds(what, far <= on.tolerances.scores);
        }
    }
    found.note(format!("{}: within {worst:.1e}", case.id));
    if let Some(kept) = &case.kept90 {
        let masks = MaskSet::of_scores(&scores, "0.9".parse()?, &Allocation::Global, None)?;
        let share = overlap(&masks, kept);
        found.note(format!("{}: {share} of what PyTorch keeps at 90 %", case.id));
        if wide {
            found.holds(format!("{}: only {share} of it", case.id), on.tolerances.overlap <= share);
        }
    }
    Ok(())
}

/// The mask that the oracle has: below a density in a stream of the weight's name.
fn mask(net: &Net, density: f64) -> MaskSet {
    let weights = infos(net).into_iter().filter(|info| info.role.is_weight());
    let masks = weights.map(|info| {
        let bits = uniform(&format!("mask.{}", info.path), info.len()).into_iter().map(|u| u < density);
        (info.path, bits.collect())
    });
    masks.collect::<Masks>().into()
}

/// Which part of a sample of what PyTorch keeps is kept here, where both keep as many.
fn overlap(masks: &MaskSet, expected: &Kept) -> f64 {
    if (masks.total(), masks.kept()) != (expected.total, expected.kept) {
        return 0.0;
    }
    let all: Vec<bool> = masks.as_masks().values().flat_map(|mask| mask.iter()).collect();
    let positions = expected.positions();
    positions.iter().filter(|at| all[**at]).count() as f64 / positions.len() as f64
}
