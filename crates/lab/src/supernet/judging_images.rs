//! The images by which sub-networks are judged.

use burn::prelude::Device;
use sapwood_backend::Seed;
use sapwood_core::{Batch, Source as _, TrainedOn};
use sapwood_data::{Augmentation, Loader, LoaderOptions, Order, Split};
use sapwood_models::Spec;
use sapwood_supernet::{Family, Judge};

use crate::{Classes, DataConfig, Datasets, Error, Known, fits::fits};

/// What a [`Judge`] needs of a data set.
pub struct JudgingImages {
    calibration: Vec<Batch>,
    test: Loader,
    classes: Classes,
    device: Device,
}

/// The published size of a batch for calibration.
const CALIBRATION_BATCH: usize = 200;

impl JudgingImages {
    /// Takes the first `calibration` training images of a shuffled epoch, or all where there are
    /// fewer, augmented as in training, in batches of 200. What is `known` of the supernet says which
    /// output stands for which class.
    ///
    /// # Errors
    /// Those of [`Datasets::open`] and [`fits()`]; [`Error::Setting`] for no images; an augmentation that the data do
    /// not take.
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
    ///
    /// # Errors
    /// Those of [`DataConfig::held_out_source`]; data with other classes than those before.
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

    /// Who judges by them.
    pub fn judge(&self) -> Judge<'_> {
        Judge::new(&self.calibration, &self.test, &self.device)
    }
}

/// Leaves the first examples of a batch.
fn shorten(batch: &mut Batch, examples: usize) {
    let first: Vec<usize> = (0..batch.len().min(examples)).collect();
    *batch = batch.select(&first);
}
