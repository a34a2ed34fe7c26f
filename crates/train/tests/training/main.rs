//! The closed loop from end to end, on a small network with normalisation.

mod events;
mod kept;

use std::{cell::RefCell, num::NonZeroUsize, path::Path, rc::Rc};

use burn::{
    module::{Module, Param},
    nn::{
        Linear, LinearConfig,
        conv::{Conv2d, Conv2dConfig},
    },
    prelude::Device,
    tensor::{
        Tensor, TensorData,
        activation::relu,
        module::{batch_norm, batch_norm_train},
    },
};
use sapwood_backend::{DeviceSpec, block_on};
use sapwood_core::{
    Batch, Bits, ExampleShape, Gradients, Layout, Masks, ModuleState, Moments, Network, Norm, Pass, Role,
    Source, SourceError, State, Step, Target, infos, map,
};
use sapwood_train::{
    AdamW, Checkpoints, Decay, Error, Hook, HookError, Live, Optimizer, Recipe, Row, Schedule, Sgd,
    StepReport, Trained, Trainer,
};

#[derive(Module, Debug)]
struct BatchNorm {
    gamma: Param<Tensor<1>>,
    beta: Param<Tensor<1>>,
    running_mean: Param<Tensor<1>>,
    running_var: Param<Tensor<1>>,
}

/// 3x3 convolution to 4 channels, normalisation, ReLU, linear layer to 3 outputs.
#[derive(Module, Debug)]
struct Tiny {
    conv: Conv2d,
    bn: BatchNorm,
    fc: Linear,
}

impl Tiny {
    /// The value `i` of the `p`-th trained tensor is `sin(1 + p + 0.7 i) / 2`.
    fn new(device: &Device) -> Self {
        let fill = |value: f32| Param::from_tensor(Tensor::full([4], value, device));
        let network = Self {
            conv: Conv2dConfig::new([1, 4], [3, 3]).with_bias(false).init(device),
            bn: BatchNorm {
                gamma: fill(1.0),
                beta: fill(0.0),
                running_mean: fill(0.0).set_require_grad(false),
                running_var: fill(1.0).set_require_grad(false),
            },
            fc: LinearConfig::new(16, 3).init(device),
        };
        let mut p = 0.0;
        map(network, Layout::Torch, |info, old| {
            if info.role == Role::Buffer {
                return old;
            }
            p += 1.0;
            let values: Vec<f32> = (0..info.len()).map(|i| (p + 0.7 * i as f64).sin() as f32 * 0.5).collect();
            Tensor::from_data(TensorData::new(values, [info.len()]), device)
        })
    }
}

impl Network for Tiny {
    type Input = Tensor<4>;
    type Output = Tensor<2>;

    fn forward(&self, input: Tensor<4>, pass: &mut Pass<'_>) -> Tensor<2> {
        let x = self.conv.forward(input);
        let (gamma, beta) = (self.bn.gamma.val(), self.bn.beta.val());
        let x = if pass.norm() == Norm::Running {
            batch_norm(x, gamma, beta, self.bn.running_mean.val(), self.bn.running_var.val(), 1e-5)
        } else {
            let [n, _, h, w] = x.dims();
            let batch = batch_norm_train(x, gamma, beta, 1e-5);
            let (mean, variance) = (batch.mean, batch.variance);
            pass.leave(Moments { layer: "bn".into(), count: n * h * w, mean, variance, momentum: 0.1 });
            batch.output
        };
        self.fc.forward(relu(x).flatten(1, 3))
    }
}

/// Twelve images of 4x4 in three classes and an order that depends on the epoch.
struct Waves {
    batch: usize,
    broken: Option<usize>,
}

const WAVES: Waves = Waves { batch: 4, broken: None };

impl Source for Waves {
    fn examples(&self) -> usize {
        12
    }

    fn batches(&self) -> usize {
        12 / self.batch
    }

    fn shape(&self) -> ExampleShape {
        [1, 4, 4].into()
    }

    fn epoch(&self, epoch: usize, from: usize) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + '_> {
        Box::new((from..self.batches()).map(move |batch| {
            let members = (batch * self.batch..(batch + 1) * self.batch).map(|i| (i * 5 + epoch * 7) % 12);
            let scale = if self.broken == Some(epoch * self.batches() + batch) { f64::NAN } else { 1.0 };
            let pixel = |e: f64, j: i32| (scale * (0.3 * e * e + 0.9 * f64::from(j) + 0.1 * e)).sin() as f32;
            let input = members.clone().flat_map(|e| (0..16).map(move |j| pixel(e as f64, j))).collect();
            let classes = members.map(|e| e as u32 % 3).collect();
            Ok(Batch::new([self.batch, 1, 4, 4], input, Target::Class(classes))?)
        }))
    }
}

