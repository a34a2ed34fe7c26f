//! Values of a plan, in one of the forms in which steps read them.

use sapwood_kernels::{
    exact::Integers,
    infer::{Place, integers::Quads},
};

use crate::layer::Layer;

/// In which form a value lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Form {
    /// As bytes, which stand for these numbers.
    Integers(Integers),
    /// In floating point, in blocks of channels.
    Blocked,
    /// In floating point, without anything between its numbers.
    Tight,
}

impl Form {
    /// Whether they are of one kind.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

/// A value in one form.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub(crate) form: Form,
    pub(crate) channels: usize,
    pub(crate) size: [usize; 2],
    /// Rows above, columns to the left, rows below and columns to the right that some window sees.
    pub(crate) rim: [usize; 4],
    /// Whether whole registers of channels are read or written.
    pub(crate) is_wide: bool,
    /// Whether, tight, it lies pixel by pixel.
    pub(crate) by_pixels: bool,
}

impl Value {
    pub(crate) fn new(form: Form, layer: &Layer<'_>) -> Self {
        let Layer { channels, size, by_pixels, .. } = *layer;
        Self { form, channels, size, rim: [0; 4], is_wide: false, by_pixels }
    }

    /// Its place at the beginning of an arena, in blocks of `lanes` channels.
    pub(crate) fn place(&self, lanes: usize) -> Place {
        match self.form {
            Form::Integers(_) => self.quads().map_or(Place::tight(1, [1, 1]), |quads| *quads.place()),
            Form::Blocked => Place::blocked(self.channels, self.size, lanes, self.rim),
            Form::Tight if self.by_pixels => Place::by_pixels(self.channels, self.size),
            Form::Tight => Place::tight(self.channels, self.size),
        }
    }

    /// The same, if it is of integers.
    pub(crate) fn quads(&self) -> Option<Quads> {
        let Form::Integers(of) = self.form else { return None };
        let new = if self.is_wide { Quads::new } else { Quads::narrow };
        Some(new(self.channels, self.size, self.rim, of))
    }
}
