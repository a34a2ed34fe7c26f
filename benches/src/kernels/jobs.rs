//! What the kernels are timed with: every kernel, at shapes as they occur.
//!
//! This file knows the kernels alone. `bench outside` compiles it once more, in a crate of its
//! own outside of this workspace.

use std::{hint::black_box, time::Instant};

use sapwood_kernels::{
    Activation, AdamWStep, Affine, Convolution, Float, Level, Normalization, SgdStep, Size, activate,
    activate_backward, channel_sums,
};

/// A kernel at a shape.
pub(super) struct Job {
    /// In words: what, of what, in which type.
    pub(super) name: String,
    /// Floating-point operations, or values where a kernel does few to each.
    pub(super) work: f64,
    run: Box<dyn FnMut(Level)>,
}

impl Job {
    /// The least seconds that it took, of some runs in a few milliseconds.
    pub(super) fn time(&mut self, level: Level) -> f64 {
        const LONG: f64 = 4e-3;
        let start = Instant::now();
        let mut least = f64::MAX;
        while start.elapsed().as_secs_f64() < LONG {
            let begin = Instant::now();
            (self.run)(level);
            least = least.min(begin.elapsed().as_secs_f64());
        }
        least
    }
}

/// Channels in and out, groups, pixels in a row and column, kernel, stride and images.
const CONVOLUTIONS: [[usize; 7]; 30] = [
    [16, 16, 1, 32, 3, 1, 1],
    [32, 32, 1, 16, 3, 1, 2],
    [64, 64, 1, 8, 3, 1, 2],
    [64, 64, 1, 32, 3, 1, 1],
    [64, 64, 1, 14, 3, 1, 1],
    [64, 64, 1, 7, 3, 1, 4],
    [64, 64, 1, 4, 3, 1, 16],
    [32, 32, 1, 10, 3, 1, 4],
    [24, 24, 1, 20, 3, 1, 2],
    [24, 24, 1, 24, 3, 1, 2],
    [16, 16, 1, 28, 3, 1, 2],
    [8, 8, 1, 56, 3, 1, 1],
    [32, 32, 1, 18, 3, 1, 2],
    [32, 64, 1, 16, 3, 2, 4],
    [32, 64, 1, 28, 3, 2, 1],
    [3, 16, 1, 32, 3, 1, 4],
    [1, 6, 1, 28, 5, 1, 8],
    [6, 16, 1, 14, 5, 1, 4],
    [96, 24, 1, 16, 1, 1, 4],
    [24, 96, 1, 16, 1, 1, 4],
    [64, 128, 1, 7, 1, 1, 4],
    [64, 128, 1, 4, 1, 1, 16],
    [96, 96, 96, 16, 3, 1, 2],
    [96, 96, 96, 16, 5, 1, 2],
    [96, 96, 96, 32, 3, 2, 1],
    [96, 96, 96, 7, 5, 1, 4],
    [96, 96, 96, 14, 3, 1, 2],
    [48, 48, 48, 28, 3, 1, 1],
    [16, 1, 1, 16, 3, 1, 8],
    [16, 1, 1, 32, 1, 1, 8],
];

/// The same jobs in the same order wherever they are compiled.
pub(super) fn jobs() -> Vec<Job> {
    let mut jobs = Vec::new();
    for sizes in CONVOLUTIONS {
        convolution::<f32>(sizes, &mut jobs);
    }
    for sizes in CONVOLUTIONS.into_iter().step_by(3) {
        convolution::<f64>(sizes, &mut jobs);
    }
    for size in [[4, 16, 1024], [16, 64, 64], [16, 64, 49], [8, 32, 196]] {
        along_channels::<f32>(size, &mut jobs);
    }
    along_channels::<f64>([16, 64, 64], &mut jobs);
    value_by_value::<f32>(&mut jobs);
    value_by_value::<f64>(&mut jobs);
    jobs
}

fn numbers<T: Float>(count: usize, seed: usize) -> Vec<T> {
    (0..count).map(|i| T::from_f64((i * 7919 + seed * 104_729) as f64 % 1009.0 / 504.5 - 1.0)).collect()
}

fn add<T>(
    jobs: &mut Vec<Job>,
    kernel: &str,
    of: &str,
    work: usize,
    mut run: impl FnMut(Level) -> T + 'static,
) {
    let run = move |level| _ = black_box(run(level));
    jobs.push(Job { name: format!("{kernel}, {of}"), work: work as f64, run: Box::new(run) });
}

fn type_of<T>() -> &'static str {
    std::any::type_name::<T>()
}

