//! timm's `config.json`: `pretrained_cfg` says how images were made, beside it may be names of classes.

use sapwood_core::{Filter, Fit, ImageFit, Preprocess, Shape, TrainedOn};
use serde_json::Value;

/// What it says; nothing, where it is another program's.
pub(super) fn of_timm(config: &Value) -> Result<Option<TrainedOn>, String> {
    let Some(stated) = config.get("pretrained_cfg") else { return Ok(None) };
    let read = |key: &str| stated.get(key).or_else(|| config.get(key)).filter(|value| !value.is_null());
    let input = read("input_size").ok_or("it has no `input_size`")?;
    let input: Shape = serde_json::from_value(input.clone())
        .map_err(|_| format!("`input_size` should be [C, H, W], but is {input}"))?;
    let numbers = |key: &str| -> Result<Vec<f64>, String> {
        let value = read(key).ok_or(format!("it has no `{key}`"))?;
        serde_json::from_value(value.clone())
            .map_err(|_| format!("`{key}` should be numbers, but is {value}"))
    };
    let interpolation = match read("interpolation").map(|value| value.as_str().unwrap_or_default()) {
        Some("bilinear") => Filter::Bilinear,
        // timm's own default.
        None | Some("bicubic") => Filter::Bicubic,
        Some("nearest") => Filter::Nearest,
        Some("lanczos") => Filter::Lanczos,
        Some(other) => {
            return Err(format!(
                "`interpolation` is `{other}`: expected nearest, bilinear, bicubic or lanczos"
            ));
        }
    };
    let fraction = read("crop_pct").map_or(Ok(0.875), |value| {
        value.as_f64().ok_or_else(|| format!("`crop_pct` should be a number, but is {value}"))
    })?;
    let fit = match read("crop_mode").map(|value| value.as_str().unwrap_or_default()) {
        None | Some("center") => Fit::Crop(fraction),
        // The whole image is resized to more than the input, and the middle cut out: at 1 nothing is.
        Some("squash") if fraction == 1.0 => Fit::Stretch,
        Some(other) => return Err(format!("`crop_mode` is `{other}` at {fraction}: expected center")),
    };
    let image = ImageFit { fit, interpolation, ..ImageFit::default() };
    let preprocess = Preprocess { scale: 255.0, mean: numbers("mean")?, std: numbers("std")?, image };
    let preprocess = preprocess.check().map_err(|error| error.to_string())?;
    let classes = match read("label_names") {
        None => Vec::new(),
        Some(names) => serde_json::from_value(names.clone())
            .map_err(|_| "`label_names` should be a list of names".to_string())?,
    };
    let stated = TrainedOn::stated(&preprocess, input).map_err(|error| error.to_string())?;
    Ok(Some(TrainedOn { classes, ..stated }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn config() -> Value {
        json!({
            "architecture": "resnet18", "num_classes": 2, "label_names": ["cat", "dog"],
            "pretrained_cfg": {
                "tag": "a1_in1k", "input_size": [3, 224, 224], "interpolation": "bicubic", "crop_pct": 0.95,
                "crop_mode": "center", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]
            }
        })
    }

    #[test]
    fn images_and_classes_are_as_the_file_says() {
        let found = of_timm(&config()).unwrap().unwrap();
        assert_eq!((found.input, found.classes.join(" ").as_str()), ([3, 224, 224], "cat dog"));
        let expected = "(x/255-[0.485,0.456,0.406])/[0.229,0.224,0.225], crop 0.95, bicubic";
        assert_eq!(found.preprocess().unwrap().to_string(), expected);
        assert_eq!(of_timm(&json!({ "architectures": ["BertModel"] })), Ok(None));
    }

    #[test]
    fn what_is_not_said_is_as_timm_has_it() {
        let mut config = config();
        let stated = config["pretrained_cfg"].as_object_mut().unwrap();
        stated.retain(|key, _| !["interpolation", "crop_pct", "crop_mode"].contains(&key.as_str()));
        let found = of_timm(&config).unwrap().unwrap().preprocess().unwrap();
        assert_eq!(found.image, "imagenet, bicubic".parse::<Preprocess>().unwrap().image);
    }

    #[test]
    fn what_is_not_done_here_is_refused() {
        for (key, value, expected) in [
            ("interpolation", json!("hamming"), "`interpolation` is `hamming`"),
            ("crop_mode", json!("border"), "`crop_mode` is `border`"),
            ("crop_pct", json!(1.2), "fraction of a crop is 1.2"),
            ("mean", json!("0.5"), "`mean` should be numbers"),
            ("mean", json!([0.5, 0.5]), "constants for 2 channels"),
            ("input_size", json!(224), "`input_size` should be [C, H, W]"),
            ("std", json!(null), "it has no `std`"),
        ] {
            let mut config = config();
            config["pretrained_cfg"][key] = value;
            let error = of_timm(&config).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
