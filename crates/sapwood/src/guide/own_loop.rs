//! Masks in a training loop of your own: Burn's layers, losses and optimisers.
//!
//! [`MaskSet::attach`](crate::prune::MaskSet::attach) makes masks a part of the network's weights, so the loop stays as it
//! is. At the end Burn's `materialize` leaves ordinary weights, with zeros where they are masked.
//!
//! ```
//! use std::{path::Path, sync::Arc};
//! use burn::{
//!     module::Module,
//!     nn::{Linear, LinearConfig, loss::CrossEntropyLossConfig},
//!     optim::{GradientsParams, SgdConfig, momentum::MomentumConfig},
//!     tensor::{Int, Tensor, activation::relu},
//! };
//! use sapwood::{core::{Input, Norm}, data, prelude::*};
//!
//! #[derive(Module, Debug)]
//! struct TwoLayers {
//!     fc1: Linear,
//!     fc2: Linear,
//! }
//!
//! // Scores are computed by forward passes of your network.
//! impl Network for TwoLayers {
//!     type Input = Tensor<4>;
//!     type Output = Tensor<2>;
//!
//!     fn forward(&self, images: Tensor<4>, _pass: &mut Pass<'_>) -> Tensor<2> {
//!         self.fc2.forward(relu(self.fc1.forward(images.flatten(1, 3))))
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! let device = "cpu".parse::<DeviceSpec>()?.resolve()?.autodiff();
//! let net = TwoLayers { fc1: LinearConfig::new(64, 100).init(&device), fc2: LinearConfig::new(100, 10).init(&device) };
//! # let net = Init::default().apply(net, Seed(1));
//! let masks = Cut::to("0.8".parse()?).masks_blocking(&Magnitude, &NetworkProbe::new(&net), None)?;
//!
//! let mut net = masks.attach(net)?;
//! # let digits = data::open("digits", Split::Train, Path::new("data"), &OpenOptions::default())?;
//! # let train = Loader::new(Arc::new(digits), LoaderOptions { batch_size: 64, ..Default::default() })?;
//! # let (mut first, mut last) = (None, 0.0);
//! let mut optimizer = SgdConfig::new().with_momentum(Some(MomentumConfig::new())).init();
//! for epoch in 0..10 {
//!     for batch in train.epoch(epoch, 0) {
//!         let batch = batch?;
//!         let images = Tensor::<4>::of_inputs(batch.inputs(), &device)?;
//!         let Target::Class(classes) = batch.target() else { unreachable!("digits have classes") };
//!         let classes = Tensor::<1, Int>::from_data(classes.as_slice(), &device);
//!
//!         let answers = net.forward(images, &mut Pass::new(Norm::Batch));
//!         let loss = CrossEntropyLossConfig::new().init(&device).forward(answers, classes);
//! #       last = loss.clone().into_scalar::<f32>();
//! #       first.get_or_insert(last);
//!         let gradients = GradientsParams::from_grads(loss.backward(), &net);
//!         net = optimizer.step(0.1, net, gradients);
//!     }
//! }
//! let net = net.valid().materialize();
//! # assert!(last < 0.5 * first.unwrap(), "{first:?} {last}");
//!
//! let State(values) = block_on(State::read(&net))?;
//! for layer in masks.layers() {
//!     let weights = values[&layer.path].iter::<f32>();
//!     assert_eq!(weights.filter(|weight| *weight != 0.0).count(), layer.kept);
//! }
//! # Ok(())
//! # }
//! ```
