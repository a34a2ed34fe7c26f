//! Keys of dictionaries as text.

use crate::pytorch::pickle::{Object, Pickle, Value};

/// A key as text: Python's `repr`, but of text itself. What would be long has no text of its own.
pub(super) fn text<'a>(pickle: &Pickle<'a>, key: Value<'a>, depth: usize) -> String {
    if let Some(text) = pickle.text(key).filter(|text| depth == 0 || text.len() < 256) {
        return if depth == 0 { text.into() } else { format!("'{text}'") };
    }
    match (key, pickle.object(key)) {
        (Value::None, _) => "None".into(),
        (Value::Bool(value), _) => if value { "True" } else { "False" }.into(),
        (Value::Int(value), _) => value.to_string(),
        (Value::Float(value), _) => format!("{value:?}"),
        (Value::Bytes(bytes), _) if depth == 0 || bytes.len() < 256 => format!("b'{}'", bytes.escape_ascii()),
        (_, Some(Object::Digits(digits))) => (*digits).into(),
        (_, Some(Object::Tuple(values))) if depth < 2 && values.len() <= 16 => {
            let values: Vec<_> = values.iter().map(|value| text(pickle, *value, depth + 1)).collect();
            format!("({})", values.join(", "))
        }
        (Value::Object(id), _) => format!("{id:?}"),
        _ => "...".into(),
    }
}
