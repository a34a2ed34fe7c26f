//! What sub-networks are worth.

use burn::prelude::Device;
use sapwood_backend::{Seed, block_on};
use sapwood_core::{Batch, Masks, Source, State};
use sapwood_data::{Augmentation, Loader, LoaderOptions, Order, Split};
use sapwood_models::{Net, Spec, pack};
use sapwood_search::Genome;
use sapwood_supernet::{Family, Supernet};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{DataConfig, Datasets, Error, Reporter, Silent, watched::evaluate};

/// A network and how good it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// Its choices, as `sapwood-search` writes them.
    pub architecture: Value,
    /// Its parameters.
    pub params: u64,
    /// Multiply-accumulates of its forward pass on one example.
    pub macs: u64,
    /// The share of the test split that it gets right.
    pub top1: f64,
    /// Its mean loss there.
    pub loss: f64,
}

/// Judges the sub-networks of a supernet, each with statistics of its own.
pub struct Judge {
    calibration: Vec<Batch>,
    test: Loader,
    device: Device,
}

/// The published number of images for calibration.
pub const CALIBRATION: usize = 2000;
/// The published size of a batch for calibration.
const CALIBRATION_BATCH: usize = 200;

impl Judge {
    /// Takes the first `calibration` training images of a shuffled epoch, augmented as in
    /// training, in batches of 200.
    pub fn new(
        data: &DataConfig,
        calibration: usize,
        seed: Seed,
        datasets: &Datasets,
        device: &Device,
    ) -> Result<Self, Error> {
        let train = datasets.open(data, Split::Train)?;
        let options = LoaderOptions {
            batch_size: CALIBRATION_BATCH.min(train.len()).min(calibration.max(1)),
            order: Order::Shuffled(seed),
            augment: Augmentation { seed, steps: data.augmentation()? },
            workers: 0,
            drop_last: true,
        };
        let batches = calibration.div_ceil(options.batch_size);
        let loader = Loader::new(train, options)?;
        let taken: Result<Vec<Batch>, _> = loader.epoch(0, 0).take(batches).collect();
        let calibration = taken.map_err(sapwood_train::Error::Source)?;
        Ok(Self { calibration, test: data.test_source(datasets)?, device: device.clone() })
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

/// The content of a weight file of a network that was cut out: one that every command takes.
pub fn pack_cut(family: &Family, genome: &Genome, net: &Net) -> Result<Vec<u8>, Error> {
    let mut spec = Spec::of_layers(family.name(), family.graph(genome)?)?;
    spec.architecture = Some(family.space().to_json(genome));
    Ok(pack(&spec, block_on(State::read(net))?, Masks::new()).to_bytes()?)
}

/// The networks in which each list of choices, such as the depths or the kernels, is at its
/// smallest or at its largest; from the smallest network to the largest, in full resolution.
pub fn corners(family: &Family) -> Result<Vec<Genome>, Error> {
    let space = family.space();
    let list = |name: &str| name.split('.').next().unwrap_or(name).to_string();
    let mut lists: Vec<String> = space.choices().iter().map(|choice| list(choice.name())).collect();
    lists.retain(|list| list != "r");
    lists.dedup();
    let largest = family.largest();
    let mut found: Vec<Genome> = Vec::new();
    for corner in 0..1_usize << lists.len() {
        let positions = space.choices().iter().zip(largest.positions()).map(|(choice, last)| {
            let at = lists.iter().position(|each| *each == list(choice.name()));
            if at.is_none_or(|at| corner >> at & 1 == 1) { *last } else { 0 }
        });
        let genome = space.genome(&positions.collect::<Vec<u8>>())?;
        let genome = at_full_resolution(family, genome)?;
        if !found.contains(&genome) {
            found.push(genome);
        }
    }
    Ok(found)
}

/// The same network in the largest resolution.
pub fn at_full_resolution(family: &Family, genome: Genome) -> Result<Genome, Error> {
    let space = family.space();
    let mut positions = genome.positions().to_vec();
    // An inactive choice is 0 and stays so: a resolution never is inactive.
    if let Some(at) = space.choices().iter().position(|choice| choice.name() == "r") {
        positions[at] = space.choices()[at].options().len() as u8 - 1;
    }
    Ok(space.genome(&positions)?)
}
