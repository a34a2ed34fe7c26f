//! Quantisation: which integers stand for the numbers of a network, and what that costs.
//!
//! The principal type is [`Ptq`]: how a trained network is quantised. It is run on a network and [`Examples`], and what
//! was [`Made`] is a value: weights as integers with scales, and the bounds of the values between them. The one design
//! decision is that nothing here computes with integers: [`Rounded`] is the network itself with its values put on the
//! [`Grid`](sapwood_graph::Grid)s that the integers mean, so that everything that trains, evaluates or looks into a network does so
//! with a quantised one. Where values are rounded is read off the graph ([`Points`](sapwood_graph::Points)).
//!
//! Where the nearest integers lose too much, [`Qat`] makes a network that rounds while it is trained, and [`Sensitivity`] tells what
//! each layer costs with fewer bits, so that a [`Budget`] can be spent where it matters.
//!
//! ```
//! use burn::{module::Module, module::Param, tensor::{Tensor, TensorData}};
//! use sapwood_backend::{DeviceSpec, block_on};
//! use sapwood_core::{Batch, ExampleShape, Graph, Network, Observed, Pass, Source, SourceError, Target};
//! use sapwood_quant::{Answers, Examples, Ptq};
//!
//! /// Two values in, two out.
//! #[derive(Module, Debug)]
//! struct Net {
//!     fc: burn::nn::Linear,
//!     #[module(skip)]
//!     graph: Graph,
//! }
//!
//! impl Network for Net {
//!     type Input = Tensor<4>;
//!     type Output = Tensor<2>;
//!
//!     fn forward(&self, input: Tensor<4>, pass: &mut Pass<'_>) -> Tensor<2> {
//!         let x = pass.pass_on(0, input).flatten(1, 3);
//!         pass.pass_on(1, self.fc.forward(x))
//!     }
//! }
//!
//! impl Observed for Net {
//!     fn graph(&self) -> &Graph {
//!         &self.graph
//!     }
//! }
//!
//! struct Two;
//!
//! impl Source for Two {
//!     fn examples(&self) -> usize { 2 }
//!     fn batches(&self) -> usize { 1 }
//!     fn shape(&self) -> ExampleShape { [2, 1, 1].into() }
//!     fn epoch(&self, _: usize, from: usize) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + '_> {
//!         let batch = Batch::new([2, 2, 1, 1], vec![1.0, -0.5, 0.0, 2.0], Target::Class(vec![0, 1]));
//!         Box::new(std::iter::once(batch.map_err(SourceError::from)).skip(from))
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let device = DeviceSpec::CPU.resolve()?;
//! let mut g = Graph::builder([2, 1, 1]);
//! let x = g.input();
//! g.linear("fc", x, 2);
//! let mut net = Net { fc: burn::nn::LinearConfig::new(2, 2).init(&device), graph: g.finish()? };
//! net.fc.weight = Param::from_data(TensorData::from([[0.3f32, -1.0], [0.2, 0.7]]), &device);
//!
//! let examples = Examples::new(&Two, 512)?;
//! let made = block_on(Ptq::default().quantize(&net, examples, &device))?;
//! assert_eq!(made.quantized["fc.weight"].values().as_slice::<i8>().unwrap(), [127, 85, -127, 89]);
//!
//! let integers = made.network(net.clone())?;
//! let [a, b] = [block_on(Answers::of(&net, examples, &device))?, block_on(Answers::of(&integers, examples, &device))?];
//! assert_eq!(a.agreement(&b), 1.0);
//! # Ok(())
//! # }
//! ```

mod absorption;
mod agreement;
mod columns;
mod compared;
mod equalisation;
mod error;
mod examples;
mod fake_quantized;
mod layer_inputs;
mod learning;
mod lsq;
mod mixed;
mod named;
mod observed;
mod on_grid;
mod ptq;
mod qat;
mod ranges;
mod room;
mod rounded;
mod rounding;
mod rows;
mod weights;

pub use absorption::absorbed;
pub use agreement::Agreement;
pub use compared::{Answers, LayerCost, alarm, layer_costs, price};
pub use equalisation::Equalisation;
pub use error::Error;
pub use examples::Examples;
pub use fake_quantized::FakeQuantized;
pub use layer_inputs::LayerInputs;
pub use learning::Rounds;
pub use lsq::learnt;
pub use mixed::{Assignment, BitCost, Budget, LayerSensitivity, Sensitivity, Settled, Tried};
pub use named::named;
pub use observed::{extremes, histograms};
pub use on_grid::{on_grid, on_own_grids};
pub use ptq::{Made, Ptq};
pub use qat::Qat;
pub use ranges::RangeMethod;
pub use rounded::Rounded;
pub use rounding::{AdaRound, Gptq, Rounding};
pub use rows::{Rows, largest};
pub use weights::{bits_of, grids_of, nearest, weight_scheme};
