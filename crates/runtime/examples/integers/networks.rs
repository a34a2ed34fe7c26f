//! Networks as they are often measured, whose values are drawn at random.

#[path = "mobile.rs"]
mod mobile;

use sapwood_graph::{Conv, Error, Graph, GraphBuilder, Wire};

/// The network of a name: `resnet-18`, `resnet-18-small`, `resnet-50`, `resnet-20`, `vgg-16`, `mobilenet`, `mobilenet-v3` or
/// `efficientnet`.
///
/// # Errors
/// Another name.
pub(crate) fn named(name: &str) -> Result<Graph, Box<dyn std::error::Error>> {
    Ok(match name {
        "resnet-18" => resnet(&[2, 2, 2, 2], false, 224)?,
        "resnet-18-small" => resnet(&[2, 2, 2, 2], false, 32)?,
        "resnet-50" => resnet(&[3, 4, 6, 3], true, 224)?,
        "resnet-20" => small(3)?,
        "vgg-16" => vgg()?,
        "mobilenet" => mobile::mobilenet()?,
        "mobilenet-v3" => mobile::mobilenet_v3()?,
        "efficientnet" => mobile::efficientnet()?,
        other => return Err(format!("there is no network `{other}`").into()),
    })
}

/// A residual network (He et al. 2015), with blocks of two or of three layers, which makes large images smaller first.
fn resnet(blocks: &[usize], is_deep: bool, side: usize) -> Result<Graph, Error> {
    let mut g = Graph::builder([3, side, side]);
    let stem = if side > 32 { Conv::new(64, 7).same().stride(2) } else { Conv::new(64, 3).same() };
    let x = g.conv("stem", g.input(), stem);
    let mut x = g.relu(x);
    if side > 32 {
        x = g.max_pool(x, 3, 2, 1);
    }
    for (stage, count) in blocks.iter().enumerate() {
        for block in 0..*count {
            let (name, width) = (format!("{}.{block}", stage + 1), 64 << stage);
            let stride = if stage > 0 && block == 0 { 2 } else { 1 };
            let outputs = if is_deep { 4 * width } else { width };
            let layer =
                |g: &mut GraphBuilder, x, part: &str, conv| g.conv(&format!("{name}.{part}"), x, conv);
            let y = if is_deep {
                let y = layer(&mut g, x, "a", Conv::new(width, 1));
                let y = g.relu(y);
                let y = layer(&mut g, y, "b", Conv::new(width, 3).same().stride(stride));
                let y = g.relu(y);
                layer(&mut g, y, "c", Conv::new(outputs, 1))
            } else {
                let y = layer(&mut g, x, "a", Conv::new(width, 3).same().stride(stride));
                let y = g.relu(y);
                layer(&mut g, y, "b", Conv::new(width, 3).same())
            };
            let short = match g.shape(x)[0] == outputs && stride == 1 {
                true => x,
                false => layer(&mut g, x, "short", Conv::new(outputs, 1).stride(stride)),
            };
            let z = g.add(y, short);
            x = g.relu(z);
        }
    }
    let x = g.global_avg_pool(x);
    g.linear("fc", x, 1000);
    g.finish()
}

/// A residual network on images of 32 pixels, of three stages with `blocks` blocks each.
fn small(blocks: usize) -> Result<Graph, Error> {
    let mut g = Graph::builder([3, 32, 32]);
    let x = g.conv("stem", g.input(), Conv::new(16, 3).same());
    let mut x = g.relu(x);
    for (stage, block) in (0..3).flat_map(|stage| (0..blocks).map(move |block| (stage, block))) {
        let (name, width) = (format!("{}.{block}", stage + 1), 16 << stage);
        let stride = if stage > 0 && block == 0 { 2 } else { 1 };
        let y = g.conv(&format!("{name}.a"), x, Conv::new(width, 3).same().stride(stride));
        let y = g.relu(y);
        let y = g.conv(&format!("{name}.b"), y, Conv::new(width, 3).same());
        let short = if stride == 1 { x } else { g.subsample(x, 2, width) };
        let z = g.add(y, short);
        x = g.relu(z);
    }
    let x = g.global_avg_pool(x);
    g.linear("fc", x, 10);
    g.finish()
}

fn vgg() -> Result<Graph, Error> {
    let mut g = Graph::builder([3, 32, 32]);
    let mut x: Wire = g.input();
    for (stage, (count, width)) in [(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)].into_iter().enumerate() {
        for layer in 0..count {
            x = g.conv(&format!("{stage}.{layer}"), x, Conv::new(width, 3).same());
            x = g.relu(x);
        }
        if stage < 4 {
            x = g.max_pool(x, 2, 2, 0);
        }
    }
    let x = g.global_avg_pool(x);
    g.linear("fc", x, 10);
    g.finish()
}
