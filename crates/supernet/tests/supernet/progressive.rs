//! Training phase after phase, in a folder.

use std::cell::Cell;

use sapwood_backend::{DeviceSpec, Seed, block_on};
use sapwood_conformance::batch;
use sapwood_core::{Batch, ExampleShape, Graph, ModuleState as _, Source, SourceError, State, StateFile};
use sapwood_search::{Choice, Space};
use sapwood_supernet::{
    All, Distillation, Error, Family, Open, Phase, Progressive, Rule, RunContext, Supernet, SupernetSpec,
    training_macs,
};
use sapwood_train::{Recipe, Sgd};

/// Twenty batches of four.
struct Examples;

impl Source for Examples {
    fn examples(&self) -> usize {
        80
    }

    fn batches(&self) -> usize {
        20
    }

    fn shape(&self) -> ExampleShape {
        [1, 8, 8].into()
    }

    fn epoch(&self, epoch: usize, from: usize) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + '_> {
        let one = move |at| batch(&format!("x{epoch}-{at}"), &format!("y{epoch}-{at}"), [4, 1, 8, 8], 10);
        Box::new((from..20).map(move |at| Ok(one(at))))
    }
}

/// One hidden layer of 8, 16 or 32 units.
fn family() -> Family {
    let space = Space::new("one-layer", vec![Choice::new("hidden", ["8", "16", "32"])]).unwrap();
    let family = Family::new(space, |chosen| {
        let mut g = Graph::builder([1, 8, 8]);
        let x = g.linear("fc1", g.input(), chosen.get("hidden")?);
        let x = g.relu(x);
        g.linear("fc2", x, 10);
        Ok(g.finish()?)
    });
    family.unwrap()
}

/// The largest network alone, then all widths, which learn from it.
fn phases() -> [Phase; 2] {
    let recipe = Recipe::new(3, Sgd { momentum: 0.9, nesterov: true }, 0.05);
    let largest = Phase {
        name: "largest".into(),
        open: Open::default(),
        rule: Rule::default(),
        distillation: None,
        recipe: recipe.clone(),
    };
    let (open, distillation) = (Open::All(All::All), Some(Distillation::default()));
    let width = Phase { name: "width".into(), open, rule: Rule::Random { subnets: 2 }, distillation, recipe };
    [largest, width]
}

fn values(supernet: &Supernet) -> Vec<(String, Vec<f32>)> {
    let state = block_on(State::read(supernet)).unwrap();
    state.0.into_iter().map(|(path, value)| (path.to_string(), value.iter::<f32>().collect())).collect()
}

#[test]
fn a_training_that_is_stopped_in_its_second_phase_ends_like_one_that_is_not() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let (supernet, phases) = (Supernet::new(&family(), &device), phases());
    let training = Progressive {
        supernet: &supernet,
        spec: None,
        phases: &phases,
        seed: Seed(1),
        label: "one-layer".into(),
    };
    let (there, here) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let undisturbed = training.train_blocking(&Examples, there.path(), &RunContext::new(&device)).unwrap();

    // Three tenths of two batches in each phase. It is asked after each step but the last of a phase: the
    // eighth time after the third step of the second.
    let steps = Cell::new(0);
    let stopped = RunContext {
        stop: Box::new(|| {
            steps.set(steps.get() + 1);
            8 <= steps.get()
        }),
        ..RunContext::new(&device)
    };
    let refused = training.train_blocking(&Examples, here.path(), &stopped).unwrap_err();
    assert!(matches!(refused, Error::Train(sapwood_train::Error::Stopped { iteration: 3 })), "{refused}");
    assert!(here.path().join("1-largest.safetensors").exists(), "the first phase is finished");
    assert!(!here.path().join("2-width.safetensors").exists(), "the second is not");

    let resumed = training.train_blocking(&Examples, here.path(), &RunContext::new(&device)).unwrap();
    assert_eq!(values(&resumed), values(&undisturbed));
    for file in ["1-largest.safetensors", "2-width.safetensors"] {
        let of = |place: &tempfile::TempDir| std::fs::read(place.path().join(file)).unwrap();
        assert!(of(&here) == of(&there), "{file}");
    }
    let other = Progressive { seed: Seed(2), ..training };
    let elsewhere = tempfile::tempdir().unwrap();
    let other = other.train_blocking(&Examples, elsewhere.path(), &RunContext::new(&device)).unwrap();
    assert_ne!(values(&other), values(&undisturbed));
}

