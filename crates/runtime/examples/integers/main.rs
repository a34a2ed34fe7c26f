//! Times networks of integers beside the same in f32: `integers [network] [threads] [runs]`, where a network is
//! `resnet-18`, `resnet-50`, `resnet-20`, `vgg-16` or `mobilenet`. With a fourth word, layer by layer. With a share of
//! weights in `KEEP`, and blocks of as many inputs as `BLOCK` says (4), beside the same network with such zeros.

mod networks;
mod pruned;
mod random;

use std::time::Instant;

use sapwood_graph::{DType, State, Symmetry};
use sapwood_runtime::Runtime;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let word = |at: usize, otherwise: &str| words.get(at).map_or(otherwise.to_string(), String::clone);
    let (name, threads, runs) =
        (word(0, "resnet-18"), word(1, "1").parse()?, word(2, "50").parse::<usize>()?);
    let graph = networks::named(&name)?;
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
        let pruned = pruned::pruned(network, share.parse()?, size)?;
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
