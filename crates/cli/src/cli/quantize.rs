//! `quantize`

mod summary;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
    num::NonZero,
    path::PathBuf,
};

use clap::{Args, ValueEnum};
use sapwood_backend::block_on;
use sapwood_core::{
    Exceptions, Graph, ModuleState, Observed, State,
    graph::{DType, Per, Scheme, Symmetry},
    write_atomic,
};
use sapwood_lab::integers_file;
use sapwood_models::{Net, Opened, fold};
use sapwood_quant::{
    Agreement, Answers, Equalisation, Examples, Made, Ptq, RangeMethod, Rounding, absorbed, alarm,
    layer_costs, named, weight_scheme,
};

use self::summary::Summary;
use super::{
    bar::note, calibration::Calibration, data_root::DataRoot, image::Images, mixed::Mixed,
    on_device::OnDevice, outputs::MoreOutputs, rounding::layer_bits_of, verify::share,
    weight_file::WeightFile,
};
use crate::Error;

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
    /// The bits of some layers, where they differ, as in conv1=8 or 'fc*=4'
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
        let device = self.device.resolve()?;
        let opened = self.network.open_to_change(&device)?;
        opened.net.check_rows()?;
        let graph = opened.net.graph();
        let float = named(&Exceptions::parse(&self.except)?, graph)?;
        let of_layers = self.of_layers(graph)?;
        let dynamic = meant("--dynamic", &self.dynamic, graph)?;
        if let Some(both) = dynamic.intersection(&float).next() {
            let problem = format!("`--except` and `--dynamic` both describe `{both}`: leave it out of one");
            return Err(Error::Usage(problem));
        }
        let ptq = Ptq { float, of_layers, dynamic, ..self.ptq()? };
        if ptq.dynamic.is_empty() && ptq.points(&opened.net)?.layers().next().is_none() {
            let problem = "no layer is left whose weights could be integers: leave some of `--except` out";
            return Err(Error::Usage(problem.into()));
        }
        let state = block_on(State::read(&opened.net))?;
        let (spec, folded) = fold(&opened.spec, &state)?;
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

        let mut nowhere = io::sink();
        let told: &mut dyn Write = if self.json { &mut nowhere } else { &mut *out };
        let mut state = match self.absorb {
            true => self.absorbed(&opened, &state, folded, told)?,
            false => folded,
        };
        if let Some(equalisation) = equalisation {
            equalisation.apply(&mut state)?;
            let pairs = equalisation.pairs().len();
            writeln!(told, "channels between layers have equal ranges, of {pairs} pairs")?;
        }
        let net = state.write(spec.net(&device)?)?;
        let tried = (examples.at_most(TRIED), self.seed);
        let ptq = self.mixed.apply(&net, ptq, tried, &device, told)?;
        let made = block_on(ptq.quantize(&net, examples, &device))?;
        let costs = block_on(layer_costs(&net, &made, examples.at_most(TRIED), &device))?;
        let [outputs, height, width] = opened.spec.output(opened.spec.input)?;
        let is_answer = height * width == 1 && outputs > 1;
        let (agreement, rise) = compared(&net, &made, examples, is_answer, &device)?;
        let float: usize = state.0.values().map(|value| 4 * value.len()).sum();
        let summary = Summary::new((&ptq, &made, &costs), (agreement, rise), examples.number(), float);
        summary.costs(told)?;
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
        let summary = summary.written(bytes.len());
        if self.json { summary.json(out) } else { summary.size(out) }
    }

    /// With biases absorbed, which is told.
    fn absorbed(
        &self,
        opened: &Opened,
        before: &State,
        folded: State,
        out: &mut dyn Write,
    ) -> Result<State, Error> {
        let (state, channels) = absorbed(opened.net.graph(), before, folded)?;
        writeln!(out, "the biases of {channels} channels are absorbed")?;
        Ok(state)
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

    /// The bits of layers that have others.
    fn of_layers(&self, graph: &Graph) -> Result<BTreeMap<String, Scheme>, Error> {
        let mut found = BTreeMap::new();
        for text in &self.layer_bits {
            let (pattern, bits) = layer_bits_of(text)?;
            let scheme = weight_scheme(bits, self.per.0)?;
            let layers = meant("--layer-bits", &[pattern], graph)?;
            found.extend(layers.into_iter().map(|layer| (layer, scheme)));
        }
        Ok(found)
    }
}

/// The layers that an option describes, which are no exceptions.
fn meant<T: AsRef<str>>(option: &str, patterns: &[T], graph: &Graph) -> Result<BTreeSet<String>, Error> {
    let found = Exceptions::parse(patterns).map_err(Error::from).and_then(|all| Ok(named(&all, graph)?));
    found.map_err(|error| {
        Error::Usage(error.to_string().replacen("the exception", &format!("`{option}`:"), 1))
    })
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
