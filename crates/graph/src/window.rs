//! The windows of convolutions and pools.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Dims;

/// A number for the height and one for the width. In JSON it is one number where both are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "Written", try_from = "Written")]
pub struct Pair {
    /// Vertically.
    pub h: usize,
    /// Horizontally.
    pub w: usize,
}

impl Pair {
    /// One number for both directions.
    pub const fn both(n: usize) -> Self {
        Self { h: n, w: n }
    }

    /// The number, if it is the same in both directions.
    pub fn square(self) -> Option<usize> {
        (self.h == self.w).then_some(self.h)
    }

    /// Height and width.
    pub fn hw(self) -> [usize; 2] {
        [self.h, self.w]
    }

    /// Their product.
    pub fn product(self) -> usize {
        self.h * self.w
    }

    pub(crate) fn is_one(&self) -> bool {
        self.hw() == [1, 1]
    }

    pub(crate) fn one() -> Self {
        Self::both(1)
    }
}

impl From<usize> for Pair {
    fn from(n: usize) -> Self {
        Self::both(n)
    }
}

impl From<[usize; 2]> for Pair {
    fn from([h, w]: [usize; 2]) -> Self {
        Self { h, w }
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.square() {
            Some(n) => write!(f, "{n}"),
            None => write!(f, "{}x{}", self.h, self.w),
        }
    }
}

/// What is added around a plane: above and to the left, below and to the right. In JSON it is one number where
/// all four are equal, and else `[top, left, bottom, right]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "Written", try_from = "Written")]
pub struct Pads {
    /// Above.
    pub top: usize,
    /// To the left.
    pub left: usize,
    /// Below.
    pub bottom: usize,
    /// To the right.
    pub right: usize,
}

impl Pads {
    /// The same on every side.
    pub const fn all(n: usize) -> Self {
        Self { top: n, left: n, bottom: n, right: n }
    }

    /// The number, if it is the same on every side.
    pub fn same(self) -> Option<usize> {
        (self == Self::all(self.top)).then_some(self.top)
    }

    /// Height and width, if both sides of each are equal.
    pub fn symmetric(self) -> Option<[usize; 2]> {
        (self.top == self.bottom && self.left == self.right).then_some([self.top, self.left])
    }

    /// Top, left, bottom and right.
    pub fn sides(self) -> [usize; 4] {
        [self.top, self.left, self.bottom, self.right]
    }

    pub(crate) fn is_zero(&self) -> bool {
        *self == Self::default()
    }
}

impl From<usize> for Pads {
    fn from(n: usize) -> Self {
        Self::all(n)
    }
}

impl From<[usize; 4]> for Pads {
    fn from([top, left, bottom, right]: [usize; 4]) -> Self {
        Self { top, left, bottom, right }
    }
}

impl fmt::Display for Pads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.same(), self.sides()) {
            (Some(n), _) => write!(f, "{n}"),
            (None, [top, left, bottom, right]) => write!(f, "{top},{left},{bottom},{right}"),
        }
    }
}

/// One number, or one for each direction or side.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    One(usize),
    More(Vec<usize>),
}

impl From<Pair> for Written {
    fn from(pair: Pair) -> Self {
        pair.square().map_or_else(|| Self::More(pair.hw().into()), Self::One)
    }
}

impl TryFrom<Written> for Pair {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::One(n) => Ok(n.into()),
            Written::More(found) => match found[..] {
                [h, w] => Ok(Self { h, w }),
                _ => Err(format!("expected a number or [height, width], found {found:?}")),
            },
        }
    }
}

impl From<Pads> for Written {
    fn from(pads: Pads) -> Self {
        pads.same().map_or_else(|| Self::More(pads.sides().into()), Self::One)
    }
}

impl TryFrom<Written> for Pads {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::One(n) => Ok(n.into()),
            Written::More(found) => match found[..] {
                [top, left, bottom, right] => Ok(Self { top, left, bottom, right }),
                _ => Err(format!("expected a number or [top, left, bottom, right], found {found:?}")),
            },
        }
    }
}

/// A window that moves over planes. On values of one spatial dimension only its width counts, and its height
/// is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Its size.
    pub kernel: Pair,
    /// How far it moves.
    pub stride: Pair,
    /// What is added around the planes.
    pub padding: Pads,
    /// The distance between its places.
    #[serde(default = "Pair::one", skip_serializing_if = "Pair::is_one")]
    pub dilation: Pair,
    /// Whether a window may reach over the far edge, as long as it begins before it (and the padding on the near
    /// side): PyTorch's `ceil_mode`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ceil: bool,
}

impl Window {
    /// A window without padding or dilation that stays within the plane.
    pub fn new(kernel: impl Into<Pair>, stride: impl Into<Pair>) -> Self {
        Self {
            kernel: kernel.into(),
            stride: stride.into(),
            padding: Pads::default(),
            dilation: Pair::both(1),
            ceil: false,
        }
    }

