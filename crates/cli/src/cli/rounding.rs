//! Training with rounding, on the command line.

use std::{collections::BTreeMap, num::NonZero};

use clap::Args;
use sapwood_core::{Exceptions, Step};
use sapwood_lab::{Integers, Quantize};

use crate::Error;

/// Options of `train` under which a network is rounded while it learns.
#[derive(Args)]
pub(super) struct Rounding {
    /// Learn with rounding (QAT), and write integers: weights as int8 to int2, what
    /// layers read as u8, with steps that are learnt (LSQ); begin with trained --weights
    #[arg(long, value_name = "INTEGERS")]
    quantize: Option<Integers>,
    /// The bits of the weights of some layers, as in conv1=8 or '*=2'; with fewer than 7 bits the first and the
    /// last layer keep 8 unless this says otherwise
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

/// The layers that `--layer-bits` names, and the bits of their weights.
pub(super) fn layer_bits_of(text: &str) -> Result<(&str, usize), Error> {
    let parsed = text.rsplit_once('=').and_then(|(layers, bits)| Some((layers, bits.parse().ok()?)));
    parsed.ok_or_else(|| {
        Error::Usage(format!("`--layer-bits {text}`: expected a layer and its bits, as in conv1=8"))
    })
}

impl Rounding {
    /// What was asked for.
    pub(super) fn training(&self) -> Result<Option<Quantize>, Error> {
        let Some(integers) = self.quantize else { return Ok(None) };
        let mut layer_bits = BTreeMap::new();
        for text in &self.layer_bits {
            let (layers, bits) = layer_bits_of(text)?;
            layer_bits.insert(layers.to_string(), bits);
        }
        let usual = Quantize::from(integers);
        Ok(Some(Quantize {
            layer_bits,
            except: Exceptions::parse(&self.quantize_except)?,
            per_tensor: self.per_tensor,
            calibrate: self.calibrate.map_or(usual.calibrate, NonZero::get),
            freeze_at: self.freeze_at,
            ..usual
        }))
    }
}
