//! What happens to files: whole ones in, spoilt ones out.

use std::ops::Range;

use rand::RngExt as _;
use sapwood_backend::Rng;

/// Numbers at which something ends, as they are written.
const NUMBERS: [&str; 24] = [
    "0",
    "-1",
    "1",
    "2",
    "0.0",
    "-0.0",
    "0.5",
    "1e308",
    "-1e308",
    "1e999",
    "1e-320",
    "nan",
    "NaN",
    "inf",
    "255",
    "256",
    "65536",
    "2147483648",
    "4294967295",
    "4294967296",
    "1000000000000",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
];
/// What else a value may be.
const WORDS: [&str; 14] = [
    "",
    "true",
    "null",
    "[]",
    "{}",
    "[[]]",
    "\"\"",
    "\"\\u0000\"",
    "\u{feff}",
    "é",
    "it",
    "ep",
    "..",
    "[[[[[[[[[[[[[[[[",
];

/// One of these files, or two of them, with up to four changes.
pub(crate) fn spoilt(seeds: &[Vec<u8>], random: &mut Rng) -> Vec<u8> {
    let mut bytes = seeds[random.random_range(0..seeds.len())].clone();
    for _ in 0..random.random_range(1..5) {
        let other = &seeds[random.random_range(0..seeds.len())];
        // The header of a safetensors file is text behind its length.
        let header = bytes.first_chunk::<8>().map(|length| u64::from_le_bytes(*length) as usize);
        match (header, std::str::from_utf8(&bytes)) {
            (_, Ok(text)) if random.random_bool(0.8) => bytes = of_text(text, other, random).into_bytes(),
            (Some(length), _)
                if bytes.get(8) == Some(&b'{') && length <= bytes.len() - 8 && random.random_bool(0.6) =>
            {
                if let Ok(text) = std::str::from_utf8(&bytes[8..8 + length]) {
                    let text = of_text(text, &[], random);
                    let length = (text.len() as u64).to_le_bytes();
                    bytes = [&length, text.as_bytes(), &bytes[8 + header.unwrap_or(0)..]].concat();
                }
            }
            _ => of_bytes(&mut bytes, other, random),
        }
    }
    // No file grows without end.
    bytes.truncate(1 << 18);
    bytes
}

fn of_bytes(bytes: &mut Vec<u8>, other: &[u8], random: &mut Rng) {
    if bytes.is_empty() {
        return bytes.extend(other);
    }
    // Where files say what is in them more often.
    let near = bytes.len().min(256);
    let at = match random.random_range(0..4) {
        0 | 1 => random.random_range(0..near),
        2 => bytes.len() - 1 - random.random_range(0..near),
        _ => random.random_range(0..bytes.len()),
    };
    let piece = |of: &[u8], random: &mut Rng| -> Vec<u8> {
        if of.is_empty() {
            return Vec::new();
        }
        let from = random.random_range(0..of.len());
        of[from..(from + random.random_range(1..64)).min(of.len())].to_vec()
    };
    match random.random_range(0..11) {
        0 | 1 => bytes[at] ^= 1 << random.random_range(0..8),
        2 => bytes[at] = [0, 1, 0x7f, 0x80, 0xfe, 0xff][random.random_range(0..6)],
        3 => bytes.truncate(at),
        4 => drop(bytes.drain(at..(at + random.random_range(1..40)).min(bytes.len()))),
        5 => {
            let again = piece(bytes, random);
            drop(bytes.splice(at..at, again));
        }
        6 => {
            let again = piece(other, random);
            drop(bytes.splice(at..at, again));
        }
        7 => {
            let tail = other.get(random.random_range(0..other.len().max(1))..).unwrap_or_default().to_vec();
            bytes.truncate(at);
            bytes.extend(tail);
        }
        8 => {
            let chunk = piece(bytes, random);
            let end = (at + chunk.len()).min(bytes.len());
            bytes[at..end].copy_from_slice(&chunk[..end - at]);
        }
        _ => number(bytes, at, random),
    }
}

/// A number of 2, 4 or 8 bytes becomes one at which something ends, or the next one.
fn number(bytes: &mut [u8], at: usize, random: &mut Rng) {
    let width = [2, 4, 8][random.random_range(0..3)];
    let Some(place) = bytes.get_mut(at..at + width) else { return };
    let is_big = random.random_bool(0.5);
    let mut value = place.iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
    if !is_big {
        value = value.swap_bytes() >> (64 - 8 * width);
    }
    let all = u64::MAX >> (64 - 8 * width);
    value = match random.random_range(0..9) {
        0 => 0,
        1 => all,
        2 => all >> 1,
        3 => (all >> 1) + 1,
        4 => value.wrapping_add(1),
        5 => value.wrapping_sub(1),
        6 => value << 8,
        7 => 1 << random.random_range(0..8 * width),
        _ => value.wrapping_mul(2),
    };
    let of_eight = value.to_be_bytes();
    place.copy_from_slice(&of_eight[8 - width..]);
    if !is_big {
        place.reverse();
    }
}

/// Words of a text: names and numbers.
fn words(text: &str) -> Vec<Range<usize>> {
    let is_part = |letter: char| letter.is_alphanumeric() || "_.+-".contains(letter);
    let (mut words, mut from) = (Vec::new(), None);
    for (at, letter) in text.char_indices().chain([(text.len(), ' ')]) {
        match (is_part(letter), from) {
            (true, None) => from = Some(at),
            (false, Some(start)) => {
                words.push(start..at);
                from = None;
            }
            _ => {}
        }
    }
    words
}

fn of_text(text: &str, other: &[u8], random: &mut Rng) -> String {
    let mut text = text.to_string();
    let found = words(&text);
    if found.is_empty() {
        return text + NUMBERS[random.random_range(0..NUMBERS.len())];
    }
    let word = found[random.random_range(0..found.len())].clone();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let line = random.random_range(0..lines.len());
    match random.random_range(0..10) {
        0..3 => {
            // A number in the place of a number, where there is one.
            let numbers: Vec<_> =
                found.iter().filter(|word| text[(*word).clone()].parse::<f64>().is_ok()).collect();
            let word = if numbers.is_empty() {
                word
            } else {
                numbers[random.random_range(0..numbers.len())].clone()
            };
            text.replace_range(word, NUMBERS[random.random_range(0..NUMBERS.len())]);
        }
        3 => text.replace_range(word, WORDS[random.random_range(0..WORDS.len())]),
        4 => {
            let other = std::str::from_utf8(other).unwrap_or_default();
            let theirs = words(other);
            let own = text[found[random.random_range(0..found.len())].clone()].to_string();
            let new = match theirs.is_empty() {
                true => own,
                false => other[theirs[random.random_range(0..theirs.len())].clone()].to_string(),
            };
            text.replace_range(word, &new);
        }
        5 => drop(text.drain(word)),
        6 => {
            text =
                [&lines[..line], &lines[line.saturating_sub(random.random_range(0..3))..]].concat().concat()
        }
        7 => {
            let mut lines = lines;
            lines.remove(line);
            text = lines.concat();
        }
        8 => {
            let again = text[word.clone()].repeat(random.random_range(2..6));
            text.replace_range(word, &again);
        }
        _ => {
            let mut bytes = text.into_bytes();
            of_bytes(&mut bytes, other, random);
            text = String::from_utf8_lossy(&bytes).into_owned();
        }
    }
    text
}
