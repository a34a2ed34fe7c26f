//! What comes behind a sum: a value added, and an activation.

use super::{Curve, Place};

/// What comes behind a sum.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Epilogue {
    /// A value of the output's size and kind of form that is added first.
    pub residual: Option<Place>,
    /// What the sum goes through then: a curve that is done in registers.
    pub curve: Option<Curve>,
}

impl Epilogue {
    /// Whether a layer that writes this place can have it.
    pub(crate) fn check(&self, to: &Place) {
        assert!(
            self.curve.is_none_or(Curve::is_in_registers),
            "curves of other layers are done in registers"
        );
        let fits = |residual: &Place| {
            residual.check();
            (residual.size, residual.channels, residual.lanes()) == (to.size, to.channels, to.lanes())
        };
        assert!(self.residual.as_ref().is_none_or(fits), "a residual of the output's size and form");
    }

    /// What a layer reads that has it: its input, and what is added.
    pub(crate) fn reads(&self, from: Place) -> Vec<Place> {
        [Some(from), self.residual].into_iter().flatten().collect()
    }
}
