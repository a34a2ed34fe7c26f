//! A once-for-all network: many networks in one, of which a slider picks one.

use burn::prelude::Device;
use sapwood_backend::Seed;
use sapwood_core::{Masks, ModuleState, Shape, State};
use sapwood_models::{Init, Net};
use sapwood_search::Genome;
use sapwood_supernet::{Distillation, Nested, Opened, Rule, Supernet, SupernetSpec};
use sapwood_train::{Evaluation, Recipe, Schedule, Sgd, evaluate};
use serde::Serialize;

use crate::{Answer, Course, Data, DataName, Error, Progress, answers};

/// Notches of the slider, at most: in larger families they are spread over all sizes.
const NOTCHES: usize = 40;

/// A family that the page offers, and what it calls it.
pub const FAMILIES: &[(&str, &str)] = &[
    ("mlp", "Fully connected: 1 to 3 hidden layers of 32 to 128 units"),
    ("resnet-tiny-image", "ResNet: 1 to 2 blocks in each stage, channels from half to all"),
];

/// A sub-network: one notch of the slider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Size {
    /// Its choices, as `sapwood-search` writes them.
    pub text: String,
    /// Trained numbers.
    pub params: u64,
    /// Multiply-accumulates for one image.
    pub macs: u64,
}

/// A once-for-all network on `digits`.
#[derive(Clone, Debug)]
pub struct Elastic {
    pub(crate) spec: SupernetSpec,
    pub(crate) seed: u64,
    pub(crate) device: Device,
    pub(crate) data: Data,
    pub(crate) course: Course<Supernet>,
    notches: Vec<(Genome, Size)>,
}

impl Elastic {
    /// A new one of a family, to be trained for this number of epochs.
    ///
    /// # Errors
    /// No such family.
    pub fn new(family: &str, epochs: usize, seed: u64, device: &Device) -> Result<Self, Error> {
        let data = Data::open(DataName::Digits, Seed(seed))?;
        let (input, classes) = (data.train.dataset().shape(), data.task().outputs());
        let trained_on = Some(data.train.dataset().trained_on());
        let spec = SupernetSpec { supernet: family.into(), input, classes, trained_on };
        let supernet = Init::named("kaiming-normal")?.apply(spec.build(device)?, Seed(seed));
        let schedule = Schedule::Cosine { end: 0.0 };
        let sgd = Sgd { momentum: 0.9, nesterov: true };
        let recipe = Recipe { schedule, weight_decay: 1e-3, ..Recipe::new(epochs, sgd, 0.05) };
        let course = Course::new(supernet, Masks::new(), recipe, &data)?;
        Self::of(spec, seed, data, course, device)
    }

    /// One from a file of the project, trained elsewhere. `name` is what messages call it.
    ///
    /// # Errors
    /// A file that is none of a once-for-all network, or of one for other images.
    pub fn open(bytes: &[u8], name: &str, device: &Device) -> Result<Self, Error> {
        let (spec, supernet) = Supernet::open_bytes(bytes, name, device)?;
        let mut elastic = Self::new(&spec.supernet, 1, 0, device)?;
        let (expected, found) = ((elastic.spec.input, elastic.spec.classes), (spec.input, spec.classes));
        if expected != found {
            let of =
                |([c, h, w], classes): (Shape, usize)| format!("{c}x{h}x{w} images of {classes} classes");
            let (expected, found) = (of(expected), of(found));
            return Err(Error::Request { what: "network in the file", expected, found });
        }
        let names = |spec: &SupernetSpec| spec.trained_on.clone().map(|trained| trained.classes);
        if let (Some(expected), Some(found)) = (names(&elastic.spec), names(&spec))
            && expected != found
        {
            let [expected, found] = [expected, found].map(|names| format!("classes {}", names.join(", ")));
            return Err(Error::Request { what: "network in the file", expected, found });
        }
        // It was trained where it comes from.
        let course = &mut elastic.course;
        (course.network, course.iteration) = (supernet, course.end(&elastic.data));
        Ok(elastic)
    }

