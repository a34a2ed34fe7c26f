//! A pruned network that only answers, on the CPU and without Burn.
//!
//! A [`Plan`](crate::runtime::Plan) is made of a graph and its values, as they are in memory or in a file:
//! normalisations are folded, each layer has a kernel, and where most weights of a layer are zero it computes with the
//! others alone. Pairs of neighbouring outputs that keep the same inputs are faster than single weights.
//!
//! ```
//! use std::path::Path;
//! use sapwood::{data, prelude::*, runtime::Runtime};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let digits = data::open("digits", Split::Test, Path::new("data"), &OpenOptions::default())?;
//! let device = "cpu".parse::<DeviceSpec>()?.resolve()?;
//! let spec = Spec::named("lenet-300-100")?.fit(digits.shape(), 10);
//! let net = Init::default().apply(spec.net(&device)?, Seed(1));
//! let cut = Cut::to("90%".parse()?).allocation(Allocation::Uniform);
//! let masks = cut.masks_blocking(&Magnitude, &NetworkProbe::new(&net), None)?;
//! let mut state = block_on(State::read(&net))?;
//! state.apply(&masks.into_masks())?;
//!
//! let plan = Runtime::new().threads(2).plan(&spec.graph()?, &state)?;
//! assert!(plan.kernels().any(|(layer, kernel)| layer == "fc1" && kernel.contains("sparse")));
//! let mut session = plan.session()?;
//! let images = vec![0.5; 3 * 64];
//! assert_eq!(session.run(&images)?.len(), 3 * 10);
//! # Ok(())
//! # }
//! ```
