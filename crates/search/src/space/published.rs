//! The published once-for-all spaces (Cai et al., ICLR 2020, arXiv 1908.09791).

use super::Space;
use crate::{Choice, Error};

/// A row of [`PUBLISHED`].
#[derive(Clone, Copy, Debug)]
pub struct PublishedSpace {
    /// The name by which it is asked for.
    pub name: &'static str,
    /// What it is, in one line.
    pub about: &'static str,
    build: fn(&[u32]) -> Result<Space, Error>,
}

/// The published spaces, in the order in which they are shown.
pub const PUBLISHED: &[PublishedSpace] = &[
    PublishedSpace {
        name: "ofa-mbv3",
        about: "5 stages of 2-4 MobileNetV3 blocks, kernel 3 5 7, expand 3 4 6",
        build: mbv3,
    },
    PublishedSpace {
        name: "ofa-proxyless",
        about: "5 stages of 2-4 ProxylessNAS blocks and one block more, kernel 3 5 7, expand 3 4 6",
        build: proxyless,
    },
    PublishedSpace {
        name: "ofa-resnet50d",
        about: "4 stages of 2-6 bottlenecks, stem with or without skip, expand 0.2 0.25 0.35, 6 widths",
        build: resnet50d,
    },
];

/// The resolutions that the published networks were trained at: 128 to 224 in steps
/// of 4 pixels.
const RESOLUTIONS: std::ops::RangeInclusive<u32> = 128..=224;

/// The published space of this name.
///
/// # Errors
/// A name that is not in [`PUBLISHED`].
pub fn published(name: &str) -> Result<Space, Error> {
    let names = PUBLISHED.iter().map(|row| row.name);
    let row = PUBLISHED.iter().find(|row| row.name == name);
    let resolutions: Vec<u32> = RESOLUTIONS.step_by(4).collect();
    (row.ok_or_else(|| Error::unknown("space", name, names))?.build)(&resolutions)
}

/// MobileNetV3 (either width): choices `r`, `d.0`-`d.4`, `ks.0`-`ks.19`,
/// `e.0`-`e.19`. Block `i` is the one at `i % 4` of stage `i / 4`, and is there if the
/// stage is deep enough. Kernel and expand ratio of a block are one gene.
///
/// # Errors
/// No resolution, or one that is there twice.
pub fn ofa_mbv3(resolutions: &[u32]) -> Result<Space, Error> {
    mbv3(resolutions)
}

/// ProxylessNAS: as [`ofa_mbv3`], with a last block 20 that is always there.
///
/// # Errors
/// No resolution, or one that is there twice.
pub fn ofa_proxyless(resolutions: &[u32]) -> Result<Space, Error> {
    proxyless(resolutions)
}

/// ResNet50D: choices `r`; `d.0`, whether the stem has its residual block (2) or not
/// (0); `d.1`-`d.4`, blocks beyond the 2, 2, 4, 2 that every stage has; `w.0`-`w.5`, the
/// widths of the stem and the stages; `e.0`-`e.17`, the expand ratios of the blocks.
///
/// # Errors
/// No resolution, or one that is there twice.
pub fn ofa_resnet50d(resolutions: &[u32]) -> Result<Space, Error> {
    resnet50d(resolutions)
}

fn mbv3(resolutions: &[u32]) -> Result<Space, Error> {
    inverted_residuals("ofa-mbv3", resolutions, false)
}

fn proxyless(resolutions: &[u32]) -> Result<Space, Error> {
    inverted_residuals("ofa-proxyless", resolutions, true)
}

fn inverted_residuals(name: &str, resolutions: &[u32], last_block: bool) -> Result<Space, Error> {
    let mut choices = vec![Choice::new("r", resolutions.iter().map(u32::to_string))];
    choices.extend((0..5).map(|stage| Choice::new(format!("d.{stage}"), ["2", "3", "4"])));
    for (list, options) in [("ks", ["3", "5", "7"]), ("e", ["3", "4", "6"])] {
        for block in 0..20 + usize::from(last_block) {
            let choice = Choice::new(format!("{list}.{block}"), options).gene(format!("block {block}"));
            choices.push(match block % 4 {
                _ if block == 20 => choice,
                0 | 1 => choice,
                2 => choice.when(format!("d.{}", block / 4), ["3", "4"]),
                _ => choice.when(format!("d.{}", block / 4), ["4"]),
            });
        }
    }
    Space::new(name, choices)
}

fn resnet50d(resolutions: &[u32]) -> Result<Space, Error> {
    let mut choices = vec![Choice::new("r", resolutions.iter().map(u32::to_string))];
    choices.push(Choice::new("d.0", ["0", "2"]));
    choices.extend((1..5).map(|stage| Choice::new(format!("d.{stage}"), ["0", "1", "2"])));
    choices.extend((0..6).map(|width| Choice::new(format!("w.{width}"), ["0.65", "0.8", "1.0"])));
    let mut block = 0;
    for (stage, always) in [2, 2, 4, 2].into_iter().enumerate() {
        for further in (0..always + 2).map(|at| (at + 1_usize).saturating_sub(always)) {
            let choice = Choice::new(format!("e.{block}"), ["0.2", "0.25", "0.35"]);
            let depth = format!("d.{}", stage + 1);
            choices.push(match further {
                0 => choice,
                1 => choice.when(depth, ["1", "2"]),
                _ => choice.when(depth, ["2"]),
            });
            block += 1;
        }
    }
    Space::new("ofa-resnet50d", choices)
}
