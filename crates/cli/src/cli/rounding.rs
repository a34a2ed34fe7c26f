//! Training with rounding, on the command line.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZero,
};

use clap::Args;
use sapwood_core::{Exceptions, Graph, Step};
use sapwood_lab::{Integers, Quantize};
use sapwood_models::Spec;
use sapwood_quant::named;

use crate::Error;

/// Options of `train` under which a network is rounded while it learns.
#[derive(Args)]
pub(super) struct Rounding {
    /// Learn with rounding (QAT), and write integers: weights as int8 to int2, what
    /// layers read as u8, with steps that are learnt (LSQ); begin with trained --weights
    #[arg(long, value_name = "INTEGERS")]
    quantize: Option<Integers>,
    /// The bits of the weights of some layers, as in conv1=8 or '*=2'; of several that describe a layer the last
    /// counts; with fewer than 7 bits the first and the last layer keep 8 unless this says otherwise
    #[arg(long, value_name = "PATTERN=N", requires = "quantize")]
    layer_bits: Vec<String>,
    /// Leave these layers in floating point: a name, a pattern such as 'layer1.*', 're:' with a regular
    /// expression, or type:linear
    #[arg(long, value_name = "PATTERN", requires = "quantize")]
    quantize_except: Vec<String>,
    /// One scale for all weights of a layer instead of one for each output
    #[arg(long, requires = "quantize")]
    per_tensor: bool,
    /// How many training examples show the first bounds of values [default: 512]
    #[arg(long, value_name = "N", requires = "quantize")]
    calibrate: Option<NonZero<usize>>,
    /// Where steps and the statistics of normalisation stop to move [default: 3/4 of the iterations]
    #[arg(long, value_name = "STEP", requires = "quantize")]
    freeze_at: Option<Step>,
}

/// The layers that `--layer-bits` describes, each by its name, with the bits of their weights: of what is said twice
/// the last counts. Layers that another option leaves in floating point have no bits.
pub(super) fn layer_bits(
    texts: &[String],
    (option, float): (&str, &BTreeSet<String>),
    graph: &Graph,
) -> Result<BTreeMap<String, usize>, Error> {
    let mut found = BTreeMap::new();
    for text in texts {
        let parsed =
            text.rsplit_once('=').and_then(|(layers, bits)| Some((layers, bits.parse::<usize>().ok()?)));
        let (pattern, bits) = parsed.ok_or_else(|| {
            Error::Usage(format!("`--layer-bits {text}`: expected a layer and its bits, as in conv1=8"))
        })?;
        let layers = meant("--layer-bits", &[pattern], graph)?;
        apart((option, float), ("--layer-bits", &layers))?;
        found.extend(layers.into_iter().map(|layer| (layer, bits)));
    }
    Ok(found)
}

/// The layers that an option describes.
pub(super) fn meant<T: AsRef<str>>(
    option: &str,
    patterns: &[T],
    graph: &Graph,
) -> Result<BTreeSet<String>, Error> {
    let found = Exceptions::parse(patterns).map_err(Error::from).and_then(|all| Ok(named(&all, graph)?));
    found.map_err(|error| {
        Error::Usage(error.to_string().replacen("the exception", &format!("`{option}`:"), 1))
    })
}

/// Refuses a layer that is described by two options that contradict each other.
pub(super) fn apart(
    (one, layers): (&str, &BTreeSet<String>),
    (other, others): (&str, &BTreeSet<String>),
) -> Result<(), Error> {
    match layers.intersection(others).next() {
        None => Ok(()),
        Some(both) => {
            Err(Error::Usage(format!("`{one}` and `{other}` both describe `{both}`: leave it out of one")))
        }
    }
}

impl Rounding {
    /// What was asked for, of a network.
    pub(super) fn training(&self, spec: &Spec) -> Result<Option<Quantize>, Error> {
        let Some(integers) = self.quantize else { return Ok(None) };
        let graph = spec.graph()?;
        let float = meant("--quantize-except", &self.quantize_except, &graph)?;
        let usual = Quantize::from(integers);
        Ok(Some(Quantize {
            layer_bits: layer_bits(&self.layer_bits, ("--quantize-except", &float), &graph)?,
            except: Exceptions::parse(&self.quantize_except)?,
            per_tensor: self.per_tensor,
            calibrate: self.calibrate.map_or(usual.calibrate, NonZero::get),
            freeze_at: self.freeze_at,
            ..usual
        }))
    }
}
