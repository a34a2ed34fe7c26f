//! Tests of weight files.

use super::*;
use crate::{DType, Packed, Per, Range};

fn file() -> StateFile {
    let weight = Array::new([2, 2], vec![1.0f32, 0.0, 3.0, 0.0]).unwrap();
    let mean = Array::new([1], vec![0.5f32]).unwrap();
    StateFile {
        state: State([("fc.weight".into(), weight), ("bn.running_mean".into(), mean)].into()),
        masks: [("fc.weight".into(), [true, false, true, false].into_iter().collect())].into(),
        metadata: serde_json::json!({"model": "m", "a": 1}),
        ..StateFile::default()
    }
}

#[test]
fn what_is_written_is_what_is_read_and_the_bytes_are_stable() {
    let bytes = file().to_bytes().unwrap();
    assert_eq!(StateFile::from_bytes(&bytes).unwrap(), file());
    assert_eq!(file().to_bytes().unwrap(), bytes);
}

#[test]
fn masks_are_applied_when_read() {
    let mut dense = file();
    dense.state.0.insert("fc.weight".into(), Array::new([2, 2], vec![1.0f32, 2.0, 3.0, 4.0]).unwrap());
    let read = StateFile::from_bytes(&dense.to_bytes().unwrap()).unwrap();
    assert_eq!(read, file());
}

#[test]
fn a_mask_without_its_weight_is_named() {
    let mut lost = file();
    lost.masks.insert("fc2.weight".into(), Bits::ones(3));
    let error = StateFile::from_bytes(&lost.to_bytes().unwrap()).unwrap_err();
    assert!(error.to_string().contains("unexpected fc2.weight_mask"), "{error}");
}

#[test]
fn a_mask_of_another_shape_is_refused_even_with_the_right_size() {
    let mut turned = file();
    turned.state.0.insert("fc.weight".into(), Array::new([4, 1], vec![1.0f32; 4]).unwrap());
    let bytes = turned.to_bytes().unwrap();
    turned.state.0.insert("fc.weight".into(), Array::new([2, 2], vec![1.0f32; 4]).unwrap());
    let mut shapes = vec![("fc.weight".to_string(), vec![4, 1])];
    assert!(StateFile::from_bytes(&bytes).is_ok());
    let error = turned.clone().with_masks_applied(shapes.clone()).unwrap_err().to_string();
    assert!(error.contains("fc.weight_mask should be [2, 2] but is [4, 1]"), "{error}");
    shapes[0].1 = vec![2, 2];
    assert!(turned.with_masks_applied(shapes).is_ok());
}

#[test]
fn any_truncation_is_an_error() {
    let bytes = file().to_bytes().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut");
    for end in 0..bytes.len() {
        assert!(StateFile::from_bytes(&bytes[..end]).is_err(), "{end}");
        fs::write(&path, &bytes[..end]).unwrap();
        assert!(StateFile::read(&path).is_err(), "{end}");
    }
}

#[test]
fn a_file_is_read_as_its_bytes_are_by_one_thread_and_by_several() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.safetensors");
    let missing = StateFile::read(&path).unwrap_err().to_string();
    assert!(missing.starts_with("cannot read") && missing.ends_with("net.safetensors"), "{missing}");
    let mut large = integers();
    // Of a length that no piece divides.
    let side = 3 * (1 << 20) + 5;
    large.state.0.insert("fc2.weight".into(), Array::from_fn([side], |at| at as f32));
    large.state.0.insert("fc3.weight".into(), Array::from_fn([77, 1001], |at| -(at as f64)));
    let coded = integers().to_coded().unwrap().bytes;
    let plain = [file(), integers(), large].map(|file| (file.to_bytes().unwrap(), file));
    for (bytes, file) in plain.into_iter().chain([(coded, integers())]) {
        fs::write(&path, bytes).unwrap();
        assert!(StateFile::read(&path).unwrap() == file);
    }
}

/// A file with integers of every kind that needs a newer form.
fn integers() -> StateFile {
    let mut file = file();
    let scale = |shape: &[usize], scales: &[f32]| Array::new(shape, scales.to_vec()).unwrap();
    let bytes = Array::new([2, 2], vec![200u8, 130, 0, 255]).unwrap();
    let point = Some(Array::new([], vec![130i32]).unwrap());
    let nibbles = Array::new([3, 3], Packed::new(DType::I4, [-8, 7, 1, 2, 0, -3, 4, 5, 6]).unwrap()).unwrap();
    let groups = Per::Group { axis: 1, size: 2 };
    let bias = Array::new([2], vec![-70_000i32, 12]).unwrap();
    let bits = Array::new([11], Packed::new(DType::U1, [1, 0, 1, 1, 0, 0, 0, 1, 0, 1, 1]).unwrap()).unwrap();
    file.quantized = [
        ("u8.weight".into(), Quantized::new(bytes, Per::Tensor, scale(&[], &[0.02]), point).unwrap()),
        ("i4.weight".into(), Quantized::new(nibbles, groups, scale(&[3, 2], &[1.5; 6]), None).unwrap()),
        ("i8.bias".into(), Quantized::new(bias, Per::Axis(0), scale(&[2], &[1e-4, 2e-4]), None).unwrap()),
    ]
    .into();
    file.state.0.insert("signs".into(), bits);
    file.masks.insert("u8.weight".into(), [true, false, true, true].into_iter().collect());
    file.ranges = [("relu".to_string(), Range::of(0.0, 6.1).unwrap())].into();
    file
}

