//! What a pruned network learns of the dense one, as a study's file says it.

use std::fmt;

use sapwood_train::Distillation;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::{Map, Value};

/// `distill` of a method: `"none"`; a way by its name, with its customary numbers; or `{ method = "kd", temperature = 2 }`,
/// of which what is left out is customary.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distill(pub Option<Distillation>);

/// What it may be called.
const NAMES: &[&str] = &["none", "kd", "dkd", "at", "features", "blocks"];

/// A way with the numbers that a single training takes where none are given.
fn customary(name: &str) -> Option<Distillation> {
    Some(match name {
        "kd" => Distillation::Kd { temperature: 4.0, weight: 0.9 },
        "dkd" => Distillation::Dkd { temperature: 4.0, alpha: 1.0, beta: 8.0, warm_up: 0 },
        "at" => Distillation::At { weight: 1000.0 },
        "features" => Distillation::Features { weight: 1.0 },
        "blocks" => Distillation::Blocks,
        _ => return None,
    })
}

/// A way's name, and its numbers by theirs.
fn parts(how: Distillation) -> (&'static str, Vec<(&'static str, f64)>) {
    match how {
        Distillation::Kd { temperature, weight } => {
            ("kd", vec![("temperature", temperature), ("weight", weight)])
        }
        Distillation::Dkd { temperature, alpha, beta, warm_up } => {
            let warm_up = ("warm-up", warm_up as f64);
            ("dkd", vec![("temperature", temperature), ("alpha", alpha), ("beta", beta), warm_up])
        }
        Distillation::At { weight } => ("at", vec![("weight", weight)]),
        Distillation::Features { weight } => ("features", vec![("weight", weight)]),
        Distillation::Blocks => ("blocks", Vec::new()),
    }
}

/// What tables call it: `distilled by kd`, and whatever number is not customary, so that two that differ have two names.
pub(super) fn name(how: Distillation) -> String {
    let (name, numbers) = parts(how);
    let usual = customary(name).map_or(Vec::new(), |usual| parts(usual).1);
    let others = numbers.iter().filter(|number| !usual.contains(number));
    others.fold(format!("distilled by {name}"), |text, (key, value)| format!("{text}, {key} {value}"))
}

impl Serialize for Distill {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            None => serializer.serialize_str("none"),
            Some(how) => how.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Distill {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NameOrNumbers)
    }
}

/// Unlike an untagged enum it keeps the message of what is wrong with the value.
struct NameOrNumbers;

impl<'de> Visitor<'de> for NameOrNumbers {
    type Value = Distill;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what is learnt of the dense run, as in \"kd\" or { method = \"kd\", temperature = 2 }")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Distill, E> {
        match (name, customary(name)) {
            ("none", _) => Ok(Distill(None)),
            (_, Some(how)) => Ok(Distill(Some(how))),
            (_, None) => Err(E::unknown_variant(name, NAMES)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Distill, A::Error> {
        let mut settings = Map::<String, Value>::deserialize(MapAccessDeserializer::new(map))?;
        let usual = settings.get("method").and_then(Value::as_str).and_then(customary);
        if let Some(Ok(Value::Object(usual))) = usual.map(serde_json::to_value) {
            for (key, value) in usual {
                settings.entry(key).or_insert(value);
            }
        }
        serde_json::from_value(Value::Object(settings))
            .map(|how| Distill(Some(how)))
            .map_err(A::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Distill, String> {
        #[derive(Deserialize)]
        struct File {
            distill: Distill,
        }
        let file: Result<File, _> = toml::from_str(&format!("distill = {text}"));
        file.map(|file| file.distill).map_err(|error| error.message().into())
    }

    #[test]
    fn what_is_left_out_is_customary_and_says_nothing() {
        assert_eq!(read("\"none\""), Ok(Distill(None)));
        assert_eq!(read("\"kd\""), Ok(Distill(Some(Distillation::default()))));
        for name in &NAMES[1..] {
            let Ok(Distill(Some(how))) = read(&format!("\"{name}\"")) else { panic!("{name}") };
            assert_eq!(read(&format!("{{ method = \"{name}\" }}")), Ok(Distill(Some(how))));
            assert_eq!(super::name(how), format!("distilled by {name}"));
            let text = serde_json::to_string(&Distill(Some(how))).unwrap();
            assert_eq!(serde_json::from_str::<Distill>(&text).unwrap(), Distill(Some(how)), "{text}");
        }
        let kd = |temperature, weight| Distillation::Kd { temperature, weight };
        let warm = read("{ method = \"kd\", temperature = 2 }");
        assert_eq!(warm, Ok(Distill(Some(kd(2.0, 0.9)))));
        assert_eq!(name(kd(2.0, 0.5)), "distilled by kd, temperature 2, weight 0.5");
        let Ok(Distill(Some(dkd))) = read("{ method = \"dkd\", warm_up = 3 }") else { panic!() };
        assert_eq!(name(dkd), "distilled by dkd, warm-up 3");
    }

    #[test]
    fn what_is_no_way_of_learning_is_named_with_those_that_are() {
        let refused = |text: &str, expected: &str| {
            let said = read(text).unwrap_err();
            assert!(said.contains(expected), "{said}");
        };
        refused("\"kdd\"", "unknown variant `kdd`, expected one of `none`, `kd`");
        refused("{ method = \"kd\", tempratur = 2 }", "unknown field `tempratur`");
        refused("{ method = \"kd\", beta = 2 }", "unknown field `beta`, expected `temperature` or `weight`");
        refused("{ temperature = 2 }", "missing field `method`");
        refused("4", "what is learnt of the dense run");
    }
}
