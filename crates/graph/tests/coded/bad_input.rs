//! Files that are refused, in one line each.

use sapwood_codec::{Coded, Coder};
use sapwood_graph::{Array, Per, Quantized, StateFile};

use crate::{
    files::every_kind,
    mutations::{piece_sealed, pieces, sealed},
};

fn refused(bytes: &[u8]) -> String {
    let said = StateFile::from_bytes(bytes).unwrap_err().to_string();
    assert!(!said.contains('\n') && said.starts_with("not a usable coded network: "), "{said}");
    said
}

fn small() -> StateFile {
    let mut file = StateFile::default();
    let weight = |at: usize| if at.is_multiple_of(5) { [0.5f32, -0.25, 1.5][at % 3] } else { 0.0 };
    file.state.0.insert("fc.weight".into(), Array::from_fn([60, 50], weight));
    file
}

#[test]
fn any_truncation_and_any_altered_byte_is_an_error() {
    let bytes = small().to_coded().unwrap().bytes;
    // A file of which the first bytes are gone is another kind of file.
    for end in 5..bytes.len() {
        assert!(refused(&bytes[..end]).ends_with("it was cut short or altered; get the file again"), "{end}");
    }
    for at in 6..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 0x10;
        assert!(refused(&altered).contains("its checksum is wrong"), "{at}");
    }
}

#[test]
fn a_later_version_and_codes_of_a_later_version_are_named() {
    let mut later = every_kind().to_coded().unwrap().bytes;
    later[5] = 9;
    assert!(refused(&later).ends_with("it is of version 9, and version 1 is read: use a newer Sapwood"));
    let mut codes = pieces(&small().to_coded().unwrap().bytes);
    codes[1][3] = 7;
    let said = refused(&sealed(&[codes[0].clone(), piece_sealed(codes[1].clone())]));
    assert!(said.contains("tensor `fc.weight`: a coded tensor of version 7: expected 1 at most"), "{said}");
}

#[test]
fn a_codebook_that_does_not_fit_its_codes_is_refused() {
    let codes = |values: &[i8]| Coder::rows(50).encode(values).unwrap().into_bytes();
    let mut parts = pieces(&small().to_coded().unwrap().bytes);
    // Bytes where floats should be, and fewer values than the tensor has.
    parts[1] = codes(&[1; 3000]);
    assert!(refused(&sealed(&parts)).contains("tensor `fc.weight`: a coded tensor of i8: expected f32"));
    parts[1] = Coder::rows(50).encode(&[0.5f32; 2999]).unwrap().into_bytes();
    assert!(refused(&sealed(&parts)).contains("tensor `fc.weight`: 2999 values where 3000 should be"));
    parts[1] = Coder::rows(50).encode(&[0.5f32; 3001]).unwrap().into_bytes();
    assert!(refused(&sealed(&parts)).contains("a coded tensor of 3001 values: expected 3000 at most"));
    // Two values in the codebook, and codes of three: the longer codebook's codes behind the shorter one.
    use sapwood_codec::{Code, Positions};
    let coder = Coder::rows(50).code(Code::Raw).positions(Positions::Inline);
    let three: Vec<i32> = (0..3000).map(|at| at % 3).collect();
    let two: Vec<i32> = (0..3000).map(|at| at % 2).collect();
    let (three, two) = (coder.encode(&three).unwrap().into_bytes(), coder.encode(&two).unwrap().into_bytes());
    let header = 8;
    let codebook = |bytes: &[u8]| 2 + usize::from(bytes[header + 1]);
    let mixed = [&two[..header + codebook(&two)], &three[header + codebook(&three)..]].concat();
    let found = Coded::open(piece_sealed(mixed), 3000).unwrap().decode::<i32>();
    assert!(found.is_err(), "{found:?}");
}

#[test]
fn a_small_file_that_says_it_is_huge_takes_no_memory() {
    let text = r#"{"metadata":null,"pieces":[[["w","f32",[4000000000,4000000000],0]]]}"#;
    let text: Vec<i8> = text.bytes().map(|byte| byte as i8).collect();
    let header = Coder::rows(1).encode(&text).unwrap().into_bytes();
    let said = refused(&sealed(&[header, Vec::new()]));
    assert!(said.contains("would be more than"), "{said}");
}

#[test]
fn names_that_meet_and_masks_that_do_not_fit_are_refused_when_written() {
    let mut file = every_kind();
    let value = file.state.0["signs"].clone();
    file.state.0.insert("i4.weight_scale".into(), value);
    let said = file.to_coded().unwrap_err().to_string();
    assert!(said.contains("two of its tensors are called `i4.weight_scale`"), "{said}");
    let mut file = small();
    file.masks.insert("fc.weight".into(), [true].into_iter().collect());
    assert!(file.to_coded().unwrap_err().to_string().contains("fc.weight_mask should be"));
}

/// Such a file is none that bytes come to by chance: its checksums are right.
#[test]
fn a_mask_of_what_is_no_parameter_is_refused() {
    let weight = Array::new([2, 2], vec![1i8, -2, 3, 4]).unwrap();
    let scale = Array::new([2], vec![0.5f32, 0.25]).unwrap();
    let quantized = Quantized::new(weight, Per::Axis(0), scale, None).unwrap();
    let file = StateFile { quantized: [("w".into(), quantized)].into(), ..StateFile::default() };
    let mut pieces = pieces(&file.to_coded().unwrap().bytes);
    let text = Coded::open(pieces[0].clone(), 1 << 20).unwrap().decode::<i8>().unwrap();
    let text = String::from_utf8(text.iter().map(|letter| *letter as u8).collect()).unwrap();
    let plain = "[\"w_scale\",\"f32\",[2],0]";
    assert!(text.contains(plain), "{text}");
    let masked = text.replace(plain, "[\"w_scale\",\"f32\",[2],2]");
    let code = |values: &[i8]| Coder::rows(1).encode(values).unwrap().into_bytes();
    pieces[0] = code(&masked.bytes().map(|byte| byte as i8).collect::<Vec<_>>());
    // The mask stands behind the piece of its tensor.
    let scales = if text.find("w_scale") < text.find("\"w\"") { 1 } else { 2 };
    pieces.insert(scales + 1, code(&[1, 0]));
    let said = StateFile::from_bytes(&sealed(&pieces)).unwrap_err().to_string();
    assert!(said.contains("no parameter"), "{said}");
}
