//! Reads files that were spoilt in places that differ from run to run only by the seed, and stops at the first one that makes the
//! reader panic, or take more than 4 times the file's size (and 4 MiB) of memory.
//!
//! ```sh
//! cargo run -p sapwood-onnx --example fuzz_onnx -- 1000000 [SEED] [FILE ...]
//! ```
//!
//! Without files it spoils small networks with every kind of operation, which it writes itself.

use std::{env, error::Error, fs, time::Instant};

use peak_alloc::PeakAlloc;
use sapwood_graph::{
    Activation, Array, Conv, Dims, Entry, Graph, Op, Pad, PadMode, Ranked, Reduction, Resize, State, Window,
};
use sapwood_onnx::{Options, export, import};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

fn state(graph: &Graph) -> State {
    let mut state = State::default();
    for node in graph.nodes() {
        let affine = |channels: usize| vec![("weight", vec![channels]), ("bias", vec![channels])];
        let params = match node.op {
            Op::Conv(spec) => vec![("weight", spec.weight()), ("bias", vec![spec.outputs])],
            Op::Linear { inputs, outputs, .. } => {
                vec![("weight", vec![outputs, inputs]), ("bias", vec![outputs])]
            }
            Op::BatchNorm { channels, .. } => {
                let statistics = ["running_mean", "running_var"].map(|name| (name, vec![channels]));
                affine(channels).into_iter().chain(statistics).collect()
            }
            Op::LayerNorm { channels, .. } | Op::GroupNorm { channels, .. } => affine(channels),
            Op::Embedding { entries, width } => vec![("weight", vec![entries, width])],
            Op::Constant { dims, .. } => vec![("", dims.sizes().to_vec())],
            _ => vec![],
        };
        for (name, shape) in params {
            let path = if name.is_empty() { node.name.clone() } else { format!("{}.{name}", node.name) };
            state.0.insert(path.into(), Array::from_fn(shape, |at| at as f32));
        }
    }
    state
}

/// Networks with every kind of node that is read.
fn files() -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
    let mut g = Graph::builder([4, 9, 9]);
    let x = g.conv("conv", g.input(), Conv::new(4, [3, 5]).stride([1, 2]).padding([1, 2, 0, 1]));
    let x = g.batch_norm("bn", x);
    let x = g.group_norm("gn", x, 2);
    let x = g.layer_norm("ln", x);
    let x = g.activation(x, Activation::Gelu);
    let x = g.activation(x, Activation::Mish);
    let x = g.conv("up", x, Conv::new(4, 2).stride(2).transposed(0));
    let x = g.op("max_pool", Op::MaxPool(Window { ceil: true, ..Window::new(3, 2) }), &[x]);
    let x = g.op("resize", Op::Resize(Resize::nearest([8, 8])), &[x]);
    let both = Ranked::new(&[0, 0, 1, 1]).ok_or("a list")?;
    let x = g.pad(x, Pad { before: both, after: both, with: PadMode::Reflect });
    let y = g.subsample(x, 2, 6);
    let y = g.global_avg_pool(y);
    let y = g.linear("fc", y, 3);
    let images = g.finish_with(&[x, y])?;

    let dims = |example: &[usize]| Dims::batch_of(example).ok_or("dimensions");
    let mut g = Graph::builder_of(vec![
        Entry { name: "tokens".into(), dims: Dims::rows(6), integers: true },
        Entry { name: "more".into(), dims: dims(&[6, 8])?, integers: false },
    ]);
    let (tokens, more) = (g.entry(0), g.entry(1));
    let x = g.embedding("table", tokens, 16, 8);
    let x = g.add(x, more);
    let first = g.constant("first.token", &[1, 1, 8], true);
    let first = g.op("expand", Op::Expand(dims(&[1, 8])?), &[first]);
    let x = g.concat(&[first, x], 1);
    let x = g.layer_norm_last("norm", x, 1e-5);
    let k = g.linear_at_places("key", x, 8);
    let k = g.reshape(k, dims(&[7, 2, 4])?);
    let k = g.transpose(k, &[0, 2, 3, 1]);
    let q = g.linear_at_places("query", x, 8);
    let q = g.reshape(q, dims(&[7, 2, 4])?);
    let q = g.transpose(q, &[0, 2, 1, 3]);
    let like = g.matmul(q, k);
    let like = g.softmax(like, 3);
    let mean = g.reduce(like, Reduction::Max, &[1, 2], false);
    let tokens = g.finish_with(&[mean, like])?;
    let mut files = Vec::new();
    for (graph, opset) in [(&images, 18), (&images, 21), (&tokens, 17), (&tokens, 20)] {
        files.push(export(graph, &state(graph), &Options { opset, ..Options::default() })?);
    }
    Ok(files)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let count: u64 = arguments.first().map_or(Ok(100_000), |count| count.parse())?;
    let seed: u64 = arguments.get(1).map_or(Ok(1), |seed| seed.parse())?;
    let files = match arguments.get(2..).filter(|files| !files.is_empty()) {
        Some(paths) => paths.iter().map(fs::read).collect::<Result<Vec<_>, _>>()?,
        None => files()?,
    };
    let mut number = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut random = |below: usize| {
        number ^= number << 13;
        number ^= number >> 7;
        number ^= number << 17;
        (number >> 11) as usize % below
    };
    let (begun, mut networks, mut worst) = (Instant::now(), 0, 0.0f64);
    for at in 0..count {
        let mut bytes = files[random(files.len())].clone();
        for _ in 0..=random(4) {
            if bytes.is_empty() {
                break;
            }
            let at = random(bytes.len());
            match random(5) {
                0 => bytes[at] ^= 1 << random(8),
                1 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][random(5)],
                2 => drop(bytes.drain(at..(at + 1 + random(24)).min(bytes.len()))),
                3 => bytes.truncate(at.max(1)),
                _ => {
                    let end = (at + 1 + random(24)).min(bytes.len());
                    let again = bytes[at..end].to_vec();
                    let to = random(at + 1);
                    bytes.splice(to..to, again);
                }
            }
        }
        MEMORY.reset_peak_usage();
        let before = MEMORY.current_usage();
        let found = import(&bytes);
        let took = MEMORY.peak_usage().saturating_sub(before);
        networks += u64::from(found.is_ok());
        worst = worst.max(took as f64 / bytes.len().max(1) as f64);
        if 4 * bytes.len() + (4 << 20) < took {
            fs::write("spoilt.onnx", &bytes)?;
            return Err(format!("file {at} of {} bytes took {took}: it is spoilt.onnx", bytes.len()).into());
        }
    }
    println!(
        "{count} files, {networks} of them networks, in {:.0?}; no panic, at most {worst:.1} times the file",
        begun.elapsed()
    );
    Ok(())
}
