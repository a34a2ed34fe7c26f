//! The energy counter of a GPU, through NVIDIA's management library (NVML).
//!
//! It counts the whole device in millijoules since its driver was loaded, on Volta and
//! newer. It is built in with the feature `nvml`; the library itself is looked for when
//! a counter is asked for, so that the same binary runs where there is none.

use std::{fmt, sync::Arc};

use super::Unmeasured;

/// Reads a counter of millijoules.
pub type Millijoules = Arc<dyn Fn() -> Result<u64, Unmeasured> + Send + Sync>;

/// A GPU that a run works on.
#[derive(Clone)]
pub struct Gpu {
    /// NVML's index, or the UUID; of a GPU that NVML is not asked about the device.
    pub name: String,
    /// Its energy counter, or why there is none.
    pub counter: Result<Millijoules, Unmeasured>,
}

impl fmt::Debug for Gpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gpu").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The name by which NVML knows CUDA's device number `device`, given the value of
/// `CUDA_VISIBLE_DEVICES`: NVML numbers all GPUs, whatever that hides from CUDA.
///
/// The numbers agree where `CUDA_DEVICE_ORDER` is `PCI_BUS_ID` or all GPUs are alike;
/// otherwise CUDA puts the fastest first.
pub fn visible_gpu(device: usize, cuda_visible_devices: Option<&str>) -> String {
    let visible = cuda_visible_devices.and_then(|list| list.split(',').nth(device)).map(str::trim);
    visible.filter(|name| !name.is_empty()).map_or(device.to_string(), String::from)
}

/// The GPU behind a device of ours, `cuda` or `vulkan:1`, with its counter or the reason why there is none; none for a
/// processor, which is `cpu` or `ndarray`. Which of NVML's GPUs stands behind another interface than CUDA nobody tells.
pub fn gpu_of(device: &str) -> Option<Gpu> {
    let (interface, number) = device.split_once(':').unwrap_or((device, "0"));
    match interface {
        "cpu" | "ndarray" => None,
        "cuda" => {
            let visible = std::env::var("CUDA_VISIBLE_DEVICES").ok();
            Some(nvml_gpu(&visible_gpu(number.parse().unwrap_or(0), visible.as_deref())))
        }
        _ => {
            let name = format!("{interface}:{number}");
            let problem = "of GPUs only those behind `cuda` have a counter that is known".into();
            Some(Gpu { counter: Err(Unmeasured::Gpu { gpu: name.clone(), problem }), name })
        }
    }
}

/// The GPU of this name, an index of NVML's or a UUID (`GPU-...`), with its counter.
pub fn nvml_gpu(name: &str) -> Gpu {
    Gpu { name: name.into(), counter: counter(name) }
}

#[cfg(not(feature = "nvml"))]
fn counter(gpu: &str) -> Result<Millijoules, Unmeasured> {
    let problem = "NVML is not built in: build with `--features nvml`".into();
    Err(Unmeasured::Gpu { gpu: gpu.into(), problem })
}

#[cfg(feature = "nvml")]
fn counter(gpu: &str) -> Result<Millijoules, Unmeasured> {
    use nvml_wrapper::{Nvml, error::NvmlError};

    fn read(nvml: &Nvml, gpu: &str) -> Result<u64, NvmlError> {
        let device = match gpu.parse() {
            Ok(index) => nvml.device_by_index(index),
            Err(_) => nvml.device_by_uuid(gpu),
        };
        device?.total_energy_consumption()
    }

    let name = gpu.to_owned();
    let unmeasured = move |error: NvmlError| Unmeasured::Gpu {
        gpu: name.clone(),
        problem: format!("NVML said `{error}`"),
    };
    // The name without a version is there only where one develops against the library.
    let nvml = Nvml::init()
        .or_else(|_| Nvml::builder().lib_path("libnvidia-ml.so.1".as_ref()).init())
        .map_err(&unmeasured)?;
    read(&nvml, gpu).map_err(&unmeasured)?;
    let gpu = gpu.to_owned();
    Ok(Arc::new(move || read(&nvml, &gpu).map_err(&unmeasured)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuda_numbers_only_what_is_visible() {
        let cases = [
            (0, None, "0"),
            (1, Some("3, 5"), "5"),
            (0, Some("GPU-8932f937"), "GPU-8932f937"),
            (0, Some(""), "0"),
            (2, Some("3"), "2"),
        ];
        for (device, visible, name) in cases {
            assert_eq!(visible_gpu(device, visible), name);
        }
    }

    #[test]
    fn every_device_but_a_processor_is_a_gpu() {
        for (device, name) in [("vulkan", "vulkan:0"), ("metal:1", "metal:1"), ("webgpu:0", "webgpu:0")] {
            let gpu = gpu_of(device).unwrap();
            assert_eq!(gpu.name, name);
            let said = gpu.counter.err().unwrap().to_string();
            assert!(said.starts_with(&format!("the energy of GPU {name} is not measured: ")), "{said}");
        }
        assert!(gpu_of("cuda:1").is_some() && gpu_of("cpu").is_none() && gpu_of("ndarray:0").is_none());
    }

    /// Whatever this machine has: an index that no machine has is refused in one line.
    #[test]
    fn a_gpu_without_counter_says_why() {
        let gpu = nvml_gpu("4000");
        let error = gpu.counter.err().unwrap().to_string();
        assert!(
            error.starts_with("the energy of GPU 4000 is not measured: ") && !error.contains('\n'),
            "{error}"
        );
        assert!(error.contains("state the power in watts"), "{error}");
    }
}
