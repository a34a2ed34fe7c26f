//! What is decoded is what was encoded, to the bit.

use proptest::prelude::*;
use sapwood_codec::{Bf16, Code, Coded, Coder, Element, Error, F16, Kind, Positions};

/// Codes in every way that there is, and compares what comes back.
fn there_and_back<T: Element + std::fmt::Debug>(values: &[T], width: usize, piece: usize) {
    let levels = |values: &[T]| values.iter().map(|value| value.to_level()).collect::<Vec<_>>();
    let shortest = Coder::rows(width).encode(values).unwrap();
    for code in Code::ALL {
        for positions in Positions::ALL {
            let coder = Coder::rows(width).code(code).positions(positions);
            let coded = match coder.encode(values) {
                Ok(coded) => coded,
                Err(error) => {
                    assert!(matches!(error, Error::Positions { .. }), "{error}");
                    continue;
                }
            };
            assert_eq!((coded.kind(), coded.count()), (T::KIND, values.len()));
            assert_eq!((coded.code(), coded.positions()), (code, positions));
            // What reads slowly has to save a twentieth, of positions and of values, of either only where there are many.
            let slow = code == Code::Adaptive && 4096 <= values.len();
            let least = if slow { 9 * shortest.bytes().len() / 10 } else { shortest.bytes().len() };
            assert!(least <= coded.bytes().len(), "{code} {positions}");
            let opened = Coded::open(coded.bytes(), values.len()).unwrap();
            assert_eq!(levels(&opened.decode::<T>().unwrap()), levels(values), "{code} {positions}");
            assert_eq!(levels(&in_pieces(&opened, piece)), levels(values), "{code} {positions}");
            let parts = opened.parts().unwrap();
            let sum = parts.values + parts.positions + parts.tables + parts.rest;
            assert_eq!(sum, coded.bytes().len());
            assert_eq!(coder.encode(values).unwrap(), coded);
        }
    }
}

fn in_pieces<T: Element>(coded: &Coded, piece: usize) -> Vec<T> {
    let mut stream = coded.stream::<T>().unwrap();
    let mut values = Vec::new();
    let mut buffer = vec![T::from_level(0); piece];
    loop {
        let read = stream.read(&mut buffer).unwrap();
        values.extend(&buffer[..read]);
        if read < piece {
            return values;
        }
    }
}

/// Values with many zeros among them, or few, or nothing else.
fn some<T: Element + std::fmt::Debug + 'static>(
    value: impl Strategy<Value = T> + Clone + 'static,
) -> BoxedStrategy<Vec<T>> {
    let mixed = |zeros: u32, len: std::ops::Range<usize>, value| {
        prop::collection::vec(prop_oneof![zeros => Just(T::from_level(0)), 10 => value], len)
    };
    prop_oneof![
        mixed(1, 0..40, value.clone()),
        mixed(90, 0..600, value.clone()),
        mixed(1, 0..300, value.clone()),
        // Longer than what is decoded at once.
        mixed(400, 4090..4110, value),
    ]
    .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn small_integers_come_back(values in some(-20i32..20), width in 1usize..50, piece in 1usize..5000) {
        there_and_back(&values, width, piece);
    }

    #[test]
    fn any_integers_come_back(values in some(any::<i32>()), width in 0usize..50, piece in 1usize..5000) {
        there_and_back(&values, width, piece);
    }

    #[test]
    fn indices_of_a_codebook_come_back(values in some(1i32..32), width in 1usize..50, piece in 1usize..5000) {
        there_and_back(&values, width, piece);
    }

    #[test]
    fn any_floats_come_back(bits in some(any::<i32>()), width in 1usize..50, piece in 1usize..5000) {
        let values: Vec<f32> = bits.into_iter().map(|bits| f32::from_bits(bits as u32)).collect();
        there_and_back(&values, width, piece);
    }

    #[test]
    fn floats_of_a_codebook_come_back(places in some(-8i32..8), width in 1usize..50, piece in 1usize..5000) {
        let values: Vec<f32> = places.into_iter().map(|place| place as f32 * 0.37).collect();
        there_and_back(&values, width, piece);
    }

    #[test]
    fn any_halves_come_back(bits in some(any::<i32>()), width in 1usize..50, piece in 1usize..5000) {
        let halves = bits.iter().map(|bits| *bits as u16);
        there_and_back(&halves.clone().map(F16).collect::<Vec<_>>(), width, piece);
        there_and_back(&halves.map(Bf16).collect::<Vec<_>>(), width, piece);
    }

    #[test]
    fn any_bytes_come_back(values in some(any::<i8>()), width in 1usize..50, piece in 1usize..5000) {
        there_and_back(&values, width, piece);
    }
}

#[test]
fn long_tensors_with_all_kinds_of_alphabet_come_back() {
    let mut random = crate::sources::Random(5);
    for symbols in [1, 2, 3, 255, 256, 257, 4095, 4096, 4097, 100_000] {
        let values: Vec<i32> =
            (0..20_000).map(|_| random.below(symbols) as i32 - symbols as i32 / 3).collect();
        there_and_back(&values, 100, 4096);
    }
}

#[test]
fn the_outermost_and_the_strangest_values_come_back() {
    there_and_back(&[i32::MIN, 0, i32::MAX, -1, 1, i32::MIN], 3, 2);
    there_and_back(&[i32::MIN; 9], 3, 2);
    there_and_back(&[i32::MAX; 9], 3, 2);
    there_and_back(&[0.0f32, -0.0, f32::NAN, -f32::NAN, f32::INFINITY, f32::MIN_POSITIVE, 1e-45], 7, 3);
    there_and_back::<f32>(&[], 10, 1);
    there_and_back(&[-128i8, 127, 0], 1, 1);
}

#[test]
fn values_are_not_read_as_another_kind() {
    let coded = Coder::rows(1).encode(&[1.0f32, 2.0]).unwrap();
    let error = coded.decode::<i32>().unwrap_err();
    assert!(matches!(error, Error::Kind { expected: Kind::I32, found: Kind::F32 }), "{error}");
    assert_eq!(error.to_string(), "a coded tensor of f32: expected i32; read it as what it is");
}
