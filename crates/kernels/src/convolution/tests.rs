//! Convolutions against their definition.

use super::*;
use crate::{Float, Size, channel_sums};
use proptest::prelude::*;

/// The definition, in f64: output, and gradients for an output gradient.
fn reference<T: Float>(c: &Convolution, x: &[T], w: &[T], b: &[T], dy: &[T]) -> [Vec<f64>; 4] {
    let [oh, ow] = c.output();
    let [h, width] = c.input;
    let (ins, outs) = (c.groups * c.inputs, c.groups * c.outputs);
    let mut y = vec![0.0; c.images * outs * oh * ow];
    let (mut dx, mut dw, mut db) = (vec![0.0; x.len()], vec![0.0; w.len()], vec![0.0; outs]);
    for n in 0..c.images {
        for o in 0..outs {
            for (oy, ox) in (0..oh).flat_map(|y| (0..ow).map(move |x| (y, x))) {
                let out = ((n * outs + o) * oh + oy) * ow + ox;
                y[out] += b[o].to_f64();
                db[o] += dy[out].to_f64();
                for i in 0..c.inputs {
                    for (ky, kx) in (0..c.kernel[0]).flat_map(|y| (0..c.kernel[1]).map(move |x| (y, x))) {
                        let iy = (oy * c.stride[0] + ky * c.dilation[0]).wrapping_sub(c.padding[0]);
                        let ix = (ox * c.stride[1] + kx * c.dilation[1]).wrapping_sub(c.padding[1]);
                        if iy < h && ix < width {
                            let channel = o / c.outputs * c.inputs + i;
                            let input = ((n * ins + channel) * h + iy) * width + ix;
                            let weight = ((o * c.inputs + i) * c.kernel[0] + ky) * c.kernel[1] + kx;
                            y[out] += x[input].to_f64() * w[weight].to_f64();
                            dx[input] += dy[out].to_f64() * w[weight].to_f64();
                            dw[weight] += dy[out].to_f64() * x[input].to_f64();
                        }
                    }
                }
            }
        }
    }
    [y, dx, dw, db]
}

fn numbers<T: Float>(n: usize, seed: usize) -> Vec<T> {
    (0..n).map(|i| T::from_f64(((i * 7919 + seed * 104_729) % 1009) as f64 / 504.5 - 1.0)).collect()
}

/// `size` is the norm of the terms that were summed: sums of a few may cancel.
fn close<T: Float>(found: &[T], expected: &[f64], size: f64) -> bool {
    let squares = found.iter().zip(expected).map(|(a, b)| (a.to_f64() - b).powi(2));
    found.len() == expected.len() && squares.sum::<f64>().sqrt() <= T::TOLERANCE * size
}

/// All passes of one convolution, at every level, against the definition.
fn check<T: Float>(c: &Convolution) -> Result<(), TestCaseError> {
    let [oh, ow] = c.output();
    let outputs = c.groups * c.outputs;
    let x: Vec<T> = numbers(c.images * c.groups * c.inputs * c.input[0] * c.input[1], 1);
    let w = numbers(outputs * c.inputs * c.kernel[0] * c.kernel[1], 2);
    let b = numbers(outputs, 3);
    let dy = numbers(c.images * outputs * oh * ow, 4);
    let [y, dx, dw, db] = reference(c, &x, &w, &b, &dy);
    let squares = |values: &[T]| values.iter().map(|x| *x * *x).collect::<Vec<T>>();
    let sizes = reference(c, &squares(&x), &squares(&w), &squares(&b), &squares(&dy));
    let [of_y, of_dx, of_dw, of_db] = sizes.map(|squares| squares.iter().sum::<f64>().sqrt());
    let name = std::any::type_name::<T>();
    for level in Level::available() {
        prop_assert!(
            close(&c.forward(level, &x, &w, Some(&b)), &y, of_y),
            "{name} forward, {level:?}, {c:?}"
        );
        let found = c.input_gradient(level, &dy, &w);
        prop_assert!(close(&found, &dx, of_dx), "{name} input gradient, {level:?}, {c:?}");
        let found = c.weight_gradient(level, &x, &dy);
        prop_assert!(close(&found, &dw, of_dw), "{name} weight gradient, {level:?}, {c:?}");
        let size = Size { images: c.images, channels: outputs, plane: oh * ow };
        prop_assert!(close(&channel_sums(level, size, &dy), &db, of_db), "{name} bias gradient, {c:?}");
    }
    Ok(())
}

