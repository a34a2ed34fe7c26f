//! The name of a parameter.

use std::{borrow::Borrow, collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

/// The path of a parameter or buffer, as PyTorch's `state_dict` names it:
/// `layer1.0.conv1.weight`. The key of every map; ordered as text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ParamPath(String);

impl ParamPath {
    /// The path of a layer's parameter of this name. Without a name it is the layer's own, as that of a learnt constant.
    ///
    /// ```
    /// # use sapwood_graph::ParamPath;
    /// assert_eq!(ParamPath::of("layer1.0.conv1", "weight").as_str(), "layer1.0.conv1.weight");
    /// assert_eq!(ParamPath::of("class_token", "").as_str(), "class_token");
    /// ```
    pub fn of(layer: &str, name: &str) -> Self {
        Self(if name.is_empty() { layer.into() } else { format!("{layer}.{name}") })
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The layer that the parameter belongs to: the path without its last part.
    ///
    /// ```
    /// # use sapwood_graph::ParamPath;
    /// assert_eq!(ParamPath::from("layer1.0.conv1.weight").layer(), "layer1.0.conv1");
    /// ```
    pub fn layer(&self) -> &str {
        self.0.rsplit_once('.').map_or("", |(layer, _)| layer)
    }

    /// Whether it belongs to one of these layers. A learnt constant is a layer that is its own parameter.
    pub fn is_of(&self, layers: &BTreeSet<String>) -> bool {
        layers.contains(self.layer()) || layers.contains(self.as_str())
    }
}

impl<T: Into<String>> From<T> for ParamPath {
    fn from(path: T) -> Self {
        Self(path.into())
    }
}

impl Borrow<str> for ParamPath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ParamPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
