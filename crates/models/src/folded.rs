//! A network without its batch normalisations.

use sapwood_core::{State, graph::Folding};

use crate::{Error, Spec};

/// The same network with its batch normalisations in the weights of the layers before them, where one alone
/// reads the layer: what is quantised, and what runs. Folded twice it stays as it is.
///
/// # Errors
/// Weights that are not the network's; a normalisation without a finite factor.
///
/// ```
/// use sapwood_backend::{DeviceSpec, Seed, block_on};
/// use sapwood_core::{ModuleState, State};
/// use sapwood_models::{Init, Spec, fold};
///
/// let device = DeviceSpec::CPU.resolve().unwrap();
/// let spec = Spec { width: 0.25, ..Spec::named("resnet-20").unwrap() };
/// let net = Init::default().apply(spec.net(&device).unwrap(), Seed(1));
/// let (folded, state) = fold(&spec, &block_on(State::read(&net)).unwrap()).unwrap();
/// let net = state.write(folded.net(&device).unwrap()).unwrap();
/// # let _ = net;
/// ```
pub fn fold(spec: &Spec, state: &State) -> Result<(Spec, State), Error> {
    if spec.folded {
        return Ok((spec.clone(), state.clone()));
    }
    let state = Folding::of(&spec.unfolded()?).fold(state)?;
    Ok((Spec { folded: true, ..spec.clone() }, state))
}
