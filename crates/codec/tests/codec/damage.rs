//! Damaged bytes are an error.

use sapwood_codec::{Coded, Coder, Error};

use crate::mutations::{MOST, decodes, fuzz, seal, tensors};

#[test]
fn a_hundred_thousand_mutations_do_not_panic_and_those_without_a_checksum_are_noticed() {
    let decoded = fuzz(100_000, 1);
    // Some are still a tensor, though another one: the decoders themselves were reached.
    assert!(1000 < decoded, "{decoded}");
}

#[test]
fn whatever_is_cut_off_or_appended_is_noticed() {
    for tensor in tensors() {
        assert!(decodes(&tensor));
        for len in 0..tensor.len() {
            assert!(!decodes(&tensor[..len]));
        }
        let mut longer = tensor.clone();
        longer.push(0);
        assert!(!decodes(&longer));
        // Also with a checksum that is right.
        seal(&mut longer);
        longer.insert(longer.len() - 4, 0);
        seal(&mut longer);
        assert!(!decodes(&longer));
    }
}

#[test]
fn an_error_says_what_was_expected_and_what_was_found() {
    let coded = Coder::rows(2).encode(&[1i32, 2, 3, 4]).unwrap();
    let message = |bytes: &[u8], most| Coded::open(bytes, most).unwrap_err().to_string();

    assert_eq!(message(b"PK", MOST), "not a coded tensor: expected it to begin with `SWC`, found [50, 4b]");
    assert_eq!(message(coded.bytes(), 3), "a coded tensor of 4 values: expected 3 at most");

    let mut altered = coded.bytes().to_vec();
    altered[8] ^= 1;
    assert!(message(&altered, MOST).starts_with("a damaged coded tensor: expected checksum "));

    let mut later = coded.bytes().to_vec();
    later[3] = 9;
    seal(&mut later);
    assert_eq!(message(&later, MOST), "a coded tensor of version 9: expected 1 at most; use a newer Sapwood");
}

#[test]
fn a_few_bytes_that_claim_to_be_much_are_refused_before_there_is_room_for_them() {
    let zeros = Coder::rows(1).encode(&vec![0i32; 1_000_000]).unwrap();
    assert!(zeros.bytes().len() < 100);
    let error = Coded::open(zeros.bytes(), 999_999).unwrap_err();
    assert!(matches!(error, Error::TooMany { most: 999_999, found: 1_000_000 }), "{error}");
}
