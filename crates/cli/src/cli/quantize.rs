//! `quantize`

mod summary;

use std::{io::Write, num::NonZero, path::PathBuf};

use clap::{Args, ValueEnum};
use sapwood_backend::block_on;
use sapwood_core::{
    Graph, ModuleState, Observed, State,
    graph::{DType, Per, Scheme, Symmetry},
    write_atomic,
};
use sapwood_lab::integers_file;
use sapwood_models::{Net, fold};
use sapwood_quant::{
    Agreement, Answers, Equalisation, Examples, Made, Ptq, RangeMethod, Rounding, absorbed, alarm,
    layer_costs, weight_scheme,
};

use self::summary::{Prepared, Summary};
use super::{
    bar::note, calibration::Calibration, data_root::DataRoot, image::Images, mixed::Mixed,
    on_device::OnDevice, outputs::MoreOutputs, rounding, verify::share, weight_file::WeightFile,
};
use crate::Error;

/// Fewer examples than these say little of what others are like.
const FEW: usize = 32;
/// The number of examples with which each layer is tried alone.
const TRIED: usize = 128;

/// Make integers of the weights of a trained network, and say what that costs
///
/// Batch normalisation is folded into the weights before it. Training examples, drawn at random and passed in
/// evaluation mode, say between which bounds the values lie that layers read; normalisation that is left, attention
/// and soft activations compute in floating point, and so does the network's output. Nothing is written where the
/// integers answer too differently.
#[derive(Args)]
pub(super) struct Quantize {
    #[command(flatten)]
    network: WeightFile,
    /// The data set whose training examples it is calibrated with: see `data list`; or a file with `images`, `x` or
    /// `input` and perhaps labels (safetensors, or .npz)
    #[arg(long, value_name = "FILE|NAME")]
    data: String,
    #[command(flatten)]
    images: Images,
    #[command(flatten)]
    outputs: MoreOutputs,
    /// How many of them
    #[arg(long, value_name = "N", default_value_t = NonZero::new(512).unwrap_or(NonZero::<usize>::MIN))]
    calibrate: NonZero<usize>,
    /// The bits of weights, from 2 to 8 [default: 8]; 7 for engines whose sums of products saturate on processors without
    /// VNNI
    #[arg(long, value_name = "N", conflicts_with = "mixed")]
    weights_bits: Option<usize>,
    /// Which weights share a scale: tensor, channel, or groups of N inputs, as in group:64 (channel, where the outputs of
    /// a layer have fewer inputs)
    #[arg(long, value_name = "WHICH", default_value = "channel", value_parser = sharing)]
    per: Sharing,
    /// How values are represented: u8 between any bounds, s8 around 0
    #[arg(long, value_enum, default_value_t = Activations::U8)]
    activations: Activations,
    /// How their bounds are chosen: min-max, moving-average, percentile, mse or entropy
    #[arg(long, value_name = "METHOD", default_value = "min-max")]
    ranges: RangeMethod,
    /// How the integers of weights are chosen: nearest; gptq (column by column, the rest makes up for it); or adaround (up
    /// or down, learnt layer by layer)
    #[arg(long, value_name = "METHOD", default_value = "nearest")]
    method: Rounding,
    /// The bits of some layers, where they differ, as in conv1=8 or 'fc*=4'; of several that describe a layer the last
    /// counts
    #[arg(long, value_name = "PATTERN=N")]
    layer_bits: Vec<String>,
    #[command(flatten)]
    mixed: Mixed,
    /// First give the channels between two layers equal ranges, where there are ReLUs, leaky or learnt ones, and pools
    /// between them (cross-layer equalisation)
    #[arg(long)]
    equalise: bool,
    /// First move into the biases of the next layer what outputs behind a normalisation and a ReLU always have (bias
    /// absorption)
    #[arg(long)]
    absorb: bool,
    /// Let biases make up for what a quantised layer gives in the mean
    #[arg(long)]
    correct_bias: bool,
    /// Leave these layers in floating point: a name, a pattern such as 'layer1.*', 're:' with a regular
    /// expression, or type:linear
    #[arg(long, value_name = "PATTERN")]
    except: Vec<String>,
    /// Round what these linear layers read row by row, each between its own bounds, as in type:linear
    #[arg(long, value_name = "PATTERN")]
    dynamic: Vec<String>,
    /// The least share of calibration examples with the answer of the float network, as in 0.95 or 95%; of a network that
    /// gives no classes the least share of the power of its outputs
    #[arg(long, value_name = "SHARE", default_value_t = 0.95, value_parser = share)]
    least_agreement: f64,
    /// Write the file also where the integers answer too differently
    #[arg(long)]
    force: bool,
    /// The seed of the examples that are drawn
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    root: DataRoot,
    #[command(flatten)]
    device: OnDevice,
}

