//! What the metadata of a weight file say of tensors that safetensors has no form for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{DType, Error, ParamPath, Per, Ranges};

/// The newest form that is written and read. Files without the key are of the first, which has none of
/// this.
const NEWEST: u64 = 2;
const VERSION: &str = "format";
const KEYS: [&str; 4] = [VERSION, "packed", "quantized", "ranges"];

/// The keys that stand beside the network's in the metadata of a file that needs them.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    /// Type and shape of tensors whose values share bytes; in the file they are U8.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) packed: BTreeMap<ParamPath, (DType, Vec<usize>)>,
    /// Which values share a scale, of tensors with `_scale` beside them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) quantized: BTreeMap<ParamPath, Per>,
    /// What was seen on calibration data.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) ranges: Ranges,
}

impl Form {
    /// The metadata with what has to be said here; as they were where that is nothing.
    pub(super) fn put(&self, metadata: &Value) -> Result<Value, Error> {
        if let Some(key) = KEYS.iter().find(|key| metadata.get(key).is_some()) {
            return Err(super::format(format!("the key `{key}` of its metadata is the file's own")));
        }
        let mut all = metadata.clone();
        if self.packed.is_empty() && self.quantized.is_empty() && self.ranges.is_empty() {
            return Ok(all);
        }
        if all.is_null() {
            all = Value::Object(serde_json::Map::new());
        }
        let own = serde_json::to_value(self).map_err(|error| Error::format_of(super::WHAT, error))?;
        let (Some(fields), Value::Object(own)) = (all.as_object_mut(), own) else {
            return Err(super::format("the metadata are no object".into()));
        };
        fields.insert(VERSION.into(), NEWEST.into());
        fields.extend(own);
        Ok(all)
    }

    /// Takes these keys out of the metadata.
    pub(super) fn take(metadata: &mut Value) -> Result<Self, Error> {
        let Some(fields) = metadata.as_object_mut() else { return Ok(Self::default()) };
        let Some(version) = fields.remove(VERSION) else { return Ok(Self::default()) };
        if !version.as_u64().is_some_and(|version| (1..=NEWEST).contains(&version)) {
            return Err(super::format(format!(
                "it is of format {version}, and formats 1 to {NEWEST} are read: a newer version wrote it"
            )));
        }
        let own = KEYS.iter().filter_map(|key| fields.remove_entry(*key)).collect();
        if fields.is_empty() {
            *metadata = Value::Null;
        }
        serde_json::from_value(Value::Object(own)).map_err(super::metadata)
    }
}
