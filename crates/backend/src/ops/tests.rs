//! The kernels under autodiff against Burn's own operations, in each type that
//! there are kernels for.

use burn::{
    prelude::Device,
    tensor::{DType, Tensor, TensorData, ops::ConvOptions},
};

use super::*;
use crate::DeviceSpec;

const TYPES: [(DType, f64); 2] = [(DType::F32, 1e-5), (DType::F64, 1e-12)];

/// None, and those there are. Burn's own h-swish is good to 1e-8 only: in f64 the smooth ones are
/// compared with their definitions alone, in the tests of the kernels.
fn activations((dtype, _): (DType, f64)) -> impl Iterator<Item = Option<Activation>> {
    let smooth = [Activation::HSwish, Activation::HSigmoid, Activation::Gelu];
    let smooth = smooth.into_iter().filter(move |_| dtype == DType::F32);
    [None].into_iter().chain([Activation::Relu, Activation::Relu6].into_iter().chain(smooth).map(Some))
}

/// Values in [-1, 1) of which few are in f32.
fn values<const D: usize>(shape: [usize; D], seed: usize, place: (&Device, DType)) -> Tensor<D> {
    let number = |i: usize| ((i * 7919 + seed * 104_729) % 1009) as f64 / 504.5 - 1.0;
    let numbers: Vec<f64> = (0..shape.iter().product()).map(number).collect();
    Tensor::from_data(TensorData::new(numbers, shape), place).require_grad()
}

/// Whether both are of the type and, relative to their norm, so close.
fn check<const D: usize>(found: Tensor<D>, expected: Tensor<D>, (dtype, tolerance): (DType, f64)) {
    assert_eq!((found.dtype(), found.dims()), (dtype, expected.dims()));
    let [found, expected] = [found, expected].map(|tensor| tensor.into_data().iter().collect::<Vec<f64>>());
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>().sqrt();
    let difference = norm(&mut found.iter().zip(&expected).map(|(a, b)| a - b));
    let far = difference / norm(&mut expected.into_iter());
    assert!(far <= tolerance, "{dtype:?} differs by {far:e}");
}

/// Compares what `run` gives with kernels and without: tensors, and the gradients of others.
fn compare<const N: usize>(
    kind: (DType, f64),
    parameters: impl Fn((&Device, DType)) -> (Vec<Tensor<4>>, [Tensor<1>; N]),
    run: impl Fn(Ops, &[Tensor<4>], &[Tensor<1>; N]) -> (Tensor<4>, Vec<Tensor<1>>),
) {
    let device = DeviceSpec::CPU.resolve().unwrap().autodiff();
    let place = (&device, kind.0);
    let [found, expected] = [Ops::Kernels, Ops::Burn].map(|ops| {
        let (tensors, vectors) = parameters(place);
        let (y, others) = run(ops, &tensors, &vectors);
        let gradients = (y.clone() * values(y.dims(), 9, place).detach()).sum().backward();
        let of_tensors: Vec<Tensor<4>> = tensors.iter().map(|x| x.grad(&gradients).unwrap()).collect();
        let of_vectors: Vec<Tensor<1>> = vectors.iter().map(|x| x.grad(&gradients).unwrap()).collect();
        (y, others, of_tensors, of_vectors)
    });
    check(found.0, expected.0, kind);
    found.1.into_iter().zip(expected.1).for_each(|(found, expected)| check(found, expected, kind));
    found.2.into_iter().zip(expected.2).for_each(|(found, expected)| check(found, expected, kind));
    found.3.into_iter().zip(expected.3).for_each(|(found, expected)| check(found, expected, kind));
}

#[test]
fn convolutions_are_those_of_burn() {
    let options = || ConvOptions::new([2, 1], [1, 1], [1, 1], 2);
    for kind in TYPES {
        let tensors =
            |place: (&Device, DType)| vec![values([5, 6, 9, 8], 1, place), values([4, 3, 3, 3], 2, place)];
        compare(
            kind,
            |place| (tensors(place), []),
            |ops, tensors, []| (ops.conv2d(tensors[0].clone(), tensors[1].clone(), None, options()), vec![]),
        );
        compare(
            kind,
            |place| (tensors(place), [values([4], 3, place)]),
            |ops, tensors, [bias]| {
                let (x, w, bias) = (tensors[0].clone(), tensors[1].clone(), Some(bias.clone()));
                (ops.conv2d(x, w, bias, options()), vec![])
            },
        );
    }
}

