//! What is timed.

use anyhow::Result;
use rand::RngExt as _;
use sapwood_backend::{Seed, Stream};
use sapwood_core::{Batch, Target};
use sapwood_models::Spec;

/// Small enough that no network diverges on one batch of noise; used on both
/// sides. The time of a step does not depend on it.
pub(crate) const LEARNING_RATE: f64 = 0.01;

/// Whether a network is trained, only run, or scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Forward, loss, backward and an SGD update with momentum 0.9.
    Train,
    /// Forward, without gradients.
    Infer,
    /// From the weights to the masks that keep the best of them.
    Score(Score),
}

/// How a network is scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Score {
    /// The criterion, with its default options and rounds.
    pub criterion: &'static str,
    /// Whether in f64 instead of f32.
    pub is_wide: bool,
}

/// One line of a comparison.
#[derive(Clone, Debug)]
pub struct Case {
    /// The network, at its usual input and classes.
    pub spec: Spec,
    /// The number of examples in a step.
    pub batch: usize,
    /// What is done with them.
    pub work: Work,
}

impl Case {
    /// A network of the zoo; without a batch size, its usual one.
    ///
    /// # Errors
    /// A name that the zoo does not have.
    pub fn new(model: &str, batch: Option<usize>, work: Work) -> Result<Self> {
        let spec = Spec::named(model)?;
        let batch = batch.unwrap_or_else(|| usual_batch(&spec)).max(1);
        Ok(Self { spec, batch, work })
    }

    /// The name of its row: `resnet-20`, `resnet-20/infer-1`.
    pub fn name(&self) -> String {
        match self.work {
            Work::Train => self.spec.model.clone(),
            Work::Infer => format!("{}/infer-{}", self.spec.model, self.batch),
            Work::Score(Score { criterion, is_wide }) => {
                format!("{}/{criterion}/{}", self.spec.model, if is_wide { "f64" } else { "f32" })
            }
        }
    }

    /// The number of parameters, by which two sides can tell that they time the
    /// same network.
    ///
    /// # Errors
    /// Options that fit no network.
    pub fn parameters(&self) -> Result<u64> {
        Ok(self.spec.graph()?.anatomy(self.spec.input)?.params())
    }

    /// Noise with mean 0 and variance 1, and random targets: the same in every run.
    ///
    /// # Errors
    /// None, for a case that [`Case::new`] made.
    pub fn data(&self) -> Result<Batch> {
        let mut rng = Seed(0).stream(Stream::Data, 0);
        let [channels, height, width] = self.spec.input;
        let pixels = self.batch * channels * height * width;
        let bound = 3f32.sqrt();
        let input = (0..pixels).map(|_| (2.0 * rng.random::<f32>() - 1.0) * bound).collect();
        let target = match self.spec.model.as_str() {
            "life-net" => Target::Dense((0..pixels).map(|_| f32::from(rng.random::<f32>() < 0.38)).collect()),
            _ => Target::Class(
                (0..self.batch).map(|_| rng.random_range(0..self.spec.classes as u32)).collect(),
            ),
        };
        Ok(Batch::new([self.batch, channels, height, width], input, target)?)
    }
}

/// What fits a small machine: fewer examples for the wide and the large networks.
fn usual_batch(spec: &Spec) -> usize {
    let pixels = spec.input[1] * spec.input[2];
    match spec.model.ends_with("-small") {
        _ if 64 * 64 < pixels => 16,
        true => 64,
        false => 128,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_named_and_sized_by_its_network_and_work() {
        let case = |model, batch, work| {
            let case = Case::new(model, batch, work).unwrap();
            (case.name(), case.batch)
        };
        assert_eq!(case("resnet-20", None, Work::Train), ("resnet-20".into(), 128));
        assert_eq!(case("resnet-18-small", None, Work::Train), ("resnet-18-small".into(), 64));
        assert_eq!(case("resnet-18", None, Work::Train), ("resnet-18".into(), 16));
        assert_eq!(case("vgg-16", Some(1), Work::Infer), ("vgg-16/infer-1".into(), 1));
        assert!(Case::new("resnet-21", None, Work::Train).unwrap_err().to_string().contains("resnet-20"));
    }

    #[test]
    fn every_network_of_the_zoo_gets_data_of_its_own_shape() {
        for model in sapwood_models::names() {
            let case = Case::new(model, Some(2), Work::Train).unwrap();
            let data = case.data().unwrap();
            assert_eq!(data.shape[1..], case.spec.input, "{model}");
            assert_eq!(matches!(data.target, Target::Dense(_)), model == "life-net");
        }
    }
}