#[derive(Clone, Copy, ValueEnum)]
enum Activations {
    U8,
    S8,
}

/// Which weights share a scale.
#[derive(Clone, Copy)]
struct Sharing(Per);

fn sharing(text: &str) -> Result<Sharing, String> {
    let size = |size: &str| size.parse::<NonZero<usize>>().ok().map(NonZero::get);
    match (text, text.strip_prefix("group:").and_then(size)) {
        ("tensor", _) => Ok(Sharing(Per::Tensor)),
        ("channel", _) => Ok(Sharing(Per::Axis(0))),
        (_, Some(size)) => Ok(Sharing(Per::Group { axis: 1, size })),
        _ => Err("expected `tensor`, `channel`, or `group:` and a number above 0".into()),
    }
}

impl Quantize {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        let mixed = self.mixed.asked()?;
        let device = self.device.resolve()?;
        let opened = self.network.open_to_change(&device)?;
        opened.net.check_rows()?;
        let graph = opened.net.graph();
        let float = rounding::meant("--except", &self.except, graph)?;
        let dynamic = rounding::meant("--dynamic", &self.dynamic, graph)?;
        rounding::apart(("--except", &float), ("--dynamic", &dynamic))?;
        let bits = rounding::layer_bits(&self.layer_bits, ("--except", &float), graph)?;
        let scheme = |(layer, bits): (String, usize)| -> Result<(String, Scheme), Error> {
            Ok((layer, weight_scheme(bits, self.per.0)?))
        };
        let of_layers = bits.into_iter().map(scheme).collect::<Result<_, _>>()?;
        let ptq = Ptq { float, of_layers, dynamic, ..self.ptq()? };
        if ptq.dynamic.is_empty() && ptq.points(&opened.net)?.layers().next().is_none() {
            let problem = "no layer is left whose weights could be integers: leave some of `--except` out";
            return Err(Error::Usage(problem.into()));
        }
        let before = block_on(State::read(&opened.net))?;
        let (spec, folded) = fold(&opened.spec, &before)?;
        let equalisation = if self.equalise { Some(equalisation(&spec.graph()?)?) } else { None };
        let calibration = Calibration {
            data: &self.data,
            images: &self.images,
            outputs: &self.outputs,
            root: &self.root,
            seed: self.seed,
            number: self.calibrate,
        };
        let source = calibration.source(&opened, &device)?;
        let examples = Examples::new(&*source, self.calibrate.get())?;

