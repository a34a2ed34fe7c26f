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
    /// Whether a layer can have it.
    pub(crate) fn check(&self) {
        assert!(
            self.curve.is_none_or(Curve::is_in_registers),
            "curves of other layers are done in registers"
        );
    }
}
