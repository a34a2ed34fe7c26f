//! Text and bytes as the protocols 0 and 1 write them.

/// The bytes of a Python literal in quotes, or `None` if it is none.
pub(super) fn quoted(line: &[u8]) -> Option<Vec<u8>> {
    let line = line.trim_ascii();
    let (first, last) = (*line.first()?, *line.last()?);
    if line.len() < 2 || first != last || !matches!(first, b'\'' | b'"') {
        return None;
    }
    let mut bytes = Vec::with_capacity(line.len());
    let mut rest = &line[1..line.len() - 1];
    while let [byte, others @ ..] = rest {
        rest = others;
        if *byte != b'\\' {
            bytes.push(*byte);
            continue;
        }
        let [escape, others @ ..] = rest else { return None };
        rest = others;
        match escape {
            b'n' => bytes.push(b'\n'),
            b'r' => bytes.push(b'\r'),
            b't' => bytes.push(b'\t'),
            b'a' => bytes.push(7),
            b'b' => bytes.push(8),
            b'v' => bytes.push(11),
            b'f' => bytes.push(12),
            b'x' => {
                let (digits, others) = rest.split_at_checked(2)?;
                bytes.push(u8::try_from(hexadecimal(digits)?).ok()?);
                rest = others;
            }
            b'0'..=b'7' => {
                let more = rest.iter().take(2).take_while(|digit| matches!(digit, b'0'..=b'7')).count();
                let (digits, others) = rest.split_at(more);
                let octal = |value: u8, digit: &u8| value.wrapping_mul(8) | (digit - b'0');
                bytes.push(digits.iter().fold(escape - b'0', octal));
                rest = others;
            }
            b'\\' | b'\'' | b'"' => bytes.push(*escape),
            _ => bytes.extend([b'\\', *escape]),
        }
    }
    Some(bytes)
}

/// Text in Python's encoding `raw-unicode-escape`: Latin-1, with `\uXXXX` for the
/// rest. `None` where an escape is none.
pub(super) fn raw_unicode(line: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(line.len());
    let mut at = 0;
    while let Some(byte) = line.get(at) {
        let len = match (byte, line.get(at + 1)) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            _ => {
                text.push(char::from(*byte));
                at += 1;
                continue;
            }
        };
        // Half a pair of surrogates is nothing that text can hold.
        let value = hexadecimal(line.get(at + 2..at + 2 + len)?)?;
        text.push(char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER));
        at += 2 + len;
    }
    Some(text)
}

fn hexadecimal(digits: &[u8]) -> Option<u32> {
    digits
        .iter()
        .try_fold(0, |value: u32, digit| Some(value.wrapping_mul(16) | char::from(*digit).to_digit(16)?))
}
