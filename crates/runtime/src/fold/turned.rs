//! Values that are turned around: their channels go from the front to the end, or back.
//!
//! A kernel of pixels finds a channel of a pixel wherever it lies, so it has no use for that: it reads what was turned as it
//! was before, and makes at once what would be turned behind it. A step is left where others read a value, too, or where it
//! comes from something else than a kernel of pixels and goes to something else.

use super::take;
use crate::layer::{Kind, Layer, unturned};

/// Lets kernels of pixels read what was turned as it was before.
pub(super) fn look_past(layers: &mut [Layer<'_>]) {
    for id in 0..layers.len() {
        if layers[id].kind.is_of_pixels() {
            let inputs = std::mem::take(&mut layers[id].inputs);
            layers[id].inputs = inputs.into_iter().map(|input| unturned(layers, input)).collect();
        }
    }
}

/// Lets a kernel of pixels make at once what is turned behind it, if nobody else reads its value, and otherwise copies that.
pub(super) fn turn(layers: &mut [Layer<'_>], id: usize, alone: &impl Fn(usize) -> bool) {
    let before = layers[id].inputs[0];
    if !layers[before].kind.is_of_pixels() {
        return;
    }
    layers[id].is_turned = false;
    if alone(before) {
        take(layers, before, id);
    } else {
        // Of all pixels and channels.
        layers[id].kind = Kind::Subsample { stride: [1, 1], front: 0 };
    }
}
