//! The weights of some outputs in the order in which they are multiplied.

use super::{Dots, Quads, Weights, quads::QUAD};
use crate::infer::{Window, tile::Run};

/// What the sums of some outputs go through: quads of the input, and for each of them one of each output.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Piece {
    /// Quads that lie one behind the other, from where the window of a pixel begins.
    pub(crate) runs: Vec<Run>,
    /// Quads that are multiplied once more, since all products at once would not fit.
    pub(crate) again: Vec<u32>,
}

impl Piece {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.runs.iter().map(|run| run[1] as usize).sum::<usize>() + self.again.len()
    }
}

/// Tiles that pass while a piece's weights stay in the first cache.
pub(crate) const STRIP: usize = 8;
/// Bytes of weights that stay there.
const STAY: usize = 28 << 10;

/// How many steps a piece has, given all of them, the bytes of each and the number of tiles: all of them, where nothing
/// would be gained.
pub(crate) fn most(steps: usize, bytes: usize, tiles: usize) -> usize {
    let pieces = (steps * bytes).div_ceil(STAY);
    if tiles < STRIP / 2 || pieces == 1 { steps.max(1) } else { steps.div_ceil(pieces) }
}

/// The steps of outputs from `first` to before `end`, of which the last may have no weights, in pieces of at most
/// `most` different quads; the weights are appended to `packed`. Where no output has a weight, there is no step.
pub(crate) fn pack(
    dots: Dots,
    (from, window): (&Quads, &Window),
    weights: &Weights<'_>,
    ([first, end], most): ([usize; 2], usize),
    packed: &mut Vec<i32>,
) -> Vec<Piece> {
    let [row, pixel] = from.place().steps();
    let group = |output: usize| output.min(weights.outputs - 1) / weights.share();
    // Which channels any of the outputs sees.
    let seen = group(first) * weights.each()..(group(end - 1) + 1) * weights.each();
    let (mut pieces, mut piece, mut count) = (Vec::new(), Piece::default(), 0);
    let mut rests = Vec::new();
    for (y, x) in (0..window.kernel[0]).flat_map(|y| (0..window.kernel[1]).map(move |x| (y, x))) {
        let begin = y * window.dilation[0] * row + x * window.dilation[1] * pixel;
        for quad in seen.start / QUAD..seen.end.div_ceil(QUAD) {
            let of = |output: usize| weights.quad(output, quad, [y, x], window.kernel);
            let quads: Vec<[i8; QUAD]> = (first..end).map(of).collect();
            if quads.iter().all(|quad| *quad == [0; QUAD]) {
                continue;
            }
            if count == most {
                packed.append(&mut rests);
                pieces.push(std::mem::take(&mut piece));
                count = 0;
            }
            count += 1;
            let at = (begin + quad) as u32;
            match piece.runs.last_mut() {
                Some([begin, count]) if *begin + *count == at => *count += 1,
                _ => piece.runs.push([at, 1]),
            }
            let part = |quad: &[i8; QUAD]| if dots.saturates() { split(*quad) } else { [*quad, [0; QUAD]] };
            let parts: Vec<[[i8; QUAD]; 2]> = quads.iter().map(part).collect();
            packed.extend(parts.iter().map(|part| word(part[0])));
            if parts.iter().any(|part| part[1] != [0; QUAD]) {
                piece.again.push(at);
                rests.extend(parts.iter().map(|part| word(part[1])));
            }
        }
    }
    packed.append(&mut rests);
    pieces.push(piece);
    pieces
}

/// Two quads that sum up to one, in each of which two neighbours times bytes fit 16 bits: `255 * 128 < 2^15`.
pub(crate) fn split(quad: [i8; QUAD]) -> [[i8; QUAD]; 2] {
    let mut parts = [quad, [0; QUAD]];
    for at in [0, 2] {
        if (i32::from(quad[at]) + i32::from(quad[at + 1])).abs() > 128 {
            parts[1][at + 1] = std::mem::take(&mut parts[0][at + 1]);
        }
    }
    parts
}

pub(crate) fn word(quad: [i8; QUAD]) -> i32 {
    i32::from_le_bytes(quad.map(|weight| weight as u8))
}
