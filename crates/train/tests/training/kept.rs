//! Averages, the best epoch, a pull to where training began, layers that begin later, and mixed images.

use sapwood_backend::Seed;
use sapwood_train::{Average, Best, L2Sp, Mixed, Mixing, RangeTest, Unfreezing};

use super::*;

/// Every way of keeping and pulling at once.
fn run_with_all(recipe: &Recipe, folder: Option<&Path>, kill: Option<usize>) -> Result<Trained<Tiny>, Error> {
    let plan = recipe.clone().plan(WAVES.batches()).unwrap();
    let start = Tiny::new(&cpu());
    let pull = L2Sp::of(&start, (0.1, 0.01), |path| path.as_str().starts_with("fc"), &cpu()).unwrap();
    let trainer = Trainer::new(recipe.clone(), &cpu())
        .masks(some_masks(1))
        .test(&WAVES)
        .objective(Mixed::new(Mixing::Mixup { alpha: 0.4 }, Seed(3)).unwrap())
        .hook(pull)
        .hook(Unfreezing::new(["conv", "bn", "fc"].map(String::from), 2, &plan))
        .hook(Average::new(0.9, &plan).unwrap())
        .hook(Best::default());
    let trainer = kill.into_iter().fold(trainer, |trainer, at| trainer.hook(Kill(at)));
    let two = NonZeroUsize::new(2).unwrap();
    let checkpoints = |folder: &Path| Checkpoints::in_folder(folder).every_iterations(two);
    folder
        .into_iter()
        .fold(trainer, |trainer, folder| trainer.checkpoints(checkpoints(folder)))
        .run_blocking(start, &WAVES)
}

#[test]
fn a_run_that_keeps_and_is_killed_anywhere_leaves_the_same_bytes() {
    let recipe = sgd_recipe();
    let expected = remains(&run_with_all(&recipe, None, None).unwrap());
    for kill in 1..9 {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(run_with_all(&recipe, Some(folder.path()), Some(kill)), Err(Error::Hook { .. })));
        let resumed = run_with_all(&recipe, Some(folder.path()), None).unwrap();
        assert_eq!(remains(&resumed), expected, "killed after step {kill}");
    }
}

#[test]
fn the_average_is_of_the_weights_of_all_steps() {
    /// Averages by hand what `fc.bias` was after each step.
    struct ByHand(Rc<RefCell<Vec<f64>>>, usize);

    impl Hook<Tiny> for ByHand {
        fn on_step_end(&mut self, _: &StepReport, live: &mut Live<Tiny>) -> Result<(), HookError> {
            let now: Vec<f64> = state(&live.network.valid()).0["fc.bias"].iter::<f64>().collect();
            let decay = 0.9_f64.min((1.0 + self.1 as f64) / (10.0 + self.1 as f64));
            let mut mean = self.0.borrow_mut();
            *mean = match self.1 {
                0 => now,
                _ => mean.iter().zip(&now).map(|(mean, now)| decay * mean + (1.0 - decay) * now).collect(),
            };
            self.1 += 1;
            Ok(())
        }
    }

    let (recipe, mean) = (sgd_recipe(), Rc::new(RefCell::new(Vec::new())));
    let plan = recipe.clone().plan(WAVES.batches()).unwrap();
    let trained = Trainer::new(recipe.clone(), &cpu())
        .hook(ByHand(mean.clone(), 0))
        .hook(Average::new(0.9, &plan).unwrap())
        .run_blocking(Tiny::new(&cpu()), &WAVES)
        .unwrap();
    let found: Vec<f64> = state(&trained.network).0["fc.bias"].iter::<f64>().collect();
    assert!(found.iter().zip(mean.borrow().iter()).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?}");
    // Running statistics are averaged too.
    let last = Trainer::new(recipe, &cpu()).run_blocking(Tiny::new(&cpu()), &WAVES).unwrap();
    assert_ne!(state(&trained.network).0["bn.running_mean"], state(&last.network).0["bn.running_mean"]);
    assert!(Average::new(1.0, &plan).is_err());
}

#[test]
fn the_best_epoch_is_what_is_left() {
    // A learning rate with which the last epochs are worse than the first.
    let recipe = Recipe { learning_rate: 3.0, epochs: 4, ..sgd_recipe() };
    let run = |until: &str, best: bool| {
        let trainer = Trainer::new(Recipe { until: step(until), ..recipe.clone() }, &cpu()).test(&WAVES);
        let trainer = if best { trainer.hook(Best::default()) } else { trainer };
        trainer.run_blocking(Tiny::new(&cpu()), &WAVES).unwrap()
    };
    let kept = run("end", true);
    let epoch = Best::of(&kept.curve).unwrap().epoch;
    assert!(epoch < 4, "the last epoch is the best: {:?}", kept.curve);
    assert_eq!(state(&kept.network), state(&run(&format!("{epoch}ep"), false).network));
}