fn cpu() -> Device {
    DeviceSpec::CPU.resolve().unwrap()
}

fn step(text: &str) -> Step {
    text.parse().unwrap()
}

fn sgd_recipe() -> Recipe {
    Recipe {
        schedule: Schedule::MultiStep { milestones: vec![step("5it")], gamma: 0.1 },
        warm_up: step("2it"),
        weight_decay: 0.01,
        decay: Decay::WeightsOnly,
        clip: Some(0.5),
        label_smoothing: 0.1,
        ..Recipe::new(3, Sgd { momentum: 0.9, nesterov: true }, 0.1)
    }
}

fn adamw_recipe() -> Recipe {
    let schedule = Schedule::Cosine { end: 0.0 };
    Recipe { schedule, weight_decay: 0.1, ..Recipe::new(3, AdamW::default(), 0.01) }
}

/// A mask of every weight and bias that keeps about two thirds.
fn some_masks(salt: usize) -> Masks {
    let infos = infos(&Tiny::new(&cpu()));
    let masked = infos.into_iter().filter(|info| info.role.is_weight() || info.role == Role::Bias);
    masked
        .map(|info| {
            (
                info.path.clone(),
                (0..info.len()).map(|i| !((i * 7 + salt) % 11).is_multiple_of(3)).collect::<Bits>(),
            )
        })
        .collect()
}

fn state<M: Module>(network: &M) -> State {
    block_on(State::read(network)).unwrap()
}

/// The last values of a tensor are the expected ones.
fn check_tail(state: &State, path: &str, expected: &[f64]) {
    let values: Vec<f64> = state.0[path].iter::<f64>().collect();
    for (found, expected) in values[values.len() - expected.len()..].iter().zip(expected) {
        assert!((found - expected).abs() < 2e-5, "{path}: {values:?} should end with {expected:?}");
    }
}

/// PyTorch 2.15 (`SGD(nesterov=True)` with decay on the two weights only,
/// `clip_grad_norm_`, `cross_entropy(label_smoothing=0.1)`, `BatchNorm2d`), the
/// same network, data and learning rates; the last four values of each tensor.
#[test]
fn a_run_with_sgd_ends_where_pytorchs_ends() {
    let trained =
        Trainer::new(sgd_recipe(), &cpu()).test(&WAVES).run_blocking(Tiny::new(&cpu()), &WAVES).unwrap();
    let state = state(&trained.network);
    check_tail(&state, "conv.weight", &[-0.4660174, -0.4050501, -0.1679747, 0.1502851]);
    check_tail(&state, "bn.weight", &[0.1306517, 0.3579099, -0.1277706, -0.6662026]);
    check_tail(&state, "bn.bias", &[-0.2277388, -0.1629417, -0.4758011, -0.2631804]);
    check_tail(&state, "bn.running_mean", &[0.0360513, 0.0331903, 0.0337832, 0.0321089]);
    check_tail(&state, "bn.running_var", &[0.6861547, 0.6985288, 0.7111174, 0.7310238]);
    check_tail(&state, "fc.weight", &[-0.1466185, -0.3999428, -0.5215832, -0.3752155]);
    check_tail(&state, "fc.bias", &[-0.3744715, -0.1988275, -0.1232312]);
    let last = trained.curve.last().unwrap();
    let test = last.test.unwrap();
    assert!((last.train_loss - 1.0897614).abs() < 1e-5 && (test.loss - 1.0702728).abs() < 1e-5, "{last:?}");
    assert_eq!((last.epoch, last.iteration, test.top1, test.top5), (3, 9, 5.0 / 12.0, Some(1.0)));
}

/// PyTorch 2.15: `AdamW(weight_decay=0.1)`, otherwise as above.
#[test]
fn a_run_with_adamw_ends_where_pytorchs_ends() {
    let trained =
        Trainer::new(adamw_recipe(), &cpu()).test(&WAVES).run_blocking(Tiny::new(&cpu()), &WAVES).unwrap();
    let state = state(&trained.network);
    check_tail(&state, "conv.weight", &[-0.4821638, -0.416949, -0.1703066, 0.1694319]);
    check_tail(&state, "bn.weight", &[0.4067857, 0.2467684, -0.127133, -0.4540962]);
    check_tail(&state, "bn.running_var", &[0.6939061, 0.7055466, 0.7164418, 0.7365357]);
    check_tail(&state, "fc.weight", &[-0.1615674, -0.4061897, -0.5232382, -0.3874804]);
    check_tail(&state, "fc.bias", &[-0.4384147, -0.2762265, 0.0150891]);
    let test = trained.curve.last().unwrap().test.unwrap();
    assert!((test.loss - 1.1684902).abs() < 1e-5 && test.top1 == 4.0 / 12.0, "{test:?}");
}

