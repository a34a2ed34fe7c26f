//! VGG with batch normalisation, for small images (Simonyan & Zisserman 2014,
//! table 1, columns A, B, D, E; one linear layer instead of three).

use sapwood_core::{Conv, Graph, graph::Error};

use crate::Spec;

/// Channels of the convolutions between two pools.
type Stages = [&'static [usize]; 5];

pub(super) const VGG_11: Stages = [&[64], &[128], &[256; 2], &[512; 2], &[512; 2]];
pub(super) const VGG_13: Stages = [&[64; 2], &[128; 2], &[256; 2], &[512; 2], &[512; 2]];
pub(super) const VGG_16: Stages = [&[64; 2], &[128; 2], &[256; 3], &[512; 3], &[512; 3]];
pub(super) const VGG_19: Stages = [&[64; 2], &[128; 2], &[256; 4], &[512; 4], &[512; 4]];

pub(super) fn vgg(spec: &Spec, stages: Stages) -> Result<Graph, Error> {
    let mut g = Graph::builder(spec.input);
    let mut x = g.input();
    // torchvision numbers everything in `features`, pools and activations too.
    let mut index = 0;
    for stage in stages {
        for &channels in stage {
            let conv = Conv::new(spec.width(channels), 3).same();
            x = g.conv(&format!("features.{index}"), x, conv);
            x = g.batch_norm(&format!("features.{}", index + 1), x);
            x = g.relu(x);
            index += 3;
        }
        x = g.max_pool(x, 2, 2, 0);
        index += 1;
    }
    x = g.flatten(x);
    g.linear("classifier", x, spec.classes);
    g.finish()
}
