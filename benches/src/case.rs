//! What is timed.

use anyhow::Result;
use rand::RngExt as _;
use sapwood_backend::{Ops, Seed, Stream};
use sapwood_core::{Batch, Target, UnknownName};
use sapwood_models::Spec;
use sapwood_supernet::{FAMILIES, family};

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
    /// What computes our side.
    pub ops: Ops,
}

impl Case {
    /// A network of the zoo, or the largest one of a family at its usual resolution; without a
    /// batch size, its usual one.
    ///
    /// # Errors
    /// A name that neither the zoo nor the families have.
    pub fn new(model: &str, batch: Option<usize>, work: Work) -> Result<Self> {
        let spec = spec(model)?;
        let batch = batch.unwrap_or_else(|| usual_batch(&spec)).max(1);
        Ok(Self { spec, batch, work, ops: Ops::default() })
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

/// The network of a name, with its layers where it is a family's.
fn spec(model: &str) -> Result<Spec> {
    if sapwood_models::names().any(|name| name == model) {
        return Ok(Spec::named(model)?);
    }
    let families = || FAMILIES.iter().map(|row| row.name);
    if !families().any(|name| name == model) {
        return Err(UnknownName::new("network", model, sapwood_models::names().chain(families())).into());
    }
    Ok(Spec::of_layers(model, family(model, None, None)?.whole().clone())?)
}

/// What fits a small machine: fewer examples for the wide and the large networks, and for those of
/// families, which are deep.
fn usual_batch(spec: &Spec) -> usize {
    let pixels = spec.input[1] * spec.input[2];
    match spec.layers.is_some() || spec.model.ends_with("-small") {
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
        assert_eq!(case("mbv3-small-image", None, Work::Train), ("mbv3-small-image".into(), 64));
        assert_eq!(case("ofa-mbv3-w1.0", None, Work::Train), ("ofa-mbv3-w1.0".into(), 16));
        assert_eq!(case("mlp", Some(1), Work::Infer), ("mlp/infer-1".into(), 1));
    }

    #[test]
    fn an_unknown_name_is_answered_with_those_of_the_zoo_and_the_families() {
        for (name, meant) in [("resnet-21", "resnet-20"), ("mbv3-smal-image", "mbv3-small-image")] {
            let error = Case::new(name, None, Work::Train).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("unknown network `{name}`")) && error.contains(meant),
                "{error}"
            );
        }
    }

    #[test]
    fn a_family_stands_for_its_largest_network_at_its_usual_resolution() {
        for row in FAMILIES {
            let (case, family) =
                (Case::new(row.name, Some(2), Work::Train).unwrap(), family(row.name, None, None).unwrap());
            let largest = family.graph(&family.largest()).unwrap();
            assert_eq!(case.spec.graph().unwrap(), largest, "{}", row.name);
            assert_eq!((case.spec.input, case.spec.classes), (row.input, row.classes), "{}", row.name);
            assert_eq!(case.parameters().unwrap(), largest.anatomy(row.input).unwrap().params());
            let data = case.data().unwrap();
            assert_eq!(data.shape(), row.input.into(), "{}", row.name);
            assert!(matches!(data.target(), Target::Class(_)), "{}", row.name);
        }
    }

    #[test]
    fn every_network_of_the_zoo_gets_data_of_its_own_shape() {
        for model in sapwood_models::names() {
            let case = Case::new(model, Some(2), Work::Train).unwrap();
            let data = case.data().unwrap();
            assert_eq!(data.shape(), case.spec.input.into(), "{model}");
            assert_eq!(matches!(data.target(), Target::Dense(_)), model == "life-net");
        }
    }
}