fn pairs(range: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = [usize; 2]> {
    [range.clone(), range]
}

/// Kernel, stride, padding and dilation: any, or those of pixels without neighbours, which go another way.
fn windows() -> impl Strategy<Value = [[usize; 2]; 4]> {
    let any = [pairs(1..=4), pairs(1..=3), pairs(0..=3), pairs(1..=2)];
    prop_oneof![2 => any, 1 => Just([[1usize, 1], [1, 1], [0, 0], [1, 1]])]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn all_passes_are_the_definition(
        images in prop_oneof![4 => 1usize..=9, 1 => 60usize..=64],
        (groups, outputs) in (1usize..=3, 1usize..=6),
        inputs in prop_oneof![3 => 1usize..=5, 1 => 13usize..=20],
        input in pairs(1..=11), [kernel, stride, padding, dilation] in windows(),
    ) {
        let c = Convolution { images, groups, inputs, outputs, input, kernel, stride, padding, dilation };
        prop_assume!(c.is_within());
        check::<f32>(&c)?;
        check::<f64>(&c)?;
    }
}

/// A kernel that fits nowhere has no output, not one of its taps that happen to lie in the input.
#[test]
#[should_panic(expected = "the kernel ends in the padded input")]
fn a_kernel_beyond_the_input_is_refused() {
    let c = Convolution {
        images: 1,
        groups: 1,
        inputs: 1,
        outputs: 1,
        input: [2, 5],
        kernel: [3, 3],
        stride: [1, 1],
        padding: [0, 1],
        dilation: [1, 1],
    };
    c.forward(Level::detect(), &[1.0f32; 10], &[1.0; 9], None);
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    for (images, side) in [13, 64].into_iter().flat_map(|images| [3, 9, 16].map(|side| (images, side))) {
        threads_change_no_bit::<f32>(images, [side, 8], [2, 1]);
        threads_change_no_bit::<f64>(images, [side, 8], [1, 1]);
    }
}

fn threads_change_no_bit<T: Float>(images: usize, input: [usize; 2], stride: [usize; 2]) {
    let c = Convolution {
        images,
        groups: 1,
        inputs: 5,
        outputs: 7,
        input,
        kernel: [3, 3],
        stride,
        padding: [1, 1],
        dilation: [1, 1],
    };
    let [oh, ow] = c.output();
    let (x, w): (Vec<T>, Vec<T>) = (numbers(images * 5 * input[0] * input[1], 1), numbers(7 * 5 * 9, 2));
    let dy = numbers(images * 7 * oh * ow, 3);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let level = Level::detect();
        pool.install(|| {
            [
                c.forward(level, &x, &w, None),
                c.input_gradient(level, &dy, &w),
                c.weight_gradient(level, &x, &dy),
            ]
        })
    };
    assert_eq!(run(1), run(5));
    assert_eq!(run(1), run(32));
}

/// What the random sizes above do not reach: rows in more than one chunk, more
/// outputs than one task has, a batch that fills its last lanes in part, planes of
/// many pixels.
#[test]
fn large_sizes_are_the_definition() {
    let sizes = |images, [groups, inputs, outputs]: [usize; 3], side, kernel, stride| Convolution {
        images,
        groups,
        inputs,
        outputs,
        input: [side, side],
        kernel: [kernel, kernel],
        stride: [stride, stride],
        padding: [kernel / 2, kernel / 2],
        dilation: [1, 1],
    };
    for c in [
        sizes(1, [1, 32, 5], 9, 3, 1),
        sizes(125, [1, 9, 37], 4, 3, 1),
        sizes(20, [2, 35, 3], 9, 3, 1),
        sizes(60, [1, 70, 6], 2, 3, 1),
        // Whole vectors in more than one chunk, and a last slice with fewer images.
        sizes(17, [1, 33, 9], 8, 3, 1),
        sizes(35, [1, 5, 6], 16, 3, 2),
        // Pixels without neighbours: planes of a few, of many, and of very many.
        sizes(33, [1, 300, 7], 4, 1, 1),
        sizes(9, [2, 7, 10], 7, 1, 1),
        sizes(5, [1, 11, 5], 32, 1, 1),
        sizes(9, [1, 3, 5], 16, 1, 2),
        // The same with a task of one output, and more rows than pass at once.
        sizes(8, [1, 13, 1], 8, 1, 1),
        sizes(8, [1, 40, 5], 8, 1, 1),
        sizes(3, [2, 25, 9], 24, 1, 1),
        // One channel for each.
        sizes(33, [3, 1, 1], 16, 5, 1),
        sizes(33, [3, 1, 1], 8, 7, 2),
        sizes(3, [3, 1, 1], 17, 7, 2),
    ] {
        check::<f32>(&c).unwrap();
        check::<f64>(&c).unwrap();
    }
}
