//! A device whose memory is full says so, and goes on.

use burn::tensor::Tensor;
use sapwood_backend::{Api, Error, read};

use crate::{Findings, On, Outcome, check::values};

/// Values of a tensor: a gibibyte in f32.
const GIBIBYTE: usize = 1 << 28;
/// What no device has, in gibibytes.
const TOO_MANY: usize = 1 << 10;

pub(super) async fn memory_that_is_full_is_an_error(on: &On, found: &mut Findings) -> Outcome {
    if matches!(on.spec.api, Api::Cpu | Api::NdArray) {
        found.note("not checked: the host's memory is the operating system's affair");
        return Ok(());
    }
    if cfg!(target_family = "wasm") {
        found.note("not checked: a browser's refusal ends the module, which the page has to notice");
        return Ok(());
    }
    let (mut held, mut refused) = (Vec::new(), None);
    while refused.is_none() && held.len() < TOO_MANY {
        let tensor = Tensor::<1>::ones([GIBIBYTE], &on.device);
        refused = read(tensor.clone().slice(0..1)).await.err();
        held.push(tensor);
    }
    let said = matches!(refused, Some(Error::OutOfMemory { .. }));
    found.holds(format!("after {} GiB a read said {refused:?}", held.len()), said);
    drop(held);
    let small = values(Tensor::<1>::ones([3], &on.device) + 1).await?;
    found.near("a small tensor after it", &small, &[2.0; 3], on.tolerances.operation);
    Ok(())
}
