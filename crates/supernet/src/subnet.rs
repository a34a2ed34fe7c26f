//! One of the networks that are nested in a supernet.

use std::collections::BTreeMap;

use burn::{prelude::Device, tensor::Tensor};
use sapwood_core::{Gradients, Graph, Layout, ParamInfo, ParamPath, infos, map};
use sapwood_models::Net;
use sapwood_search::Genome;

use crate::{Error, Family, matrices, matrices::Shrunk, part::Part};

/// All values of a supernet, flat, in the stored order.
pub(crate) type Values = BTreeMap<ParamPath, (ParamInfo, Tensor<1>)>;

/// A sub-network with its own copy of its weights, and where each of them comes from.
///
/// Its normalisation layers have the statistics of whatever was trained last, so it can be
/// trained but not judged: [`Subnet::calibrate`](Subnet::calibrate) makes an ordinary network
/// of it.
#[derive(Clone, Debug)]
pub struct Subnet {
    pub(crate) genome: Genome,
    pub(crate) net: Net,
    pub(crate) device: Device,
    cuts: BTreeMap<ParamPath, Cut>,
}

/// How a parameter was made of the supernet's.
#[derive(Clone, Debug)]
enum Cut {
    Part(Part),
    /// The first channels, with the whole kernel, and what became of that.
    Kernel(Box<Kernel>),
}

/// A smaller kernel.
#[derive(Clone, Debug)]
struct Kernel {
    channels: Part,
    shrunk: Shrunk,
    matrices: Vec<ParamPath>,
}

impl Subnet {
    pub(crate) fn cut(family: &Family, genome: &Genome, values: &Values) -> Result<Self, Error> {
        let graph = family.graph(genome)?;
        let device = values.values().next().map(|(_, tensor)| tensor.device());
        let device = device.ok_or_else(|| Error::Family {
            family: family.name().into(),
            problem: "it has no parameters".into(),
        })?;
        let net = Net::new(graph, &device);
        let mut cuts = BTreeMap::new();
        for info in infos(&net) {
            let cut = cut(family, genome, &info, values)?;
            cuts.insert(info.path, cut);
        }
        let net = map(net, Layout::Stored, |info, zeros| match &cuts[&info.path] {
            Cut::Part(part) => part.take(values[&info.path].1.clone()),
            Cut::Kernel(kernel) => kernel.shrunk.kernel.clone().reshape(zeros.dims()),
        });
        Ok(Self { genome: genome.clone(), net, device, cuts })
    }

    /// Which one it is.
    pub fn genome(&self) -> &Genome {
        &self.genome
    }

    /// Its layers.
    pub fn graph(&self) -> &Graph {
        sapwood_core::Observed::graph(&self.net)
    }

    /// The network as it is. Its outputs in evaluation mean nothing before its statistics are
    /// [calibrated](Subnet::calibrate), but for the network that was trained last and alone.
    pub fn uncalibrated(self) -> Net {
        self.net
    }

    /// Adds gradients of this network's parameters to those of the supernet's, of which there
    /// is one for each parameter. Costs what this network's size is, not the supernet's.
    pub(crate) fn spread(&self, gradients: Gradients, whole: &mut Gradients) {
        let mut add = |path: &ParamPath, sum: &mut dyn FnMut(Tensor<1>) -> Tensor<1>| {
            // Moved out, so that it can be changed in place.
            if let Some(before) = whole.remove(path) {
                whole.insert(path.clone(), sum(before));
            }
        };
        for (path, gradient) in gradients {
            match self.cuts.get(&path) {
                None => {}
                Some(Cut::Part(part)) => add(&path, &mut |whole| part.add(whole, gradient.clone())),
                Some(Cut::Kernel(kernel)) => {
                    let Kernel { channels, shrunk, matrices } = &**kernel;
                    let smallest = gradient.reshape(shrunk.kernel.dims());
                    let (kernel, of_matrices) = shrunk.backward(smallest);
                    add(&path, &mut |whole| channels.add(whole, kernel.clone().reshape([-1])));
                    for (path, gradient) in matrices.iter().zip(of_matrices) {
                        add(path, &mut |whole| whole + gradient.clone().reshape([-1]));
                    }
                }
            }
        }
    }
}

fn cut(family: &Family, genome: &Genome, info: &ParamInfo, values: &Values) -> Result<Cut, Error> {
    let not_nested = |whole: String| Error::NotNested {
        genome: family.space().text(genome),
        param: info.path.clone(),
        found: info.shape.clone(),
        whole,
    };
    let (whole, value) = values.get(&info.path).ok_or_else(|| not_nested("nothing".into()))?;
    let outside = || not_nested(format!("{:?}", whole.shape));
    let layer = info.path.as_str().strip_suffix(".weight").unwrap_or_default();
    let chain = family.kernel_chain(layer);
    if let [out, input, kernel, _] = *info.shape.as_slice()
        && let Some(1..) = chain.iter().position(|size| *size == kernel)
    {
        let sizes: Vec<usize> = chain.into_iter().take_while(|size| kernel <= *size).collect();
        let channels = Part::of(&whole.shape, &[out, input, sizes[0], sizes[0]]).ok_or_else(outside)?;
        let steps = sizes.windows(2).map(|pair| matrices::name([pair[0], pair[1]]));
        let paths: Vec<ParamPath> = steps.map(|name| format!("{layer}.{name}").into()).collect();
        let square = |path: &ParamPath| {
            let (info, value) = values.get(path).ok_or_else(|| not_nested(format!("without `{path}`")))?;
            Ok::<_, Error>(value.clone().reshape([info.shape[0], info.shape[1]]))
        };
        let squares = paths.iter().map(square).collect::<Result<Vec<_>, _>>()?;
        let kernel = channels.take(value.clone()).reshape([out * input, sizes[0] * sizes[0]]);
        let shrunk = Shrunk::new(kernel, sizes, squares);
        return Ok(Cut::Kernel(Box::new(Kernel { channels, shrunk, matrices: paths })));
    }
    Part::of(&stored(whole), &stored(info)).map(Cut::Part).ok_or_else(outside)
}

/// A parameter's shape as Burn stores it.
fn stored(info: &ParamInfo) -> Vec<usize> {
    let mut shape = info.shape.clone();
    if info.transposed {
        shape.reverse();
    }
    shape
}