    /// The same with padding.
    pub fn padding(self, padding: impl Into<Pads>) -> Self {
        Self { padding: padding.into(), ..self }
    }

    /// Height and width that leave it.
    pub(crate) fn over(&self, [h, w]: [usize; 2]) -> Result<[usize; 2], String> {
        self.check()?;
        let Pads { top, left, bottom, right } = self.padding;
        let size = |n: usize, [before, after]: [usize; 2], kernel: usize, dilation: usize, stride: usize| {
            let over = if self.ceil { stride - 1 } else { 0 };
            let room = (n + before + after + over).checked_sub(dilation.saturating_mul(kernel - 1) + 1)?;
            let mut windows = room / stride + 1;
            if self.ceil && n + before <= (windows - 1) * stride {
                windows -= 1;
            }
            Some(windows)
        };
        size(h, [top, bottom], self.kernel.h, self.dilation.h, self.stride.h)
            .zip(size(w, [left, right], self.kernel.w, self.dilation.w, self.stride.w))
            .map(|(h, w)| [h, w])
            .ok_or_else(|| {
                format!("its {}x{} window is larger than its {h}x{w} input", self.kernel.h, self.kernel.w)
            })
    }

    pub(crate) fn check(&self) -> Result<(), String> {
        let Self { kernel, stride, dilation, .. } = self;
        match [kernel, stride, dilation].iter().any(|pair| pair.hw().contains(&0)) {
            true if dilation.hw().contains(&0) => Err("its dilation must be at least 1, not 0".into()),
            true => Err(format!("its window and stride must be at least 1, not {kernel} and {stride}")),
            false => Ok(()),
        }
    }

    /// Its numbers.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = usize> {
        [self.kernel, self.stride, self.dilation].into_iter().flat_map(Pair::hw).chain(self.padding.sides())
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "k{} s{} p{}", self.kernel, self.stride, self.padding)?;
        if !self.dilation.is_one() {
            write!(f, " d{}", self.dilation)?;
        }
        f.write_str(if self.ceil { " ceil" } else { "" })
    }
}

/// Height and width of images `[N, C, H, W]`; height 1 of sequences `[N, C, L]`.
pub(crate) fn plane(x: &Dims) -> Result<[usize; 2], String> {
    match (x.example(), x.rank()) {
        (Some([_, h, w]), 4) => Ok([*h, *w]),
        (Some([_, l]), 3) => Ok([1, *l]),
        _ => Err(format!("expected images [n, C, H, W] or sequences [n, C, L], found {x}")),
    }
}

/// The same dimensions with these channels, height and width.
pub(crate) fn with_plane(x: &Dims, channels: usize, [h, w]: [usize; 2]) -> Dims {
    match x.rank() {
        3 => x.resized(1, channels).resized(2, w),
        _ => x.resized(1, channels).resized(2, h).resized(3, w),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_are_written_once() {
        let window = Window::new(3, 2).padding(1);
        let text = r#"{"kernel":3,"stride":2,"padding":1}"#;
        assert_eq!(serde_json::to_string(&window).unwrap(), text);
        assert_eq!(serde_json::from_str::<Window>(text).unwrap(), window);
        let window = Window {
            dilation: [1, 2].into(),
            ceil: true,
            ..Window::new([3, 1], [2, 1]).padding([0, 1, 2, 3])
        };
        let text = r#"{"kernel":[3,1],"stride":[2,1],"padding":[0,1,2,3],"dilation":[1,2],"ceil":true}"#;
        assert_eq!(serde_json::to_string(&window).unwrap(), text);
        assert_eq!(serde_json::from_str::<Window>(text).unwrap(), window);
        assert!(serde_json::from_str::<Pair>("[1,2,3]").is_err());
    }

    /// PyTorch's `max_pool2d` on planes of 1 to 9 pixels, with `ceil_mode`.
    #[test]
    fn a_last_window_begins_within_the_plane_or_the_near_padding() {
        let windows =
            |window: Window| (1..10).map(|n| window.over([n, n]).map_or(0, |[h, _]| h)).collect::<Vec<_>>();
        let ceil = |window: Window| Window { ceil: true, ..window };
        assert_eq!(windows(ceil(Window::new(3, 2))), [0, 1, 1, 2, 2, 3, 3, 4, 4]);
        assert_eq!(windows(ceil(Window::new(2, 2).padding(1))), [1, 2, 2, 3, 3, 4, 4, 5, 5]);
        assert_eq!(windows(ceil(Window::new(1, 3))), [1, 1, 1, 2, 2, 2, 3, 3, 3]);
        assert_eq!(windows(Window { dilation: 2.into(), ..Window::new(3, 1) }), [0, 0, 0, 0, 1, 2, 3, 4, 5]);
    }
}