    pub(crate) fn of(
        spec: SupernetSpec,
        seed: u64,
        data: Data,
        course: Course<Supernet>,
        device: &Device,
    ) -> Result<Self, Error> {
        let notches = notches(&course.network)?;
        Ok(Self { spec, seed, device: device.clone(), data, course, notches })
    }

    /// The name of its family.
    pub fn family(&self) -> &str {
        &self.spec.supernet
    }

    /// The sizes that the slider has, smallest first.
    pub fn sizes(&self) -> impl ExactSizeIterator<Item = &Size> {
        self.notches.iter().map(|notch| &notch.1)
    }

    /// Trains all networks together for a few steps, by the sandwich rule (Yu et al. 2020): the
    /// largest learns from the labels, two at random and the smallest from the largest.
    ///
    /// # Errors
    /// Those of training.
    pub async fn train(&mut self, steps: usize) -> Result<Progress, Error> {
        let nested = Nested {
            opened: Opened::all(self.course.network.family().space()),
            rule: Rule::Sandwich { subnets: 2 },
            distillation: Distillation::default(),
            teacher: None,
            seed: Seed(self.seed),
        };
        let row = self.course.advance(steps, &self.data, &self.device, nested).await?;
        Ok(Progress::of(&self.course, row, &self.data))
    }

    /// How far training has come.
    pub fn progress(&self) -> Progress {
        Progress::of(&self.course, self.course.curve.last().copied(), &self.data)
    }

    /// How good the network at a notch is.
    ///
    /// # Errors
    /// A notch that is not there, and of reading from the device.
    pub async fn evaluate(&self, notch: usize) -> Result<Evaluation, Error> {
        Ok(evaluate(&self.network(notch)?, &self.data.test, &self.device).await?)
    }

    /// What the network at a notch says to an image of stored values.
    ///
    /// # Errors
    /// As [`Elastic::evaluate`], and an image of another size.
    pub async fn answer(&self, notch: usize, image: &[u8]) -> Result<Vec<Answer>, Error> {
        let (network, batch) = (self.network(notch)?, self.data.single(image)?);
        answers([&network].into_iter(), &batch, self.data.task(), &self.device).await
    }

    /// The whole as a safetensors file, which [`Elastic::open`] and the command line read.
    ///
    /// # Errors
    /// Of reading from the device.
    pub async fn file(&self) -> Result<Vec<u8>, Error> {
        Ok(self.spec.pack(State::read(&self.course.network).await?)?.to_bytes()?)
    }

    /// The network at a notch, with statistics of its own.
    fn network(&self, notch: usize) -> Result<Net, Error> {
        let out_of_range = || Error::Request {
            what: "size",
            expected: format!("a number below {}", self.notches.len()),
            found: notch.to_string(),
        };
        let (genome, _) = self.notches.get(notch).ok_or_else(out_of_range)?;
        Ok(self.course.network.subnet(genome)?.calibrate(&self.data.examples()?)?)
    }
}

/// Sub-networks of all sizes, smallest first, no two of one size.
fn notches(supernet: &Supernet) -> Result<Vec<(Genome, Size)>, Error> {
    let family = supernet.family();
    let mut all = Vec::new();
    for genome in family.space().genomes() {
        let anatomy = family.graph(&genome)?.anatomy(family.whole().input())?;
        let text = family.space().text(&genome);
        all.push((genome, Size { text, params: anatomy.params(), macs: anatomy.macs() }));
    }
    all.sort_by(|a, b| (a.1.params, a.1.macs, &a.1.text).cmp(&(b.1.params, b.1.macs, &b.1.text)));
    all.dedup_by_key(|notch| notch.1.params);
    let (few, last) = (all.len().min(NOTCHES), all.len() - 1);
    let place = |notch: usize| notch * last / (few - 1).max(1);
    Ok((0..few).map(|notch| all[place(notch)].clone()).collect())
}
