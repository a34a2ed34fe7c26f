//! What sub-networks are worth.

use burn::prelude::Device;
use sapwood_backend::{Seed, block_on};
use sapwood_core::{Batch, Masks, Source, State, TrainedOn};
use sapwood_data::{Augmentation, Loader, LoaderOptions, Order, Split};
use sapwood_models::{Net, Spec, pack};
use sapwood_search::Genome;
use sapwood_supernet::{Family, Supernet};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Classes, DataConfig, Datasets, Error, Known, Reporter, Silent, fits::fits, watched::evaluate};

/// A network and how good it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// Its choices, as `sapwood-search` writes them.
    pub architecture: Value,
    /// Its parameters.
    pub params: u64,
    /// Multiply-accumulates of its forward pass on one example.
    pub macs: u64,
    /// The share of the test split that it gets right, or of what is held out.
    pub top1: f64,
    /// Its mean loss there.
    pub loss: f64,
}

/// Judges the sub-networks of a supernet, each with statistics of its own.
pub struct Judge {
    calibration: Vec<Batch>,
    test: Loader,
    classes: Classes,
    device: Device,
}

/// The published number of images for calibration.
pub const CALIBRATION: usize = 2000;
/// The published size of a batch for calibration.
const CALIBRATION_BATCH: usize = 200;

impl Judge {
    /// Takes the first `calibration` training images of a shuffled epoch, or all where there are
    /// fewer, augmented as in training, in batches of 200. What is `known` of the supernet says which
    /// output stands for which class.
    pub fn new(
        (family, known): (&Family, Known<'_>),
        data: &DataConfig,
        calibration: usize,
        seed: Seed,
        datasets: &Datasets,
        device: &Device,
    ) -> Result<Self, Error> {
        let train = datasets.open(data, Split::Train)?;
        let classes = fits(&Spec::of_layers(family.name(), family.whole().clone())?, known, &train)?;
        let train = classes.of(train)?;
        let calibration = calibration.min(train.len());
        if calibration == 0 {
            return Err(Error::setting(
                "judging.calibration",
                "expected at least 1 image for calibration, found 0",
            ));
        }
        let options = LoaderOptions {
            batch_size: CALIBRATION_BATCH.min(calibration),
            order: Order::Shuffled(seed),
            augment: Augmentation { seed, steps: data.augmentation()? },
            workers: 0,
            drop_last: false,
        };
        let batches = calibration.div_ceil(options.batch_size);
        let loader = Loader::new(train, options)?;
        let taken: Result<Vec<Batch>, _> = loader.epoch(0, 0).take(batches).collect();
        let mut taken = taken.map_err(sapwood_train::Error::Source)?;
        if let Some(last) = taken.last_mut() {
            shorten(last, calibration - (batches - 1) * CALIBRATION_BATCH.min(calibration));
        }
        let test = classes.of_batches(data.test_source(datasets)?)?;
        Ok(Self { calibration: taken, test, classes, device: device.clone() })
    }

    /// Judges by what is held out of the training split instead of by the test split: so are
    /// networks chosen without a look at the latter.
    pub fn by_held_out(self, data: &DataConfig, datasets: &Datasets) -> Result<Self, Error> {
        let test = self.classes.of_batches(data.held_out_source(datasets)?)?;
        Ok(Self { test, ..self })
    }

    /// Which output stands for which class.
    pub fn classes(&self) -> &Classes {
        &self.classes
    }

    /// What a network says of itself that has its statistics from here: these images, under the
    /// names of its outputs.
    pub fn trained_on(&self) -> TrainedOn {
        self.test.dataset().trained_on()
    }

    /// How many images networks are judged by.
    pub fn images(&self) -> usize {
        self.test.examples()
    }

    /// A sub-network with its own statistics.
    pub fn cut(&self, supernet: &Supernet, genome: &Genome) -> Result<Net, Error> {
        Ok(supernet.subnet(genome)?.calibrate(&self.calibration)?)
    }

    /// What a sub-network is worth.
    pub fn judge(&self, supernet: &Supernet, genome: &Genome) -> Result<Judged, Error> {
        self.of(&self.cut(supernet, genome)?, supernet.family(), genome, &Silent)
    }

    /// What a network is worth.
    pub fn of(
        &self,
        net: &Net,
        family: &Family,
        genome: &Genome,
        reporter: &dyn Reporter,
    ) -> Result<Judged, Error> {
        let found = evaluate(net, &self.test, &self.device, reporter)?;
        let anatomy = family.graph(genome)?.anatomy(family.whole().input())?;
        Ok(Judged {
            architecture: family.space().to_json(genome),
            params: anatomy.params(),
            macs: anatomy.macs(),
            top1: found.top1,
            loss: found.loss,
        })
    }
}

/// Leaves the first examples of a batch.
fn shorten(batch: &mut Batch, examples: usize) {
    let first: Vec<usize> = (0..batch.len().min(examples)).collect();
    *batch = batch.select(&first);
}

/// The content of a weight file of a network that was cut out: one that every command takes.
pub fn pack_cut(
    family: &Family,
    genome: &Genome,
    net: &Net,
    trained_on: Option<&TrainedOn>,
) -> Result<Vec<u8>, Error> {
    let mut spec = Spec::of_layers(family.name(), family.graph(genome)?)?;
    spec.architecture = Some(family.space().to_json(genome));
    Ok(pack(&spec, trained_on, block_on(State::read(net))?, Masks::new())?.to_bytes()?)
}
