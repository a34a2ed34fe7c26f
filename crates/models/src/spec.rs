//! A network of the zoo with its options.

use burn::prelude::Device;
use sapwood_core::{Graph, Shape, graph::Folding};
use serde::{Deserialize, Serialize};

use crate::{Error, Net, OnnxEnds, image_size::check_size, zoo};

/// The shortcut of the CIFAR ResNets where the shape changes (He et al. 2015,
/// section 4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shortcut {
    /// Every second pixel and zero channels: no parameters.
    A,
    /// A 1x1 convolution with batch normalisation.
    #[default]
    B,
}

/// What a Life network sees beyond the edge of the board.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Padding {
    /// Dead cells.
    #[default]
    Zeros,
    /// The opposite edge: the board is a torus.
    Circular,
}

/// A network by name, with everything that decides its shape. A weight file
/// carries it as metadata, so that no option is needed to load the file again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The name in the zoo.
    pub model: String,
    /// The input, `[C, H, W]`.
    pub input: Shape,
    /// The number of classes.
    pub classes: usize,
    /// Multiplies every hidden width, rounded up; of transformers the number of heads.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub width: f64,
    /// The shortcut of the CIFAR ResNets.
    #[serde(default, skip_serializing_if = "is_default")]
    pub shortcut: Shortcut,
    /// Game of Life: how many times the minimal network (`m`).
    #[serde(default = "unit", skip_serializing_if = "is_unit")]
    pub overcompleteness: usize,
    /// Game of Life: steps to predict (`n`).
    #[serde(default = "unit", skip_serializing_if = "is_unit")]
    pub steps: usize,
    /// Game of Life: what lies beyond the edge.
    #[serde(default, skip_serializing_if = "is_default")]
    pub padding: Padding,
    /// The layers themselves, of a network that the zoo does not know: one that was cut from a
    /// larger one. All options above are then decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<Graph>,
    /// By which choices it was cut from a larger one, as `sapwood-search` writes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<serde_json::Value>,
    /// Whether its batch normalisations lie in the weights before them: see [`fold`](crate::fold).
    #[serde(default, skip_serializing_if = "is_default")]
    pub folded: bool,
    /// What its ONNX file said beside the layers, if it came from one.
    #[serde(default, skip_serializing_if = "is_default")]
    pub onnx: OnnxEnds,
}

impl Spec {
    /// A network of the zoo at its usual input and number of classes.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a name that the zoo does not have.
    pub fn named(name: &str) -> Result<Self, Error> {
        let model = zoo::find(name)?;
        Ok(Self {
            model: model.name.into(),
            input: model.input,
            classes: model.classes,
            width: 1.0,
            shortcut: Shortcut::default(),
            overcompleteness: 1,
            steps: 1,
            padding: Padding::default(),
            layers: None,
            architecture: None,
            folded: false,
            onnx: OnnxEnds::default(),
        })
    }

    /// A network that the zoo does not know, by its layers.
    ///
    /// # Errors
    /// Layers that do not fit one another.
    pub fn of_layers(model: impl Into<String>, layers: Graph) -> Result<Self, Error> {
        let (input, classes) = (layers.input(), layers.outputs()?);
        Ok(Self {
            model: model.into(),
            input,
            classes,
            width: 1.0,
            shortcut: Shortcut::default(),
            overcompleteness: 1,
            steps: 1,
            padding: Padding::default(),
            layers: Some(layers),
            architecture: None,
            folded: false,
            onnx: OnnxEnds::default(),
        })
    }

    /// The same network with other layers, such as those that are left once channels are removed.
    ///
    /// # Errors
    /// Those of [`Spec::of_layers`].
    pub fn with_layers(&self, layers: Graph) -> Result<Self, Error> {
        let found = Self::of_layers(self.model.clone(), layers)?;
        let is_same = (found.input[0], found.classes) == (self.input[0], self.classes);
        let onnx = if is_same { self.onnx.clone() } else { self.onnx.clone().of_others() };
        Ok(Self { architecture: self.architecture.clone(), onnx, ..found })
    }

    /// The same network on another input and with another number of classes: a
    /// data set's.
    pub fn fit(self, input: Shape, classes: usize) -> Self {
        Self { input, classes, ..self }
    }

    /// The layers.
    ///
    /// # Errors
    /// [`Error::Option`] for an option out of its bounds, or at odds with the layers that are given;
    /// [`Error::Unknown`]; [`Error::Input`] where the network does not take the input.
    pub fn graph(&self) -> Result<Graph, Error> {
        let graph = self.unfolded()?;
        Ok(if self.folded { Folding::of(&graph).graph().clone() } else { graph })
    }

    /// The layers as they were trained.
    pub(crate) fn unfolded(&self) -> Result<Graph, Error> {
        let wrong = |option, expected, found: String| Err(Error::Option { option, expected, found });
        if !(self.width > 0.0 && self.width <= 64.0) {
            return wrong("width", "a factor above 0 and at most 64", self.width.to_string());
        }
        // The bounds are those of networks of the zoo: within them no cost overflows 64 bits. Layers that are given have
        // those of [`Graph::dims_at`].
        if let Some(layers) = &self.layers {
            let same = self.width == 1.0 && self.overcompleteness == 1 && self.steps == 1;
            return match layers.outputs()? == self.classes && layers.input()[0] == self.input[0] && same {
                true => Ok(layers.clone()),
                false => {
                    wrong("model", "a network of the zoo: this one's layers are given", self.model.clone())
                }
            };
        }
        for (option, values, most, expected) in [
            ("classes", &[self.classes] as &[usize], 1 << 24, "1 to 16777216"),
            ("overcompleteness", &[self.overcompleteness], 1 << 12, "1 to 4096"),
            ("steps", &[self.steps], 1 << 10, "1 to 1024"),
            ("input", &self.input, 1 << 20, "1 to 1048576 in each dimension"),
        ] {
            if let Some(value) = values.iter().find(|value| !(1..=most).contains(*value)) {
                return wrong(option, expected, value.to_string());
            }
        }
        let values: u128 = self.input.iter().map(|side| *side as u128).product();
        if 1 << 42 < values {
            return wrong("input", "at most 4398046511104 values", values.to_string());
        }
        (zoo::find(&self.model)?.build)(self).map_err(|error| self.refuse(self.input, error))
    }

