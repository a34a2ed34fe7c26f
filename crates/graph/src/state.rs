//! All values of a network, on the host.

use std::collections::BTreeMap;

use crate::{Array, Error, Masks, Mismatch, ParamPath};

/// The parameters and buffers of a network on the host, under PyTorch's names
/// and in PyTorch's layouts: its `state_dict`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State(pub BTreeMap<ParamPath, Array>);

impl State {
    /// A layer's parameter of this name, if it is there: see [`ParamPath::of`].
    ///
    /// ```
    /// use sapwood_graph::{Array, State};
    ///
    /// let bias = Array::from_fn([2], |at| at as f32);
    /// let state = State([("fc.bias".into(), bias.clone())].into());
    /// assert_eq!(state.parameter("fc", "bias"), Some(&bias));
    /// assert_eq!(state.parameter("fc", "weight"), None);
    /// ```
    pub fn parameter(&self, layer: &str, name: &str) -> Option<&Array> {
        self.0.get(&ParamPath::of(layer, name))
    }

    /// Sets the masked weights to zero. Every mask must have its weight.
    ///
    /// # Errors
    /// [`Error::Mismatch`], and nothing is changed.
    pub fn apply(&mut self, masks: &Masks) -> Result<(), Error> {
        check(masks, |path| self.0.get(path).map(Array::shape))?;
        for (path, mask) in masks {
            self.0.get_mut(path).into_iter().for_each(|value| value.mask(mask));
        }
        Ok(())
    }
}

/// Refuses masks without a weight, or of another length.
pub(crate) fn check<'a>(
    masks: &Masks,
    shape: impl Fn(&ParamPath) -> Option<&'a [usize]>,
) -> Result<(), Error> {
    let mut mismatch = Mismatch::default();
    for (path, mask) in masks {
        let name = || format!("{path}_mask").into();
        match shape(path) {
            None => mismatch.unexpected.push(name()),
            Some(shape) if shape.iter().product::<usize>() != mask.len() => {
                mismatch.misshapen.push((name(), shape.to_vec(), vec![mask.len()]));
            }
            Some(_) => {}
        }
    }
    if mismatch.is_empty() { Ok(()) } else { Err(Error::Mismatch(mismatch)) }
}
