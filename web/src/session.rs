//! One network on its way from new to small.

use burn::prelude::Device;
use sapwood_backend::Seed;
use sapwood_core::{Anatomy, Masks, ModuleState, Observed, Source, State, Step};
use sapwood_data::{Labels, life};
use sapwood_models::{Net, Spec};
use sapwood_prune::{CRITERIA, Cut, Diagnosis, MaskSet, NetworkProbe, Scope, criterion};
use sapwood_train::{Evaluation, Recipe, Retraining, Supervised, evaluate};
use serde::{Deserialize, Serialize};

use crate::{
    Answer, Course, Data, DataName, Error, Picture, Progress, PruneReport, answers, draw, network, pictures,
};

/// What a session is about. It decides everything but how the network is pruned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The data set.
    pub data: DataName,
    /// The network: a name from [`NETWORKS`](crate::NETWORKS).
    pub network: String,
    /// How often all training examples are seen.
    pub epochs: usize,
    /// The seed of weights, of the order of examples, and of what criteria draw.
    pub seed: u64,
}

/// How the network is to be pruned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PruneRequest {
    /// The criterion, by name.
    pub criterion: String,
    /// The fraction that is removed, as a decimal.
    pub sparsity: String,
    /// How the rest is spread over the layers, by name.
    pub allocation: String,
    /// With which weights retraining begins.
    pub begin: Begin,
}

/// With which weights retraining begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Begin {
    /// Those that training ended with.
    Trained,
    /// Those that training began with: the lottery ticket.
    Initial,
}

/// Which of the two networks is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Which {
    /// The whole network.
    Dense,
    /// What pruning left of it.
    Pruned,
}

/// A criterion, and whether this network has what it asks for.
#[derive(Clone, Debug, Serialize)]
pub struct CriterionChoice {
    /// The name by which it is asked for.
    pub name: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// Where it was published, or empty.
    pub paper: &'static str,
    /// Why it cannot be applied here, if so.
    pub refused: Option<String>,
}

/// A dense network and, once it was pruned, a sparse one beside it, so that both can be asked.
#[derive(Clone, Debug)]
pub struct Session {
    pub(crate) settings: Settings,
    pub(crate) device: Device,
    pub(crate) data: Data,
    pub(crate) spec: Spec,
    pub(crate) dense: Course<Net>,
    pub(crate) pruned: Option<Course<Net>>,
}

impl Session {
    /// A session with a new network.
    ///
    /// # Errors
    /// Settings that make no sense.
    pub fn new(settings: Settings, device: &Device) -> Result<Self, Error> {
        let row = network(&settings.network, settings.data)?;
        let data = Data::open(settings.data, Seed(settings.seed))?;
        let spec = row.spec(data.train.dataset().shape(), data.task())?;
        let net = draw(&spec, Seed(settings.seed), device)?;
        let dense = Course::new(net, Masks::new(), row.recipe(settings.epochs), &data)?;
        Ok(Self { settings, device: device.clone(), data, spec, dense, pruned: None })
    }

    /// What it is about.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The network's layers with their costs.
    ///
    /// # Errors
    /// Never for a network that could be built.
    pub fn anatomy(&self) -> Result<Anatomy, Error> {
        Ok(self.spec.graph()?.anatomy(self.spec.input)?)
    }

    /// All criteria, in the order in which they are shown.
    pub fn criteria(&self) -> Vec<CriterionChoice> {
        let probe = NetworkProbe::observed(&self.dense.network);
        let refused = |name: &str| {
            let scope = Scope::default().on(&self.dense.network);
            let asked = criterion(name, self.seed()).and_then(|criterion| criterion.scope(&probe, scope?));
            asked.err().map(|error| error.to_string())
        };
        CRITERIA
            .iter()
            .map(|row| CriterionChoice {
                name: row.name,
                about: row.about,
                paper: row.paper,
                refused: refused(row.name),
            })
            .collect()
    }

    /// Trains one of the networks for a few steps.
    ///
    /// # Errors
    /// Those of training, and if there is no pruned network.
    pub async fn train(&mut self, which: Which, steps: usize) -> Result<Progress, Error> {
        let (data, device) = (self.data.clone(), self.device.clone());
        let course = self.course_mut(which)?;
        let row = course.advance(steps, &data, &device, Supervised).await?;
        Ok(Progress::of(course, row, &data))
    }

    /// How far a network has come.
    ///
    /// # Errors
    /// If there is no pruned network.
    pub fn progress(&self, which: Which) -> Result<Progress, Error> {
        let course = self.course(which)?;
        Ok(Progress::of(course, course.curve.last().copied(), &self.data))
    }

    /// How good a network is on the test examples.
    ///
    /// # Errors
    /// Of reading from the device, and if there is no pruned network.
    pub async fn evaluate(&self, which: Which) -> Result<Evaluation, Error> {
        Ok(evaluate(&self.course(which)?.network, &self.data.test, &self.device).await?)
    }

