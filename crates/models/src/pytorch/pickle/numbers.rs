//! Numbers as pickles write them.

use super::value::{Object, Value};

/// Either a value that needs no object, or the object.
pub(super) enum Number<'a> {
    Small(Value<'a>),
    Large(Object<'a>),
}

/// Two's complement, little-endian, as short as it may be.
pub(super) fn integer(bytes: &[u8]) -> Number<'_> {
    if bytes.len() > 8 {
        return Number::Large(Object::Large(bytes));
    }
    let negative = bytes.last().is_some_and(|byte| *byte >= 0x80);
    let mut wide = if negative { [0xff; 8] } else { [0; 8] };
    wide[..bytes.len()].copy_from_slice(bytes);
    Number::Small(Value::Int(i64::from_le_bytes(wide)))
}

/// Digits; `00` and `01` are how protocol 0 writes booleans, and an `L` may follow.
pub(super) fn digits(text: &str) -> Option<Number<'_>> {
    match text {
        "00" => return Some(Number::Small(Value::Bool(false))),
        "01" => return Some(Number::Small(Value::Bool(true))),
        _ => (),
    }
    let text = text.strip_suffix('L').unwrap_or(text);
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if unsigned.is_empty() || !unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(match text.parse() {
        Ok(value) => Number::Small(Value::Int(value)),
        Err(_) => Number::Large(Object::Digits(text)),
    })
}
