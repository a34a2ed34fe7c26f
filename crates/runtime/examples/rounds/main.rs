//! Times a network from its values to the first answer, and then many answers one after the other:
//! `rounds [network] [threads] [runs] [share]`, of the networks of `integers`. The second line of each kind is of
//! answers while others want the cores too: between them a second process works on all of these in bursts, after which
//! its threads look around for a while before they sleep, as those of other engines do. With a share, that of the
//! weights is removed but for depthwise layers, the first and the last one, and layers are timed beside themselves with
//! all weights.

#[path = "../integers/networks.rs"]
mod networks;
#[path = "../integers/random.rs"]
mod random;

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
    thread::{available_parallelism, sleep},
    time::{Duration, Instant},
};

use sapwood_graph::{DType, Graph, Node, Op, State, Symmetry};
use sapwood_runtime::{Runtime, Session};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words == ["other"] {
        return other();
    }
    let word = |at: usize, otherwise: &str| words.get(at).map_or(otherwise.to_string(), String::clone);
    let (name, threads, runs) =
        (word(0, "resnet-20"), word(1, "2").parse()?, word(2, "3000").parse::<usize>()?);
    let network = random::network(networks::named(&name)?, DType::U8, Symmetry::Affine, 1)?;
    let mut state = State(network.rest.0.clone());
    state.0.extend(network.weights.iter().map(|(path, weight)| (path.clone(), weight.dequantized())));
    let runtime = Runtime::new().threads(threads);
    let mut draw = random::numbers(2);
    let image: Vec<f32> = (0..network.graph.input().iter().product()).map(|_| draw()).collect();
    first(&runtime, &network.graph, &state, &image)?;
    let mut session = runtime.plan(&network.graph, &state)?.session()?;
    if let Some(share) = words.get(3) {
        let sparse = removed(&network.graph, &state, share.parse()?);
        first(&runtime, &network.graph, &sparse, &image)?;
        let mut other = runtime.plan(&network.graph, &sparse)?.session()?;
        let (mut of_all, mut of_some) = (Vec::new(), Vec::new());
        for _ in 0..10 {
            of_all.extend(times(&mut session, &image, runs / 10)?);
            of_some.extend(times(&mut other, &image, runs / 10)?);
        }
        say("all weights", of_all);
        say("some weights", of_some);
        for session in [&mut session, &mut other] {
            for row in session.profile(&image, runs)?.rows {
                println!("{:8.1} us  {:24} {}", row.time.as_secs_f64() * 1e6, row.layer, row.kernel);
            }
        }
        return Ok(());
    }
    let whole = runtime.plan_integers(&network)?;
    say("f32, alone", times(&mut session, &image, runs)?);
    say("int8, alone", times(&mut whole.session()?, &image, runs)?);
    say("f32, others between", between(&mut session, &image, runs)?);
    say("int8, others between", between(&mut whole.session()?, &image, runs)?);
    Ok(())
}

/// Times the way to the first answer, several times: what the system has to give it gives faster later.
fn first(runtime: &Runtime, graph: &Graph, state: &State, image: &[f32]) -> Outcome<()> {
    for _ in 0..5 {
        let begin = Instant::now();
        let plan = runtime.plan(graph, state)?;
        let planned = begin.elapsed();
        plan.session()?.run(image)?;
        println!("planned after {planned:.1?}, answered after {:.1?}", begin.elapsed());
    }
    Ok(())
}

/// Without a share of the weights of each layer but depthwise ones, the first and the last.
fn removed(graph: &Graph, state: &State, share: f32) -> State {
    let layers: Vec<&Node> = graph.nodes().iter().filter(|node| node.op.has_weights()).collect();
    let mut state = State(state.0.clone());
    for node in &layers[1..layers.len() - 1] {
        let is_depthwise = matches!(node.op, Op::Conv(spec) if spec.is_depthwise());
        let weights = state.0.get_mut(format!("{}.weight", node.name).as_str());
        let weights = weights.filter(|_| !is_depthwise).and_then(|array| array.as_mut_slice::<f32>());
        let mut draw = random::numbers(3);
        weights.into_iter().flatten().filter(|_| draw() < 2.0 * share - 1.0).for_each(|x| *x = 0.0);
    }
    state
}

fn times(session: &mut Session, image: &[f32], runs: usize) -> Outcome<Vec<f64>> {
    let mut found = Vec::with_capacity(runs);
    for _ in 0..runs {
        let begin = Instant::now();
        session.run(image)?;
        found.push(begin.elapsed().as_secs_f64() * 1e3);
    }
    Ok(found)
}

/// Bursts of runs, in turn with those of another process.
fn between(session: &mut Session, image: &[f32], runs: usize) -> Outcome<Vec<f64>> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg("other")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("a child without pipes".into());
    };
    let mut output = BufReader::new(output);
    let mut found = Vec::with_capacity(runs);
    while found.len() < runs {
        found.extend(times(session, image, (runs / 20).max(1))?);
        input.write_all(b"\n")?;
        output.read_line(&mut String::new())?;
        // Less than they look around.
        sleep(Duration::from_millis(1));
    }
    drop(input);
    child.wait()?;
    Ok(found)
}

/// For each line that comes in: keeps all cores busy for 20 ms, answers, and looks around for another 5.
fn other() -> Outcome<()> {
    for line in std::io::stdin().lines() {
        line?;
        let begin = Instant::now();
        let mut answer = std::io::stdout();
        let busy = |span| {
            while begin.elapsed() < Duration::from_millis(span) {
                std::hint::spin_loop();
            }
        };
        std::thread::scope(|scope| -> Outcome<()> {
            for _ in 1..available_parallelism()?.get() {
                scope.spawn(|| busy(25));
            }
            busy(20);
            answer.write_all(b"done\n")?;
            answer.flush()?;
            busy(25);
            Ok(())
        })?;
    }
    Ok(())
}

fn say(what: &str, mut times: Vec<f64>) {
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[(share * (times.len() - 1) as f64) as usize];
    let [least, median, late] = [0.0, 0.5, 0.95].map(at);
    println!("{what:>22}: least {least:.3} ms, median {median:.3}, 95 % within {late:.3}");
}
