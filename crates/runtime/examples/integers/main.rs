//! Times networks of integers beside the same in f32: `integers [network] [threads] [runs]`, where a network is
//! `resnet-18`, `resnet-50`, `resnet-20`, `vgg-16` or `mobilenet`. With a fourth word, layer by layer. With a share of
//! weights in `KEEP`, and blocks of as many inputs as `BLOCK` says (4), beside the same network with such zeros.

mod random;

use std::time::Instant;

use sapwood_graph::{Activation, Conv, DType, Graph, GraphBuilder, State, Symmetry, Wire};
use sapwood_runtime::Runtime;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let word = |at: usize, otherwise: &str| words.get(at).map_or(otherwise.to_string(), String::clone);
    let (name, threads, runs) =
        (word(0, "resnet-18"), word(1, "1").parse()?, word(2, "50").parse::<usize>()?);
    let graph = match name.as_str() {
        "resnet-18" => resnet(&[2, 2, 2, 2], false)?,
        "resnet-50" => resnet(&[3, 4, 6, 3], true)?,
        "resnet-20" => small(3)?,
        "vgg-16" => vgg()?,
        "mobilenet" => mobilenet()?,
        other => return Err(format!("there is no network `{other}`").into()),
    };
    let network = random::network(graph, DType::U8, Symmetry::Affine, 1)?;
    let mut state = State(network.rest.0.clone());
    state.0.extend(network.weights.iter().map(|(path, weight)| (path.clone(), weight.dequantized())));
    let runtime = Runtime::new().threads(threads);
    let runtime = match std::env::var("DOTS") {
        Err(_) => runtime,
        Ok(name) => {
            let dots = sapwood_runtime::Dots::available().find(|dots| dots.name() == name);
            runtime.dots(dots.ok_or("no such instructions")?)
        }
    };
    let runtime = match std::env::var("LEVEL") {
        Err(_) => runtime,
        Ok(name) => {
            let level = sapwood_runtime::Level::available().find(|level| level.name() == name);
            runtime.level(level.ok_or("no such instructions")?)
        }
    };
    let mut plans = vec![runtime.plan_integers(&network)?, runtime.plan(&network.graph, &state)?];
    if let Ok(share) = std::env::var("KEEP") {
        let size = std::env::var("BLOCK").map_or(Ok(4), |size| size.parse())?;
        let pruned = random::pruned(network, share.parse()?, size)?;
        plans.push(runtime.plan_integers(&pruned)?);
    }
    let sessions: Result<Vec<_>, _> = plans.iter().map(sapwood_runtime::Plan::session).collect();
    let mut sessions = sessions?;
    let mut draw = random::numbers(2);
    let image: Vec<f32> = (0..plans[0].sizes()[0]).map(|_| draw()).collect();
    let mut least = vec![f64::INFINITY; plans.len()];
    for _ in 0..runs {
        for (session, least) in sessions.iter_mut().zip(&mut least) {
            // The first of two finds the caches as others left them.
            session.run(&image)?;
            let begin = Instant::now();
            session.run(&image)?;
            *least = least.min(begin.elapsed().as_secs_f64() * 1e3);
        }
    }
    let (whole, float) = (least[0], least[1]);
    println!("{name}, {threads} threads: int8 {whole:.3} ms, f32 {float:.3} ms, {:.2} of it", whole / float);
    if let Some(sparse) = least.get(2) {
        println!("with zeros: int8 {sparse:.3} ms, {:.2} of int8", sparse / whole);
    }
    if words.len() > 3 {
        for session in sessions.iter_mut().step_by(2) {
            for row in session.profile(&image, runs)?.rows {
                let (micros, rate) = (row.time.as_secs_f64() * 1e6, row.rate() / 1e9);
                println!("{micros:8.1} us {rate:6.0} GMAC/s  {:24} {}", row.layer, row.kernel);
            }
        }
    }
    Ok(())
}

/// A residual network on images of 224 pixels (He et al. 2015), with blocks of two or of three layers.
fn resnet(blocks: &[usize], is_deep: bool) -> Outcome<Graph> {
    let mut g = Graph::builder([3, 224, 224]);
    let x = g.conv("stem", g.input(), Conv::new(64, 7).same().stride(2));
    let x = g.relu(x);
    let mut x = g.max_pool(x, 3, 2, 1);
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
    Ok(g.finish()?)
}

/// A residual network on images of 32 pixels, of three stages with `blocks` blocks each.
fn small(blocks: usize) -> Outcome<Graph> {
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
    Ok(g.finish()?)
}

fn vgg() -> Outcome<Graph> {
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
    Ok(g.finish()?)
}

/// Inverted residuals (Sandler et al. 2018).
fn mobilenet() -> Outcome<Graph> {
    let mut g = Graph::builder([3, 224, 224]);
    let x = g.conv("stem", g.input(), Conv::new(32, 3).same().stride(2));
    let mut x = g.activation(x, Activation::Relu6);
    let stages = [
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    ];
    for (stage, (factor, outputs, count, first)) in stages.into_iter().enumerate() {
        for block in 0..count {
            let (inputs, stride) = (g.shape(x)[0], if block == 0 { first } else { 1 });
            let (name, width) = (format!("{}.{block}", stage + 1), inputs * factor);
            let mut y = x;
            if factor > 1 {
                y = g.conv(&format!("{name}.a"), y, Conv::new(width, 1));
                y = g.activation(y, Activation::Relu6);
            }
            y = g.conv(&format!("{name}.b"), y, Conv::new(width, 3).same().stride(stride).groups(width));
            y = g.activation(y, Activation::Relu6);
            y = g.conv(&format!("{name}.c"), y, Conv::new(outputs, 1));
            x = if stride == 1 && inputs == outputs { g.add(y, x) } else { y };
        }
    }
    let x = g.conv("last", x, Conv::new(1280, 1));
    let x = g.activation(x, Activation::Relu6);
    let x = g.global_avg_pool(x);
    g.linear("fc", x, 1000);
    Ok(g.finish()?)
}
