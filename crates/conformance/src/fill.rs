//! Weights, inputs and labels that Rust and Python make alike.

use sapwood_core::{Array, Batch, ParamInfo, Role, State, Target};

/// The 64-bit FNV-1a hash of a name.
pub fn fnv1a(name: &str) -> u64 {
    name.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// `n` numbers in [0, 1) for a name: splitmix64 of its hash, to 24 bits, which
/// f32 holds exactly.
pub fn uniform(name: &str, n: usize) -> Vec<f64> {
    let hash = fnv1a(name);
    let number = |i: usize| {
        let mut z = hash.wrapping_add((i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        (z >> 40) as f64 / f64::from(1 << 24)
    };
    (0..n).map(number).collect()
}

/// The values of a network with these parameters.
pub fn fill(infos: &[ParamInfo]) -> State {
    let value = |info: &ParamInfo| {
        let fan_in = info.shape.iter().skip(1).product::<usize>().max(1) as f64;
        let make: Box<dyn Fn(f64) -> f64> = match info.role {
            Role::ConvWeight | Role::TransposedConvWeight | Role::LinearWeight => {
                Box::new(move |u| (2.0 * u - 1.0) * (6.0 / fan_in).sqrt())
            }
            Role::Bias => Box::new(|u| 0.1 * (2.0 * u - 1.0)),
            Role::NormScale => Box::new(|u| 0.5 + u),
            Role::Buffer if info.path.as_str().ends_with("running_var") => Box::new(|u| 0.5 + u),
            Role::NormShift | Role::Buffer | Role::Other => Box::new(|u| 0.2 * (2.0 * u - 1.0)),
        };
        let numbers = uniform(info.path.as_str(), info.len());
        (info.path.clone(), Array::from_fn(info.shape.clone(), |at| make(numbers[at]) as f32))
    };
    State(infos.iter().map(value).collect())
}

/// Game-of-Life boards: 38 % of the cells live.
pub fn board(input: &str, shape: [usize; 4]) -> Batch {
    let cells = uniform(input, shape.iter().product());
    let cells = cells.into_iter().map(|u| if u < 0.38 { 1.0 } else { 0.0 }).collect();
    of(shape, cells, vec![0; shape[0]])
}

/// A batch: the input called `input`, its labels called `labels`.
pub fn batch(input: &str, labels: &str, shape: [usize; 4], classes: usize) -> Batch {
    let values = uniform(input, shape.iter().product());
    let values = values.into_iter().map(|u| (2.0 * (2.0 * u - 1.0)) as f32).collect();
    let classes = uniform(labels, shape[0]).into_iter().map(|u| (u * classes as f64) as u32).collect();
    of(shape, values, classes)
}

fn of(shape: [usize; 4], values: Vec<f32>, classes: Vec<u32>) -> Batch {
    let batch = Batch::new(shape, values, Target::Class(classes));
    batch.unwrap_or_else(|_| unreachable!("both were made in these sizes"))
}
