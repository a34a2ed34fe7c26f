//! The probe of a network.

use std::borrow::Cow;

use burn::{
    module::{Flag, ModuleMapper, Param},
    tensor::{DType, Tensor},
};
use sapwood_core::{
    Batch, ExampleShape, Gradients, Graph, Input, Layout, Network, Norm, Observed, Output as _, ParamInfo,
    Pass, Role, Tap, gradients, loss, map, tensors,
};

use crate::{Error, Needs, ParamTensors, Probe, Response};

/// A [`Probe`] of any [`Network`], and of the examples that it may be scored with.
///
/// ```
/// # use burn::{module::Module, nn::{Linear, LinearConfig}, tensor::Tensor};
/// # use sapwood_backend::DeviceSpec;
/// # use sapwood_core::{Batch, Network, Pass, Target};
/// # use sapwood_prune::{Cut, NetworkProbe, Snip};
/// # #[derive(Module, Debug)]
/// # struct Softmax { fc: Linear }
/// # impl Network for Softmax {
/// #     type Input = Tensor<4>;
/// #     type Output = Tensor<2>;
/// #
/// #     fn forward(&self, input: Tensor<4>, _pass: &mut Pass<'_>) -> Tensor<2> {
/// #         self.fc.forward(input.flatten(1, 3))
/// #     }
/// # }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let device = DeviceSpec::CPU.resolve()?;
/// # let network = Softmax { fc: LinearConfig::new(2, 2).init(&device) };
/// let batch = Batch::new([2, 1, 1, 2], vec![1.0, 0.0, 0.0, 1.0], Target::Class(vec![0, 1]))?;
/// let probe = NetworkProbe::new(&network).with_examples(std::slice::from_ref(&batch)).in_f64();
/// let masks = Cut::to("50%".parse()?).masks_blocking(&Snip::default(), &probe, None)?;
/// assert_eq!(masks.kept(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct NetworkProbe<'a, N: Clone> {
    network: Cow<'a, N>,
    infos: Vec<ParamInfo>,
    examples: &'a [Batch],
    input: Option<ExampleShape>,
    graph: Option<for<'b> fn(&'b N) -> &'b Graph>,
}

impl<'a, N: Network> NetworkProbe<'a, N> {
    /// A probe without examples: enough for criteria that look at the weights alone.
    pub fn new(network: &'a N) -> Self {
        // Burn initialises parameters when they are first used. Looking at the
        // values now makes the copies that are differentiated copies of these.
        let infos = tensors(network, Layout::Stored).into_iter().map(|(info, _)| info).collect();
        Self { network: Cow::Borrowed(network), infos, examples: &[], input: None, graph: None }
    }

    /// The same probe, with these batches to score with.
    pub fn with_examples(self, examples: &'a [Batch]) -> Self {
        Self { examples, ..self }
    }

    /// The same probe, for a network that takes examples of this shape: `[C, H, W]` for images.
    /// Not needed where there are examples or a graph.
    pub fn with_input_shape(self, input: impl Into<ExampleShape>) -> Self {
        Self { input: Some(input.into()), ..self }
    }

    /// The same probe, computing in f64 where the device has it. Scores that are
    /// differences of gradients (GraSP) are hardly more than noise in f32.
    pub fn in_f64(self) -> Self {
        let has_f64 = tensors(&*self.network, Layout::Stored)
            .first()
            .is_some_and(|(_, value)| value.device().supports_dtype(DType::F64));
        if !has_f64 {
            return self;
        }
        // `valid` gives a copy that shares nothing with the original.
        let wide = map(self.network.valid(), Layout::Stored, |_, value| value.cast(DType::F64));
        Self { network: Cow::Owned(wide), ..self }
    }

    /// In what it computes: the type of the network's first parameter.
    pub fn dtype(&self) -> Option<DType> {
        tensors(&*self.network, Layout::Stored).first().map(|(_, value)| value.dtype())
    }

    /// A copy of the network with a tape of its own, whether or not the network has
    /// one, and with other values. It is no mere clone, which would share the
    /// running statistics of Burn's own normalisation layers, and those are updated
    /// in the forward pass.
    fn copy(&self, norm: Norm, at: Option<&ParamTensors>) -> N {
        let network = self.network.valid().train();
        let network = match norm {
            Norm::Batch => network,
            Norm::Running => network.map(&mut Evaluating),
        };
        match at {
            None => network,
            Some(at) => {
                map(network, Layout::Torch, |info, value| at.find(&info.path).cloned().unwrap_or(value))
            }
        }
    }
}