/// Fails after any step in which a masked weight, or what is remembered of it, is
/// anything but positive zero.
struct NothingDeadMoves;

impl Hook<Tiny> for NothingDeadMoves {
    fn on_step_end(&mut self, step: &StepReport, live: &mut Live<Tiny>) -> Result<(), HookError> {
        let state = state(&live.network);
        let infos = infos(&live.network);
        for (path, mask) in live.masks() {
            let info = infos.iter().find(|info| info.path == *path).unwrap();
            let weights: Vec<f32> = state.0[path].iter::<f32>().collect();
            let moved = mask.iter().zip(&weights).any(|(keep, w)| !keep && w.to_bits() != 0);
            let slots = live.memory.0[path].tensors.values().map(|slot| {
                info.reorder(slot.clone(), Layout::Stored, Layout::Torch)
                    .into_data()
                    .iter::<f32>()
                    .collect::<Vec<_>>()
            });
            let remembered =
                slots.into_iter().any(|slot| mask.iter().zip(slot).any(|(keep, x)| !keep && x != 0.0));
            if moved || remembered {
                return Err(format!("{path} at {}: {weights:?}", step.iteration).into());
            }
        }
        Ok(())
    }
}

/// For every optimiser with what it may remember, with and without decay, and eleven ways to mask.
#[test]
fn no_dead_weight_ever_moves() {
    let sgd = |momentum, nesterov| Optimizer::from(Sgd { momentum, nesterov });
    let optimizers = [Optimizer::from(AdamW::default()), sgd(0.0, false), sgd(0.9, false), sgd(0.9, true)];
    let before = state(&Tiny::new(&cpu()));
    for (optimizer, weight_decay) in optimizers.into_iter().flat_map(|one| [(one, 0.0), (one, 0.05)]) {
        for salt in 0..11 {
            let recipe = Recipe { weight_decay, until: step("10it"), ..Recipe::new(4, optimizer, 0.05) };
            let trained = Trainer::new(recipe, &cpu())
                .masks(some_masks(salt))
                .hook(NothingDeadMoves)
                .run_blocking(Tiny::new(&cpu()), &WAVES)
                .unwrap();
            let after = state(&trained.network);
            for (path, mask) in &trained.masks {
                let pairs = before.0[path].iter::<f32>().zip(after.0[path].iter::<f32>());
                let moved = pairs.zip(mask.iter()).filter(|((a, b), keep)| *keep && a != b).count();
                assert!(moved > 0, "{optimizer:?}, {weight_decay}, {salt}: no living weight of {path} moved");
            }
        }
    }
}

/// Prunes and regrows at every fourth iteration, as a function of the iteration.
struct Remask;

impl Hook<Tiny> for Remask {
    fn on_step_end(&mut self, step: &StepReport, live: &mut Live<Tiny>) -> Result<(), HookError> {
        if step.iteration % 4 == 3 {
            live.remask(some_masks(step.iteration))?;
        }
        Ok(())
    }
}

/// Ends the run as a kill would: nothing is written after the step.
struct Kill(usize);

impl Hook<Tiny> for Kill {
    fn on_step_end(&mut self, step: &StepReport, _live: &mut Live<Tiny>) -> Result<(), HookError> {
        if step.iteration + 1 == self.0 { Err("killed".into()) } else { Ok(()) }
    }
}

fn run(recipe: &Recipe, folder: Option<&Path>, kill: Option<usize>) -> Result<Trained<Tiny>, Error> {
    let trainer = Trainer::new(recipe.clone(), &cpu()).masks(some_masks(1)).test(&WAVES).hook(Remask);
    let trainer = kill.into_iter().fold(trainer, |trainer, at| trainer.hook(Kill(at)));
    let two = NonZeroUsize::new(2).unwrap();
    let checkpoints = |folder: &Path| Checkpoints::in_folder(folder).every_iterations(two);
    let trainer =
        folder.into_iter().fold(trainer, |trainer, folder| trainer.checkpoints(checkpoints(folder)));
    trainer.run_blocking(Tiny::new(&cpu()), &WAVES)
}

