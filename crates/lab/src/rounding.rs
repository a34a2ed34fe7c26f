//! Training with rounding, as a configuration says it.

use std::{collections::BTreeMap, fmt, str::FromStr};

use sapwood_core::{
    Exceptions, Graph, Step,
    graph::{Per, Points, Scheme},
};
use sapwood_models::{Net, Opened};
use sapwood_quant::{Qat, Rounded, named, weight_scheme};
use sapwood_train::Plan;
use serde::{Deserialize, Serialize};

use crate::Error;

/// How a network is trained that will be integers: weights and what layers read are rounded in every step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quantize {
    /// The integers of weights. With fewer than 7 bits the first and the last layer keep 8, unless `layer_bits` says
    /// otherwise (Esser et al. 2020, section 3).
    pub weights: Integers,
    /// The bits of some layers, which are described as exceptions are.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub layer_bits: BTreeMap<String, usize>,
    /// Layers that compute in floating point.
    #[serde(default, skip_serializing_if = "Exceptions::is_empty")]
    pub except: Exceptions,
    /// Whether all weights of a layer have one scale, and not each output its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub per_tensor: bool,
    /// Training examples of which the bounds are taken with which values begin.
    #[serde(default = "usual_examples", skip_serializing_if = "is_usual")]
    pub calibrate: usize,
    /// From where on steps and the statistics of normalisation stand still; otherwise in the last quarter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freeze_at: Option<Step>,
}

const EXAMPLES: usize = 512;

fn usual_examples() -> usize {
    EXAMPLES
}

fn is_usual(examples: &usize) -> bool {
    *examples == EXAMPLES
}

/// The integers of weights by their name: from `int8` to `int2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Integers {
    bits: usize,
}

impl fmt::Display for Integers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "int{}", self.bits)
    }
}

impl FromStr for Integers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bits = text.strip_prefix("int").and_then(|bits| bits.parse().ok());
        let known = bits.filter(|bits| weight_scheme(*bits, Per::Tensor).is_ok());
        let bits = known.ok_or_else(|| format!("expected int8 to int2, found `{text}`"))?;
        Ok(Self { bits })
    }
}

impl TryFrom<String> for Integers {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Integers> for String {
    fn from(integers: Integers) -> Self {
        integers.to_string()
    }
}

impl From<Integers> for Quantize {
    fn from(weights: Integers) -> Self {
        Self {
            weights,
            layer_bits: BTreeMap::new(),
            except: Exceptions::default(),
            per_tensor: false,
            calibrate: EXAMPLES,
            freeze_at: None,
        }
    }
}

/// The bits of the first and the last layer where the others have few.
const ENDS: usize = 8;

/// The bits from which on the first and the last layer are rounded as finely as the others. 7 are asked for where sums
/// of products saturate with 8, and they would in any layer.
const FOR_ALL: usize = 7;

impl Quantize {
    /// What it is called in tables.
    pub(crate) fn name(&self) -> String {
        format!("{} learnt", self.weights)
    }

    /// How that is done with a network.
    ///
    /// # Errors
    /// Exceptions that name no layer; bits that weights cannot have; nothing that could be rounded.
    pub fn qat(&self, graph: &Graph) -> Result<Qat, Error> {
        let float = named(&self.except, graph)?;
        let per = if self.per_tensor { Per::Tensor } else { Per::Axis(0) };
        let scheme = |bits: usize| -> Result<Scheme, Error> { Ok(weight_scheme(bits, per)?) };
        let points = Points::before_folding(graph, &float);
        let layers: Vec<&str> = points.layers().collect();
        let (Some(first), Some(last)) = (layers.first(), layers.last()) else {
            return Err(Error::setting(
                "quantize",
                "the network has no layer whose weights could be integers",
            ));
        };
        let mut of_layers = BTreeMap::new();
        if self.weights.bits < FOR_ALL {
            of_layers.extend([(first.to_string(), scheme(ENDS)?), (last.to_string(), scheme(ENDS)?)]);
        }
        // What is said twice the later in the order of the alphabet decides.
        for (layers, bits) in &self.layer_bits {
            let layers = named(&Exceptions::parse([layers])?, graph)?;
            let scheme = scheme(*bits)?;
            of_layers.extend(layers.into_iter().map(|layer| (layer, scheme)));
        }
        Ok(Qat { weights: scheme(self.weights.bits)?, of_layers, float, ..Qat::default() })
    }

    /// The iteration of a plan from which on steps stand still.
    ///
    /// # Errors
    /// One that comes after the last.
    pub(crate) fn frozen_from(&self, plan: &Plan) -> Result<usize, Error> {
        let Some(step) = self.freeze_at else { return Ok(plan.until - (plan.until - plan.start) / 4) };
        let from = match step {
            Step::End => plan.until,
            at => at.iterations(plan.length.per_epoch, plan.length.total),
        };
        match from <= plan.until {
            true => Ok(from),
            false => Err(Error::setting(
                "quantize.freeze_at",
                format!(
                    "{step} comes after the training, which ends at {}it: give an earlier one, or `end` for never",
                    plan.until
                ),
            )),
        }
    }
}

/// The network of a file as it means it: with its values on the grids of the integers, where it has some.
pub fn rounded(opened: &Opened) -> Rounded<Net> {
    let net = opened.net.clone();
    match opened.integers.clone() {
        Some(integers) => Rounded::new(net, integers.grids).with_dynamic(integers.dynamic),
        None => Rounded::new(net, [].into()),
    }
}
