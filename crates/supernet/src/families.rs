//! The families that can be named.

mod mbv3;
mod mlp;
mod proxyless;
mod residual;
mod resnet50d;
mod resnet_small;
mod vit;

use sapwood_core::{Shape, UnknownName};

use crate::{Error, Family};

/// A row of [`FAMILIES`].
pub struct FamilyEntry {
    /// The name by which it is asked for.
    pub name: &'static str,
    /// What it is, in one line.
    pub about: &'static str,
    /// Its usual input, `[C, H, W]`; where the resolution can be chosen, the largest.
    pub input: Shape,
    /// Its usual number of classes.
    pub classes: usize,
    /// Makes it for an input and a number of classes.
    pub build: fn(Shape, usize) -> Result<Family, Error>,
}

const IMAGENET: Shape = [3, 224, 224];
const CIFAR: Shape = [3, 32, 32];

const fn row(
    name: &'static str,
    about: &'static str,
    input: Shape,
    classes: usize,
    build: fn(Shape, usize) -> Result<Family, Error>,
) -> FamilyEntry {
    FamilyEntry { name, about, input, classes, build }
}

/// Every family, in the order in which they are listed.
pub const FAMILIES: &[FamilyEntry] = &[
    row("ofa-mbv3-w1.0", "MobileNetV3, Cai et al. 2020", IMAGENET, 1000, |i, c| mbv3::published(i, c, 1.0)),
    row("ofa-mbv3-w1.2", "MobileNetV3, 1.2 times as wide", IMAGENET, 1000, |i, c| mbv3::published(i, c, 1.2)),
    row("ofa-proxyless-w1.3", "ProxylessNAS, 1.3 times as wide", IMAGENET, 1000, proxyless::published),
    row("ofa-resnet50d", "ResNet-50D, Cai et al. 2020", IMAGENET, 1000, resnet50d::published),
    row("mbv3-small-image", "MobileNetV3 blocks for small images", CIFAR, 10, mbv3::small_image),
    row("resnet-small-image", "elastic CIFAR ResNet, up to resnet-20", CIFAR, 10, resnet_small::family),
    row("resnet-tiny-image", "the same, narrower and with a stem of stride 2", CIFAR, 10, resnet_small::tiny),
    row("mlp", "fully connected, up to 3 hidden layers", [1, 8, 8], 10, mlp::family),
    row("vit-small-image", "transformer with elastic heads, MLPs and depth", CIFAR, 10, vit::family),
];

/// The family of this name, for its usual input and classes or for others.
///
/// # Errors
/// A name that is not in [`FAMILIES`], or an input that it does not take.
pub fn family(name: &str, input: Option<Shape>, classes: Option<usize>) -> Result<Family, Error> {
    let row = FAMILIES.iter().find(|row| row.name == name);
    let row = row.ok_or_else(|| UnknownName::new("family", name, FAMILIES.iter().map(|row| row.name)))?;
    (row.build)(input.unwrap_or(row.input), classes.unwrap_or(row.classes))
}

/// The multiple of 8 nearest to a number of channels, but not below nine tenths of it
/// (Howard et al. 2019, their code).
fn divisible(channels: f64) -> usize {
    let nearest = ((channels + 4.0) / 8.0).floor() as usize * 8;
    let nearest = nearest.max(8);
    if (nearest as f64) < 0.9 * channels { nearest + 8 } else { nearest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_multiples_of_8_near_what_was_asked_for() {
        let found: Vec<usize> = [19.2, 28.8, 4.0, 11.0, 20.0].map(divisible).to_vec();
        assert_eq!(found, [24, 32, 8, 16, 24]);
    }

    #[test]
    fn every_family_can_be_built() {
        for row in FAMILIES {
            let found = family(row.name, None, None).unwrap();
            assert_eq!(found.name(), row.name);
            assert_eq!(found.whole().input(), row.input, "{}", row.name);
        }
    }

    #[test]
    fn images_that_are_small_have_fewer_resolutions() {
        let resolutions = |side: usize| {
            let family = family("mbv3-small-image", Some([1, side, side]), None).unwrap();
            family.space().choices()[0].options().join(" ")
        };
        assert_eq!([32, 8, 6].map(resolutions), ["24 28 32", "6 7 8", "5 6"]);
    }
}
