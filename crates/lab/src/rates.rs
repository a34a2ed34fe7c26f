//! Which learning rate a training bears.

use burn::prelude::Device;
use sapwood_train::{RangeTest, Tried};

use crate::{Datasets, Error, TrainConfig, run::Prepared};

/// Tries learning rates on what a configuration trains, and writes nothing (Smith 2017): the network, its data and its
/// recipe, but for rates and length.
///
/// # Errors
/// Those of [`train`](crate::train); [`Error::Setting`] where the loss is more than that of labels.
pub fn try_rates(config: &TrainConfig, datasets: &Datasets, device: &Device) -> Result<Vec<Tried>, Error> {
    let more = config.transfer.teacher.is_some()
        || config.transfer.probe
        || config.quantize.is_some()
        || config.sparse.is_some()
        || config.small.mixing.is_some()
        || config.small.average.is_some()
        || config.transfer.l2_sp.is_some()
        || config.transfer.unfreeze.is_some()
        || config.regulariser.is_some();
    if more {
        let problem = "rates are tried by the loss of labels and by nothing else: leave teacher, probe, rounding, sparse \
                       training, mixed images, averages, pulls, late layers and regularisers out";
        return Err(Error::setting("rates", problem));
    }
    let Prepared { net, masks, source, .. } = config.prepared(datasets, device, &[])?;
    Ok(RangeTest::default().run_blocking(&config.recipe, net, masks, &source, device)?)
}