        let (state, mut prepared) = self.prepared(graph, &before, folded, equalisation)?;
        let net = state.write(spec.net(&device)?)?;
        let tried = (examples.at_most(TRIED), self.seed);
        let ptq = match mixed {
            None => ptq,
            Some(asked) => {
                let (ptq, chosen) = asked.choose(&net, ptq, tried, &device)?;
                prepared.mixed = Some(chosen);
                ptq
            }
        };
        if !self.json {
            prepared.tell(out)?;
        }
        let made = block_on(ptq.quantize(&net, examples, &device))?;
        let costs = block_on(layer_costs(&net, &made, examples.at_most(TRIED), &device))?;
        let [outputs, height, width] = opened.spec.output(opened.spec.input)?;
        let is_answer = height * width == 1 && outputs > 1;
        let (agreement, rise) = compared(&net, &made, examples, is_answer, &device)?;
        let float: usize = state.0.values().map(|value| 4 * value.len()).sum();
        let summary =
            Summary::new(prepared, (&ptq, &made, &costs), (agreement, rise), examples.number(), float);
        if !self.json {
            summary.costs(out)?;
        }
        for line in made.notes() {
            note(&format!("note: {line}"));
        }
        let refused = if self.force { Ok(()) } else { alarm(agreement, self.least_agreement, &costs) };
        if let Err(error) = refused {
            if self.json {
                summary.json(out)?;
            }
            return Err(error.into());
        }
        let file = integers_file(made, &spec, opened.trained_on.as_ref(), opened.masks)?;
        let bytes = file.to_bytes()?;
        write_atomic(&self.out, &bytes)?;
        tell_few(examples.number());
        let summary = summary.written(bytes.len());
        if self.json { summary.json(out) } else { summary.size(out) }
    }

    /// Weights in which batch normalisation is folded, with what else is done to them before they are rounded.
    fn prepared(
        &self,
        graph: &Graph,
        before: &State,
        mut state: State,
        equalisation: Option<Equalisation>,
    ) -> Result<(State, Prepared), Error> {
        let mut prepared = Prepared::default();
        if self.absorb {
            let channels;
            (state, channels) = absorbed(graph, before, state)?;
            prepared.absorbed_channels = Some(channels);
        }
        if let Some(equalisation) = equalisation {
            equalisation.apply(&mut state)?;
            prepared.equalised_pairs = Some(equalisation.pairs().len());
        }
        Ok((state, prepared))
    }

    fn ptq(&self) -> Result<Ptq, Error> {
        let activations = match self.activations {
            Activations::U8 => Scheme::new(DType::U8, Symmetry::Affine)?,
            // ONNX has no type without -128.
            Activations::S8 => Scheme::new(DType::I8, Symmetry::Symmetric)?.within(-128..=127)?,
        };
        let weights = weight_scheme(self.weights_bits.unwrap_or(8), self.per.0)?;
        let (ranges, rounding, correct_bias) = (self.ranges, self.method, self.correct_bias);
        Ok(Ptq { weights, activations, ranges, rounding, correct_bias, ..Ptq::default() })
    }
}

/// The pairs of layers that can be equalised: at least one.
fn equalisation(graph: &Graph) -> Result<Equalisation, Error> {
    let found = Equalisation::of(graph);
    if found.pairs().is_empty() {
        let problem = "`--equalise` finds no two layers with nothing but ReLUs and pools between them (a ReLU6 does \
                       not count: scaling its input moves the point where it cuts off): leave it out";
        return Err(Error::Usage(problem.into()));
    }
    Ok(found)
}

/// Tells that few examples say between which bounds values lie, and how far both networks agree.
fn tell_few(examples: usize) {
    if examples < FEW {
        let s = if examples == 1 { "" } else { "s" };
        note(&format!(
            "note: the bounds of values, and how far both networks agree, are those of {examples} example{s} alone: others may \
             lie beyond them; calibrate with {FEW} or more"
        ));
    }
}

/// How far both networks agree, and by how much the loss rises.
fn compared(
    net: &Net,
    made: &Made,
    examples: Examples<'_>,
    is_answer: bool,
    device: &burn::prelude::Device,
) -> Result<(Agreement, f64), Error> {
    let float = block_on(Answers::of(net, examples, device))?;
    let integers = block_on(Answers::of(&made.network(net.clone())?, examples, device))?;
    Ok((float.agrees(&integers, is_answer), integers.loss - float.loss))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_share_scales_in_three_ways() {
        assert!(sharing("group:0").is_err() && sharing("row").is_err());
        assert!(matches!(sharing("group:64"), Ok(Sharing(Per::Group { axis: 1, size: 64 }))));
    }
}