    /// Scores the dense network's weights and removes the least of them. What was pruned before
    /// is forgotten, so that any sparsity can be tried after any other.
    ///
    /// # Errors
    /// A criterion that the network cannot be asked for, and a sparsity that is none.
    pub async fn prune(&mut self, request: &PruneRequest) -> Result<PruneReport, Error> {
        let criterion = criterion(&request.criterion, self.seed())?;
        let cut =
            Cut::to(request.sparsity.parse()?).allocation(request.allocation.parse()?).seed(self.seed());
        let examples = if criterion.needs().examples() { self.data.examples()? } else { Vec::new() };
        let probe = NetworkProbe::observed(&self.dense.network).with_examples(&examples).in_f64();
        let pruned = cut.prune(criterion.as_ref(), &probe, None).await?;

        let at_once = pruned.apply(self.dense.network.clone())?;
        let test = evaluate(&at_once, &self.data.test, &self.device).await?;
        let network = match request.begin {
            Begin::Trained => at_once,
            Begin::Initial => pruned.masks.apply(draw(&self.spec, self.seed(), &self.device)?)?,
        };
        let diagnosis = Diagnosis::of(self.dense.network.graph(), &pruned.masks)?;
        let masks = pruned.masks.into_masks();
        self.pruned = Some(Course::new(network, masks, self.retraining(request.begin)?, &self.data)?);
        Ok(PruneReport::new(&diagnosis, test))
    }

    /// The recipe of the retraining: the schedule of the first training once more, which of few
    /// steps leaves the best networks (Renda et al. 2020 rewind the learning rate to any position).
    fn retraining(&self, begin: Begin) -> Result<Recipe, Error> {
        let way = match begin {
            Begin::Trained => Retraining::LearningRate(Step::START),
            Begin::Initial => Retraining::Init,
        };
        Ok(way.recipe(&self.dense.recipe, self.data.train.batches())?)
    }

    /// The masks of the pruned network.
    ///
    /// # Errors
    /// If there is none.
    pub fn masks(&self) -> Result<MaskSet, Error> {
        Ok(MaskSet::from(self.course(Which::Pruned)?.masks.clone()))
    }

    /// A network's weights as pictures.
    ///
    /// # Errors
    /// Of reading from the device, and if there is no pruned network.
    pub async fn pictures(&self, which: Which) -> Result<Vec<Picture>, Error> {
        let course = self.course(which)?;
        let state = State::read(&course.network).await?;
        Ok(pictures(course.network.graph(), &state, &course.masks))
    }

    /// What the networks that there are say to an image of stored values, the dense one first.
    ///
    /// # Errors
    /// An image of another size, and of reading from the device.
    pub async fn answers(&self, image: &[u8]) -> Result<Vec<Answer>, Error> {
        let batch = self.data.single(image)?;
        let networks = [Some(&self.dense), self.pruned.as_ref()];
        let networks = networks.into_iter().flatten().map(|course| &course.network);
        answers(networks, &batch, self.data.task(), &self.device).await
    }

    /// The number of test examples.
    pub fn test_examples(&self) -> usize {
        self.data.test.dataset().len()
    }

    /// A test example: its stored values, and the class or the board that comes of it.
    ///
    /// # Errors
    /// A number that is too large.
    pub fn test_example(&self, number: usize) -> Result<(Vec<u8>, Vec<u8>), Error> {
        let test = self.data.test.dataset();
        let out_of_range = || Error::Request {
            what: "test example",
            expected: format!("a number below {}", test.len()),
            found: number.to_string(),
        };
        let image = test.image(number).ok_or_else(out_of_range)?.to_vec();
        let label = match test.labels() {
            Labels::Class(classes) => vec![classes[number] as u8],
            Labels::Dense(values) => values[number * image.len()..][..image.len()].to_vec(),
        };
        Ok((image, label))
    }

    /// The board one step later, on a torus as in training.
    ///
    /// # Errors
    /// A board of another size, and a session about something else.
    pub fn next(&self, board: &[u8]) -> Result<Vec<u8>, Error> {
        let [_, rows, columns] = self.data.train.dataset().shape();
        match self.settings.data {
            DataName::Life if board.len() == rows * columns => {
                Ok(life::step(board, [rows, columns], life::Boundary::Torus))
            }
            _ => Err(Error::Request {
                what: "board",
                expected: "as many cells as the boards of `life` have".into(),
                found: board.len().to_string(),
            }),
        }
    }

    /// A network as a safetensors file under PyTorch's names, with its masks and what it is.
    ///
    /// # Errors
    /// Of reading from the device, and if there is no pruned network.
    pub async fn file(&self, which: Which) -> Result<Vec<u8>, Error> {
        Ok(self.state_file(which).await?.to_bytes()?)
    }

    pub(crate) fn course(&self, which: Which) -> Result<&Course<Net>, Error> {
        match which {
            Which::Dense => Ok(&self.dense),
            Which::Pruned => self.pruned.as_ref().ok_or(Error::NotPruned),
        }
    }

    fn course_mut(&mut self, which: Which) -> Result<&mut Course<Net>, Error> {
        match which {
            Which::Dense => Ok(&mut self.dense),
            Which::Pruned => self.pruned.as_mut().ok_or(Error::NotPruned),
        }
    }

    fn seed(&self) -> Seed {
        Seed(self.settings.seed)
    }
}
