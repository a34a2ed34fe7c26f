//! Planes in another size.

use sapwood_graph::{Interpolation, Places, Resize};
use sapwood_kernels::infer::Function;

use super::arithmetic::of;

/// The pixels before and behind a place of the input, and how near the second is.
type Between = (usize, usize, f64);

pub(super) fn resize(resize: Resize, [from_size, to_size]: [[usize; 2]; 2]) -> Function {
    let axis = |axis: usize| -> Vec<Between> {
        (0..to_size[axis]).map(|at| between(&resize, [from_size[axis], to_size[axis]], at)).collect()
    };
    let (rows, columns) = (axis(0), axis(1));
    let [height, width] = from_size;
    of(move |from, to| {
        let planes = from[0].chunks(height * width);
        for (x, to) in planes.zip(to.chunks_mut(rows.len() * columns.len())) {
            for (row, to) in rows.iter().zip(to.chunks_mut(columns.len())) {
                let pixel = |y: usize, x_: usize| f64::from(x[y * width + x_]);
                for (column, to) in columns.iter().zip(to) {
                    let [above, below] =
                        [row.0, row.1].map(|y| mixed(pixel(y, column.0), pixel(y, column.1), column.2));
                    *to = mixed(above, below, row.2) as f32;
                }
            }
        }
    })
}

fn mixed(a: f64, b: f64, near: f64) -> f64 {
    a * (1.0 - near) + b * near
}

/// Places are fractions, so that none is off by a rounding.
fn between(resize: &Resize, [before, after]: [usize; 2], at: usize) -> Between {
    let [before, after, at] = [before, after, at].map(|number| number as i128);
    let (over, under) = match resize.places {
        _ if before == after => (at, 1),
        Places::HalfPixel => ((2 * at + 1) * before - after, 2 * after),
        Places::Asymmetric => (at * before, after),
        Places::AlignCorners if after == 1 => (0, 1),
        Places::AlignCorners => (at * (before - 1), after - 1),
    };
    let within = |place: i128| place.clamp(0, before - 1) as usize;
    let alone = |place: i128| (within(place), within(place), 0.0);
    match resize.interpolation {
        Interpolation::Bilinear => {
            let over = over.max(0);
            let (first, rest) = (over.div_euclid(under), over.rem_euclid(under));
            (within(first), within(first + 1), rest as f64 / under as f64)
        }
        Interpolation::Nearest => alone(over.div_euclid(under)),
        // Of two that are equally near the lower one.
        Interpolation::NearestRound => alone(-(under - 2 * over).div_euclid(2 * under)),
    }
}
