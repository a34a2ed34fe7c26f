//! What `score` and `prune` share: a network, a criterion, and examples.

mod by;

use std::{num::NonZero, path::Path, sync::Arc};

use clap::{Args, ValueEnum};
use sapwood_backend::Seed;
use sapwood_core::{Batch, Except, Masks, Shape, TrainedOn};
use sapwood_lab::{DataConfig, Examples, Takes, fits, read_batches};
use sapwood_models::{Net, Opened, Spec};
use sapwood_prune::{Criteria, Criterion, Error as Pruning, Needs, NetworkProbe, Options, Scope, Warning};

pub(super) use by::{By, Ranker};

use super::{
    bar,
    data_root::DataRoot,
    image::Images,
    integers::refuse,
    on_device::OnDevice,
    outputs::{MoreOutputs, hinted, tell},
    own_input::{OwnInput, is_file, tell_doubt},
    weight_file::WeightFile,
};
use crate::Error;

/// Examples of a batch from a data set.
const BATCH: NonZero<usize> = NonZero::new(128).unwrap();
/// Batches of a data set.
const BATCHES: NonZero<usize> = NonZero::new(8).unwrap();

/// Which weights of which network are scored, how, and with what.
#[derive(Args)]
pub(super) struct Scoring {
    #[command(flatten)]
    pub(super) network: WeightFile,
    /// An option of the criterion, as in temperature=100: see `list criteria`
    #[arg(long = "option", value_name = "NAME=VALUE")]
    options: Vec<String>,
    /// Leave these layers alone: a name, as in fc or 'layer1.*', 're:PATTERN' for the whole name, or
    /// a type, as in type:conv
    #[arg(long, visible_alias = "exclude", value_name = "LAYERS")]
    except: Vec<Except>,
    /// What the weights are scored with, where the criterion asks for examples: a file
    /// with `images` f32 [N, C, H, W] and `labels` i64 [N], or `x` and `y` (safetensors, or .npz), or the name of a data
    /// set.
    /// synflow takes the size of its images alone
    #[arg(long, value_name = "FILE|NAME")]
    pub(super) data: Option<String>,
    #[command(flatten)]
    images: Images,
    #[command(flatten)]
    input: OwnInput,
    /// Examples of a batch [default: all of a file, 128 of a data set]
    #[arg(long, value_name = "N", requires = "data")]
    batch_size: Option<NonZero<usize>>,
    /// How many batches of a data set [default: 8]
    #[arg(long, value_name = "N", requires = "data")]
    batches: Option<NonZero<usize>>,
    /// Instead, N training examples of each class, in one batch
    #[arg(long, value_name = "N", requires = "data", conflicts_with_all = ["batches", "batch_size"])]
    per_class: Option<NonZero<usize>>,
    /// Compute scores in f64 where the device has it, or in f32, which takes less than half
    /// as long [default: f64]
    #[arg(long, value_enum)]
    precision: Option<Precision>,
    /// The seed of what is drawn [default: 0]
    #[arg(long)]
    seed: Option<u64>,
    #[command(flatten)]
    outputs: MoreOutputs,
    #[command(flatten)]
    root: DataRoot,
    #[command(flatten)]
    pub(super) device: OnDevice,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Precision {
    F32,
    #[default]
    F64,
}

/// A network, a criterion, and examples that fit both.
pub(super) struct Scored {
    pub(super) criterion: Box<dyn Criterion>,
    pub(super) spec: Spec,
    pub(super) net: Net,
    pub(super) masks: Masks,
    pub(super) trained_on: Option<TrainedOn>,
    pub(super) examples: Vec<Batch>,
    /// The size of the input that the criterion makes of its own, if it does.
    input: Option<Shape>,
    /// What is to be told of it, once there is a result.
    pub(super) note: Option<String>,
    precision: Precision,
}

impl Scored {
    /// In how many rounds the criterion is customarily applied.
    pub(super) fn customary_rounds(&self) -> usize {
        self.criterion.iterations().rounds.get()
    }

    pub(super) fn probe(&self) -> NetworkProbe<'_, Net> {
        let probe = NetworkProbe::observed(&self.net).with_examples(&self.examples);
        let probe = match self.input {
            Some(input) => probe.with_input_shape(input),
            None => probe,
        };
        match self.precision {
            Precision::F32 => probe,
            Precision::F64 => probe.in_f64(),
        }
    }
}

impl Scoring {
    /// Refuses what says how weights are scored, where none are.
    pub(super) fn nothing_is_scored(&self) -> Result<(), Error> {
        let given = [
            ("--option", !self.options.is_empty()),
            ("--except", !self.except.is_empty()),
            ("--data", self.data.is_some()),
            ("--input", self.input.is_given()),
            ("--precision", self.precision.is_some()),
            ("--seed", self.seed.is_some()),
            ("--allow-more-outputs", self.outputs.allowed),
        ];
        match given.into_iter().find(|(_, given)| *given) {
            None => self.images.none(),
            Some((option, _)) => Err(Error::Usage(format!(
                "`{option}` belongs to a target such as `--channels 30%`: what is dead leaves whatever its layer, and no output \
                 changes by it; leave it out"
            ))),
        }
    }

    /// An error of scoring, with the option that may help.
    pub(super) fn explain(&self, error: Pruning) -> Error {
        match (&error, self.precision()) {
            (Pruning::NotFinite { narrow: true, .. }, Precision::F32) => {
                Error::Usage(format!("{error} (`--precision f64`)"))
            }
            (Pruning::ForeignScores { .. }, _) => Error::Usage(format!("{error} (`--except`)")),
            _ => error.into(),
        }
    }