/// All that a run leaves, to be compared to the bit.
fn remains(trained: &Trained<Tiny>) -> impl PartialEq + std::fmt::Debug + use<> {
    let memory = trained.memory.0.iter().flat_map(|(path, slots)| {
        slots.tensors.iter().map(move |(slot, tensor)| {
            (format!("{path}.{slot}"), slots.steps, tensor.to_data().as_bytes().to_vec())
        })
    });
    let curve: Vec<String> = trained.curve.iter().map(|row| format!("{row:?}")).collect();
    (state(&trained.network), trained.masks.clone(), curve, memory.collect::<Vec<_>>())
}

/// The newest checkpoint of a folder.
fn newest(folder: &Path) -> std::path::PathBuf {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).max().unwrap()
}

#[test]
fn a_run_that_is_killed_anywhere_and_started_again_leaves_the_same_bytes() {
    for recipe in [sgd_recipe(), adamw_recipe()] {
        let expected = remains(&run(&recipe, None, None).unwrap());
        for kill in 1..9 {
            let folder = tempfile::tempdir().unwrap();
            assert!(matches!(run(&recipe, Some(folder.path()), Some(kill)), Err(Error::Hook { .. })));
            let resumed = run(&recipe, Some(folder.path()), None).unwrap();
            // The hook kills before the checkpoint of its step is written.
            let from = (kill - 1) / 2 * 2;
            assert_eq!(resumed.resumed.from, (from > 0).then_some(from));
            assert_eq!(remains(&resumed), expected, "killed after step {kill}");
        }
    }
}

#[test]
fn a_broken_checkpoint_is_reported_and_the_one_before_it_used() {
    let recipe = sgd_recipe();
    let expected = remains(&run(&recipe, None, None).unwrap());
    let folder = tempfile::tempdir().unwrap();
    for (kill, from) in [(7, Some(4)), (6, None)] {
        run(&recipe, Some(folder.path()), Some(kill)).unwrap_err();
        let path = newest(folder.path());
        let mut bytes = std::fs::read(&path).unwrap();
        match from {
            Some(_) => bytes.truncate(bytes.len() / 2),
            None => *bytes.last_mut().unwrap() ^= 1,
        }
        std::fs::write(&path, bytes).unwrap();
        if from.is_none() {
            // Both are broken: the run starts anew.
            let older =
                std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).min().unwrap();
            std::fs::write(older, b"").unwrap();
        }
        let resumed = run(&recipe, Some(folder.path()), None).unwrap();
        assert_eq!(resumed.resumed.from, from);
        assert_eq!(resumed.resumed.rejected[0].path, path);
        assert_eq!(resumed.resumed.rejected.len(), if from.is_some() { 1 } else { 2 });
        assert_eq!(remains(&resumed), expected);
        std::fs::remove_dir_all(folder.path()).unwrap();
    }
}

#[test]
fn a_finished_run_is_read_and_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let first = run(&sgd_recipe(), Some(folder.path()), None).unwrap();
    let again = run(&sgd_recipe(), Some(folder.path()), Some(1)).unwrap();
    assert_eq!(again.resumed.from, Some(9));
    assert_eq!(remains(&again), remains(&first));
}

#[test]
fn the_checkpoint_of_another_run_is_an_error_that_says_how_it_differs() {
    let folder = tempfile::tempdir().unwrap();
    run(&sgd_recipe(), Some(folder.path()), Some(5)).unwrap_err();
    let check = |trainer: Trainer<Tiny>, label: &str, source: &Waves, expected: &str| {
        let checkpoints = Checkpoints::in_folder(folder.path()).labelled(label);
        let error = trainer.checkpoints(checkpoints).run_blocking(Tiny::new(&cpu()), source).unwrap_err();
        assert!(matches!(&error, Error::OtherRun { what, .. } if what == expected), "{error}");
    };
    let trainer = |recipe| Trainer::new(recipe, &cpu()).masks(some_masks(1));
    check(trainer(adamw_recipe()), "", &WAVES, "recipe");
    check(trainer(sgd_recipe()), "seed 2", &WAVES, "label");
    check(trainer(sgd_recipe()).masks(some_masks(2)), "", &WAVES, "starting masks");
    let other = Waves { batch: 3, broken: None };
    check(trainer(sgd_recipe()), "", &other, "data set");
}