    /// The shape of one output, `[K, 1, 1]` for `K` classes, for inputs that may
    /// have another size than the network's own.
    ///
    /// # Errors
    /// Those of [`Spec::graph`]; [`Error::Input`] for inputs that the layers do not take, for whose size the zoo has
    /// other layers, or of another size than that of the images whose places a transformer has learnt.
    pub fn output(&self, input: Shape) -> Result<Shape, Error> {
        let graph = self.graph()?;
        check_size(&graph, input).map_err(|error| self.refuse(input, error))?;
        let shapes = graph.shapes(input).map_err(|error| self.refuse(input, error))?;
        self.check_layers(input)?;
        Ok(graph.ends().first().and_then(|end| shapes.get(*end)).copied().unwrap_or(input))
    }

    /// Refuses inputs of a size for which the zoo has other layers: TensorFlow's padding depends on it.
    fn check_layers(&self, input: Shape) -> Result<(), Error> {
        if self.layers.is_some() || input == self.input {
            return Ok(());
        }
        let (own, others) = (self.unfolded()?, self.clone().fit(input, self.classes).unfolded()?);
        match own.nodes().iter().zip(others.nodes()).find(|(own, other)| own != other) {
            None => Ok(()),
            Some((node, _)) => {
                let [_, height, width] = self.input;
                let problem =
                    format!("it was made for inputs of {height}x{width}, and not for these: give it such");
                let layer = node.name.clone();
                Err(self.refuse(input, sapwood_core::graph::Error::Graph { layer, problem }))
            }
        }
    }

    fn refuse(&self, input: Shape, error: sapwood_core::graph::Error) -> Error {
        match error {
            sapwood_core::graph::Error::Graph { .. } => {
                Error::Input { model: self.model.clone(), input, error: error.into() }
            }
            error => error.into(),
        }
    }

    /// The network on a device, with all weights zero.
    ///
    /// # Errors
    /// Those of [`Spec::graph`].
    pub fn net(&self, device: &Device) -> Result<Net, Error> {
        Ok(Net::new(self.graph()?, device))
    }

    /// A hidden width, multiplied and rounded up. What is within 1e-9 of a whole
    /// number is that number: a factor of 3/20 of 20 channels is 3 channels.
    pub(crate) fn width(&self, channels: usize) -> usize {
        (channels as f64 * self.width - 1e-9).ceil() as usize
    }
}

fn one() -> f64 {
    1.0
}

fn is_one(width: &f64) -> bool {
    *width == 1.0
}

fn unit() -> usize {
    1
}

fn is_unit(n: &usize) -> bool {
    *n == 1
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_may_be_as_large_as_its_layers_say() {
        // A second of sound, and a picture of 21 classes for each of its pixels.
        let mut g = Graph::builder([1, 1, 22_050]);
        g.conv("conv", g.input(), sapwood_core::Conv::new(1, [1, 3]));
        let sound = Spec::of_layers("sound", g.finish().unwrap()).unwrap();
        assert_eq!(sound.output([1, 1, 22_050]).unwrap(), [1, 1, 22_048]);
        let mut g = Graph::builder([3, 1024, 1024]);
        g.conv("conv", g.input(), sapwood_core::Conv::new(21, 1));
        let pixels = Spec::of_layers("pixels", g.finish().unwrap()).unwrap();
        assert_eq!(pixels.output([3, 1024, 1024]).unwrap(), [21, 1024, 1024]);
        assert!(pixels.output([3, 1 << 30, 1 << 30]).unwrap_err().to_string().contains("too large"));
        assert!(pixels.output([3, 0, 1024]).is_err());

        let rows = |features: usize| Spec::named("lenet-300-100").unwrap().fit([features, 1, 1], 2);
        assert_eq!(rows(20_531).output([20_531, 1, 1]).unwrap(), [2, 1, 1]);
        let refused = |spec: Spec| spec.graph().unwrap_err().to_string();
        assert!(refused(rows(1 << 21)).contains("1 to 1048576 in each dimension"));
        assert!(refused(rows(1).fit([1 << 20; 3], 2)).contains("at most 4398046511104 values"));
    }

    #[test]
    fn padding_that_depends_on_the_size_of_the_input_is_that_of_no_other_size() {
        let narrow = |model: &str| Spec { width: 0.1, ..Spec::named(model).unwrap() };
        let tensorflow = narrow("tf-efficientnet-b0");
        let refused = tensorflow.output([3, 240, 240]).unwrap_err().to_string();
        assert!(refused.contains("made for inputs of 224x224"), "{refused}");
        // Of even sizes all the way down the padding is the same.
        assert_eq!(tensorflow.output([3, 256, 256]).unwrap(), [1000, 1, 1]);
        assert_eq!(tensorflow.clone().fit([3, 240, 240], 5).output([3, 240, 240]).unwrap(), [5, 1, 1]);
        assert_eq!(narrow("efficientnet-b0").output([3, 240, 240]).unwrap(), [1000, 1, 1]);
    }
}
