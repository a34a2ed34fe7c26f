//! Devices by name.

use std::{fmt, str::FromStr};

use burn::prelude::Device;

use crate::{Error, adapters};

/// The programming interface through which a device is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Api {
    /// Burn's Flex backend: portable, multi-threaded Rust. The reference.
    Cpu,
    /// Burn's NdArray backend: deprecated upstream, and about 30 times slower
    /// than [`Api::Cpu`]. Kept for those who ask for it by name.
    NdArray,
    /// Vulkan: with shaders in SPIR-V by the feature `vulkan`, in WGSL where there is `webgpu` alone
    /// (slower, and for drivers that take Burn's SPIR-V wrongly).
    Vulkan,
    /// Metal.
    Metal,
    /// WebGPU: a browser's, and elsewhere wgpu on top of what the machine has.
    WebGpu,
    /// CUDA.
    Cuda,
}

const VULKAN: bool =
    cfg!(feature = "vulkan") || (cfg!(feature = "webgpu") && cfg!(any(target_os = "linux", windows)));

/// One row per device kind: its name, the Cargo feature that brings it, and
/// whether this build has it.
const APIS: &[(Api, &str, &str, bool)] = &[
    (Api::Cpu, "cpu", "flex", cfg!(feature = "flex")),
    (Api::NdArray, "ndarray", "ndarray", cfg!(feature = "ndarray")),
    (Api::Vulkan, "vulkan", "vulkan", VULKAN),
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

    /// The kinds that this build cannot reach, each with the feature that brings it.
    pub fn left_out() -> impl Iterator<Item = (Api, &'static str)> {
        APIS.iter().filter(|row| !row.3).map(|row| (row.0, row.2))
    }

    /// The Burn device, without autodiff.
    ///
    /// # Errors
    /// [`Error::NotCompiled`] and [`Error::NoAdapter`]; in a browser [`Error::MustBeAwaited`] for
    /// `webgpu`, since a browser cannot be waited for: [`DeviceSpec::resolve_async`] works everywhere.
    pub fn resolve(&self) -> Result<Device, Error> {
        self.check()?;
        if cfg!(target_family = "wasm") && self.api == Api::WebGpu {
            return Err(Error::MustBeAwaited { device: self.to_string() });
        }
        let mut devices = adapters::of(self.api);
        let index = self.index.unwrap_or(0);
        if index < devices.len() {
            let device = devices.swap_remove(index);
            tracing::debug!(device = %self, level = crate::level_of(&device), "device chosen");
            return Ok(device);
        }
        Err(self.no_adapter(devices.len()))
    }

    /// [`DeviceSpec::resolve`], also in a browser, which is asked for its GPU: to be awaited before the
    /// first tensor is made. A second call gives the same device.
    ///
    /// # Errors
    /// [`Error::NotCompiled`], [`Error::NoAdapter`], and [`Error::Refused`] if there is an adapter which
    /// gives no device.
    pub async fn resolve_async(&self) -> Result<Device, Error> {
        #[cfg(all(feature = "webgpu", target_family = "wasm"))]
        if self.api == Api::WebGpu {
            return match self.index.unwrap_or(0) {
                0 => adapters::ask_the_browser().await,
                // A browser shows one adapter at most.
                _ => Err(self.no_adapter(1)),
            };
        }
        self.resolve()
    }

    /// Devices of one interface on this machine. A browser does not say whether it has a GPU before it
    /// is asked by [`DeviceSpec::resolve_async`].
    pub fn present(api: Api) -> Vec<DeviceSpec> {
        match api {
            Api::Cpu | Api::NdArray => vec![Self { api, index: None }],
            _ => (0..adapters::of(api).len()).map(|index| Self { api, index: Some(index) }).collect(),
        }
    }

    fn check(&self) -> Result<(), Error> {
        let row = self.api.row();
        if row.3 {
            return Ok(());
        }
        let available: Vec<_> = Self::compiled().map(|api| api.to_string()).collect();
        Err(Error::NotCompiled {
            device: self.to_string(),
            feature: row.2,
            available: if available.is_empty() { "none".into() } else { available.join(", ") },
        })
    }

    fn no_adapter(&self, count: usize) -> Error {
        let present = match count {
            0 => format!("no {} device", self.api),
            1 => format!("one {} device, `{0}` or `{0}:0`", self.api),
            n => format!("{n} {0} devices, `{0}:0` to `{0}:{1}`", self.api, n - 1),
        };
        Error::NoAdapter { device: self.to_string(), present }
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
