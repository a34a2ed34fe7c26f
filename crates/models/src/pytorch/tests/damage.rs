//! Files that were cut, changed, or made to harm.

use super::*;

/// Files of every container and every kind of content.
const FILES: &[&str] = &[
    "objects.pt",
    "objects-protocol-4.pt",
    "objects-legacy.pt",
    "strided-legacy.pt",
    "sparse.pt",
    "unreadable.pt",
    "module.pt",
    "deflated.pt",
    "without-checksums.pt",
    "state-protocol-0.pkl",
    "state-protocol-2.pkl",
    "state-protocol-5.pkl",
    "arrays-protocol-0.pkl",
    "arrays-protocol-5.pkl",
];

/// The bytes of all tensors.
fn held(node: &Node) -> usize {
    match node {
        Node::Tensor(Stored::Value(value) | Stored::Sparse { value, .. }) => value.as_bytes().len(),
        Node::Tensor(Stored::Unreadable(why)) => why.len(),
        Node::Dictionary(nodes) => nodes.iter().map(|(key, node)| key.len() + held(node)).sum(),
    }
}

#[test]
fn a_file_that_was_cut_anywhere_is_an_error() {
    for name in FILES {
        let bytes = file(name);
        for end in 0..bytes.len() {
            let problem = read(&bytes[..end]).err().unwrap_or_else(|| panic!("{name} cut to {end} bytes"));
            assert!(!problem.to_string().contains('\n'), "{problem}");
        }
    }
}

#[test]
fn a_file_that_was_changed_anywhere_is_read_or_refused() {
    // A generator of its own: what is tried is the same in every run.
    let mut state = 1u64;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let (mut read_anyway, mut refused) = (0, 0);
    for name in FILES {
        let whole = file(name);
        for _ in 0..1500 {
            let mut bytes = whole.clone();
            for _ in 0..=next(3) {
                let at = next(bytes.len());
                match next(4) {
                    0 => bytes[at] = next(256) as u8,
                    1 => bytes[at] ^= 1 << next(8),
                    2 => drop(bytes.remove(at)),
                    _ => bytes.insert(at, bytes[next(bytes.len())]),
                }
            }
            match read(&bytes) {
                Ok(node) => {
                    read_anyway += 1;
                    // Text of problems may repeat; no tensor is larger than a budget that is far below 64 MiB here.
                    assert!(held(&node) < 1 << 20, "{name}: {} bytes", held(&node));
                }
                Err(_) => refused += 1,
            }
        }
    }
    assert!(read_anyway > 1000 && refused > 1000, "{read_anyway} were read, {refused} refused");
}

/// A file of the older format: `program` makes what was saved of the storage `0`.
fn legacy(program: &[u8], values: &[f32]) -> Vec<u8> {
    let mut bytes =
        b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}.\x80\x02".to_vec();
    bytes.extend_from_slice(program);
    bytes.extend_from_slice(b".\x80\x02]U\x010a.");
    bytes.extend_from_slice(&(values.len() as u64).to_le_bytes());
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

/// A tensor of the storage `0`, which is said to be a part of another one: `part` is `N` or a tuple.
fn tensor(part: &str, offset: &str, sizes: &str, strides: &str) -> Vec<u8> {
    let storage = format!("(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x06{part}tQ");
    format!("ctorch._utils\n_rebuild_tensor_v2\n({storage}{offset}{sizes}{strides}I00\nN}}tR").into_bytes()
}

#[test]
fn views_that_reach_beyond_their_storage_are_refused_and_parts_of_storages_read() {
    let whole = legacy(&tensor("N", "I0\n", "(I2\nI3\nt", "(I3\nI1\nt"), &W);
    assert_floats(&read(&whole).unwrap(), &[], &[2, 3], &W);
    let part = legacy(&tensor("(U\x011I2\nI3\nt", "I1\n", "(I2\nt", "(I1\nt"), &W);
    assert_floats(&read(&part).unwrap(), &[], &[2], &W[3..5]);
    let huge = "I4611686018427387904\n";
    for (part, offset, sizes, strides, words) in [
        ("N", "I1\n", "(I2\nI3\nt", "(I3\nI1\nt", "has only 6 elements"),
        ("N", "I0\n", "(I2\nt", &format!("({huge}t"), "has only 6 elements"),
        ("N", huge, "(I1\nt", "(I1\nt", "has only 6 elements"),
        ("(U\x011I4\nI3\nt", "I0\n", "(I1\nt", "(I1\nt", "a part that its storage does not have"),
        ("N", "I0\n", &format!("({huge}{huge}t"), "(I0\nI0\nt", "which no memory holds"),
        ("N", "I0\n", "(I1000000000\nt", "(I0\nt", "of 4000000000 bytes, and all that"),
        ("N", "I0\n", "(I2\nt", "(I-1\nt", "with strides that are none"),
        ("N", "I-1\n", "(I2\nt", "(I1\nt", "at an offset that is none"),
        ("N", "I0\n", "(I2\nt", "(I1\nI1\nt", "of 1 dimensions with 2 strides"),
    ] {
        let node = read(&legacy(&tensor(part, offset, sizes, strides), &W)).unwrap();
        assert!(unreadable(&node, &[]).contains(words), "{node:?}");
    }
}

