//! The table of networks.

mod conv;
mod densenet;
mod efficientnet;
mod lenet;
mod life;
mod mobilenet_v2;
mod mobilenet_v3;
mod resnet;
mod resnet_cifar;
mod slow;
mod vgg;
mod vit;

use sapwood_core::{Graph, Shape, UnknownName, graph::Error};

use crate::Spec;

pub(crate) use vit::{LEARNT, POSITIONS, unlike};

/// A row of the zoo.
pub struct Model {
    /// The name by which it is asked for.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Its usual input, `[C, H, W]`.
    pub input: Shape,
    /// Its usual number of classes (1 for dense targets).
    pub classes: usize,
    /// Writes its layers down.
    pub build: fn(&Spec) -> Result<Graph, Error>,
}

const MNIST: Shape = [1, 28, 28];
const CIFAR: Shape = [3, 32, 32];
const IMAGENET: Shape = [3, 224, 224];

const fn row(
    name: &'static str,
    about: &'static str,
    input: Shape,
    classes: usize,
    build: fn(&Spec) -> Result<Graph, Error>,
) -> Model {
    Model { name, about, input, classes, build }
}

/// Every network, in the order in which they are listed.
pub const MODELS: &[Model] = &[
    row("lenet-300-100", "fully connected, LeCun et al. 1998", MNIST, 10, lenet::lenet_300_100),
    row("lenet-5", "two convolutions, Caffe's sizes", MNIST, 10, lenet::lenet_5),
    row("conv-2", "Frankle & Carbin 2019", CIFAR, 10, |s| conv::conv(s, 2)),
    row("conv-4", "Frankle & Carbin 2019", CIFAR, 10, |s| conv::conv(s, 4)),
    row("conv-6", "Frankle & Carbin 2019", CIFAR, 10, |s| conv::conv(s, 6)),
    row("vgg-11", "with batch normalisation and one linear layer", CIFAR, 10, |s| vgg::vgg(s, vgg::VGG_11)),
    row("vgg-13", "with batch normalisation and one linear layer", CIFAR, 10, |s| vgg::vgg(s, vgg::VGG_13)),
    row("vgg-16", "with batch normalisation and one linear layer", CIFAR, 10, |s| vgg::vgg(s, vgg::VGG_16)),
    row("vgg-19", "with batch normalisation and one linear layer", CIFAR, 10, |s| vgg::vgg(s, vgg::VGG_19)),
    row("resnet-20", "CIFAR ResNet, He et al. 2015", CIFAR, 10, |s| resnet_cifar::resnet(s, 3)),
    row("resnet-32", "CIFAR ResNet, He et al. 2015", CIFAR, 10, |s| resnet_cifar::resnet(s, 5)),
    row("resnet-44", "CIFAR ResNet, He et al. 2015", CIFAR, 10, |s| resnet_cifar::resnet(s, 7)),
    row("resnet-56", "CIFAR ResNet, He et al. 2015", CIFAR, 10, |s| resnet_cifar::resnet(s, 9)),
    row("resnet-110", "CIFAR ResNet, He et al. 2015", CIFAR, 10, |s| resnet_cifar::resnet(s, 18)),
    row("resnet-18", "ImageNet ResNet", IMAGENET, 1000, |s| {
        resnet::resnet(s, resnet::RESNET_18, resnet::Stem::Large)
    }),
    row("resnet-34", "ImageNet ResNet", IMAGENET, 1000, |s| {
        resnet::resnet(s, resnet::RESNET_34, resnet::Stem::Large)
    }),
    row("resnet-50", "ImageNet ResNet", IMAGENET, 1000, |s| {
        resnet::resnet(s, resnet::RESNET_50, resnet::Stem::Large)
    }),
    row("resnet-18-small", "with a 3x3 stem", CIFAR, 10, |s| {
        resnet::resnet(s, resnet::RESNET_18, resnet::Stem::Small)
    }),
    row("resnet-34-small", "with a 3x3 stem", CIFAR, 10, |s| {
        resnet::resnet(s, resnet::RESNET_34, resnet::Stem::Small)
    }),
    row("resnet-50-small", "with a 3x3 stem", CIFAR, 10, |s| {
        resnet::resnet(s, resnet::RESNET_50, resnet::Stem::Small)
    }),
    row("resnext-50", "32 groups of 4, Xie et al. 2017", IMAGENET, 1000, |s| {
        resnet::resnet(s, resnet::RESNEXT_50, resnet::Stem::Large)
    }),
    row("wide-resnet-50", "twice as wide inside, Zagoruyko & Komodakis 2016", IMAGENET, 1000, |s| {
        resnet::resnet(s, resnet::WIDE_RESNET_50, resnet::Stem::Large)
    }),
    row("mobilenet-v2", "Sandler et al. 2018", IMAGENET, 1000, |s| {
        mobilenet_v2::mobilenet_v2(s.input, s.classes, |channels| s.width(channels))
    }),
    row("mobilenet-v3-large", "Howard et al. 2019", IMAGENET, 1000, |s| {
        mobilenet_v3::mobilenet_v3(mobilenet_v3::LARGE, s.input, s.classes, |channels| s.width(channels))
    }),
    row("mobilenet-v3-small", "Howard et al. 2019", IMAGENET, 1000, |s| {
        mobilenet_v3::mobilenet_v3(mobilenet_v3::SMALL, s.input, s.classes, |channels| s.width(channels))
    }),
    row("densenet-121", "Huang et al. 2017", IMAGENET, 1000, |s| {
        densenet::densenet_121(s.input, s.classes, |channels| s.width(channels))
    }),
    row("efficientnet-b0", "Tan & Le 2019, as torchvision builds it", IMAGENET, 1000, |s| {
        efficientnet::b0(efficientnet::TORCHVISION, s.input, s.classes, |channels| s.width(channels))
    }),
    row("timm-efficientnet-b0", "the same under timm's names", IMAGENET, 1000, |s| {
        efficientnet::b0(efficientnet::TIMM, s.input, s.classes, |channels| s.width(channels))
    }),
    row(
        "tf-efficientnet-b0",
        "as TensorFlow trained it, with SAME padding, under timm's names",
        IMAGENET,
        1000,
        |s| efficientnet::b0(efficientnet::TF, s.input, s.classes, |channels| s.width(channels)),
    ),
    row("lukemelas-efficientnet-b0", "the same under lukemelas' names", IMAGENET, 1000, |s| {
        efficientnet::b0(efficientnet::LUKEMELAS, s.input, s.classes, |channels| s.width(channels))
    }),
    row(
        "vit-tiny",
        "patches of 16 pixels, Dosovitskiy et al. 2021, under timm's names",
        IMAGENET,
        1000,
        |s| vit::vit(vit::TIMM, vit::TINY, s.input, s.classes, |heads| s.width(heads)),
    ),
    row("vit-small", "the same with 6 heads of 64 channels in the place of 3", IMAGENET, 1000, |s| {
        vit::vit(vit::TIMM, vit::SMALL, s.input, s.classes, |heads| s.width(heads))
    }),
    row("vit-base", "the same with 12 heads", IMAGENET, 1000, |s| {
        vit::vit(vit::TIMM, vit::BASE, s.input, s.classes, |heads| s.width(heads))
    }),
    row("vit-b-16", "the same under torchvision's names", IMAGENET, 1000, |s| {
        vit::vit(vit::TORCHVISION, vit::BASE, s.input, s.classes, |heads| s.width(heads))
    }),
    row("vit-small-cifar", "patches of 4 pixels, 3 heads, 6 blocks, under timm's names", CIFAR, 10, |s| {
        vit::vit(vit::TIMM, vit::CIFAR, s.input, s.classes, |heads| s.width(heads))
    }),
    row("life-net", "n steps of the Game of Life, Springer & Kenyon 2020", [1, 32, 32], 1, life::life_net),
];

