//! A process that reads a network's values from a file, answers, and says what that took: `fresh write NETWORK FILE` once,
//! then `fresh NETWORK FILE [threads] [images] [answers]`, of the networks of `integers`. It prints the milliseconds to the
//! first answer, the least of all answers, and how far memory grew at most, from before the file is read.

#[path = "../integers/networks.rs"]
mod networks;
#[path = "../integers/random.rs"]
mod random;

use std::{fs, time::Instant};

use sapwood_graph::{DType, StateFile, Symmetry};
use sapwood_runtime::Runtime;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match &words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["write", name, path] => write(name, path),
        [name, path, rest @ ..] => {
            let number =
                |at: usize, otherwise: usize| rest.get(at).map_or(Ok(otherwise), |word| word.parse());
            answer(name, path, [number(0, 2)?, number(1, 1)?, number(2, 100)?])
        }
        _ => Err("a network and a file".into()),
    }
}

fn write(name: &str, path: &str) -> Outcome<()> {
    let network = random::network(networks::named(name)?, DType::U8, Symmetry::Affine, 1)?;
    let mut file = StateFile { state: network.rest.clone(), ..StateFile::default() };
    let weights = network.weights.iter().map(|(path, weight)| (path.clone(), weight.dequantized()));
    file.state.0.extend(weights);
    Ok(fs::write(path, file.to_bytes()?)?)
}

fn answer(name: &str, path: &str, [threads, images, answers]: [usize; 3]) -> Outcome<()> {
    let graph = networks::named(name)?;
    let mut draw = random::numbers(2);
    let size: usize = graph.input().iter().product();
    let image: Vec<f32> = (0..images * size).map(|_| draw()).collect();
    // From here on the most that is resident counts.
    let _ = fs::write("/proc/self/clear_refs", "5");
    let before = kilobytes("VmRSS:");
    let begin = Instant::now();
    let file = StateFile::read(path.as_ref())?;
    let read = begin.elapsed();
    let plan = Runtime::new().threads(threads).batch(images).plan(&graph, &file.state)?;
    drop(file);
    let planned = begin.elapsed();
    let mut session = plan.session()?;
    session.run(&image)?;
    println!("read after {read:.1?}, planned after {planned:.1?}, answered after {:.1?}", begin.elapsed());
    let mut least = f64::INFINITY;
    for _ in 1..answers {
        let begin = Instant::now();
        session.run(&image)?;
        least = least.min(begin.elapsed().as_secs_f64());
    }
    let [before, now, most] =
        [before, kilobytes("VmRSS:"), kilobytes("VmHWM:")].map(|found| found.unwrap_or(f64::NAN) / 1024.0);
    println!(
        "least {:.3} ms; memory grew by {:.1} MiB at most, {:.1} are left",
        1e3 * least,
        most - before,
        now - before
    );
    Ok(())
}

/// What Linux says of this process.
fn kilobytes(name: &str) -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