/// The bytes of a file of ours with other metadata.
fn with_metadata(file: &StateFile, change: impl Fn(&mut Value)) -> Vec<u8> {
    let bytes = file.to_bytes().unwrap();
    let mut metadata = said(&header(&bytes).unwrap().1).unwrap();
    change(&mut metadata);
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let metadata = HashMap::from([(METADATA.to_string(), metadata.to_string())]);
    safetensors::serialize(tensors.iter(), Some(metadata)).unwrap()
}

fn refused(bytes: &[u8]) -> String {
    StateFile::from_bytes(bytes).unwrap_err().to_string()
}

#[test]
fn integers_come_back_with_scales_zero_points_masks_and_ranges() {
    let bytes = integers().to_bytes().unwrap();
    assert_eq!(StateFile::from_bytes(&bytes).unwrap(), integers());
    assert_eq!(StateFile::metadata_of(&bytes).unwrap(), integers().metadata);
    let nameless = StateFile { metadata: Value::Null, ..integers() };
    assert_eq!(StateFile::from_bytes(&nameless.to_bytes().unwrap()).unwrap(), nameless);
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let shape = |name: &str| tensors.tensor(name).map(|view| (view.dtype(), view.shape().to_vec())).unwrap();
    assert_eq!(shape("u8.weight_zero_point"), (Dtype::I32, vec![]));
    assert_eq!(shape("i4.weight_scale"), (Dtype::F32, vec![3, 2]));
    // Nine nibbles.
    assert_eq!(shape("i4.weight"), (Dtype::U8, vec![5]));
}

#[test]
fn a_file_says_no_more_than_it_needs() {
    let plain = said(&header(&file().to_bytes().unwrap()).unwrap().1).unwrap();
    assert_eq!(plain, file().metadata);
    let metadata = said(&header(&integers().to_bytes().unwrap()).unwrap().1).unwrap();
    assert_eq!(metadata["format"], 2);
    assert_eq!(metadata["quantized"]["i4.weight"], serde_json::json!({"group": {"axis": 1, "size": 2}}));
}

#[test]
fn a_file_of_a_newer_version_is_refused_before_anything_else_of_it_is_read() {
    let newer = with_metadata(&integers(), |metadata| {
        metadata["format"] = 3.into();
        metadata["quantized"] = "in another way".into();
    });
    let expected = "it is of format 3, and formats 1 to 2 are read: a newer version wrote it";
    assert!(refused(&newer).ends_with(expected), "{}", refused(&newer));
    assert!(StateFile::metadata_of(&newer).is_err());
    let first = with_metadata(&file(), |metadata| metadata["format"] = 1.into());
    assert_eq!(StateFile::from_bytes(&first).unwrap(), file());
}

#[test]
fn tensors_that_do_not_fit_what_the_metadata_say_are_named() {
    let changed = |change: &dyn Fn(&mut Value)| refused(&with_metadata(&integers(), change));
    for (found, expected) in [
        (
            changed(&|m| m["quantized"]["u8.weight"] = serde_json::json!({"axis": 0})),
            "`u8.weight`: quantisation: its scale",
        ),
        (changed(&|m| m["quantized"]["fc.weight"] = "tensor".into()), "`fc.weight_scale` is not there"),
        (changed(&|m| m["quantized"]["lost"] = "tensor".into()), "`lost` is not there"),
        (
            changed(&|m| m["packed"]["signs"] = serde_json::json!(["u1", [20]])),
            "`signs`: 20 of u1 take 3 bytes, not 2",
        ),
        (
            changed(&|m| m["packed"]["signs"] = serde_json::json!(["f32", [11]])),
            "`signs`: a tensor of shape [11]",
        ),
        // Its two bytes are half of a value.
        (
            changed(&|m| m["packed"]["signs"] = serde_json::json!(["f32", [0]])),
            "`signs`: a tensor of shape [0]",
        ),
        (changed(&|m| m["packed"]["lost"] = serde_json::json!(["u1", [1]])), "name a tensor `lost`"),
        (changed(&|m| m["ranges"]["relu"]["max"] = (-1).into()), "expected finite bounds"),
    ] {
        assert!(found.contains(expected), "{found}");
    }
}

#[test]
fn names_that_meet_and_keys_that_are_the_file_s_own_are_refused() {
    let mut twice = integers();
    let value = twice.state.0["signs"].clone();
    twice.state.0.insert("i4.weight_scale".into(), value);
    let error = twice.to_bytes().unwrap_err().to_string();
    assert!(error.contains("two of its tensors are called `i4.weight_scale`"), "{error}");
    let own = StateFile { metadata: serde_json::json!({"ranges": 1}), ..file() };
    let error = own.to_bytes().unwrap_err().to_string();
    assert!(error.contains("the key `ranges` of its metadata is the file's own"), "{error}");
    let list = StateFile { metadata: serde_json::json!([1]), ..integers() };
    assert!(list.to_bytes().unwrap_err().to_string().contains("the metadata are no object"));
}
