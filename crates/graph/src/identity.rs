//! What makes settings these settings and no others: one text, and its hash.

use serde_json::Value;

/// JSON without spaces and with the keys of each object in order. Equal values give equal bytes,
/// whatever order a program's build of serde_json keeps (its feature `preserve_order`).
pub fn canonical_json(value: &Value) -> String {
    match value {
        Value::Object(fields) => object(fields),
        Value::Array(values) => {
            format!("[{}]", values.iter().map(canonical_json).collect::<Vec<_>>().join(","))
        }
        plain => plain.to_string(),
    }
}

/// BLAKE3 of [`canonical_json`], in hexadecimal: what names a run, or tells it from another.
pub fn identity(value: &Value) -> String {
    blake3::hash(canonical_json(value).as_bytes()).to_hex().to_string()
}

fn object<'a>(fields: impl IntoIterator<Item = (&'a String, &'a Value)>) -> String {
    let mut fields: Vec<(&String, &Value)> = fields.into_iter().collect();
    fields.sort_by_key(|(key, _)| *key);
    let written = fields.iter().map(|(key, value)| {
        // A text as JSON, with its quotes.
        let key = Value::from(key.as_str());
        format!("{key}:{}", canonical_json(value))
    });
    format!("{{{}}}", written.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_in_order_whatever_order_they_came_in() {
        let fields =
            [("b".to_string(), json!([1, 2.5, null])), ("a\"".to_string(), json!({ "y": 1, "x": "z" }))];
        let there = object(fields.iter().map(|(key, value)| (key, value)));
        let back = object(fields.iter().rev().map(|(key, value)| (key, value)));
        assert_eq!(there, r#"{"a\"":{"x":"z","y":1},"b":[1,2.5,null]}"#);
        assert_eq!(there, back);
        assert_eq!(canonical_json(&Value::Object(fields.into_iter().collect())), there);
    }

    #[test]
    fn an_identity_is_what_it_was_when_it_first_named_a_folder() {
        let settings = json!({ "seed": 1, "recipe": { "lr": 0.1, "epochs": 2 }, "name": "a" });
        let known = "8e4a68b7a8567d8a93f8e541330c364968062eaa47c12e6d397689c1f9afcb46";
        assert_eq!(identity(&settings), known);
        // As serde_json writes it where it keeps its keys in order.
        let text = r#"{"name":"a","recipe":{"epochs":2,"lr":0.1},"seed":1}"#;
        assert_eq!(blake3::hash(text.as_bytes()).to_hex().to_string(), known);
    }
}
