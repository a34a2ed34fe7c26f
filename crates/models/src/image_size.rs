//! Networks that take images of one size alone.

use sapwood_core::{Graph, Node, Op, Shape, graph::Error};

use crate::zoo::POSITIONS;

/// Refuses images of another size where something is learnt of each of their places: there are as many places as the
/// network was made for. Other channels are left to the layers that read them.
pub(crate) fn check_size(graph: &Graph, found: Shape) -> Result<(), Error> {
    let expected @ [channels, height, width] = graph.input();
    let is_image = graph.entries().first().is_some_and(|entry| entry.dims.rank() == 4);
    if !is_image || found[0] != channels || found == expected {
        return Ok(());
    }
    let Some(node) = graph.nodes().iter().find(|node| is_of_places(node)) else { return Ok(()) };
    // Behind what gives the same number of places for every image, positions fix no size.
    if graph.shapes([channels, height.saturating_mul(2), width.saturating_mul(2)]).is_ok() {
        return Ok(());
    }
    let problem = format!(
        "its positions fix the size of images: expected {height}x{width}, found {}x{}: resize the images, or use weights \
         for images of that size",
        found[1], found[2]
    );
    Err(Error::Graph { layer: node.name.clone(), problem })
}

/// Whether a layer adds what is learnt of each place.
fn is_of_places(node: &Node) -> bool {
    match node.op {
        Op::Position(_) => true,
        Op::Constant { learnt, .. } => learnt && POSITIONS.contains(&node.name.as_str()),
        _ => false,
    }
}
