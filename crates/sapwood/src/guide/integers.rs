//! A trained network on integers of 8 bits.
//!
//! Batch normalisation goes into the weights before it, training examples say between which bounds values lie, and what is
//! made is a value: integers with scales, and named bounds. [`Rounded`](crate::quant::Rounded) computes what they mean on
//! any device, [`Exact`](crate::runtime::Exact) computes with the integers.
//!
//! ```
//! use std::{path::Path, sync::Arc};
//! use sapwood::{data, models, prelude::*, quant::{Answers, Examples, Ptq}, runtime::Exact};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let device = "cpu".parse::<DeviceSpec>()?.resolve()?;
//! let digits = Arc::new(data::open("digits", Split::Train, Path::new("data"), &OpenOptions::default())?);
//! let shuffled = LoaderOptions { batch_size: 64, order: Order::Shuffled(Seed(1)), ..Default::default() };
//! let train = Loader::new(digits, shuffled)?;
//! let spec = Spec { width: 0.2, ..Spec::named("lenet-300-100")?.fit(train.dataset().shape(), 10) };
//! let recipe = Recipe::new(3, Sgd { momentum: 0.9, nesterov: true }, 0.05);
//! let net = Init::default().apply(spec.net(&device)?, Seed(1));
//! let net = Trainer::new(recipe, &device).run_blocking(net, &train)?.network;
//!
//! let (spec, state) = models::fold(&spec, &block_on(State::read(&net))?)?;
//! let net = state.write(spec.net(&device)?)?;
//! let examples = Examples::new(&train, 256)?;
//! let made = block_on(Ptq::default().quantize(&net, examples, &device))?;
//!
//! let float = block_on(Answers::of(&net, examples, &device))?;
//! let integers = block_on(Answers::of(&made.network(net.clone())?, examples, &device))?;
//! assert!(float.agreement(&integers) > 0.98 && float.signal_to_noise(&integers) > 20.0);
//! let logits = Exact::new(made.integers(&spec.graph()?)?)?.run(&[0.5; 64], [1, 8, 8])?;
//! assert_eq!(logits.len(), 10);
//!
//! let (rest, masks) = (made.rest, Default::default());
//! let file = models::pack(&spec, None, rest, masks)?;
//! let file = models::pack_integers(file, made.quantized, made.ranges, &made.calibrated)?.to_bytes()?;
//! let opened = models::open_bytes(&file, "net-int8.safetensors", None, &device)?;
//! assert_eq!(opened.integers.map(|integers| integers.quantized.len()), Some(3));
//! # Ok(())
//! # }
//! ```
