//! What others write into the metadata of an ONNX file: the keys of ONNX's own page `MetadataProps`, and
//! Ultralytics'.

use std::collections::BTreeMap;

use sapwood_core::{Fit, ImageFit, Order, Preprocess, Shape, TrainedOn};

/// What the metadata say of the images of a network with this input; nothing, where they do not.
pub(crate) fn of_onnx(metadata: &BTreeMap<String, String>, input: Shape) -> Option<TrainedOn> {
    of_ultralytics(metadata, input).or_else(|| of_pixels(metadata, input))
}

/// `Image.BitmapPixelFormat` and `Image.NominalPixelRange`.
fn of_pixels(metadata: &BTreeMap<String, String>, input: Shape) -> Option<TrainedOn> {
    let key = |name: &str| metadata.get(name).map(|value| value.trim());
    let (order, channels) = match key("Image.BitmapPixelFormat")? {
        "Gray8" => (Order::Rgb, 1),
        "Rgb8" => (Order::Rgb, 3),
        "Bgr8" => (Order::Bgr, 3),
        _ => return None,
    };
    let (mean, std) = match key("Image.NominalPixelRange")? {
        "NominalRange_0_255" => (0.0, 1.0 / 255.0),
        "Normalized_0_1" => (0.0, 1.0),
        "Normalized_1_1" => (0.5, 0.5),
        "NominalRange_16_235" => (-16.0 / 219.0, 1.0 / 219.0),
        _ => return None,
    };
    let image = ImageFit { order, ..ImageFit::default() };
    let preprocess = Preprocess { scale: 255.0, mean: vec![mean], std: vec![std], image };
    TrainedOn::stated(&preprocess, input).ok().filter(|_| channels == input[0])
}

/// Ultralytics' classifiers: `names` of classes, and images from 0 to 1, the shorter side as long as the input's.
fn of_ultralytics(metadata: &BTreeMap<String, String>, input: Shape) -> Option<TrainedOn> {
    let key = |name: &str| metadata.get(name).map(String::as_str);
    if key("author") != Some("Ultralytics") || key("task") != Some("classify") {
        return None;
    }
    let image = ImageFit { fit: Fit::Crop(1.0), ..ImageFit::default() };
    let preprocess = Preprocess { scale: 255.0, mean: vec![0.0], std: vec![1.0], image };
    let stated = TrainedOn::stated(&preprocess, input).ok()?;
    Some(TrainedOn { classes: key("names").and_then(names).unwrap_or_default(), ..stated })
}

/// The values of a Python dictionary of numbers and strings, `{0: 'tench', 1: "it's"}`, if the numbers are 0 and up.
fn names(text: &str) -> Option<Vec<String>> {
    let mut rest = text.trim().strip_prefix('{')?.strip_suffix('}')?.trim();
    let mut names = Vec::new();
    while !rest.is_empty() {
        let (number, value) = rest.split_once(':')?;
        if number.trim().parse() != Ok(names.len()) {
            return None;
        }
        let value = value.trim_start();
        let quote = value.chars().next().filter(|c| "'\"".contains(*c))?;
        let (name, after) = value[1..].split_once(quote)?;
        if name.contains('\\') {
            return None;
        }
        names.push(name.to_string());
        rest = after.trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(pairs: &[(&str, &str)], input: Shape) -> Option<(String, Vec<String>)> {
        let metadata = pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        let found = of_onnx(&metadata, input)?;
        Some((found.preprocess().unwrap().to_string(), found.classes))
    }

    #[test]
    fn pixels_are_as_onnx_says() {
        let pixels = |format, range, input| {
            let pairs = [("Image.BitmapPixelFormat", format), ("Image.NominalPixelRange", range)];
            said(&pairs, input).map(|(text, _)| text)
        };
        assert_eq!(pixels("Rgb8", "Normalized_0_1", [3, 8, 8]).unwrap(), "(x/255-[0,0,0])/[1,1,1]");
        assert_eq!(
            pixels("Bgr8", "Normalized_1_1", [3, 8, 8]).unwrap(),
            "(x/255-[0.5,0.5,0.5])/[0.5,0.5,0.5], bgr"
        );
        assert_eq!(pixels("Gray8", "Normalized_1_1", [1, 8, 8]).unwrap(), "(x/255-0.5)/0.5");
        for (format, range, input) in [
            ("Gray8", "Normalized_0_1", [3, 8, 8]),
            ("Rgba8", "Normalized_0_1", [3, 8, 8]),
            ("Rgb8", "?", [3, 8, 8]),
        ] {
            assert_eq!(pixels(format, range, input), None);
        }
        // Black is 16, white 235.
        let video: Preprocess = pixels("Gray8", "NominalRange_16_235", [1, 8, 8]).unwrap().parse().unwrap();
        let [(mean, std)] = video.constants(1).unwrap()[..] else { panic!() };
        let seen = |byte: f64| (byte / 255.0 - mean) / std;
        assert!((seen(0.0) - 16.0).abs() < 1e-9 && (seen(255.0) - 235.0).abs() < 1e-9);
    }

    #[test]
    fn a_classifier_of_ultralytics_names_its_classes() {
        let pairs = [("author", "Ultralytics"), ("task", "classify"), ("names", "{0: 'tench', 1: \"it's\"}")];
        let (text, classes) = said(&pairs, [3, 8, 8]).unwrap();
        assert_eq!(
            (text.as_str(), classes.join("|").as_str()),
            ("(x/255-[0,0,0])/[1,1,1], crop 1", "tench|it's")
        );
        assert_eq!(said(&[("author", "Ultralytics"), ("task", "detect")], [3, 8, 8]), None);
        assert_eq!(names("{1: 'a'}"), None);
        assert_eq!(names("{0: a}"), None);
        assert_eq!(names("{}"), Some(vec![]));
    }
}
