//! What kind of run a configuration is of.

use serde_json::Value;

/// The kinds, each by a setting that all of it have and no other has.
const KINDS: [(&str, &str); 3] =
    [("network", "a compression"), ("recipe", "a training"), ("experiment", "a run of nested networks")];

/// What a folder holds, by its configuration, where that is of another kind than this one.
pub(crate) fn of_another_kind(expected: &Value, found: &Value) -> Option<String> {
    let expected = kind(expected)?;
    match kind(found) {
        Some(found) if found == expected => None,
        Some(found) => Some(format!("{found}, not {expected}")),
        None => Some(format!("a `config.json` that is no configuration of {expected}")),
    }
}

fn kind(config: &Value) -> Option<&'static str> {
    KINDS.iter().find(|(setting, _)| config.get(setting).is_some()).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_folder_of_another_kind_is_called_by_that() {
        let [compression, training] = [json!({ "network": "1f" }), json!({ "recipe": {}, "seed": 0 })];
        let somebodys = json!({ "architectures": ["ResNet"] });
        for (expected, found, said) in [
            (&compression, &training, Some("a training, not a compression")),
            (&training, &compression, Some("a compression, not a training")),
            (&training, &somebodys, Some("a `config.json` that is no configuration of a training")),
            (&training, &training, None),
            (&somebodys, &training, None),
        ] {
            assert_eq!(of_another_kind(expected, found).as_deref(), said, "{expected} {found}");
        }
    }
}
