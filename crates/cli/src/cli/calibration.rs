//! The examples that a network is quantised with, on the command line.

use std::{num::NonZero, path::Path, sync::Arc};

use burn::prelude::Device;
use sapwood_backend::{Seed, block_on, read};
use sapwood_core::{Batch, Network, Pass, Source, Target};
use sapwood_data::{Drawing, Drawn, Loader, LoaderOptions, Wanted};
use sapwood_lab::{DataConfig, ReadBatches, Takes, fits, read_unlabelled};
use sapwood_models::Opened;
use sapwood_quant::largest;

use super::{
    bar::{Bar, note},
    data_root::DataRoot,
    image::Images,
    outputs::{MoreOutputs, hinted, tell},
    own_input::{is_file, tell_doubt},
};
use crate::Error;

/// Examples of a batch.
const BATCH: usize = 32;

/// Where they come from.
pub(super) struct Calibration<'a> {
    pub(super) data: &'a str,
    pub(super) images: &'a Images,
    pub(super) outputs: &'a MoreOutputs,
    pub(super) root: &'a DataRoot,
    pub(super) seed: u64,
    /// How many of a data set are drawn.
    pub(super) number: NonZero<usize>,
}

impl Calibration<'_> {
    /// The training examples of a data set that are drawn at random, or those of a file in its order.
    pub(super) fn source(&self, opened: &Opened, device: &Device) -> Result<Box<dyn Source>, Error> {
        if is_file(self.data) {
            return Ok(Box::new(self.of_file(opened, device)?));
        }
        let mut data = DataConfig::of_opened(self.data, opened);
        self.images.apply(&mut data)?;
        let datasets = self.root.datasets();
        let wanted = Wanted::First(self.number.get());
        let drawing = Drawing { seed: Seed(self.seed), wanted, needs_classes: false };
        let Drawn { dataset, has_labels, .. } = datasets.draw(&data, drawing)?;
        let options = LoaderOptions { batch_size: BATCH, ..LoaderOptions::default() };
        if !has_labels {
            opened.spec.output(dataset.shape())?;
            datasets.tell(&Bar::default());
            note("note: the images have no classes: the answers of the float network take their place");
            let drawn = Loader::new(Arc::new(dataset), options)?;
            let batches: Result<Vec<Batch>, _> = drawn.epoch(0, 0).collect();
            let batches = answered(batches.map_err(sapwood_train::Error::Source)?, opened, device)?;
            return Ok(Box::new(ReadBatches::checked(batches, &self.root.data_root, opened.spec.classes)?));
        }
        let classes = fits(&opened.spec, self.outputs.known(opened), &dataset);
        let classes = classes.map_err(|error| hinted(error, false))?;
        datasets.tell(&Bar::default());
        tell(&classes);
        Ok(Box::new(Loader::new(classes.of(Arc::new(dataset))?, options)?))
    }

    /// Without labels the network's own answers take their place: what the integers lose is then lost against these.
    fn of_file(&self, opened: &Opened, device: &Device) -> Result<ReadBatches, Error> {
        self.images.none()?;
        self.outputs.none()?;
        let path = Path::new(self.data);
        let takes = Takes::of(opened);
        let (batches, labelled) = read_unlabelled(path, BATCH, &takes)?;
        tell_doubt(&takes, &batches);
        if let Some([c, h, w]) = batches.first().and_then(|batch| batch.shape().image()) {
            opened.spec.output([c, h, w])?;
        }
        if labelled {
            return Ok(ReadBatches::checked(batches, path, opened.spec.classes)?);
        }
        note("note: the file has no labels: the answers of the float network take their place");
        Ok(ReadBatches::checked(answered(batches, opened, device)?, path, opened.spec.classes)?)
    }
}

/// Batches with the answers of a network in the place of their labels.
fn answered(batches: Vec<Batch>, opened: &Opened, device: &Device) -> Result<Vec<Batch>, Error> {
    let answer = |batch: Batch| -> Result<Batch, Error> {
        let rows = opened.net.forward(batch.input(device)?, &mut Pass::evaluate());
        let outputs = rows.dims()[1].max(1);
        let logits: Vec<f64> = block_on(read(rows))?.iter().collect();
        let answers = logits.chunks(outputs).map(|row| largest(row).map(|class| class as u32));
        let answers = answers.collect::<Option<Vec<u32>>>().ok_or_else(|| {
            let problem = "the network's outputs are not finite on the calibration data: expected numbers; see how these become \
                           inputs, and the weights";
            Error::Usage(problem.into())
        })?;
        Ok(Batch::of_inputs(batch.inputs().to_vec(), Target::Class(answers))?)
    };
    batches.into_iter().map(answer).collect()
}