#[test]
fn a_phase_that_is_under_way_is_that_of_one_training() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let (supernet, [largest, width]) = (Supernet::new(&family(), &device), phases());
    let place = tempfile::tempdir().unwrap();
    let train = |width: &Phase, steps: usize| {
        let phases = [largest.clone(), width.clone()];
        let (seed, label) = (Seed(1), "one-layer".to_string());
        let training = Progressive { supernet: &supernet, spec: None, phases: &phases, seed, label };
        let taken = Cell::new(0);
        let stop = || {
            taken.set(taken.get() + 1);
            steps <= taken.get()
        };
        let context = RunContext { stop: Box::new(stop), ..RunContext::new(&device) };
        training.train_blocking(&Examples, place.path(), &context).map(drop)
    };
    let stopped = |left: Result<(), Error>, at: usize| {
        let Err(Error::Train(sapwood_train::Error::Stopped { iteration })) = left else { panic!("{left:?}") };
        assert_eq!(iteration, at);
    };
    stopped(train(&width, 8), 3);
    // The first phase is the same, and so are weights, data and recipe of the second.
    let others = [
        Phase { rule: Rule::Random { subnets: 1 }, ..width.clone() },
        Phase { open: Open::options([("hidden", ["8"])]), ..width.clone() },
        Phase {
            distillation: Some(Distillation { weight: 0.5, ..Distillation::default() }),
            ..width.clone()
        },
    ];
    for other in others {
        let said = train(&other, 1).unwrap_err().to_string();
        assert!(said.starts_with("expected a checkpoint of this training, found one with another"), "{said}");
        assert!(!said.contains('\n') && said.contains("2-width"), "{said}");
    }
    // What was begun goes on.
    stopped(train(&width, 1), 4);
}

#[test]
fn finished_phases_are_those_of_one_training() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let [largest, width] = phases();
    let spec = SupernetSpec { supernet: "mlp".into(), input: [1, 8, 8], classes: 10, trained_on: None };
    let (supernet, place) = (spec.build(&device).unwrap(), tempfile::tempdir().unwrap());
    let train = |phases: &[Phase], seed: u64, label: &str| {
        let (seed, label) = (Seed(seed), label.to_string());
        let training = Progressive { supernet: &supernet, spec: Some(&spec), phases, seed, label };
        let trained = training.train_blocking(&Examples, place.path(), &RunContext::new(&device));
        trained.map(|supernet| values(&supernet))
    };
    let first = train(std::slice::from_ref(&largest), 1, "mlp").unwrap();
    assert_eq!(train(std::slice::from_ref(&largest), 1, "mlp").unwrap(), first);
    let path = place.path().join("1-largest.safetensors");
    let (found, opened) = Supernet::open(&path, None, &device).unwrap();
    assert_eq!((found, values(&opened)), (spec.clone(), first.clone()));

    let slower =
        Phase { recipe: Recipe { learning_rate: 0.01, ..largest.recipe.clone() }, ..largest.clone() };
    for (phase, seed, label) in [(&largest, 2, "mlp"), (&slower, 1, "mlp"), (&largest, 1, "other")] {
        let said = train(std::slice::from_ref(phase), seed, label).unwrap_err().to_string();
        assert!(said.starts_with("expected a phase of this training") && !said.contains('\n'), "{said}");
    }
    // More phases go on with those that are finished, also where an earlier version left them.
    let bytes = std::fs::read(&path).unwrap();
    let old = spec.pack(StateFile::from_bytes(&bytes).unwrap().state).unwrap().to_bytes().unwrap();
    std::fs::write(&path, old).unwrap();
    assert_ne!(train(&[largest, width], 1, "mlp").unwrap(), first);
}

#[test]
fn training_costs_three_forward_passes_of_each_network_and_one_of_its_teacher() {
    let (family, [largest, width]) = (family(), phases());
    let macs = |hidden: usize| (64 * hidden + hidden * 10) as f64;
    let alone = [largest];
    // Three tenths of two batches of four.
    assert_eq!(training_macs(&family, &alone, Seed(1), 4, 2).unwrap(), 24.0 * 3.0 * macs(32));
    let [largest] = alone;
    let narrow = Phase { open: Open::Options([].into()), ..width };
    // Nothing else is open: two students as large as the teacher.
    let both = training_macs(&family, &[largest, narrow], Seed(1), 4, 2).unwrap();
    assert_eq!(both, 24.0 * (3.0 + 2.0 * 3.0 + 1.0) * macs(32));
}
