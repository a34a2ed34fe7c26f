//! Weights and masks as pictures.

use sapwood_core::{Array, Bits, Graph, Masks, ParamPath, State};
use serde::Serialize;

/// The byte of a weight that is zero, which is not the same as removed.
const ZERO: f32 = 128.0;

/// One layer's weights, one byte each: 0 where the weight is removed, 128 where it is zero, and
/// from there to 1 and 255 where it is as large as the layer's largest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Picture {
    /// The layer.
    pub layer: String,
    /// Height in cells.
    pub rows: usize,
    /// Width in cells, at least the height.
    pub columns: usize,
    /// Kept weights.
    pub kept: usize,
    /// The bytes, row by row.
    #[serde(skip)]
    pub cells: Vec<u8>,
}

/// The layers' weights in the order in which they run.
pub fn pictures(graph: &Graph, state: &State, masks: &Masks) -> Vec<Picture> {
    let picture = |name: &String| {
        let path = ParamPath::from(format!("{name}.weight"));
        let value = state.0.get(&path).filter(|value| value.shape().len() > 1)?;
        Some(draw(name, value, masks.get(&path)))
    };
    graph.nodes().iter().map(|node| &node.name).filter_map(picture).collect()
}

fn draw(layer: &str, value: &Array, mask: Option<&Bits>) -> Picture {
    let weights: Vec<f32> = value.iter::<f32>().collect();
    let largest = weights.iter().fold(0.0, |most: f32, w| most.max(w.abs())).max(f32::MIN_POSITIVE);
    let cell = |index: usize| match mask {
        Some(mask) if !mask.get(index) => 0,
        _ => (ZERO + weights[index] / largest * 127.0).round().clamp(1.0, 255.0) as u8,
    };
    // `[out, in]`, and kernels in their places: `[out, kh, in, kw]`.
    let (out, input) = (value.shape()[0], value.shape()[1]);
    let (h, w) = match value.shape() {
        [_, _, h, w] => (*h, *w),
        _ => (1, 1),
    };
    let at = |row: usize, column: usize| ((row / h * input + column / w) * h + row % h) * w + column % w;
    let (rows, columns) = (out * h, input * w);
    // Lying, since a page is wider than high.
    let (rows, columns, turned) = if rows > columns { (columns, rows, true) } else { (rows, columns, false) };
    let place = |row, column| if turned { at(column, row) } else { at(row, column) };
    let cells = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
    Picture {
        layer: layer.into(),
        rows,
        columns,
        kept: mask.map_or(weights.len(), Bits::count_ones),
        cells: cells.map(|(row, column)| cell(place(row, column))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removed_weights_are_0_and_kept_ones_lie_around_128() {
        let value = Array::new([2, 2], vec![1.0f32, -2.0, 0.0, 0.5]).unwrap();
        let mask: Bits = [true, true, true, false].into_iter().collect();
        let picture = draw("fc", &value, Some(&mask));
        assert_eq!((picture.rows, picture.columns, picture.kept), (2, 2, 3));
        assert_eq!(picture.cells, [192, 1, 128, 0]);
    }

    #[test]
    fn kernels_lie_in_their_places_and_tall_pictures_are_turned() {
        // One input, two outputs, kernels of 1x2: two rows of two.
        let value = Array::new([2, 1, 1, 2], vec![1.0f32, 0.0, 0.0, 1.0]).unwrap();
        assert_eq!(draw("conv", &value, None).cells, [255, 128, 128, 255]);
        // Three outputs of one input: a column, which is laid down.
        let value = Array::new([3, 1], vec![1.0f32, 0.0, -1.0]).unwrap();
        let picture = draw("fc", &value, None);
        assert_eq!((picture.rows, picture.columns), (1, 3));
        assert_eq!(picture.cells, [255, 128, 1]);
    }
}
