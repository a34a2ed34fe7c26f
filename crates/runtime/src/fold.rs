//! Layers that become part of others.
//!
//! A line behind a convolution is another convolution; an addition and an activation happen while its sums
//! are still in registers. Each goes into the layer before it where nobody else reads that, and takes the
//! place of the last of them, so that what it adds is there.

mod turned;

use self::turned::{look_past, turn};
use crate::layer::{Conv, Kind, Layer, readers};

/// Puts layers together, leaving those that others took in as [`Kind::Gone`].
pub(crate) fn fold(layers: &mut [Layer<'_>]) {
    look_past(layers);
    let (readers, count) = (readers(layers), layers.len());
    // What nobody reads takes nothing in.
    for id in (0..count).filter(|&id| 0 < readers[id] || id + 1 == count) {
        let alone = |input: usize| readers[input] == 1;
        match &layers[id].kind {
            Kind::Affine { .. } if alone(layers[id].inputs[0]) => line(layers, id),
            Kind::Add(_) => addition(layers, id, &alone),
            Kind::Curve(_) if alone(layers[id].inputs[0]) => curve(layers, id),
            _ if layers[id].is_turned => turn(layers, id, &alone),
            _ => {}
        }
    }
    layers.iter_mut().for_each(alone);
}

/// Lets layer `id` be what `before` was, which nobody else reads.
fn take(layers: &mut [Layer<'_>], before: usize, id: usize) {
    let kind = std::mem::replace(&mut layers[before].kind, Kind::Gone);
    let (name, inputs) =
        (std::mem::take(&mut layers[before].name), std::mem::take(&mut layers[before].inputs));
    let layer = &mut layers[id];
    (layer.kind, layer.name, layer.inputs) = (kind, name, inputs);
}

fn line(layers: &mut [Layer<'_>], id: usize) {
    let before = layers[id].inputs[0];
    let is_sum = |conv: &Conv<'_>| conv.curve.is_none();
    if !matches!(&layers[before].kind, Kind::Conv(conv) if is_sum(conv) && layers[before].inputs.len() == 1) {
        return;
    }
    let Kind::Affine { scale, shift } = std::mem::replace(&mut layers[id].kind, Kind::Gone) else { return };
    take(layers, before, id);
    if let Kind::Conv(conv) = &mut layers[id].kind {
        conv.fold(&scale, &shift);
    }
}

fn addition(layers: &mut [Layer<'_>], id: usize, alone: &impl Fn(usize) -> bool) {
    let [a, b] = layers[id].inputs[..] else { return };
    let is_open = |input: usize| {
        let layer = &layers[input];
        alone(input)
            && layer.inputs.len() == 1
            && matches!(&layer.kind, Kind::Conv(conv)
                if conv.curve.is_none() && (conv.groups == 1 || conv.is_depthwise()))
    };
    // Of two, the one that comes last: the other's value is then there.
    let Some(before) = [a.max(b), a.min(b)].into_iter().find(|&input| is_open(input)) else { return };
    let other = if before == a { b } else { a };
    take(layers, before, id);
    layers[id].inputs.push(other);
}

fn curve(layers: &mut [Layer<'_>], id: usize) {
    let before = layers[id].inputs[0];
    let Kind::Curve(curve) = layers[id].kind else { return };
    let is_open = match &layers[before].kind {
        Kind::Conv(conv) => conv.curve.is_none() && curve.is_in_registers(),
        Kind::Add(before) => before.is_none(),
        _ => false,
    };
    if !is_open {
        return;
    }
    take(layers, before, id);
    match &mut layers[id].kind {
        Kind::Conv(conv) => conv.curve = Some(curve),
        Kind::Add(of) => *of = Some(curve),
        _ => {}
    }
}

/// A line that nothing took in is a convolution of one pixel.
pub(crate) fn alone(layer: &mut Layer<'_>) {
    if let Kind::Affine { scale, shift } = &mut layer.kind {
        let (scale, bias) = (std::mem::take(scale), std::mem::take(shift));
        let (channels, window) = (bias.len(), sapwood_kernels::infer::Window::new([1, 1], [1, 1]));
        let weight = vec![1.0; channels].into();
        let conv = Conv::new(window, channels, weight, bias);
        layer.kind = Kind::Conv(Conv { groups: channels, scale: Some(scale), ..conv });
    }
}
