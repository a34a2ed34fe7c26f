//! A linear probe: the last layer is trained on features that are computed once.

mod kept;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use burn::{module::Module as _, prelude::Device};
use sapwood_backend::{Ops, block_on, read};
use sapwood_core::{
    Batch, ExampleShape, Layout, Masks, Network as _, Observed as _, Pass, Shape, Source, SourceError,
    Target, infos, map, tensors,
};
use sapwood_data::{Dataset, Labels, Loader, LoaderOptions, Order};
use sapwood_models::Net;

use self::kept::Kept;
use crate::{Error, Reporter};

/// A network in two parts: what gives features, in evaluation mode, and its last layer.
#[derive(Clone, Debug)]
pub(crate) struct Probe {
    features: Net,
    head: Net,
    /// The shape of an example's features.
    shape: Shape,
    ops: Ops,
}

impl Probe {
    /// # Errors
    /// A network without a head.
    pub(crate) fn of(net: &Net, device: &Device) -> Result<Self, Error> {
        let head = net.graph().head().map_err(sapwood_models::Error::from)?;
        let (features, alone) = (head.features(), head.alone());
        let (features, alone) =
            (features.map_err(sapwood_models::Error::from)?, alone.map_err(sapwood_models::Error::from)?);
        let shape = alone.input();
        let part = |graph| filled(Net::new(graph, device), net);
        Ok(Self { features: part(features), head: part(alone), shape, ops: Ops::default() })
    }

    /// The same, both parts of which are computed by other operations.
    pub(crate) fn with_ops(self, ops: Ops) -> Self {
        Self { features: self.features.with_ops(ops), head: self.head.with_ops(ops), ops, ..self }
    }

    /// The last layer.
    pub(crate) fn head(&self) -> &Net {
        &self.head
    }

    /// Of a network's masks those of its last layer.
    pub(crate) fn masks(&self, masks: &Masks) -> Masks {
        let own: Vec<_> = infos(&self.head).into_iter().map(|info| info.path).collect();
        masks
            .iter()
            .filter(|(path, _)| own.contains(path))
            .map(|(path, mask)| (path.clone(), mask.clone()))
            .collect()
    }

    /// The features of a data set's examples, as they are without augmentation; read where they were kept below the
    /// folder, and kept there.
    ///
    /// # Errors
    /// Examples that cannot be read, or have no classes; a device that fails.
    pub(crate) fn of_examples(
        &self,
        loader: &Loader,
        folder: Option<&Path>,
        device: &Device,
        reporter: &dyn Reporter,
    ) -> Result<Features, Error> {
        let dataset = loader.dataset();
        let Labels::Class(classes) = dataset.labels() else {
            return Err(Error::setting("transfer.probe", "a probe learns classes: these data have none"));
        };
        let computed = (&self.features, self.ops);
        let kept = folder.map(|folder| Kept::of(folder, computed, dataset, device)).transpose()?;
        let count = dataset.len() * self.shape.iter().product::<usize>();
        let rows = match kept.as_ref().and_then(|kept| kept.read(count)) {
            Some(rows) => rows,
            None => {
                let rows = self.compute(Arc::clone(dataset), device, reporter)?;
                kept.iter().for_each(|kept| kept.write(&rows));
                rows
            }
        };
        Ok(Features { rows, classes: classes.clone(), shape: self.shape, cuts: loader.clone() })
    }

    /// The features of all examples, in order.
    fn compute(
        &self,
        dataset: Arc<Dataset>,
        device: &Device,
        reporter: &dyn Reporter,
    ) -> Result<Vec<f32>, Error> {
        let in_order =
            LoaderOptions { batch_size: 256, order: Order::Sequential, ..LoaderOptions::default() };
        let all = Loader::new(dataset, in_order)?;
        let mut rows = Vec::new();
        reporter.begin("features", all.batches() as u64);
        for batch in all.epoch(0, 0) {
            let batch = batch.map_err(sapwood_train::Error::Source)?;
            let input = batch.input(device).map_err(sapwood_train::Error::from)?;
            let found = self.features.forward(input, &mut Pass::evaluate());
            rows.extend(block_on(read(found)).map_err(sapwood_train::Error::from)?.iter::<f32>());
            reporter.advance(1);
        }
        reporter.end();
        Ok(rows)
    }

    /// The whole network with a last layer that was trained.
    pub(crate) fn joined(&self, net: Net, head: &Net) -> Net {
        filled(net, head)
    }
}

/// A network with the parameters of another wherever they have the same name.
fn filled(net: Net, from: &Net) -> Net {
    let mut values: BTreeMap<_, _> =
        tensors(&from.valid(), Layout::Stored).into_iter().map(|(info, value)| (info.path, value)).collect();
    map(net, Layout::Stored, |info, old| values.remove(&info.path).unwrap_or(old))
}

/// Features of examples, cut into the batches that a loader would make of the examples.
pub(crate) struct Features {
    /// `[N, C, H, W]`
    rows: Vec<f32>,
    classes: Vec<u32>,
    shape: Shape,
    cuts: Loader,
}

impl Features {
    /// How many numbers an example has.
    pub(crate) fn width(&self) -> usize {
        self.shape.iter().product()
    }

    /// The numbers, one example after the other.
    pub(crate) fn into_rows(self) -> Vec<f32> {
        self.rows
    }

    fn batch(&self, examples: &[usize]) -> Result<Batch, SourceError> {
        let [c, h, w] = self.shape;
        let size = self.width();
        let rows = examples.iter().flat_map(|at| &self.rows[at * size..][..size]).copied().collect();
        let classes = examples.iter().map(|at| self.classes[*at]).collect();
        Ok(Batch::new([examples.len(), c, h, w], rows, Target::Class(classes))?)
    }
}

impl Source for Features {
    fn examples(&self) -> usize {
        self.cuts.examples()
    }

    fn batches(&self) -> usize {
        self.cuts.batches()
    }

    fn shape(&self) -> ExampleShape {
        self.shape.into()
    }

    fn epoch(&self, epoch: usize, from: usize) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + '_> {
        Box::new(self.cuts.cuts(epoch).into_iter().skip(from).map(|examples| self.batch(&examples)))
    }
}
