//! What Burn finds on this machine for each interface.

use burn::prelude::Device;
#[allow(unused_imports)]
use burn::tensor::DeviceType;

use crate::Api;

/// The devices of an interface, discrete GPUs first and software adapters last; none where its
/// backend is not compiled in.
pub(crate) fn of(api: Api) -> Vec<Device> {
    match api {
        #[cfg(feature = "flex")]
        Api::Cpu => vec![Device::flex()],
        #[cfg(feature = "ndarray")]
        #[allow(deprecated)]
        Api::NdArray => vec![Device::ndarray()],
        #[cfg(feature = "vulkan")]
        Api::Vulkan => all(DeviceType::Vulkan),
        // Where there is Vulkan, wgpu prefers it.
        #[cfg(all(feature = "webgpu", not(feature = "vulkan"), any(target_os = "linux", windows)))]
        Api::Vulkan => all(DeviceType::Wgpu),
        #[cfg(feature = "metal")]
        Api::Metal => all(DeviceType::Metal),
        // Outside a browser there is no WebGPU but that of wgpu, which is on top of whatever is there.
        #[cfg(all(feature = "webgpu", not(target_family = "wasm")))]
        Api::WebGpu => all(DeviceType::Wgpu),
        #[cfg(all(feature = "webgpu", target_family = "wasm"))]
        Api::WebGpu => all(DeviceType::WebGpu),
        #[cfg(feature = "cuda")]
        Api::Cuda => all(DeviceType::Cuda),
        #[allow(unreachable_patterns)]
        _ => Vec::new(),
    }
}

#[allow(dead_code)]
fn all(kind: DeviceType) -> Vec<Device> {
    Device::enumerate(kind).into_vec()
}

/// Asks the browser for its GPU, which takes a while and may be refused.
#[cfg(all(feature = "webgpu", target_family = "wasm"))]
pub(crate) async fn ask_the_browser() -> Result<Device, crate::Error> {
    use burn::tensor::{
        DeviceKind,
        wgpu::{WgpuBackend, WgpuInitError},
    };

    let kind = DeviceKind::DefaultDevice;
    let options = Device::wgpu_options().graphics_api(WgpuBackend::WebGpu).device_kind(kind.clone());
    match options.init_async().await {
        Ok(device) => Ok(device),
        // It was asked before, and said yes.
        Err(WgpuInitError::Registration { .. }) => Ok(Device::webgpu(kind)),
        Err(WgpuInitError::AdapterUnavailable { .. }) => Err(crate::Error::NoAdapter {
            device: Api::WebGpu.to_string(),
            present: "no adapter for WebGPU".into(),
        }),
        Err(error) => {
            Err(crate::Error::Refused { device: Api::WebGpu.to_string(), reason: error.to_string() })
        }
    }
}
