//! Values in other places, orders and sizes.

use sapwood_core::{Dims, Interpolation, Pad, PadMode, Places, Resize, Slice};

use super::{functions::Function, layers::tuple, numbers::number, writing::Writing};

impl Writing<'_> {
    pub(super) fn resize(&mut self, x: &str, resize: Resize, from: &Dims) -> String {
        let sizes = &resize.size.hw()[4 - from.rank()..];
        let (mode, rank) = (if from.rank() == 3 { "linear" } else { "bilinear" }, sizes.len());
        let old = &from.sizes()[2..];
        // PyTorch computes places in floating point, which are exact for powers of two.
        let exact = old.iter().zip(sizes).all(|(old, new)| new % old == 0 && (new / old).is_power_of_two());
        match (resize.interpolation, resize.places) {
            (Interpolation::Bilinear, Places::HalfPixel) => {
                format!(r#"F.interpolate({x}, {}, mode="{mode}")"#, tuple(sizes))
            }
            (Interpolation::Bilinear, Places::AlignCorners) => {
                format!(r#"F.interpolate({x}, {}, mode="{mode}", align_corners=True)"#, tuple(sizes))
            }
            (Interpolation::Nearest, Places::Asymmetric) if exact && rank <= 2 => {
                format!("F.interpolate({x}, {})", tuple(sizes))
            }
            (interpolation, places) => {
                self.functions.insert(Function::Resized);
                let interpolation = match interpolation {
                    Interpolation::Bilinear => "linear",
                    Interpolation::Nearest => "nearest",
                    Interpolation::NearestRound => "nearest-round",
                };
                let places = match places {
                    Places::HalfPixel => "half-pixel",
                    Places::Asymmetric => "asymmetric",
                    Places::AlignCorners => "align-corners",
                };
                format!(r#"resized({x}, {}, "{interpolation}", "{places}")"#, tuple(sizes))
            }
        }
    }

    pub(super) fn wrap(&self, x: &str, padding: usize, from: &Dims) -> String {
        let around = vec![padding; 2 * (from.rank() - 2)];
        format!(r#"F.pad({x}, {}, mode="circular")"#, tuple(&around))
    }

    pub(super) fn pad(&mut self, x: &str, pad: &Pad) -> String {
        let around = || pad.before.iter().copied().zip(pad.after.iter().copied());
        let mode = match pad.with {
            PadMode::Constant(value) => {
                let sides: Vec<usize> = around().rev().flat_map(|(before, after)| [before, after]).collect();
                let value = if value == 0.0 { String::new() } else { format!(", value={}", number(value)) };
                return format!("F.pad({x}, {}{value})", tuple(&sides));
            }
            PadMode::Reflect => "reflect",
            PadMode::Edge => "edge",
            PadMode::Wrap => "wrap",
        };
        self.functions.insert(Function::Edges);
        around()
            .enumerate()
            .filter(|(_, sides)| *sides != (0, 0))
            .fold(x.into(), |x, (dim, (before, after))| {
                format!(r#"edges({x}, {dim}, {before}, {after}, "{mode}")"#)
            })
    }

    /// The sizes of a value, of which the batch's is found by PyTorch.
    pub(super) fn reshape(&self, x: &str, to: &Dims) -> String {
        let sizes: Vec<String> = to
            .sizes()
            .iter()
            .enumerate()
            .map(|(dim, size)| if to.batch() == Some(dim) { "-1".into() } else { size.to_string() })
            .collect();
        match sizes.is_empty() {
            true => format!("{x}.reshape(())"),
            false => format!("{x}.reshape({})", sizes.join(", ")),
        }
    }

    pub(super) fn expand(&mut self, x: &str, to: &Dims) -> String {
        let sizes: Vec<String> = (0..to.rank())
            .map(|dim| match (to.batch() == Some(dim), to.sizes()[dim]) {
                (true, multiple) => {
                    self.counts = true;
                    if multiple == 1 { "n".into() } else { format!("{multiple} * n") }
                }
                (false, size) => size.to_string(),
            })
            .collect();
        format!("{x}.expand({})", sizes.join(", "))
    }
}

pub(super) fn slice(x: &str, slice: &Slice) -> String {
    let Slice { axis, start, length, step } = *slice;
    let before = ":, ".repeat(axis);
    let end = start + (length - 1) * step + 1;
    let step = if step == 1 { String::new() } else { format!(":{step}") };
    format!("{x}[{before}{start}:{end}{step}]")
}
