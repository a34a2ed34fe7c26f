//! Where the windows of convolutions and pools go, as a file says it.

use sapwood_graph::{Pads, Pair, Window};

use super::{call::Call, making::Making, refusal::Refusal, value::Data};
use crate::Note;

/// The largest number that an operation of a graph may have.
pub(super) const MOST: i64 = 1 << 24;

/// The attributes of a window, over one spatial dimension or two.
#[derive(Debug)]
pub(super) struct Said {
    kernel: Option<Vec<i64>>,
    strides: Option<Vec<i64>>,
    dilations: Option<Vec<i64>>,
    pads: Option<Vec<i64>>,
    pub(super) same: Same,
}

/// Who says the padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Same {
    /// The file.
    No,
    /// What keeps the size, divided by the stride; what cannot be cut in half has one more behind.
    Upper,
    /// The same with one more in front.
    Lower,
}

/// A number that an operation of a graph may have.
pub(super) fn number(found: i64) -> Result<usize, Refusal> {
    match (0..=MOST).contains(&found) {
        true => Ok(found as usize),
        false => Err(Refusal::Cannot(format!("with {found}"))),
    }
}

/// Of one direction the width, of two both.
pub(super) fn pair(found: &[i64]) -> Result<Pair, Refusal> {
    match *found {
        [w] => Ok([1, number(w)?].into()),
        [h, w] => Ok([number(h)?, number(w)?].into()),
        _ => Err(Refusal::Cannot(format!("in {} dimensions", found.len()))),
    }
}

impl Said {
    pub(super) fn of(call: &Call<'_, '_>) -> Result<Self, Refusal> {
        let [kernel, strides] = [call.integers("kernel_shape")?, call.integers("strides")?];
        let [dilations, pads] = [call.integers("dilations")?, call.integers("pads")?];
        let auto = match call.text("auto_pad", "NOTSET")? {
            "" => "NOTSET",
            auto => auto,
        };
        // Numbers beside a word mean nothing.
        let pads = pads.filter(|_| auto == "NOTSET");
        let same = match auto {
            "NOTSET" | "VALID" => Same::No,
            "SAME_UPPER" => Same::Upper,
            "SAME_LOWER" => Same::Lower,
            other => return Err(Refusal::Damaged(format!("there is no auto_pad `{other}`"))),
        };
        Ok(Self { kernel, strides, dilations, pads, same })
    }

    /// The kernel of an operation without weights that would say it.
    pub(super) fn kernel(&self, spatial: usize) -> Result<Vec<usize>, Refusal> {
        let kernel =
            self.kernel.as_ref().ok_or_else(|| Refusal::Damaged("it does not say its window".into()))?;
        match kernel.len() == spatial {
            true => kernel.iter().map(|size| number(*size)).collect(),
            false => Err(Refusal::Cannot(format!("with a window {kernel:?}"))),
        }
    }

    /// Stride and dilation are 1 and padding 0 where nobody says them.
    pub(super) fn window(&self, kernel: &[usize]) -> Result<Window, Refusal> {
        let spatial = kernel.len();
        let kernel: Vec<i64> = kernel.iter().map(|size| *size as i64).collect();
        if let Some(said) = self.kernel.as_ref().filter(|said| **said != kernel) {
            return Err(Refusal::Damaged(format!("its window is {said:?} and {kernel:?}")));
        }
        let each = |said: &Option<Vec<i64>>| match said {
            Some(said) if said.len() == spatial => pair(said),
            Some(said) => Err(Refusal::Damaged(format!("{said:?} are no {spatial} directions"))),
            None => Ok(1.into()),
        };
        let padding = match (&self.pads, self.same) {
            (Some(pads), Same::No) => sides(pads, spatial)?,
            _ => Pads::default(),
        };
        Ok(Window {
            kernel: pair(&kernel)?,
            stride: each(&self.strides)?,
            padding,
            dilation: each(&self.dilations)?,
            ceil: false,
        })
    }

    /// The same with the padding that keeps the size of this input, where the file leaves that to who runs it.
    pub(super) fn over(&self, making: &mut Making<'_>, x: &Data, window: Window) -> Window {
        if self.same == Same::No {
            return window;
        }
        let around = |size: usize, kernel: usize, stride: usize, dilation: usize| {
            let reach =
                (size.div_ceil(stride.max(1)).max(1) - 1) * stride + dilation * kernel.saturating_sub(1) + 1;
            let all = reach.saturating_sub(size);
            match self.same {
                Same::Lower => [all.div_ceil(2), all / 2],
                _ => [all / 2, all.div_ceil(2)],
            }
        };
        let Window { kernel, stride, dilation, .. } = window;
        let [_, h, w] = x.dims.image();
        let [top, bottom] =
            if x.dims.rank() == 3 { [0, 0] } else { around(h, kernel.h, stride.h, dilation.h) };
        let [left, right] = around(w, kernel.w, stride.w, dilation.w);
        if stride != Pair::both(1) {
            making.note(Note::Same);
        }
        window.padding([top, left, bottom, right])
    }
}

/// Padding: what comes before in each direction, then what comes after.
fn sides(pads: &[i64], spatial: usize) -> Result<Pads, Refusal> {
    if pads.len() != 2 * spatial {
        return Err(Refusal::Damaged(format!("{pads:?} is no padding of {spatial} directions")));
    }
    let found = pads.iter().map(|n| number(*n)).collect::<Result<Vec<_>, _>>();
    let found = found.map_err(|_| Refusal::Cannot(format!("with padding {pads:?}")))?;
    Ok(match found[..] {
        [left, right] => [0, left, 0, right].into(),
        [top, left, bottom, right] => [top, left, bottom, right].into(),
        _ => return Err(Refusal::Cannot(format!("in {spatial} dimensions"))),
    })
}