#[test]
fn a_pull_adds_what_the_paper_says_to_gradients() {
    /// What the gradients are before and after the pull.
    #[derive(Clone)]
    struct See(Rc<RefCell<Vec<Gradients>>>);

    impl Hook<Tiny> for See {
        fn on_gradients(
            &mut self,
            _: &StepReport,
            g: &mut Gradients,
            _: &Live<Tiny>,
        ) -> Result<(), HookError> {
            self.0.borrow_mut().push(g.clone());
            Ok(())
        }
    }

    let (seen, start) = (See(Rc::default()), Tiny::new(&cpu()));
    let pull = L2Sp::of(&start, (0.5, 0.25), |path| path.as_str() == "fc.bias", &cpu()).unwrap();
    let recipe = Recipe { until: step("2it"), optimizer: Sgd::default().into(), ..sgd_recipe() };
    let trained = |until: &str| {
        let recipe = Recipe { until: step(until), ..recipe.clone() };
        let pull = L2Sp::of(&start, (0.5, 0.25), |path| path.as_str() == "fc.bias", &cpu()).unwrap();
        Trainer::new(recipe, &cpu()).hook(pull).run_blocking(start.clone(), &WAVES).unwrap().network
    };
    Trainer::new(recipe.clone(), &cpu())
        .hook(seen.clone())
        .hook(pull)
        .hook(seen.clone())
        .run_blocking(start.clone(), &WAVES)
        .unwrap();
    let seen = seen.0.borrow();
    let values = |tensor: &Tensor<1>| tensor.to_data().iter::<f64>().collect::<Vec<_>>();
    let flat = |network: &Tiny, path: &str| state(network).0[path].iter::<f64>().collect::<Vec<_>>();
    let second = trained("1it");
    for (path, of) in [("fc.bias", 0.25), ("bn.weight", 0.5)] {
        let key = sapwood_core::ParamPath::from(path);
        let (before, after) = (values(&seen[2][&key]), values(&seen[3][&key]));
        let (w, w0) = (flat(&second, path), flat(&start, path));
        for at in 0..w.len() {
            let from = if path == "fc.bias" { 0.0 } else { w0[at] };
            assert!((after[at] - before[at] - of * (w[at] - from)).abs() < 1e-6, "{path}");
        }
        assert!(before != after);
    }
}

#[test]
fn layers_begin_to_learn_one_after_the_other() {
    let recipe = Recipe { weight_decay: 0.1, epochs: 3, ..sgd_recipe() };
    let plan = recipe.clone().plan(WAVES.batches()).unwrap();
    let moved = |until: &str| {
        let recipe = Recipe { until: step(until), ..recipe.clone() };
        let layers = ["conv", "bn", "fc"].map(String::from);
        let trainer = Trainer::new(recipe, &cpu()).hook(Unfreezing::new(layers, 3, &plan));
        let trained = trainer.run_blocking(Tiny::new(&cpu()), &WAVES).unwrap();
        let (before, after) = (state(&Tiny::new(&cpu())), state(&trained.network));
        ["conv.weight", "bn.weight", "fc.weight"].map(|path| before.0[path] != after.0[path])
    };
    assert_eq!(moved("1ep"), [false, false, true]);
    assert_eq!(moved("2ep"), [false, true, true]);
    assert_eq!(moved("end"), [true; 3]);
}

#[test]
fn a_range_test_tries_rates_that_grow_by_one_factor_until_the_loss_does() {
    let test = RangeTest { from: 1e-4, to: 1e4, steps: 17 };
    let tried = test.run_blocking(&sgd_recipe(), Tiny::new(&cpu()), Masks::new(), &WAVES, &cpu()).unwrap();
    let first = &tried[..3];
    for (at, tried) in first.iter().enumerate() {
        let expected = 1e-4 * 10_f64.powf(at as f64 / 2.0);
        assert!((tried.learning_rate / expected - 1.0).abs() < 1e-9, "{tried:?}");
    }
    assert!(5 < tried.len() && tried.len() < 17, "{tried:?}");
    let wrong = RangeTest { from: 1.0, to: 0.1, steps: 9 };
    assert!(wrong.run_blocking(&sgd_recipe(), Tiny::new(&cpu()), Masks::new(), &WAVES, &cpu()).is_err());
}
