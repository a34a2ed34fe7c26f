//! Layers that skip quads of zeros.

use super::*;

/// A layer's step, with room behind all values.
fn sparse(dots: Dots, case: &Case, [from, to]: [Quads; 2], after: &After, end: usize) -> Box<dyn Step> {
    let most = [case.conv.images, case.threads];
    case.with(|weights| {
        Box::new(Sparse::new(dots, (from, to), case.window(), weights, after, (most, end))) as Box<dyn Step>
    })
}

/// Whether a layer's bytes are those of the definition: alone, and as a summand of either side.
fn is_exact(case: &Case) -> Result<(), TestCaseError> {
    let (input, size) = (numbers(&case.input(), &case.x), case.conv.output());
    let (images, outputs) = (case.conv.images, case.outputs());
    let most = [images, case.threads];
    let own = case.expected(&case.y);
    let rectified: Vec<i32> = case.expected(&case.y.rectified());
    let sum = Integers { scale: 1.3 * case.y.scale, zero_point: 100, bounds: [0, 255] };
    let x = Quads::new(case.inputs(), case.conv.input, case.rim(), case.x);
    let y = Quads::new(outputs, size, [1, 0, 2, 1], case.y);
    let z = Quads::new(outputs, size, [0; 4], sum);
    let plain = After { result: case.y, added: None };
    for dots in Dots::available() {
        let found = run(dots, most, &input, &mut [x, y], |at, end| {
            vec![sparse(dots, case, [at[0], at[1]], &plain, end)]
        });
        check(&found, &own, &case.y, dots.name())?;
        for is_second in [false, true] {
            let found = run(dots, most, &input, &mut [x, y, z], |at, end| {
                let added = Added { other: at[1], is_second, result: sum.rectified() };
                let after = After { result: case.y.rectified(), added: Some(added) };
                vec![
                    sparse(dots, case, [at[0], at[1]], &plain, end),
                    sparse(dots, case, [at[0], at[2]], &after, end),
                ]
            });
            let summands = if is_second { [&own, &rectified] } else { [&rectified, &own] };
            let expected = exact::add(summands.map(|all| &all[..]), [&case.y, &case.y], &sum.rectified());
            check(&found, &expected, &sum, dots.name())?;
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn layers_are_exact(case in cases()) {
        is_exact(&case)?;
    }
}

/// Windows that see more than the first cache holds, beside more pixels than registers take at once.
#[test]
fn layers_of_many_weights_are_exact() {
    let conv = Convolution {
        images: 3,
        groups: 1,
        inputs: 134,
        outputs: 77,
        input: [13, 9],
        kernel: [3, 3],
        stride: [1, 1],
        padding: [1, 1],
        dilation: [1, 1],
    };
    let x = Integers { scale: 0.5, zero_point: 255, bounds: [0, 255] };
    let y = Integers { scale: 900.0, zero_point: 128, bounds: [0, 255] };
    for (is_extreme, share) in [(false, 10), (true, 60)] {
        let case = Case { conv: conv.clone(), x, y, is_extreme, is_per_channel: true, share, threads: 2 };
        is_exact(&case).unwrap();
    }
}