#[test]
fn what_contains_itself_or_is_as_deep_as_the_file_is_long_ends() {
    let deep = |open: &[u8], close: &[u8], times| {
        let weight = tensor("N", "I0\n", "(I1\nt", "(I1\nt");
        legacy(&[open.repeat(times), weight, close.repeat(times)].concat(), &W)
    };
    let mut node = &read(&deep(b"}U\x01a", b"s", 100)).unwrap();
    while let Node::Dictionary(_) = node {
        node = at(node, &["a"]);
    }
    assert_floats(node, &[], &[1], &W[..1]);
    // Not even to give it free may anything go down so far.
    let node = read(&deep(b"}U\x01a", b"s", 1_000_000)).unwrap();
    assert!(format!("{node:?}").contains("below 128 dictionaries"));
    assert!(read(&deep(b"", b"\x85", 1_000_000)).is_ok());
    // Each list holds the one before it twice.
    let doubled = read(&deep(b"", b"q\0\x30]h\0ah\0a", 60));
    assert!(matches!(doubled, Err(Problem::TooMuch(_))), "{doubled:?}");
    // So does each object, among the states that it was given.
    let object = |times: usize| {
        let weight = tensor("N", "I0\n", "(I1\nt", "(I1\nt");
        let level = b"q\0\x30ctheir\nClass\n)\x81h\0bh\0b";
        legacy(&[&weight[..], &level.repeat(times)].concat(), &W)
    };
    assert!(read(&object(4)).is_ok());
    assert!(matches!(read(&object(60)), Err(Problem::TooMuch(_))));
    let barren = [&b"\x80\x02]"[..], &b"q\0\x30]h\0ah\0a".repeat(60), b"."].concat();
    assert_eq!(read(&barren), Err(Problem::NoTensors));
}

#[test]
fn objects_of_python_2_and_with_slots_are_dictionaries_of_what_they_have() {
    let weight = tensor("N", "I0\n", "(I1\nt", "(I1\nt");
    let pairs = [&b"ccollections\nOrderedDict\n(](](U\x01w"[..], &weight, b"eetR"].concat();
    assert_floats(&read(&legacy(&pairs, &W)).unwrap(), &["w"], &[1], &W[..1]);
    for state in [&b"(N}U\x01w"[..], b"(}}U\x01w", b"(}U\x01w"] {
        let end = if state == b"(}U\x01w" { &b"s}tb"[..] } else { b"stb" };
        let object = [&b"ctheir\nClass\n)\x81"[..], state, &weight, end].concat();
        assert_floats(&read(&legacy(&object, &W)).unwrap(), &["w"], &[1], &W[..1]);
    }
}

#[test]
fn a_later_value_takes_the_place_of_an_earlier_one_but_not_of_another_keys() {
    let weight = |offset| tensor("N", offset, "(I1\nt", "(I1\nt");
    let twice = [&b"}(U\x010"[..], &weight("I0\n"), b"U\x010", &weight("I3\n"), b"u"].concat();
    assert_floats(&read(&legacy(&twice, &W)).unwrap(), &["0"], &[1], &W[3..4]);
    let gone = [&b"}(U\x010"[..], &weight("I0\n"), b"U\x010NU\x011", &weight("I3\n"), b"u"].concat();
    assert_eq!(keys(&read(&legacy(&gone, &W)).unwrap()), ["1"]);
    let alike = [&b"}(U\x010"[..], &weight("I0\n"), b"K\x00", &weight("I3\n"), b"u"].concat();
    let node = read(&legacy(&alike, &W)).unwrap();
    let other = [&b"}(U\x010"[..], &weight("I0\n"), b"K\x00Nu"].concat();
    assert_floats(&read(&legacy(&other, &W)).unwrap(), &["0"], &[1], &W[..1]);
    assert!(unreadable(&node, &["0"]).contains("whose keys read alike"), "{node:?}");
}

#[test]
fn a_long_history_beside_the_weights_is_no_reason_to_refuse_them() {
    let weight = tensor("N", "I0\n", "(I1\nt", "(I1\nt");
    let losses = b"G\x3f\xf0\0\0\0\0\0\0".repeat(600_000);
    let bytes = legacy(&[&b"}(U\x01w"[..], &weight, b"U\x01l(", &losses, b"lu"].concat(), &W);
    assert_floats(&read(&bytes).unwrap(), &["w"], &[1], &W[..1]);
}

#[test]
fn lengths_that_no_file_has_are_no_reason_to_take_memory() {
    for program in [
        &b"\x80\x02X\xff\xff\xff\xff"[..],
        b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"\x80\x05\x96\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x80\x02\x8b\xff\xff\xff\x7f",
    ] {
        assert!(matches!(read(program), Err(Problem::Cut(_))), "{program:?}");
    }
    let memo = b"\x80\x02}r\xff\xff\xff\xff.";
    assert_eq!(read(memo), Err(Problem::NoTensors));
}
