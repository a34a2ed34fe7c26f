//! What examples of an array are to a network.

use sapwood_core::{Array, Dims, Shape, graph::Values};

use crate::{OpenOptions, npy::Typed, stored::Stored};

/// Inputs, and the shape `[C, H, W]` of one.
pub(super) struct Inputs {
    pub(super) shape: Shape,
    pub(super) stored: Stored,
}

impl Inputs {
    /// Those of an array of this name, or what is wrong with it: numbers in the shape that is asked for, where they can be
    /// seen so, and images of bytes in their own.
    pub(super) fn of(name: &str, (array, called): Typed, options: &OpenOptions) -> Result<Self, String> {
        let (asked, last) = (options.image, options.channels_last);
        let found = array.shape().to_vec();
        if array.is_empty() || found.len() < 2 {
            return Err(format!("`{name}` should be [N, ..] with N examples of one shape, but is {found:?}"));
        }
        let numbers = match array.into_parts().1 {
            Values::U8(bytes) => return images(name, &found, bytes, (asked, last)),
            Values::F32(numbers) => numbers,
            values @ (Values::F64(_) | Values::F16(_) | Values::BF16(_)) => {
                let array = Array::new(found.clone(), values).map_err(|error| error.to_string())?;
                array.iter().collect::<Vec<f32>>()
            }
            _ => {
                return Err(format!(
                    "`{name}` has values of the type {called}: give images as u8, and numbers as f32"
                ));
            }
        };
        if let Some(at) = numbers.iter().position(|x| !x.is_finite()) {
            return Err(format!("`{name}` should be finite, but value {at} is {}", numbers[at]));
        }
        // A row of values is `[C, 1, 1]`, a sequence of channels `[C, 1, L]`.
        let dims = Dims::batch_of(&found[1..]);
        let dims = dims.ok_or_else(|| format!("`{name}` has too many dimensions: {found:?}"))?;
        match (asked, &found[..]) {
            (Some(asked), _) => seen_as(numbers, dims.image(), (asked, last)),
            (None, &[_, h, w, c @ (1 | 3)]) if 1 < w && !matches!(h, 1 | 3) => {
                Ok(Self::of_numbers([c, h, w], channels_first(&numbers, [h, w, c])))
            }
            (None, _) => Ok(Self::of_numbers(dims.image(), numbers)),
        }
    }

    fn of_numbers(shape: Shape, numbers: Vec<f32>) -> Self {
        Self { shape, stored: Stored::Numbers(numbers) }
    }
}

/// Numbers of one shape in another one that is asked for, if they can be seen so: rows in any of as many values and
/// anything in a row, what has the same sizes but for ones as it is, and what has its channels last with these first. Rows of
/// a network whose own file has them last have them so too.
fn seen_as(numbers: Vec<f32>, shape: Shape, (asked, last): (Shape, bool)) -> Result<Inputs, String> {
    let [c, h, w] = asked;
    let is_row = |shape: Shape| shape.into_iter().filter(|side| *side != 1).count() <= 1;
    let is_turned = last && (is_row(shape) && !is_row(asked) || shape == [h, w, c]);
    let numbers = match shape {
        shape if is_turned && is_same(shape, [h, w, c]) => channels_first(&numbers, [h, w, c]),
        shape if is_same(shape, asked) => numbers,
        last if last == [h, w, c] => channels_first(&numbers, last),
        [length, 1, channels] if asked == [channels, 1, length] => {
            channels_first(&numbers, [length, 1, channels])
        }
        shape => {
            return Err(format!(
                "an example is {shape:?}, and {asked:?} is asked for: only images, of bytes, are resized"
            ));
        }
    };
    Ok(Inputs::of_numbers(asked, numbers))
}

/// Whether values lie in one shape as in the other.
fn is_same(one: Shape, other: Shape) -> bool {
    let [bare, other_bare] =
        [one, other].map(|shape| shape.into_iter().filter(|side| *side != 1).collect::<Vec<usize>>());
    let is_row = bare.len() <= 1 || other_bare.len() <= 1;
    bare == other_bare || (is_row && size(one) == size(other))
}

/// The number of values of a shape, if it can be told.
pub(super) fn size(shape: Shape) -> Option<usize> {
    shape.iter().try_fold(1_usize, |size, side| size.checked_mul(*side))
}

/// Images with their channels first, in their own size. What the network takes goes before what they look like.
fn images(
    name: &str,
    found: &[usize],
    bytes: Vec<u8>,
    (asked, last): (Option<Shape>, bool),
) -> Result<Inputs, String> {
    let (shape, bytes) = match (found, asked) {
        (&[_, h, w, c], Some(asked)) if last && asked == [c, h, w] => {
            (asked, channels_first(&bytes, [h, w, c]))
        }
        (&[_, c, h, w], Some(asked)) if asked == [c, h, w] => (asked, bytes),
        (&[_, h, w, c], Some(asked)) if asked == [c, h, w] => (asked, channels_first(&bytes, [h, w, c])),
        (&[_, h, w], _) => ([1, h, w], bytes),
        (&[_, h, w, c @ (1 | 3)], _) if !matches!(h, 1 | 3) => ([c, h, w], channels_first(&bytes, [h, w, c])),
        (&[_, h, w, c @ (2 | 4)], _) if 4 < h && 4 < w => {
            return Err(format!(
                "`{name}` is {found:?}, and {c} channels that come last may have transparency among them: give 1 or 3 \
                 channels, or channels first"
            ));
        }
        (&[_, c, h, w], _) => ([c, h, w], bytes),
        _ => {
            return Err(format!(
                "`{name}` has bytes, and these are images, [N, C, H, W] or [N, H, W], but it is {found:?}: give other \
                 numbers as f32"
            ));
        }
    };
    Ok(Inputs { shape, stored: Stored::Bytes(bytes) })
}

/// Values of images `[H, W, C]` as those of `[C, H, W]`.
fn channels_first<T: Copy>(values: &[T], [h, w, c]: [usize; 3]) -> Vec<T> {
    let mut out = Vec::with_capacity(values.len());
    for image in values.chunks_exact(h * w * c) {
        (0..c).for_each(|channel| out.extend(image[channel..].iter().step_by(c).copied()));
    }
    out
}
