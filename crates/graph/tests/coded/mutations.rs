//! Coded files that something has happened to.

use sapwood_graph::StateFile;

use super::files::{Random, every_kind};

const FRONT: usize = 6;
const HASH: usize = 8;

/// Changes, removes, repeats or inserts some bytes.
pub(crate) fn mutate(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..1 + random.below(3) {
        let at = random.below(bytes.len());
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

/// The pieces of a file, each without its length.
pub(crate) fn pieces(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = &bytes[FRONT..bytes.len() - HASH];
    let mut pieces = Vec::new();
    while let Some((len, after)) = rest.split_first_chunk::<4>() {
        let (piece, after) = after.split_at(u32::from_le_bytes(*len) as usize);
        pieces.push(piece.to_vec());
        rest = after;
    }
    pieces
}

/// A file of these pieces, with the right hash.
pub(crate) fn sealed(pieces: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = b"SWNET\x01".to_vec();
    for piece in pieces {
        bytes.extend((piece.len() as u32).to_le_bytes());
        bytes.extend(piece);
    }
    let hash = blake3::hash(&bytes);
    bytes.extend(&hash.as_bytes()[..HASH]);
    bytes
}

/// A piece with the right checksum.
pub(crate) fn piece_sealed(mut piece: Vec<u8>) -> Vec<u8> {
    piece.truncate(piece.len().saturating_sub(4));
    let checksum = crc32fast::hash(&piece);
    piece.extend(checksum.to_le_bytes());
    piece
}

/// Reads this number of mutated files: of each two, one as it comes, which must be refused, and one whose
/// checksums were made right again, which may not panic. Says how many of the latter were read.
pub(crate) fn fuzz(mutations: usize, seed: u64) -> usize {
    let mut random = Random(seed.max(1));
    let file = every_kind().to_coded().unwrap().bytes;
    let whole = pieces(&file);
    let mut read = 0;
    for at in 0..mutations {
        if at % 2 == 0 {
            let mutated = mutate(&file, &mut random);
            let found = StateFile::from_bytes(&mutated);
            assert!(
                mutated == file || found.is_err(),
                "a mutated file was read, mutation {at} of seed {seed}"
            );
            continue;
        }
        let mut pieces = whole.clone();
        let which = random.below(pieces.len());
        match random.below(12) {
            0 => drop(pieces.remove(which)),
            1 => pieces.insert(which, whole[random.below(whole.len())].clone()),
            _ => pieces[which] = piece_sealed(mutate(&pieces[which], &mut random)),
        }
        read += usize::from(StateFile::from_bytes(&sealed(&pieces)).is_ok());
    }
    read
}

#[test]
fn no_mutated_file_is_read_as_whole_and_none_panics() {
    fuzz(3_000, 1);
}