/// An epilogue with the tensors behind the first one as residual.
fn epilogue(tensors: &[Tensor<4>], activation: Option<Activation>) -> Epilogue {
    Epilogue { residual: tensors.get(1).cloned(), activation }
}

/// Every type, activation and number of tensors: with a residual and without.
fn epilogues() -> impl Iterator<Item = ((DType, f64), Option<Activation>, usize)> {
    let pairs =
        TYPES.into_iter().flat_map(|kind| activations(kind).map(move |activation| (kind, activation)));
    pairs.flat_map(|(kind, activation)| [1, 2].map(|tensors| (kind, activation, tensors)))
}

fn tensors(count: usize, place: (&Device, DType)) -> Vec<Tensor<4>> {
    (0..count)
        .map(|seed| values([5, 3, 4, 7], seed, place) * 4.0)
        .map(|x| x.detach().require_grad())
        .collect()
}

#[test]
fn normalisations_are_those_of_burn() {
    for (kind, activation, count) in epilogues() {
        compare(
            kind,
            |place| (tensors(count, place), [values([3], 2, place), values([3], 3, place)]),
            |ops, tensors, [gamma, beta]| {
                let (x, gamma, beta) = (tensors[0].clone(), gamma.clone(), beta.clone());
                let found = ops.batch_norm_train(x, gamma, beta, 1e-5, epilogue(tensors, activation));
                (found.output, vec![found.mean, found.variance])
            },
        );
    }
}

#[test]
fn normalisations_with_known_statistics_are_those_of_burn() {
    for (kind, activation, count) in epilogues() {
        compare(
            kind,
            |place| (tensors(count, place), [values([3], 2, place), values([3], 3, place)]),
            |ops, tensors, [gamma, beta]| {
                let (x, gamma, beta) = (tensors[0].clone(), gamma.clone(), beta.clone());
                let statistics = [beta.clone().detach() * 0.5, gamma.clone().detach().abs() + 0.5];
                let epilogue = epilogue(tensors, activation);
                (ops.batch_norm(x, [gamma, beta], statistics, 1e-5, epilogue), vec![])
            },
        );
    }
}

#[test]
fn activations_are_those_of_burn() {
    for (kind, activation) in TYPES.into_iter().flat_map(|kind| activations(kind).map(move |a| (kind, a))) {
        let Some(activation) = activation else { continue };
        compare(
            kind,
            |place| (tensors(1, place), []),
            |ops, tensors, []| (ops.activate(tensors[0].clone(), activation), vec![]),
        );
    }
}

/// Without this every other test here would compare Burn with itself.
#[test]
fn kernels_run_where_they_are() {
    let plain = DeviceSpec::CPU.resolve().unwrap();
    for device in [plain.clone(), plain.autodiff()] {
        let x = |dtype| Tensor::<1>::from_data(TensorData::new(vec![1.0f32], [1]), (&device, dtype));
        for dtype in [DType::F32, DType::F64] {
            assert!(Ops::Kernels.has_kernels("test", &x(dtype), [dtype]));
            assert!(!Ops::Burn.has_kernels("test", &x(dtype), [dtype]));
            assert!(!Ops::Kernels.has_kernels("test", &x(dtype), [dtype, DType::F16]));
        }
        assert!(!Ops::Kernels.has_kernels("test", &x(DType::F16), [DType::F16]));
    }
    assert_eq!(["kernels", "burn"].map(|text| text.parse::<Ops>().unwrap().to_string()), ["kernels", "burn"]);
    assert!("burns".parse::<Ops>().unwrap_err().to_string().contains("expected `kernels` or `burn`"));
}

/// What there is no kernel for: tensors of another type.
#[test]
fn what_has_no_kernel_is_composed() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let half =
        Tensor::<4>::from_data(TensorData::new(vec![-1.0f32, 8.0], [1, 1, 1, 2]), (&device, DType::F16));
    let found = Ops::Kernels.activate(half, Activation::Relu6).into_data();
    assert_eq!(found.iter::<f64>().collect::<Vec<_>>(), [0.0, 6.0]);
}

