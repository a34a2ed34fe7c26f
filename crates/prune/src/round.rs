//! What a criterion sees in a later round.

use burn::tensor::Tensor;
use sapwood_core::{Batch, ExampleShape, Graph, Norm, ParamInfo};

use crate::{Error, MaskSet, ParamTensors, Probe, Response, mask_set::masked};

/// The network without what earlier rounds removed. The masks are laid over the
/// values of a probe, so that no round touches the network.
pub struct Round<'a> {
    whole: &'a dyn Probe,
    /// The weights that masks change; none in the first round.
    masked: ParamTensors,
    /// The only batch that is shown, if it is one.
    batch: Option<usize>,
}

impl<'a> Round<'a> {
    /// With the masks that earlier rounds left, and of the examples all, or the batch of this number alone.
    ///
    /// # Errors
    /// [`Error::NoParameter`] for a mask of another network.
    pub fn new(whole: &'a dyn Probe, masks: &MaskSet, batch: Option<usize>) -> Result<Self, Error> {
        let mut values = Vec::new();
        if masks.kept() < masks.total() {
            let weights = whole.weights()?;
            for (path, mask) in masks.as_masks() {
                values.push((path.clone(), masked(weights.get(path)?, mask)));
            }
        }
        Ok(Self { whole, masked: values.into_iter().collect(), batch })
    }

    /// These values, and masked weights where they say nothing.
    fn over_masked(&self, at: Option<&ParamTensors>) -> Option<ParamTensors> {
        match at {
            None if self.masked.is_empty() => None,
            None => Some(self.masked.clone()),
            Some(at) => Some(self.masked.overlaid(at)),
        }
    }
}

impl Probe for Round<'_> {
    fn infos(&self) -> &[ParamInfo] {
        self.whole.infos()
    }

    fn weights(&self) -> Result<ParamTensors, Error> {
        Ok(self.whole.weights()?.overlaid(&self.masked))
    }

    fn initial_weights(&self) -> Result<ParamTensors, Error> {
        self.whole.weights()
    }

    fn examples(&self) -> Result<&[Batch], Error> {
        let all = self.whole.examples()?;
        Ok(match self.batch {
            None => all,
            Some(number) => std::slice::from_ref(&all[number % all.len()]),
        })
    }

    fn input_shape(&self) -> Result<ExampleShape, Error> {
        self.whole.input_shape()
    }

    fn graph(&self) -> Result<&Graph, Error> {
        self.whole.graph()
    }

    fn gradient(
        &self,
        of: Response<'_>,
        norm: Norm,
        at: Option<&ParamTensors>,
    ) -> Result<ParamTensors, Error> {
        self.whole.gradient(of, norm, self.over_masked(at).as_ref())
    }

    fn layer_inputs(
        &self,
        batch: &Batch,
        at: Option<&ParamTensors>,
        see: &mut dyn FnMut(&str, &Tensor<4>),
    ) -> Result<(), Error> {
        self.whole.layer_inputs(batch, self.over_masked(at).as_ref(), see)
    }
}
