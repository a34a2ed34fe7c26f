//! Coded tensors that something has happened to.

use sapwood_codec::{Code, Coded, Coder, Positions};

use super::sources::{Random, codes, weights};

/// No tensor that is opened may have more values than this.
pub(crate) const MOST: usize = 4000;

/// Tensors of each kind in each code, small ones, so that most bytes matter.
pub(crate) fn tensors() -> Vec<Vec<u8>> {
    let mut random = Random(7);
    let mut tensors = Vec::new();
    let (sparse, dense) = (codes(900, 8, &mut random), codes(300, 1, &mut random));
    let floats = weights(500, 5, &mut random);
    let clustered: Vec<f32> = sparse.iter().map(|code| *code as f32 / 8.0).collect();
    let wild: Vec<i32> = (0..200).map(|_| random.next() as i32).collect();
    let bytes: Vec<i8> = (0..300).map(|_| random.normal() as i8 * 4).collect();
    for code in Code::ALL {
        for positions in Positions::ALL {
            let coder = Coder::rows(30).code(code).positions(positions);
            let coded = [
                coder.encode(&sparse),
                coder.encode(&dense),
                coder.encode(&floats),
                coder.encode(&clustered),
                coder.encode(&wild),
                coder.encode(&bytes),
            ];
            tensors.extend(coded.into_iter().flatten().map(Coded::into_bytes));
        }
    }
    tensors
}

/// Changes, removes, repeats or inserts some bytes.
pub(crate) fn mutate(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..1 + random.below(3) {
        let at = random.below(bytes.len().max(1));
        match random.below(6) {
            0 | 1 if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
            2 if !bytes.is_empty() => bytes[at] = random.next() as u8,
            3 => bytes.truncate(at),
            4 => bytes.insert(at, [0, 1, 0x7f, 0x80, 0xff][random.below(5)]),
            _ => {
                let end = (at + random.below(9)).min(bytes.len());
                let piece = bytes[at.min(end)..end].to_vec();
                let to = random.below(bytes.len() + 1);
                bytes.splice(to..to, piece);
            }
        }
    }
    bytes
}

/// Gives bytes a checksum that is right.
pub(crate) fn seal(bytes: &mut Vec<u8>) {
    bytes.truncate(bytes.len().saturating_sub(4));
    bytes.extend(crc32fast::hash(bytes).to_le_bytes());
}

/// Opens and decodes as what it claims to be, in one piece and in several. Says whether that went well.
pub(crate) fn decodes(bytes: &[u8]) -> bool {
    use sapwood_codec::{Bf16, Element, F16, Kind};
    fn all<T: Element>(coded: &Coded) -> bool {
        let Ok(values) = coded.decode::<T>() else { return false };
        assert_eq!(values.len(), coded.count());
        assert!(values.len() <= MOST);
        coded.parts().is_ok()
    }
    let Ok(coded) = Coded::open(bytes, MOST) else { return false };
    match coded.kind() {
        Kind::I32 => all::<i32>(&coded),
        Kind::F32 => all::<f32>(&coded),
        Kind::F16 => all::<F16>(&coded),
        Kind::Bf16 => all::<Bf16>(&coded),
        Kind::I8 => all::<i8>(&coded),
    }
}

/// Decodes a number of mutated tensors. Says how many of those with a right checksum decoded.
///
/// # Panics
/// If one with a wrong checksum does.
pub(crate) fn fuzz(mutations: usize, seed: u64) -> usize {
    let tensors = tensors();
    let mut random = Random(seed);
    let mut decoded = 0;
    for number in 0..mutations {
        let tensor = &tensors[number % tensors.len()];
        // Those that the checksum would give away are decoded at every fourth time only.
        let mut mutated = mutate(tensor, &mut random);
        if number % 4 == 0 {
            assert!(mutated == *tensor || !decodes(&mutated), "mutation {number} went unnoticed");
        } else {
            seal(&mut mutated);
            decoded += usize::from(decodes(&mutated));
        }
    }
    decoded
}