/// What the kernels do not fit: a residual that is stretched over the batch, and no image at all.
#[test]
fn what_does_not_fit_the_kernels_is_composed() {
    let device = DeviceSpec::CPU.resolve().unwrap().autodiff();
    let place = (&device, DType::F32);
    let x = || values([5, 3, 4, 7], 1, place);
    let of_channels = || [values([3], 2, place), values([3], 3, place).abs() + 0.5];
    let epilogue = || Epilogue { residual: Some(values([1, 3, 1, 1], 4, place)), activation: None };
    let [found, expected] = [Ops::Kernels, Ops::Burn].map(|ops| {
        let [gamma, beta] = of_channels();
        let trained = ops.batch_norm_train(x(), gamma.clone(), beta.clone(), 1e-5, epilogue()).output;
        (trained, ops.batch_norm(x(), [gamma, beta], of_channels(), 1e-5, epilogue()))
    });
    check(found.0, expected.0, TYPES[0]);
    check(found.1, expected.1, TYPES[0]);
    let none = Tensor::<4>::empty([0, 3, 4, 7], &device);
    let none = Ops::Kernels.batch_norm(none, of_channels(), of_channels(), 1e-5, Epilogue::default());
    assert_eq!(none.dims(), [0, 3, 4, 7]);
}

/// Rows of which only the first value is not 0, so that their sums are known; these cancel, so that each order has a
/// sum of its own.
#[test]
fn many_values_are_summed_in_one_order() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let of =
        |values: &[f32]| Tensor::<1>::from_data(TensorData::new(values.to_vec(), [values.len()]), &device);
    let firsts: Vec<f32> = (0..64).map(|k| [1e8, -1e8][k % 2] + (8 * (k * k * 37 % 101)) as f32).collect();
    let rest = [1.0, 2.0, 3.0, 4.0, 5.0];
    let mut values = vec![0.0f32; 1 << 22];
    firsts.iter().enumerate().for_each(|(row, first)| values[row << 16] = *first);
    values.extend(rest);
    let (x, expected) = (of(&values), of(&firsts).sum() + of(&rest).sum());
    let mean = (expected.clone() / values.len() as f64).into_scalar::<f32>();
    assert_eq!(ordered::mean(x.clone()).into_scalar::<f32>(), mean);
    assert_eq!(ordered::sum(x).into_scalar::<f32>(), expected.into_scalar::<f32>());
}

#[test]
fn steps_in_one_pass_are_those_of_many() {
    let device = DeviceSpec::CPU.resolve().unwrap().autodiff();
    for kind in TYPES {
        let place = (&device, kind.0);
        let flat = |seed| values([70_000], seed, place).inner();
        let (w, g): (Tensor<1>, Tensor<1>) = (flat(1), flat(2));
        for nesterov in [false, true] {
            let step = SgdStep { rate: 0.1, decay: 0.01, momentum: 0.9, nesterov };
            let (first, b) = sgd_step(step, w.clone(), g.clone(), None);
            let (second, _) = sgd_step(step, first.clone(), g.clone(), b.clone());
            let decayed = g.clone() + w.clone() * 0.01;
            check(b.clone().unwrap(), decayed.clone(), kind);
            let direction = if nesterov { decayed.clone() * 1.9 } else { decayed.clone() };
            check(first.clone(), w.clone() - direction * 0.1, kind);
            let again = g.clone() + first.clone() * 0.01;
            let b = decayed * 0.9 + again.clone();
            let direction = if nesterov { again + b * 0.9 } else { b };
            check(second, first - direction * 0.1, kind);
        }
        let step = AdamWStep { rate: 0.1, decay: 0.01, betas: [0.9, 0.99], epsilon: 1e-3, count: 1 };
        let (first, means) = adamw_step(step, w.clone(), g.clone(), None);
        check(means[0].clone(), g.clone() * 0.1, kind);
        check(means[1].clone(), g.clone() * g.clone() * 0.01, kind);
        check(first.clone(), w.clone() * 0.999 - g.clone() / (g.clone().abs() + 1e-3) * 0.1, kind);
        let (second, [m, v]) =
            adamw_step(AdamWStep { count: 2, ..step }, first.clone(), g.clone(), Some(means));
        check(m.clone(), g.clone() * 0.19, kind);
        check(v.clone(), g.clone() * g * 0.0199, kind);
        let direction = m / 0.19 / ((v / 0.0199).sqrt() + 1e-3);
        check(second, first * 0.999 - direction * 0.1, kind);
    }
}
