//! Which layers are computed densely, and which by the weights that are there.

use crate::layer::{Conv, Kind, Layer};

/// By which kind of kernel a convolution is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Channels in the lanes, all weights.
    Dense,
    /// Channels in the lanes, each with its own kernel.
    Depthwise,
    /// Pixels in the lanes, the weights that are there.
    Sparse,
}

/// The largest share of weights that is worth a product for each: a dense kernel reaches about nine tenths of
/// what the processor multiplies, a sparse one about half of it, where loads are what it waits for.
const MOST: f64 = 0.45;

/// The way of each layer; none where it is no convolution.
pub(crate) fn ways(layers: &[Layer<'_>]) -> Vec<Option<Way>> {
    let mut ways: Vec<Option<Way>> = layers.iter().map(way).collect();
    // What a layer computes is its weights times its pixels.
    let products = |at: usize| match &layers[at].kind {
        Kind::Conv(conv) => conv.weight.len() * layers[at].size[0] * layers[at].size[1],
        _ => 0,
    };
    let of = |is: &dyn Fn(usize) -> bool| (0..layers.len()).filter(|at| is(*at)).map(products).sum::<usize>();
    let sparse = of(&|at| ways[at] == Some(Way::Sparse) && layers[at].size != [1, 1]);
    if sparse > of(&|at| ways[at] == Some(Way::Dense)) {
        // Between sparse layers others would take as long to bring their values into another form.
        let follow: Vec<usize> = (0..layers.len())
            .filter(|&at| match ways[at] {
                Some(Way::Depthwise) => true,
                Some(Way::Dense) => layers[at].inputs[0] == 0 && layers[at].size != [1, 1],
                _ => false,
            })
            .collect();
        follow.into_iter().for_each(|at| ways[at] = Some(Way::Sparse));
    }
    ways
}

fn way(layer: &Layer<'_>) -> Option<Way> {
    let Kind::Conv(conv) = &layer.kind else { return None };
    let is_dense = density(conv) > MOST;
    Some(match conv.groups {
        1 if is_dense => Way::Dense,
        _ if conv.is_depthwise() && is_dense => Way::Depthwise,
        // Groups of channels are a kind of sparsity too.
        _ => Way::Sparse,
    })
}

/// The share of weights that are there.
fn density(conv: &Conv<'_>) -> f64 {
    conv.weight.iter().filter(|weight| **weight != 0.0).count() as f64 / conv.weight.len().max(1) as f64
}