fn convolution<T: Float>(
    [inputs, outputs, groups, side, kernel, stride, images]: [usize; 7],
    jobs: &mut Vec<Job>,
) {
    let sizes = Convolution {
        images,
        groups,
        inputs: inputs / groups,
        outputs: outputs / groups,
        input: [side; 2],
        kernel: [kernel; 2],
        stride: [stride; 2],
        padding: [kernel / 2; 2],
        dilation: [1; 2],
    };
    let [height, width] = sizes.output();
    let kind = if groups == inputs { "depthwise " } else { "" };
    let of = format!(
        "{kind}{kernel}x{kernel} from {inputs} to {outputs} channels, {side}x{side}, stride {stride}, {}",
        type_of::<T>()
    );
    let work = 2 * images * outputs * height * width * inputs / groups * kernel * kernel;
    let x = numbers::<T>(images * inputs * side * side, 1);
    let w = numbers::<T>(outputs * inputs / groups * kernel * kernel, 2);
    let dy = numbers::<T>(images * outputs * height * width, 3);
    let (c, x1, w1) = (sizes.clone(), x.clone(), w.clone());
    add(jobs, "forward", &of, work, move |level| c.forward(level, &x1, &w1, None));
    let (c, dy1) = (sizes.clone(), dy.clone());
    add(jobs, "input gradient", &of, work, move |level| c.input_gradient(level, &dy1, &w));
    add(jobs, "weight gradient", &of, work, move |level| sizes.weight_gradient(level, &x, &dy));
}

fn along_channels<T: Float>([images, channels, plane]: [usize; 3], jobs: &mut Vec<Job>) {
    let size = Size { images, channels, plane };
    let count = images * channels * plane;
    let [x, dy] = [1, 2].map(|seed| numbers::<T>(count, seed));
    let [gamma, beta] = [3, 4].map(|seed| numbers::<T>(channels, seed));
    for activation in [None, Some(Activation::Relu), Some(Activation::HSwish)] {
        let with = activation.map_or("alone".into(), |activation| format!("{activation:?}"));
        let of = format!("{with}, {images}x{channels}x{plane}, {}", type_of::<T>());
        let inputs = || (x.clone(), dy.clone(), gamma.clone(), beta.clone());
        let (x, _, gamma, beta) = inputs();
        add(jobs, "normalise", &of, count, move |level| {
            let n = Normalization { level, size, gamma: &gamma, beta: &beta, epsilon: 1e-5, activation };
            n.forward(&x, None)
        });
        let (x, dy, gamma, beta) = inputs();
        add(jobs, "normalise, back", &of, count, move |level| {
            let n = Normalization { level, size, gamma: &gamma, beta: &beta, epsilon: 1e-5, activation };
            n.backward(&x, None, (&beta, &gamma), &dy)
        });
        let (x, _, scale, shift) = inputs();
        add(jobs, "affine", &of, count, move |level| {
            Affine { level, size, scale: &scale, shift: &shift, activation }.forward(&x, None)
        });
    }
    let of = format!("{images}x{channels}x{plane}, {}", type_of::<T>());
    add(jobs, "sums of channels", &of, count, move |level| channel_sums(level, size, &dy));
}

fn value_by_value<T: Float>(jobs: &mut Vec<Job>) {
    const COUNT: usize = 1 << 16;
    let [x, dy] = [1, 2].map(|seed| numbers::<T>(COUNT, seed));
    for activation in [Activation::Relu, Activation::HSwish, Activation::Gelu] {
        let of = format!("{activation:?}, {COUNT} values, {}", type_of::<T>());
        let (x1, x2, dy) = (x.clone(), x.clone(), dy.clone());
        add(jobs, "activation", &of, COUNT, move |level| activate(level, activation, &x1));
        add(jobs, "slope", &of, COUNT, move |level| activate_backward(level, activation, &x2, &dy));
    }
    let of = format!("{COUNT} values, {}", type_of::<T>());
    let (mut w, mut b, g) = (x.clone(), dy.clone(), x.clone());
    add(jobs, "sgd", &of, COUNT, move |level| {
        SgdStep { rate: 1e-3, decay: 1e-4, momentum: 0.9, nesterov: true }.run(level, &mut w, &g, &mut b);
    });
    let (mut w, mut m, mut v) = (x.clone(), dy, vec![T::from_f64(0.5); COUNT]);
    add(jobs, "adamw", &of, COUNT, move |level| {
        let step = AdamWStep { rate: 1e-3, decay: 1e-4, betas: [0.9, 0.999], epsilon: 1e-8, count: 7 };
        step.run(level, &mut w, &x, &mut m, &mut v);
    });
}
