//! Values that are the same for all images: computed when a plan is made, and never when it runs.

use std::sync::Arc;

use sapwood_kernels::infer::Function;

use super::Made;
use crate::{layer::Kind, plain::constant};

/// The values of layers so far that are the same for all images.
#[derive(Default)]
pub(super) struct Constants(Vec<Option<Arc<[f32]>>>);

impl Constants {
    /// Whether all of these layers' values are the same for all images.
    pub(super) fn have(&self, layers: &[usize]) -> bool {
        layers.iter().all(|&layer| self.0[layer].is_some())
    }

    /// Notes the next layer, whose value has `numbers` numbers; one that reads such values alone becomes a constant.
    pub(super) fn fold<'a>(&mut self, (reads, kind): Made<'a>, numbers: usize, is_rounded: bool) -> Made<'a> {
        let found = match &kind {
            Some(Kind::Plain(_, function)) => self.computed(function, &reads, numbers),
            _ => None,
        };
        let made = match &found {
            Some(values) => (Vec::new(), Some(Kind::Plain("constant", constant(values.clone())))),
            None => (reads, kind),
        };
        // What is rounded when the network runs is not computed with before that.
        self.0.push(found.filter(|_| !is_rounded));
        made
    }

    /// What a function makes of these layers' values; none where some change with the image.
    fn computed(&self, function: &Function, reads: &[usize], numbers: usize) -> Option<Arc<[f32]>> {
        let from: Vec<&[f32]> = reads.iter().map(|&layer| self.0[layer].as_deref()).collect::<Option<_>>()?;
        let mut values = vec![0.0; numbers];
        function(&from, &mut values);
        Some(values.into())
    }
}