impl<'a, N: Observed> NetworkProbe<'a, N> {
    /// A probe of a network that shows its layers: enough for every criterion once
    /// it has examples.
    pub fn observed(network: &'a N) -> Self {
        Self { graph: Some(N::graph), ..Self::new(network) }
    }
}

impl<N: Network> Probe for NetworkProbe<'_, N> {
    fn infos(&self) -> &[ParamInfo] {
        &self.infos
    }

    fn weights(&self) -> Result<ParamTensors, Error> {
        let values = tensors(&*self.network, Layout::Torch);
        Ok(values.into_iter().map(|(info, value)| (info.path, value)).collect())
    }

    fn examples(&self) -> Result<&[Batch], Error> {
        match self.examples {
            [] => Err(Error::Unmet { need: Needs::Gradient }),
            examples => Ok(examples),
        }
    }

    fn input_shape(&self) -> Result<ExampleShape, Error> {
        let of_graph = || self.graph.map(|graph| graph(&self.network).input().into());
        self.input
            .clone()
            .or_else(|| self.examples.first().map(Batch::shape))
            .or_else(of_graph)
            .ok_or(Error::Unmet { need: Needs::InputShape })
    }

    fn graph(&self) -> Result<&Graph, Error> {
        let graph = self.graph.ok_or(Error::Unmet { need: Needs::Graph })?;
        Ok(graph(&self.network))
    }

    fn gradient(
        &self,
        of: Response<'_>,
        norm: Norm,
        at: Option<&ParamTensors>,
    ) -> Result<ParamTensors, Error> {
        let network = self.copy(norm, at);
        let values = tensors(&network, Layout::Torch);
        let Some((_, first)) = values.first() else { return Ok(ParamTensors::default()) };
        let device = first.device().inner().autodiff();
        let inputs = match of {
            Response::Loss { batch, .. } => batch.inputs(),
            Response::Outputs(inputs) => inputs,
        };
        let input = N::Input::of_inputs(inputs, &device)?.cast(first.dtype());
        let outputs = network.forward(input, &mut Pass::new(norm)).rows();
        let response = match of {
            Response::Loss { batch, temperature: 1.0 } => loss(outputs, batch.target(), 0.0)?,
            Response::Loss { batch, temperature } => loss(outputs / temperature, batch.target(), 0.0)?,
            Response::Outputs(_) => outputs.sum(),
        };
        let mut found = match response.is_tracked() {
            true => gradients(&network, response, Layout::Torch),
            false => Gradients::new(),
        };
        let trained = values.into_iter().filter(|(info, _)| info.role != Role::Buffer);
        let gradient = |(info, value): (ParamInfo, Tensor<1>)| {
            let gradient = found.remove(&info.path).unwrap_or_else(|| value.zeros_like());
            (info.path, gradient)
        };
        Ok(trained.map(gradient).collect())
    }

    fn layer_inputs(
        &self,
        batch: &Batch,
        at: Option<&ParamTensors>,
        see: &mut dyn FnMut(&str, &Tensor<4>),
    ) -> Result<(), Error> {
        if self.graph.is_none() {
            return Err(Error::Unmet { need: Needs::LayerInputs });
        }
        let network = self.copy(Norm::Running, at).valid();
        let values = tensors(&network, Layout::Stored);
        let Some((_, first)) = values.first() else { return Ok(()) };
        let input = batch.input::<N::Input>(&first.device())?.cast(first.dtype());
        network.forward(input, &mut Pass::evaluate().with_tap(&mut Seen(see)));
        Ok(())
    }
}

/// Puts Burn's own layers into evaluation mode, on a network that has a tape.
struct Evaluating;

impl ModuleMapper for Evaluating {
    fn map_flag(&mut self, _: Param<Flag>) -> Param<Flag> {
        Param::from_bool(false)
    }
}

struct Seen<'a>(&'a mut dyn FnMut(&str, &Tensor<4>));

impl Tap for Seen<'_> {
    fn input(&mut self, layer: &str, input: Tensor<4>) -> Tensor<4> {
        (self.0)(layer, &input);
        input
    }
}
