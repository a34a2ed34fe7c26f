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
/// The same where there are no pixels, so that a product is one number's: of weights that the second cache holds, and
/// of more, for which memory is waited.
const MOST_OF_ONE: [f64; 2] = [0.15, 0.25];
/// Weights that the second cache holds.
const SECOND: usize = 1 << 18;

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
                Some(Way::Dense) => {
                    layers[at].inputs[0] == 0 && layers[at].size != [1, 1] && is_near(&layers[at])
                }
                _ => false,
            })
            .collect();
        follow.into_iter().for_each(|at| ways[at] = Some(Way::Sparse));
    }
    ways
}

/// The same with all weights of each layer, as far as there are kernels for that.
pub(crate) fn without_sparse(layers: &[Layer<'_>], ways: &[Option<Way>]) -> Vec<Option<Way>> {
    let dense = |(layer, way): (&Layer<'_>, &Option<Way>)| match &layer.kind {
        Kind::Conv(conv) if conv.is_depthwise() => Some(Way::Depthwise),
        Kind::Conv(conv) if conv.groups == 1 => Some(Way::Dense),
        _ => *way,
    };
    layers.iter().zip(ways).map(dense).collect()
}

fn way(layer: &Layer<'_>) -> Option<Way> {
    let Kind::Conv(conv) = &layer.kind else { return None };
    let most = match layer.size {
        [1, 1] => MOST_OF_ONE[usize::from(conv.weight.len() > SECOND)],
        _ => MOST,
    };
    let is_dense = density(conv) > most;
    Some(match conv.groups {
        1 if is_dense => Way::Dense,
        _ if conv.is_depthwise() && is_dense => Way::Depthwise,
        // Groups of channels are a kind of sparsity too.
        _ => Way::Sparse,
    })
}

/// Whether no tap of a window is far from the pixel that it makes: others are many, and lie across lines of the
/// cache.
fn is_near(layer: &Layer<'_>) -> bool {
    matches!(&layer.kind, Kind::Conv(conv) if conv.window.kernel.iter().all(|size| *size <= 3))
}

/// The share of weights that are there.
fn density(conv: &Conv<'_>) -> f64 {
    conv.there as f64 / conv.weight.len().max(1) as f64
}
