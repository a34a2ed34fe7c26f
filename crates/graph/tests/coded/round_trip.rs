//! What is read is what was written.

use proptest::prelude::*;
use sapwood_graph::{Array, BF16, F16, StateFile, Values};

use crate::files::every_kind;

#[test]
fn tensors_of_every_type_masks_scales_and_metadata_come_back_and_the_bytes_are_stable() {
    let file = every_kind();
    let coded = file.to_coded().unwrap();
    let read = StateFile::from_bytes(&coded.bytes).unwrap();
    assert_eq!(read, file);
    assert_eq!(StateFile::metadata_of(&coded.bytes).unwrap(), file.metadata);
    assert_eq!(read.to_coded().unwrap(), coded);
    assert_eq!(read, StateFile::from_bytes(&file.to_bytes().unwrap()).unwrap());
    let nothing = StateFile::default();
    assert_eq!(StateFile::from_bytes(&nothing.to_coded().unwrap().bytes).unwrap(), nothing);
}

#[test]
fn the_pieces_add_up_to_the_file_but_for_its_header() {
    let file = every_kind();
    let coded = file.to_coded().unwrap();
    let tensors: usize = coded.pieces.iter().map(|piece| piece.tensors.len()).sum();
    assert_eq!(tensors, file.state.0.len() + 5, "with scales and zero points");
    let sum: usize = coded.pieces.iter().map(|piece| piece.bytes()).sum();
    assert!(sum < coded.bytes.len() && coded.bytes.len() - sum < 1200, "{sum} of {}", coded.bytes.len());
    let shared = coded.pieces.iter().find(|piece| piece.tensors[0].as_str() == "shared.weight").unwrap();
    assert_eq!((shared.values, shared.distinct), (1200, 4));
    assert_eq!(shared.nonzero, file.masks["shared.weight"].count_ones());
    assert!(shared.bound / 8.0 < 1.2 * shared.bytes() as f64, "{shared:?}");
    // Biases of all layers are together.
    let biases =
        coded.pieces.iter().find(|piece| piece.tensors.iter().any(|path| path.as_str() == "plain.bias"));
    assert!(biases.unwrap().tensors.iter().any(|path| path.as_str() == "shared.bias"));
}

#[test]
fn what_is_masked_is_zero_whatever_stood_there() {
    let mut file = StateFile::default();
    file.state.0.insert("w".into(), Array::new([2, 2], vec![1.0f32, f32::NAN, 3.0, -0.0]).unwrap());
    file.masks.insert("w".into(), [true, false, true, true].into_iter().collect());
    let read = StateFile::from_bytes(&file.to_coded().unwrap().bytes).unwrap();
    assert_eq!(read.state.0["w"], Array::new([2, 2], vec![1.0f32, 0.0, 3.0, -0.0]).unwrap());
    assert_eq!(read.masks, file.masks);
}

fn values() -> impl Strategy<Value = Values> {
    fn few<T: Clone + std::fmt::Debug + 'static>(all: BoxedStrategy<T>, zero: T) -> BoxedStrategy<Vec<T>> {
        let of = move |values: Vec<T>| {
            let mostly_zero = prop_oneof![4 => Just(zero.clone()), 1 => prop::sample::select(values)];
            prop::collection::vec(mostly_zero, 0..3000)
        };
        prop_oneof![
            prop::collection::vec(all.clone(), 0..400),
            prop::collection::vec(all, 1..9).prop_flat_map(of),
        ]
        .boxed()
    }
    let halves = any::<u16>().boxed();
    prop_oneof![
        few(any::<u32>().prop_map(f32::from_bits).boxed(), 0.0).prop_map(Values::F32),
        few(any::<u64>().prop_map(f64::from_bits).boxed(), 0.0).prop_map(Values::F64),
        few(halves.clone().prop_map(F16::from_bits).boxed(), F16::from_bits(0)).prop_map(Values::F16),
        few(halves.prop_map(BF16::from_bits).boxed(), BF16::from_bits(0)).prop_map(Values::BF16),
        few(any::<i64>().boxed(), 0).prop_map(Values::I64),
        few(any::<i32>().boxed(), 0).prop_map(Values::I32),
        few(any::<i8>().boxed(), 0).prop_map(Values::I8),
        few(any::<u8>().boxed(), 0).prop_map(Values::U8),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn any_values_and_any_mask_come_back_to_the_bit(values in values(), rows in 1usize..40, kept in any::<u64>()) {
        let len = values.len() / rows * rows;
        let array = Array::new([values.len()], values).unwrap();
        let mut file = StateFile::default();
        if kept & 1 == 1 {
            let mask = (0..array.len()).map(|at| kept >> (at * 7 % 61) & 2 == 2).collect();
            file.masks.insert("w".into(), mask);
        }
        let shaped = if len == array.len() { array.reshape([len / rows, rows]).unwrap() } else { array };
        file.state.0.insert("w".into(), shaped);
        let file = file.with_masks_applied(Vec::new()).unwrap();
        prop_assert_eq!(StateFile::from_bytes(&file.to_coded().unwrap().bytes).unwrap(), file);
    }
}
