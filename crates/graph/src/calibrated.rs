//! How the integers of a weight file were chosen.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Error, Scheme};

/// The key in a weight file's metadata.
const KEY: &str = "calibrated";

/// How the values of a network are rounded, and by which examples that was decided: it lies beside the network's
/// options in the metadata of a weight file with integers, whose [`Ranges`](crate::Ranges) name the values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibrated {
    /// How the values that have a range are represented.
    pub activations: Scheme,
    /// How the integers of the weights were chosen: `nearest`.
    pub rounding: String,
    /// How the ranges were chosen: `min-max`.
    pub ranges: String,
    /// The number of examples.
    pub examples: usize,
    /// BLAKE3 of the examples, in hexadecimal.
    pub digest: String,
}

impl Calibrated {
    /// Writes it into a weight file's metadata, which has to be an object.
    ///
    /// # Errors
    /// [`Error::Format`] for metadata of another kind.
    pub fn put(&self, metadata: &mut Value) -> Result<(), Error> {
        let own = serde_json::to_value(self).map_err(|error| Error::format_of(WHAT, error))?;
        let fields = metadata.as_object_mut();
        let fields = fields.ok_or_else(|| Error::format(WHAT, "the metadata are no object"))?;
        fields.insert(KEY.into(), own);
        Ok(())
    }

    /// Takes it out of a weight file's metadata, if it is there.
    ///
    /// # Errors
    /// [`Error::Format`] for what is no such description.
    pub fn take(metadata: &mut Value) -> Result<Option<Self>, Error> {
        let own = metadata.as_object_mut().and_then(|fields| fields.remove(KEY));
        own.map(serde_json::from_value).transpose().map_err(|error| Error::format_of(WHAT, error))
    }
}

/// What messages call it.
const WHAT: &str = "`calibrated` in a weight file";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DType, Symmetry};

    #[test]
    fn what_is_put_is_taken_out_again() {
        let calibrated = Calibrated {
            activations: Scheme::new(DType::U8, Symmetry::Affine).unwrap(),
            rounding: "nearest".into(),
            ranges: "min-max".into(),
            examples: 512,
            digest: "00".into(),
        };
        let mut metadata = serde_json::json!({ "model": "m" });
        calibrated.put(&mut metadata).unwrap();
        assert_eq!(Calibrated::take(&mut metadata).unwrap(), Some(calibrated));
        assert_eq!(metadata, serde_json::json!({ "model": "m" }));
        assert_eq!(Calibrated::take(&mut Value::Null).unwrap(), None);
        assert!(Calibrated::take(&mut serde_json::json!({ "calibrated": 3 })).is_err());
    }
}