#[test]
fn a_loss_that_is_not_a_number_ends_the_run_and_says_when() {
    let source = Waves { broken: Some(4), ..WAVES };
    for clip in [None, Some(0.5)] {
        let recipe = Recipe { clip, ..sgd_recipe() };
        let error = Trainer::new(recipe, &cpu()).run_blocking(Tiny::new(&cpu()), &source).unwrap_err();
        assert!(matches!(error, Error::NotFinite { what: "loss", iteration: 4, epoch: 1, .. }), "{error}");
        assert_eq!(error.to_string().contains("clip the gradient"), clip.is_none(), "{error}");
    }
}

/// Without momentum nothing but the network carries over from step to step.
#[test]
fn a_run_in_two_parts_is_the_run_in_one() {
    let recipe = |start_at: &str, until: &str| Recipe {
        optimizer: Sgd::default().into(),
        start_at: step(start_at),
        until: step(until),
        ..sgd_recipe()
    };
    let run = |recipe, network| Trainer::new(recipe, &cpu()).run_blocking(network, &WAVES).unwrap();
    let whole = run(recipe("0ep", "end"), Tiny::new(&cpu()));
    let first = run(recipe("0ep", "1ep1it"), Tiny::new(&cpu()));
    let second = run(recipe("1ep1it", "end"), first.network);
    assert_eq!(state(&second.network), state(&whole.network));
    assert_eq!(first.curve.iter().map(|row| row.iteration).collect::<Vec<_>>(), [3, 4]);
    assert_eq!(second.curve.iter().map(|row| row.epoch).collect::<Vec<_>>(), [2, 3]);
}

/// Writes down who was called when.
struct Scribe(&'static str, Rc<RefCell<Vec<String>>>);

impl Hook<Tiny> for Scribe {
    fn on_gradients(
        &mut self,
        step: &StepReport,
        gradients: &mut Gradients,
        live: &Live<Tiny>,
    ) -> Result<(), HookError> {
        assert_eq!(gradients.len(), 5);
        let info = infos(&live.network).into_iter().find(|info| info.path.as_str() == "fc.weight").unwrap();
        let gradient = info.reorder(gradients[&info.path].clone(), Layout::Stored, Layout::Torch).into_data();
        let mut pairs = live.masks()[&info.path].iter().zip(gradient.iter::<f32>());
        let dense = pairs.any(|(keep, g)| !keep && g != 0.0);
        assert!(dense, "hooks see the gradients of masked weights");
        self.1.borrow_mut().push(format!("{} gradients {}", self.0, step.iteration));
        Ok(())
    }

    fn on_epoch_end(&mut self, row: &Row, _live: &mut Live<Tiny>) -> Result<(), HookError> {
        self.1.borrow_mut().push(format!("{} epoch {}", self.0, row.epoch));
        Ok(())
    }
}

#[test]
fn hooks_are_called_in_their_order_and_see_dense_gradients() {
    let calls = Rc::new(RefCell::new(Vec::new()));
    let recipe = Recipe { until: step("1ep"), ..sgd_recipe() };
    Trainer::new(recipe, &cpu())
        .masks(some_masks(1))
        .hook(Scribe("a", calls.clone()))
        .hook(Scribe("b", calls.clone()))
        .run_blocking(Tiny::new(&cpu()), &WAVES)
        .unwrap();
    let expected = "a gradients 0, b gradients 0, a gradients 1, b gradients 1, a gradients 2, b gradients 2, a epoch 1, b epoch 1";
    assert_eq!(calls.borrow().join(", "), expected);
}

#[test]
fn frozen_parameters_stay_and_the_rest_is_trained() {
    let frozen = |network: Tiny| Tiny { conv: network.conv.freeze(), ..network };
    let trained = Trainer::new(sgd_recipe(), &cpu()).run_blocking(frozen(Tiny::new(&cpu())), &WAVES).unwrap();
    let (before, after) = (state(&Tiny::new(&cpu())), state(&trained.network));
    assert_eq!(before.0["conv.weight"], after.0["conv.weight"]);
    assert_ne!(before.0["fc.weight"], after.0["fc.weight"]);
}

#[test]
fn masks_that_fit_nothing_are_refused() {
    let run = |path: &str, len| {
        let masks = Masks::from([(path.into(), Bits::ones(len))]);
        Trainer::new(sgd_recipe(), &cpu()).masks(masks).run_blocking(Tiny::new(&cpu()), &WAVES).unwrap_err()
    };
    assert!(matches!(run("fc.wieght", 48), Error::MaskOfNothing { .. }));
    assert!(matches!(run("bn.running_mean", 4), Error::MaskOfNothing { .. }));
    assert!(matches!(run("fc.weight", 47), Error::MaskLength { expected: 48, found: 47, .. }));
}
