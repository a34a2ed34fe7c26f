//! What an ONNX file says of its ends and of itself.

use std::collections::{BTreeMap, BTreeSet};

use sapwood_core::{Shape, TrainedOn};
use sapwood_onnx::Options;
use serde::{Deserialize, Serialize};

use crate::conventions::of_onnx;

/// What the ONNX file of a network says beside its layers. An ONNX file that is written of the network again says it
/// too, so that what ran the one runs the other. Inputs have their names in the layers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnnxEnds {
    /// What its outputs are called, in their order; empty where that is as files are written here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<String>,
    /// Whether a softmax stands at its end. It is none of the network's layers.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub softmax: bool,
    /// The inputs of images whose channels come last in it. The network's come first.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub channels_last: BTreeSet<String>,
    /// The inputs of integers that have 32 bits in it; those of others have 64.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub int32: BTreeSet<String>,
    /// What it says of itself: its `metadata_props`, but for ours.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

impl OnnxEnds {
    /// The same without the names of outputs where they are as files are written here.
    pub(crate) fn with_usual_names(self) -> Self {
        let usual = |at: usize| Options::default().output(at, self.outputs.len());
        let is_usual = self.outputs.iter().enumerate().all(|(at, name)| *name == usual(at));
        if is_usual { Self { outputs: Vec::new(), ..self } } else { self }
    }

    /// Those of the network once it is one for other classes or other images. What the file says of itself may name the
    /// old ones in words that are not understood here, so all of that is left out.
    pub fn of_others(self) -> Self {
        Self { metadata: BTreeMap::new(), ..self }
    }

    /// Those of the network as it was trained last: without what the file says of itself where that names other classes,
    /// or makes images of this shape into other inputs.
    pub(crate) fn after(&self, trained_on: Option<&TrainedOn>, input: Shape) -> Self {
        let said = of_onnx(&self.metadata, input);
        match said.zip(trained_on).is_some_and(|(said, known)| is_other(&said, known)) {
            true => self.clone().of_others(),
            false => self.clone(),
        }
    }
}

/// Whether a file says other classes or inputs than are known.
fn is_other(said: &TrainedOn, known: &TrainedOn) -> bool {
    // Data sets have them in f32.
    let constants = |of: &TrainedOn| -> Vec<f32> {
        [of.scale].iter().chain(&of.mean).chain(&of.std).map(|value| *value as f32).collect()
    };
    !said.classes.is_empty() && said.classes != known.classes
        || said.image != known.image
        || constants(said) != constants(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_ultralytics() -> OnnxEnds {
        let said = [
            ("author", "Ultralytics"),
            ("task", "classify"),
            ("names", "{0: 'ash', 1: 'elm'}"),
            ("imgsz", "[8, 8]"),
        ];
        let metadata = said.map(|(key, value)| (key.to_string(), value.to_string()));
        let outputs = vec!["output0".into()];
        OnnxEnds { outputs, softmax: true, metadata: metadata.into(), ..OnnxEnds::default() }
    }

    #[test]
    fn what_names_other_classes_or_inputs_is_left_out() {
        let (ends, input) = (of_ultralytics(), [3, 8, 8]);
        let known = of_onnx(&ends.metadata, input).unwrap();
        let bare = ends.clone().of_others();
        assert_eq!((&bare.outputs[..], bare.softmax), (&["output0".to_string()][..], true));
        assert!(bare.metadata.is_empty());
        let trained = TrainedOn { data: "own".into(), ..known.clone() };
        for same in [None, Some(&known), Some(&trained)] {
            assert_eq!(ends.after(same, input), ends);
        }
        let renamed = TrainedOn { classes: vec!["elm".into(), "ash".into()], ..known.clone() };
        let scaled = TrainedOn { std: vec![0.5; 3], ..known.clone() };
        let unfitted = TrainedOn { image: None, ..known };
        for other in [renamed, scaled, unfitted] {
            assert_eq!(ends.after(Some(&other), input), bare);
        }
        // What is not understood contradicts nothing.
        let metadata = [("labels".to_string(), "ash, elm".to_string())].into();
        let unknown = OnnxEnds { metadata, ..OnnxEnds::default() };
        assert_eq!(unknown.after(Some(&trained), input), unknown);
    }

    #[test]
    fn constants_are_the_same_once_a_data_set_had_them_in_f32() {
        let said = [("Image.BitmapPixelFormat", "Rgb8"), ("Image.NominalPixelRange", "NominalRange_0_255")];
        let metadata = said.map(|(key, value)| (key.to_string(), value.to_string()));
        let ends = OnnxEnds { metadata: metadata.into(), ..OnnxEnds::default() };
        let known = of_onnx(&ends.metadata, [3, 8, 8]).unwrap();
        let std: Vec<f64> = known.std.iter().map(|std| f64::from(*std as f32)).collect();
        assert_ne!(std, known.std);
        assert_eq!(ends.after(Some(&TrainedOn { std, ..known }), [3, 8, 8]), ends);
    }

    #[test]
    fn what_is_as_it_is_written_here_is_not_said() {
        let written = |outputs: &[&str]| {
            let outputs = outputs.iter().map(ToString::to_string).collect();
            let ends = OnnxEnds { outputs, ..OnnxEnds::default() };
            serde_json::to_value(ends.with_usual_names()).unwrap()
        };
        assert_eq!(written(&["logits"]), serde_json::json!({}));
        assert_eq!(written(&["output_0", "output_1"]), serde_json::json!({}));
        assert_eq!(written(&["output_0"]), serde_json::json!({ "outputs": ["output_0"] }));
        let text = serde_json::to_string(&of_ultralytics()).unwrap();
        assert_eq!(serde_json::from_str::<OnnxEnds>(&text).unwrap(), of_ultralytics());
        assert!(serde_json::from_str::<OnnxEnds>(r#"{"later": 1}"#).is_err());
    }
}
