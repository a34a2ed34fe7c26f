//! What a run tells whoever listens.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use serde_json::Value;
use tracing::{
    Dispatch, Level,
    subscriber::{NoSubscriber, with_default},
};

use crate::{Kill, Tiny, WAVES, cpu, newest, run, sgd_recipe, step};
use sapwood_core::{Reporter, Source as _};
use sapwood_train::{Checkpoints, Progress, Recipe, Trainer};

/// While there is one subscriber alone, an event that happens first on the thread of another test counts as
/// heard nowhere.
static SECOND: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::new()));

/// The events of a piece of work up to a level, as a subscriber writes them.
fn heard(level: Level, work: impl FnOnce()) -> Vec<Value> {
    let file = tempfile::NamedTempFile::new().unwrap();
    let writer = Arc::new(file.reopen().unwrap());
    let subscriber = tracing_subscriber::fmt().json().with_max_level(level).with_writer(writer).finish();
    LazyLock::force(&SECOND);
    with_default(subscriber, work);
    let text = std::fs::read_to_string(file.path()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn of<'a>(events: &'a [Value], message: &str) -> Vec<&'a Value> {
    events
        .iter()
        .filter(|event| event["fields"]["message"] == message)
        .map(|event| &event["fields"])
        .collect()
}

#[test]
fn each_epoch_is_an_event_with_the_numbers_of_its_row() {
    let mut curve = Vec::new();
    let events = heard(Level::INFO, || {
        let trainer = Trainer::new(sgd_recipe(), &cpu()).test(&WAVES);
        curve = trainer.run_blocking(Tiny::new(&cpu()), &WAVES).unwrap().curve;
    });
    let epochs = of(&events, "epoch");
    assert_eq!((epochs.len(), curve.len()), (3, 3));
    for (event, row) in epochs.into_iter().zip(&curve) {
        let test = row.test.unwrap();
        assert_eq!((&event["epoch"], &event["epochs"]), (&row.epoch.into(), &3.into()));
        assert_eq!(event["iteration"], row.iteration);
        for (field, number) in [
            ("training_loss", row.train_loss),
            ("learning_rate", row.learning_rate),
            ("test_loss", test.loss),
            ("top1", test.top1),
        ] {
            let said: f64 = event[field].as_f64().unwrap();
            assert!((said - number).abs() < 1e-12, "{field}: {said} is not {number}");
        }
    }
    assert!(
        events.iter().all(|event| event["span"]["name"] == "training" && event["span"]["iterations"] == 9)
    );
    assert!(events.iter().all(|event| event["target"].as_str().unwrap().starts_with("sapwood_train")));
}

#[test]
fn checkpoints_are_told_when_they_are_written_passed_over_and_gone_on_from() {
    let folder = tempfile::tempdir().unwrap();
    let written = heard(Level::INFO, || {
        run(&sgd_recipe(), Some(folder.path()), Some(5)).unwrap_err();
    });
    let checkpoints = of(&written, "checkpoint written");
    let last = checkpoints.last().unwrap();
    let path = newest(folder.path());
    assert_eq!(last["path"], path.display().to_string());
    assert_eq!(last["bytes"], std::fs::metadata(&path).unwrap().len());

    std::fs::write(&path, b"SAPWOOD1 cut short").unwrap();
    let again = heard(Level::INFO, || {
        run(&sgd_recipe(), Some(folder.path()), None).unwrap();
    });
    let passed_over = of(&again, "broken checkpoint passed over");
    assert_eq!(passed_over.len(), 1);
    assert_eq!(passed_over[0]["path"], path.display().to_string());
    assert!(!passed_over[0]["problem"].as_str().unwrap().is_empty());
    let before = checkpoints[checkpoints.len() - 2];
    assert_eq!(of(&again, "training continues")[0]["iteration"], before["iteration"]);
}

#[test]
fn steps_are_told_at_level_trace_and_at_no_other() {
    let steps = |level| {
        let work =
            || drop(Trainer::new(sgd_recipe(), &cpu()).run_blocking(Tiny::new(&cpu()), &WAVES).unwrap());
        of(&heard(level, work), "step").len()
    };
    assert_eq!((steps(Level::DEBUG), steps(Level::TRACE)), (0, 9));
}

/// The steps of a task, and how many of them were said to be done.
#[derive(Default)]
struct Told([AtomicU64; 2]);

impl Reporter for Told {
    fn begin(&self, _label: &str, total: u64) {
        self.0[0].store(total, Relaxed);
        self.0[1].store(0, Relaxed);
    }

    fn advance(&self, units: u64) {
        self.0[1].fetch_add(units, Relaxed);
    }

    fn note(&self, _line: &str) {}

    fn end(&self) {}
}

#[test]
fn progress_is_that_of_the_steps_that_are_trained_also_where_a_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    // Of three epochs of three steps the last two.
    let recipe = Recipe { start_at: step("1ep"), ..sgd_recipe() };
    let plan = recipe.clone().plan(WAVES.batches()).unwrap();
    for (kill, done) in [(Some(6), 3), (None, 6)] {
        let told = Told::default();
        let checkpoints = Checkpoints::in_folder(folder.path()).every_iterations(NonZeroUsize::MIN);
        let trainer = Trainer::new(recipe.clone(), &cpu()).hook(Progress::new(&told, &plan));
        let trainer = kill.into_iter().fold(trainer, |trainer, at| trainer.hook(Kill(at)));
        let trained = trainer.checkpoints(checkpoints).run_blocking(Tiny::new(&cpu()), &WAVES);
        assert_eq!(trained.is_err(), kill.is_some());
        assert_eq!(told.0.map(AtomicU64::into_inner), [6, done]);
    }
}
