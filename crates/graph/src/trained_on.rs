//! What a network was trained on, as its weight file says it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Error, ImageFit, Preprocess, Shape};

/// The key in a weight file's metadata.
const KEY: &str = "trained_on";

/// What gives a network's outputs a meaning, and how its inputs were made: it lies beside the
/// network's options in the metadata of a weight file.
///
/// Keys that this version does not know are kept in `other` and written again, so that a file of a
/// later version passes through unharmed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainedOn {
    /// The data set's name; empty where it is not known.
    pub data: String,
    /// The shape of its examples, `[C, H, W]`, as the network was given them.
    pub input: Shape,
    /// What the outputs stand for, in their order; empty where they stand for no classes. Outputs
    /// beyond these have no name, and two may have the same, as ImageNet's two `crane`s.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    /// The stored value that stands for 1: 255 for images.
    pub scale: f64,
    /// The mean of each channel, of values in [0, 1].
    pub mean: Vec<f64>,
    /// The standard deviation of each channel.
    pub std: Vec<f64>,
    /// How images get the input's size and order of channels, where that is not as by default, or somebody said
    /// it: then data of any name are made into inputs as these weights say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageFit>,
    /// Keys of later versions.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

impl TrainedOn {
    /// What is known of a network of which somebody says how its images are made into inputs `[C, H, W]`, and
    /// nothing else.
    ///
    /// # Errors
    /// Constants for another number of channels.
    pub fn stated(preprocess: &Preprocess, input: Shape) -> Result<Self, Error> {
        let (mean, std) = preprocess.constants(input[0])?.into_iter().unzip();
        let (scale, image) = (preprocess.scale, Some(preprocess.image));
        let (data, classes, other) = (String::new(), Vec::new(), BTreeMap::new());
        Ok(Self { data, input, classes, scale, mean, std, image, other })
    }

    /// What is done with images, where these weights say it whatever the data.
    pub fn preprocess(&self) -> Option<Preprocess> {
        let Self { scale, mean, std, .. } = self;
        self.image.map(|image| Preprocess { scale: *scale, mean: mean.clone(), std: std.clone(), image })
    }

    /// Writes it into a weight file's metadata, which has to be an object.
    ///
    /// # Errors
    /// [`Error::Format`] for metadata of another kind.
    pub fn put(&self, metadata: &mut Value) -> Result<(), Error> {
        let own = serde_json::to_value(self).map_err(|error| Error::format_of(WHAT, error))?;
        let fields = metadata.as_object_mut().ok_or_else(|| wrong("the metadata are no object".into()))?;
        fields.insert(KEY.into(), own);
        Ok(())
    }

    /// Takes it out of a weight file's metadata, if it is there.
    ///
    /// # Errors
    /// [`Error::Format`] for what is no such description.
    pub fn take(metadata: &mut Value) -> Result<Option<Self>, Error> {
        let Some(own) = metadata.as_object_mut().and_then(|fields| fields.remove(KEY)) else {
            return Ok(None);
        };
        serde_json::from_value(own).map(Some).map_err(|error| Error::format_of(WHAT, error))
    }

    /// Refuses what contradicts itself, or cannot belong to a network with this number of outputs.
    ///
    /// # Errors
    /// [`Error::Format`].
    pub fn check(&self, outputs: usize) -> Result<(), Error> {
        let channels = self.input[0];
        let (means, deviations) = (self.mean.len(), self.std.len());
        let positive = |value: &f64| value.is_finite() && 0.0 < *value;
        let problem = if [means, deviations] != [channels; 2] {
            format!("{means} means and {deviations} deviations for {channels} channels")
        } else if outputs < self.classes.len() {
            format!("{} classes for {outputs} outputs", self.classes.len())
        } else if !positive(&self.scale) || !self.std.iter().all(positive) {
            "its scale and deviations have to be above 0".into()
        } else if !self.mean.iter().all(|mean| mean.is_finite()) {
            "a mean is not finite".into()
        } else {
            return self.image.map_or(Ok(()), |image| image.check());
        };
        Err(wrong(problem))
    }
}

/// What messages call it.
const WHAT: &str = "`trained_on` in a weight file";

fn wrong(problem: String) -> Error {
    Error::format(WHAT, problem)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn two() -> Value {
        json!({ "data": "own", "input": [1, 2, 2], "classes": ["a", "b"], "scale": 255, "mean": [0.1307], "std": [0.5], "blur": 7 })
    }

    #[test]
    fn what_is_put_is_taken_out_again_with_keys_of_later_versions() {
        let mut metadata = json!({ "model": "m", "trained_on": two() });
        let found = TrainedOn::take(&mut metadata).unwrap().unwrap();
        assert_eq!(metadata, json!({ "model": "m" }));
        assert_eq!((found.classes.join(" ").as_str(), &found.other["blur"]), ("a b", &json!(7)));
        found.put(&mut metadata).unwrap();
        assert_eq!(TrainedOn::take(&mut metadata).unwrap(), Some(found));
        assert_eq!(TrainedOn::take(&mut metadata).unwrap(), None);
        assert_eq!(TrainedOn::take(&mut Value::Null).unwrap(), None);
    }

    #[test]
    fn what_is_done_with_images_goes_along() {
        let preprocess: Preprocess = "imagenet, bicubic, bgr".parse().unwrap();
        let stated = TrainedOn::stated(&preprocess, [3, 4, 4]).unwrap();
        let mut metadata = json!({});
        stated.put(&mut metadata).unwrap();
        assert_eq!(
            metadata["trained_on"]["image"],
            json!({ "fit": { "crop": 0.875 }, "interpolation": "bicubic", "order": "bgr" })
        );
        let found = TrainedOn::take(&mut metadata).unwrap().unwrap();
        found.check(10).unwrap();
        assert_eq!(found.preprocess(), Some(preprocess.clone()));
        assert!(TrainedOn::stated(&preprocess, [1, 4, 4]).is_err());
        let plain = TrainedOn::take(&mut json!({ "trained_on": two() })).unwrap().unwrap();
        assert_eq!(plain.preprocess(), None);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (key, value, expected) in [
            ("classes", json!(["a", "b", "c"]), "3 classes for 2 outputs"),
            ("mean", json!([0.1, 0.2]), "2 means and 1 deviations for 1 channels"),
            ("std", json!([0]), "above 0"),
            ("scale", json!(-1), "above 0"),
            ("data", json!(null), "invalid type: null"),
            ("image", json!({ "fit": { "crop": 0 } }), "fraction of a crop is 0"),
            ("image", json!({ "fit": "squeeze" }), "unknown variant `squeeze`"),
        ] {
            let mut own = two();
            own[key] = value;
            let found = TrainedOn::take(&mut json!({ "trained_on": own }));
            let error = found.and_then(|found| found.unwrap().check(2)).unwrap_err().to_string();
            assert!(
                error.contains(expected) && (key == "image" || error.contains("`trained_on`")),
                "{error}"
            );
        }
        assert!(TrainedOn::take(&mut json!({ "trained_on": 3 })).is_err());
    }
}