/// What torchvision calls those that have its parameters' names, and timm where it has them too.
const ALIASES: &[(&str, &str)] = &[
    ("resnet18", "resnet-18"),
    ("resnet34", "resnet-34"),
    ("resnet50", "resnet-50"),
    ("resnext50_32x4d", "resnext-50"),
    ("wide_resnet50_2", "wide-resnet-50"),
    ("mobilenet_v2", "mobilenet-v2"),
    ("mobilenet_v3_large", "mobilenet-v3-large"),
    ("mobilenet_v3_small", "mobilenet-v3-small"),
    ("densenet121", "densenet-121"),
    ("efficientnet_b0", "efficientnet-b0"),
    ("tf_efficientnet_b0", "tf-efficientnet-b0"),
    ("vit_tiny_patch16_224", "vit-tiny"),
    ("vit_small_patch16_224", "vit-small"),
    ("vit_base_patch16_224", "vit-base"),
    ("deit_tiny_patch16_224", "vit-tiny"),
    ("deit_small_patch16_224", "vit-small"),
    ("deit_base_patch16_224", "vit-base"),
    ("vit_b_16", "vit-b-16"),
];

/// The names, in order.
pub fn names() -> impl Iterator<Item = &'static str> {
    MODELS.iter().map(|model| model.name)
}

pub(crate) fn find(name: &str) -> Result<&'static Model, UnknownName> {
    let ours = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, ours)| ours);
    MODELS.iter().find(|model| model.name == ours).ok_or_else(|| UnknownName::new("model", name, names()))
}
