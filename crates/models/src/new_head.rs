//! A network's last layer made anew, for other classes.

use std::collections::BTreeMap;

use burn::{module::Module as _, prelude::Device};
use sapwood_backend::Seed;
use sapwood_core::{Layout, Observed as _, ParamPath, map, tensors};

use crate::{Error, Init, Opened, Spec};

impl Opened {
    /// The same network with a last layer that is drawn anew for this number of classes; all other layers keep their
    /// weights and masks. A softmax or a sigmoid behind the last layer goes: losses are taken of logits. What the classes
    /// were called is forgotten, and what an ONNX file said of itself; how images become inputs is not.
    ///
    /// # Errors
    /// [`Error::Core`] names the layer behind which no head is found, or another activation at the end; a network of the
    /// zoo whose other layers depend on the number of classes.
    pub fn with_new_head(
        self,
        classes: usize,
        init: Init,
        seed: Seed,
        device: &Device,
    ) -> Result<Self, Error> {
        let layer = self.net.graph().head()?.layer().to_string();
        let layers = match self.spec.layers {
            Some(_) => Some(self.spec.unfolded()?.head()?.with_outputs(classes)?),
            None => None,
        };
        let onnx = self.spec.onnx.clone().of_others();
        let spec = Spec { classes, layers, onnx, ..self.spec };
        let mut old: BTreeMap<_, _> = tensors(&self.net.valid(), Layout::Stored)
            .into_iter()
            .map(|(info, value)| (info.path, value))
            .collect();
        let within = |path: &ParamPath| path.layer() == layer;
        let mut other = None;
        let net = map(init.apply(spec.net(device)?, seed), Layout::Stored, |info, drawn| {
            match old.remove(&info.path).filter(|_| !within(&info.path)) {
                Some(value) if value.dims() == drawn.dims() => value,
                None if within(&info.path) => drawn,
                _ => {
                    other.get_or_insert_with(|| info.path.to_string());
                    drawn
                }
            }
        });
        if let Some(path) = other {
            let problem = format!("with {classes} classes `{path}` would be another parameter too");
            return Err(sapwood_core::graph::Error::Graph { layer, problem }.into());
        }
        let mut masks = self.masks;
        masks.retain(|path, _| !within(path));
        let trained_on =
            self.trained_on.map(|known| sapwood_core::TrainedOn { classes: Vec::new(), ..known });
        Ok(Self { spec, net, masks, trained_on, ..self })
    }
}
