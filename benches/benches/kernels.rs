//! Convolutions beside a large matrix product: how much of this machine's arithmetic each pass
//! reaches. Criterion's elements are floating-point operations, two to each multiply-accumulate.
//!
//! ```sh
//! cargo bench -p sapwood-benches --profile dev --bench kernels
//! ```

use std::{hint::black_box, time::Duration};

use burn::tensor::{Tensor, Transaction};
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
    measurement::WallTime,
};
use sapwood_backend::DeviceSpec;
use sapwood_kernels::{Convolution, Level};

/// Channels in and out, groups, pixels in a row and column, kernel, stride and images.
const LAYERS: [(&str, [usize; 7]); 12] = [
    ("3x3, 16 channels, 32x32", [16, 16, 1, 32, 3, 1, 128]),
    ("3x3, 32 channels, 16x16", [32, 32, 1, 16, 3, 1, 128]),
    ("3x3, 64 channels, 8x8", [64, 64, 1, 8, 3, 1, 128]),
    ("3x3, 64 channels, 32x32", [64, 64, 1, 32, 3, 1, 64]),
    ("3x3, 128 channels, 16x16", [128, 128, 1, 16, 3, 1, 64]),
    ("3x3, 256 channels, 8x8", [256, 256, 1, 8, 3, 1, 64]),
    ("3x3, 512 channels, 4x4", [512, 512, 1, 4, 3, 1, 128]),
    ("3x3, 64 to 128 channels, 32x32, stride 2", [64, 128, 1, 32, 3, 2, 64]),
    ("1x1, 96 to 24 channels, 16x16", [96, 24, 1, 16, 1, 1, 64]),
    ("1x1, 24 to 96 channels, 16x16", [24, 96, 1, 16, 1, 1, 64]),
    ("depthwise 3x3, 96 channels, 16x16", [96, 96, 96, 16, 3, 1, 64]),
    ("depthwise 5x5, 96 channels, 16x16", [96, 96, 96, 16, 5, 1, 64]),
];

fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|i| (i * 7919 % 1009) as f32 / 504.5 - 1.0).collect()
}

fn group<'a>(c: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = c.benchmark_group(name);
    group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    group
}

/// What [`LAYERS`] are measured against.
fn ceiling(c: &mut Criterion) {
    const SIZE: usize = 2048;
    let Ok(device) = DeviceSpec::CPU.resolve() else { return };
    let matrix = || Tensor::<1>::from_floats(&numbers(SIZE * SIZE)[..], &device).reshape([SIZE, SIZE]);
    let (a, b): (Tensor<2>, Tensor<2>) = (matrix(), matrix());
    let mut group = group(c, "ceiling");
    group.throughput(Throughput::Elements(2 * (SIZE as u64).pow(3)));
    group.bench_function("product of 2048x2048", |bencher| {
        bencher.iter(|| black_box(Transaction::default().register(a.clone().matmul(b.clone())).execute()));
    });
}

fn convolutions(c: &mut Criterion) {
    let level = Level::detect();
    for (name, [inputs, outputs, groups, size, kernel, stride, images]) in LAYERS {
        let convolution = Convolution {
            images,
            groups,
            inputs: inputs / groups,
            outputs: outputs / groups,
            input: [size; 2],
            kernel: [kernel; 2],
            stride: [stride; 2],
            padding: [kernel / 2; 2],
            dilation: [1; 2],
        };
        let [height, width] = convolution.output();
        let x = numbers(images * inputs * size * size);
        let w = numbers(outputs * inputs / groups * kernel * kernel);
        let dy = numbers(images * outputs * height * width);
        let macs = images * outputs * height * width * inputs / groups * kernel * kernel;
        let mut group = group(c, name);
        group.throughput(Throughput::Elements(2 * macs as u64));
        group.bench_function(BenchmarkId::from_parameter("forward"), |bencher| {
            bencher.iter(|| black_box(convolution.forward(level, &x, &w, None)));
        });
        group.bench_function(BenchmarkId::from_parameter("input gradient"), |bencher| {
            bencher.iter(|| black_box(convolution.input_gradient(level, &dy, &w)));
        });
        group.bench_function(BenchmarkId::from_parameter("weight gradient"), |bencher| {
            bencher.iter(|| black_box(convolution.weight_gradient(level, &x, &dy)));
        });
    }
}

criterion_group!(kernels, ceiling, convolutions);
criterion_main!(kernels);
