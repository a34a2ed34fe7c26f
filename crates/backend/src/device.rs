//! Devices by name.

use std::{fmt, str::FromStr};

use burn::prelude::Device;

use crate::Error;

/// The programming interface through which a device is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Api {
    /// Burn's Flex backend: portable, multi-threaded Rust. The reference.
    Cpu,
    /// Burn's NdArray backend: deprecated upstream, and about 30 times slower
    /// than [`Api::Cpu`]. Kept for those who ask for it by name.
    NdArray,
    /// Vulkan.
    Vulkan,
    /// Metal.
    Metal,
    /// WebGPU.
    WebGpu,
    /// CUDA.
    Cuda,
}

/// One row per device kind: its name, the Cargo feature that brings it, and
/// whether this build has it.
const APIS: &[(Api, &str, &str, bool)] = &[
    (Api::Cpu, "cpu", "flex", cfg!(feature = "flex")),
    (Api::NdArray, "ndarray", "ndarray", cfg!(feature = "ndarray")),
    (Api::Vulkan, "vulkan", "vulkan", cfg!(feature = "vulkan")),
    (Api::Metal, "metal", "metal", cfg!(feature = "metal")),
    (Api::WebGpu, "webgpu", "webgpu", cfg!(feature = "webgpu")),
    (Api::Cuda, "cuda", "cuda", cfg!(feature = "cuda")),
];

/// Which device to run on, as a user writes it: `cpu`, `vulkan`, `cuda:1`.
///
/// On `vulkan`, `metal` and `webgpu` the index counts the adapters of the
/// machine, discrete GPUs first and software adapters last; without one it is 0.
///
/// ```
/// use sapwood_backend::DeviceSpec;
///
/// let spec: DeviceSpec = "cuda:1".parse().unwrap();
/// assert_eq!(spec.to_string(), "cuda:1");
/// let error = "gpu".parse::<DeviceSpec>().unwrap_err();
/// assert!(error.to_string().contains("expected one of cpu"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DeviceSpec {
    /// The interface.
    pub api: Api,
    /// Which of several devices.
    pub index: Option<usize>,
}

impl DeviceSpec {
    /// The CPU.
    pub const CPU: Self = Self { api: Api::Cpu, index: None };

    /// The kinds of device that this build can reach.
    pub fn compiled() -> impl Iterator<Item = Api> {
        APIS.iter().filter(|row| row.3).map(|row| row.0)
    }

    /// The Burn device, without autodiff.
    pub fn resolve(&self) -> Result<Device, Error> {
        let row = self.api.row();
        if !row.3 {
            let available: Vec<_> = Self::compiled().map(|api| api.to_string()).collect();
            return Err(Error::NotCompiled {
                device: self.to_string(),
                feature: row.2,
                available: if available.is_empty() { "none".into() } else { available.join(", ") },
            });
        }
        if matches!(self.api, Api::Cpu | Api::NdArray) && self.index.unwrap_or(0) > 0 {
            return Err(self.no_adapter(1));
        }
        self.open()
    }

    /// Devices of one interface on this machine.
    pub fn present(api: Api) -> Vec<DeviceSpec> {
        let count = match api {
            Api::Cpu | Api::NdArray => return vec![Self { api, index: None }],
            #[cfg(feature = "vulkan")]
            Api::Vulkan => Device::enumerate(burn::tensor::DeviceType::Vulkan).into_vec().len(),
            #[cfg(feature = "metal")]
            Api::Metal => Device::enumerate(burn::tensor::DeviceType::Metal).into_vec().len(),
            #[cfg(feature = "webgpu")]
            Api::WebGpu => Device::enumerate(burn::tensor::DeviceType::WebGpu).into_vec().len(),
            #[cfg(feature = "cuda")]
            Api::Cuda => Device::enumerate(burn::tensor::DeviceType::Cuda).into_vec().len(),
            #[allow(unreachable_patterns)]
            _ => 0,
        };
        (0..count).map(|index| Self { api, index: Some(index) }).collect()
    }

    fn no_adapter(&self, count: usize) -> Error {
        let present = match count {
            0 => format!("no {} device", self.api),
            1 => format!("one {} device, `{0}` or `{0}:0`", self.api),
            n => format!("{n} {0} devices, `{0}:0` to `{0}:{1}`", self.api, n - 1),
        };
        Error::NoAdapter { device: self.to_string(), present }
    }

    #[allow(clippy::needless_return, unreachable_code)]
    fn open(&self) -> Result<Device, Error> {
        match self.api {
            #[cfg(feature = "flex")]
            Api::Cpu => Ok(Device::flex()),
            #[cfg(feature = "ndarray")]
            #[allow(deprecated)]
            Api::NdArray => Ok(Device::ndarray()),
            #[cfg(feature = "vulkan")]
            Api::Vulkan => self.pick(Device::enumerate(burn::tensor::DeviceType::Vulkan).into_vec()),
            #[cfg(feature = "metal")]
            Api::Metal => self.pick(Device::enumerate(burn::tensor::DeviceType::Metal).into_vec()),
            #[cfg(feature = "webgpu")]
            Api::WebGpu => self.pick(Device::enumerate(burn::tensor::DeviceType::WebGpu).into_vec()),
            #[cfg(feature = "cuda")]
            Api::Cuda => self.pick(Device::enumerate(burn::tensor::DeviceType::Cuda).into_vec()),
            #[allow(unreachable_patterns)]
            _ => unreachable!("resolve() answers for interfaces that are not compiled in"),
        }
    }

    #[allow(dead_code)]
    fn pick(&self, mut devices: Vec<Device>) -> Result<Device, Error> {
        let index = self.index.unwrap_or(0);
        if index < devices.len() {
            return Ok(devices.swap_remove(index));
        }
        Err(self.no_adapter(devices.len()))
    }
}

impl Api {
    fn row(self) -> &'static (Api, &'static str, &'static str, bool) {
        &APIS[self as usize]
    }
}

impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.row().1)
    }
}

impl fmt::Display for DeviceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.api)?;
        self.index.map_or(Ok(()), |index| write!(f, ":{index}"))
    }
}

impl FromStr for DeviceSpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let unknown = || Error::UnknownDevice {
            found: text.into(),
            known: APIS.iter().map(|row| row.1).collect::<Vec<_>>().join(", "),
        };
        let (name, index) = match text.split_once(':') {
            Some((name, index)) => (name, Some(index.parse().map_err(|_| unknown())?)),
            None => (text, None),
        };
        let row = APIS.iter().find(|row| row.1 == name).ok_or_else(unknown)?;
        Ok(Self { api: row.0, index })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_enum() {
        for (position, row) in APIS.iter().enumerate() {
            assert_eq!(row.0 as usize, position);
        }
    }

    #[test]
    fn a_second_cpu_is_an_error_that_names_the_first() {
        let spec: DeviceSpec = "cpu:3".parse().unwrap();
        if cfg!(feature = "flex") {
            assert!(spec.resolve().unwrap_err().to_string().contains("one cpu device"));
        }
    }

    #[test]
    fn an_index_that_is_no_number_is_refused() {
        assert!("cuda:x".parse::<DeviceSpec>().is_err());
    }

    #[test]
    fn a_device_left_out_of_the_build_names_its_feature() {
        if !cfg!(feature = "cuda") {
            let error = "cuda".parse::<DeviceSpec>().unwrap().resolve().unwrap_err();
            assert!(error.to_string().contains("--features cuda"));
        }
    }
}
