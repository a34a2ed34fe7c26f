//! Reading a network's options off the shapes of its weights.

use sapwood_core::{Graph, Op, ParamPath, State};

use crate::{Error, Shortcut, Spec, reading::Shapes};

/// Images larger than this are not looked for.
const LARGEST_SIDE: usize = 512;

/// The options of a named network that these weights ask for: input channels,
/// classes, width, shortcut, the size of square images where a fully connected
/// layer or what is learnt of each place depends on it, and the sizes of a Life network (not what lies beyond the
/// edge of its board: dead cells are taken). What cannot be told is left at its
/// default; whether all shapes fit shows when the weights are
/// written into the network.
///
/// # Errors
/// [`Error::Unknown`] for a name that the zoo does not have.
pub fn infer(state: &State, model: &str) -> Result<Spec, Error> {
    let shapes = state.0.iter().map(|(path, value)| (path.clone(), value.shape().to_vec()));
    infer_shapes(&shapes.collect(), model)
}

/// [`infer`] by the shapes alone.
pub(crate) fn infer_shapes(shapes: &Shapes, model: &str) -> Result<Spec, Error> {
    let mut spec = Spec::named(model)?;
    // A number without dimensions is no layer's weight.
    let shape = |path: &str| shapes.get(path).filter(|sizes| !sizes.is_empty()).cloned();
    // As PyTorch has it: where the rows of a linear layer are its inputs, its bias tells.
    let weight_of = |layer: &str| {
        let mut weight = shape(&format!("{layer}.weight"))?;
        let outputs = shape(&format!("{layer}.bias")).map(|bias| bias[0]);
        if let [rows, columns] = weight[..]
            && outputs == Some(columns)
            && outputs != Some(rows)
        {
            weight.reverse();
        }
        Some(weight)
    };
    if model == "life-net" {
        let steps = (0..).take_while(|step| shape(&format!("step{step}.conv.weight")).is_some()).count();
        spec.steps = steps.max(1);
        if let Some(first) = shape("step0.conv.weight") {
            spec.overcompleteness = (first[0] / 2).max(1);
        }
        return Ok(spec);
    }
    if !shapes.keys().any(|path| path.as_str().contains("downsample")) && has_shortcut_a(model) {
        spec.shortcut = Shortcut::A;
    }
    let graph = spec.graph()?;
    let layers_of = |graph: &Graph| -> Vec<(Op, Vec<usize>)> {
        let nodes = graph.nodes().iter().filter(|node| matches!(node.op, Op::Conv(_) | Op::Linear { .. }));
        nodes.filter_map(|node| Some((node.op, weight_of(&node.name)?))).collect()
    };
    let layers = layers_of(&graph);
    // The classes are the last layer's, or its bias's where only that is there: another layer's
    // outputs are not.
    let last = graph.nodes().iter().rev().find(|node| matches!(node.op, Op::Conv(_) | Op::Linear { .. }));
    let Some(last) = last else { return Ok(spec) };
    let weight = weight_of(&last.name);
    let hidden = &layers[..layers.len() - usize::from(weight.is_some())];
    if let Some(sizes) = weight.or_else(|| shape(&format!("{}.bias", last.name))) {
        spec.classes = sizes[0];
    }
    match hidden.first() {
        Some((Op::Conv(_), found)) if found.len() == 4 => spec.input[0] = found[1],
        // How a flattened input was shaped cannot be told.
        Some((Op::Linear { inputs, .. }, found)) if found.len() == 2 && found[1] != *inputs => {
            spec.input = [found[1], 1, 1];
        }
        _ => {}
    }
    // Where each layer was rounded up the factor is the least found / usual. What squeezes channels in MobileNetV3 is
    // rounded to a multiple of 8, and may have less.
    let mut factors: Vec<f64> =
        hidden.iter().map(|(op, found)| found[0] as f64 / outputs(op) as f64).collect();
    factors.sort_unstable_by(f64::total_cmp);
    factors.dedup();
    let fits = |width: f64| {
        let graph = Spec { width, ..spec.clone() }.graph();
        graph.is_ok_and(|graph| {
            layers_of(&graph).iter().zip(hidden).all(|((op, _), (_, found))| outputs(op) == found[0])
        })
    };
    let width = factors.iter().copied().find(|width| fits(*width)).or(factors.first().copied());
    spec.width = width.unwrap_or(1.0);
    fit_side(&mut spec, shapes);
    Ok(spec)
}

/// A parameter, one of its dimensions, and the size of that.
type Size = (ParamPath, usize, usize);

/// Where the size of images decides how large a parameter is, the parameter tells it, if images were square.
fn fit_side(spec: &mut Spec, shapes: &Shapes) {
    let of = |spec: &Spec| spec.graph().map(|graph| sized(&graph)).unwrap_or_default();
    let square = |side: usize| Spec { input: [spec.input[0], side, side], ..spec.clone() };
    let is_there =
        |(path, dim, size): &Size| shapes.get(path).is_none_or(|shape| shape.get(*dim) == Some(size));
    let fits = |all: &[Size]| !all.is_empty() && all.iter().all(is_there);
    // Of most networks images of any size have the same parameters.
    let (usual, other) = (of(spec), of(&square(2 * spec.input[1])));
    if usual == other || fits(&usual) {
        return;
    }
    let found = (1..=LARGEST_SIDE).map(square).find(|spec| fits(&of(spec)));
    if let Some(found) = found {
        *spec = found;
    }
}

/// What the size of images may decide: what the first fully connected layer behind convolutions reads, and the
/// dimensions of constants that are learnt, such as what is known of each place.
fn sized(graph: &Graph) -> Vec<Size> {
    let mut layers = graph.nodes().iter().filter(|node| node.op.has_weights());
    let behind = layers.next().filter(|first| matches!(first.op, Op::Conv(_))).and_then(|_| {
        layers.find_map(|node| match node.op {
            Op::Linear { inputs, .. } => Some((ParamPath::of(&node.name, "weight"), 1, inputs)),
            _ => None,
        })
    });
    let constants = graph.nodes().iter().filter_map(|node| match node.op {
        Op::Constant { dims, learnt: true } => Some((ParamPath::of(&node.name, ""), dims)),
        _ => None,
    });
    let sizes = constants.flat_map(|(path, dims)| {
        let sizes: Vec<usize> = dims.sizes().to_vec();
        sizes.into_iter().enumerate().map(move |(dim, size)| (path.clone(), dim, size))
    });
    behind.into_iter().chain(sizes).collect()
}

fn outputs(op: &Op) -> usize {
    match *op {
        Op::Conv(conv) => conv.outputs,
        Op::Linear { outputs, .. } => outputs,
        _ => 1,
    }
}

/// Only the CIFAR ResNets have the choice.
fn has_shortcut_a(model: &str) -> bool {
    matches!(model, "resnet-20" | "resnet-32" | "resnet-44" | "resnet-56" | "resnet-110")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::params;

    #[test]
    fn the_width_of_squeezing_layers_too_is_read_off_the_shapes() {
        for model in ["mobilenet-v3-large", "mobilenet-v3-small"] {
            for width in [0.1, 0.17, 0.25, 0.35, 0.5, 0.75, 0.9, 1.0, 1.25, 1.4] {
                let spec = Spec { width, ..Spec::named(model).unwrap() };
                let expected = params(&spec.graph().unwrap());
                let shapes = expected.iter().map(|info| (info.path.clone(), info.shape.clone())).collect();
                let found = infer_shapes(&shapes, model).unwrap();
                assert_eq!(params(&found.graph().unwrap()), expected, "{model} at {width}");
            }
        }
    }
}