    /// Tells warnings, with the option that may help.
    pub(super) fn warn(&self, warnings: &[Warning]) {
        for warning in warnings {
            let wider = warning.is_of_precision() && self.precision() == Precision::F32;
            bar::note(&format!("warning: {warning}{}", if wider { " (`--precision f64`)" } else { "" }));
        }
    }

    fn precision(&self) -> Precision {
        self.precision.unwrap_or_default()
    }

    /// The seed of what is drawn.
    pub(super) fn seed(&self) -> Seed {
        Seed(self.seed.unwrap_or(0))
    }

    pub(super) fn scope(&self) -> Scope {
        Scope { exclude: self.except.iter().cloned().collect() }
    }

    /// Opens the network; what can be refused is refused first.
    pub(super) fn opened(&self) -> Result<Opened, Error> {
        let opened = self.network.open(&self.device.resolve()?)?;
        refuse(&opened, "trained or changed")?;
        Ok(opened)
    }

    /// [`Scoring::opened`], to remove weights of it.
    fn opened_to_change(&self) -> Result<Opened, Error> {
        self.network.open_to_change(&self.device.resolve()?)
    }

    /// Makes the criterion and gets its examples.
    pub(super) fn open(&self, criteria: &Criteria, by: By<'_>) -> Result<Scored, Error> {
        self.open_with(criteria, by, false)
    }

    /// [`Scoring::open`], with examples also where the criterion needs none.
    pub(super) fn open_with(&self, criteria: &Criteria, by: By<'_>, examples: bool) -> Result<Scored, Error> {
        let criterion = self.criterion(criteria, by)?;
        let name = match by {
            By::Criterion(name) => name,
            By::Scores(_) if self.data.is_some() && !examples => {
                let problem =
                    "`--scores` are computed already, and nothing of `--data` would be read: leave it out";
                return Err(Error::Usage(problem.into()));
            }
            By::Scores(_) => criterion.as_ref().name(),
        };
        self.check(name, criterion.needs())?;
        if self.data.is_some() && !examples && criterion.needs() == Needs::Weights {
            bar::note(&format!(
                "note: criterion `{name}` looks at the weights alone: nothing of `--data` is read"
            ));
        }
        let opened = self.opened_to_change()?;
        if !matches!(criterion.needs(), Needs::Weights | Needs::Graph) {
            opened.net.check_single()?;
        }
        let examples = match &self.data {
            Some(data) if examples || criterion.needs().examples() => self.examples(data, &opened)?,
            _ => Vec::new(),
        };
        let data = self.data.as_deref().map(|data| (data, &self.images, self.root.data_root.as_path()));
        let (input, note) = self.input.of((name, criterion.needs()), data, &opened)?.unzip();
        let Opened { spec, net, masks, trained_on, .. } = opened;
        let criterion = criterion.without(&masks);
        let precision = self.precision();
        Ok(Scored { criterion, spec, net, masks, trained_on, examples, input, note, precision })
    }

    /// The criterion with its options, before any network is opened.
    pub(super) fn criterion(&self, criteria: &Criteria, by: By<'_>) -> Result<Ranker, Error> {
        let options = Options::parse(self.options.iter().map(String::as_str))?;
        by.criterion(criteria, &options, self.seed())
    }

    fn check(&self, name: &str, needs: Needs) -> Result<(), Error> {
        if needs.examples() && self.data.is_none() {
            let problem = format!(
                "criterion `{name}` needs examples: name a data set or a file of `images` and `labels` with `--data`"
            );
            return Err(Error::Usage(problem));
        }
        self.input.check(name, needs)?;
        match &self.data {
            Some(data) if !is_file(data) => Ok(()),
            _ => {
                self.images.none()?;
                self.outputs.none()
            }
        }
    }

    /// A file where there is one, or where the name looks like one; else a data set.
    fn examples(&self, data: &str, opened: &Opened) -> Result<Vec<Batch>, Error> {
        let spec = &opened.spec;
        let path = Path::new(data);
        if is_file(data) {
            if self.batches.is_some() || self.per_class.is_some() {
                let problem =
                    "`--batches` and `--per-class` choose from a data set, but `--data` is a file".into();
                return Err(Error::Usage(problem));
            }
            let takes = Takes::of(opened);
            let batches = read_batches(path, self.batch_size.map(NonZero::get), &takes)?;
            tell_doubt(&takes, &batches);
            for shape in batches.iter().filter_map(|batch| batch.shape().image()) {
                spec.output(shape)?;
            }
            return Ok(batches);
        }
        let mut config = DataConfig::of_opened(data, opened);
        self.images.apply(&mut config)?;
        let datasets = self.root.datasets();
        let examples = match self.per_class {
            Some(n) => Examples::PerClass(n),
            None => Examples::Batches {
                number: self.batches.unwrap_or(BATCHES),
                size: self.batch_size.unwrap_or(BATCH),
            },
        };
        let drawn = Arc::new(datasets.draw(&config, examples.drawing(self.seed()))?.dataset);
        let classes = fits(spec, self.outputs.known(opened), &drawn).map_err(|error| hinted(error, false))?;
        datasets.tell(&bar::Bar::default());
        tell(&classes);
        Ok(examples.cut(classes.of(drawn)?)?)
    }
}
