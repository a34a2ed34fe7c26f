//! Which driver for Vulkan there is.

use std::{env, fs, path::Path};

/// Where Debian's package `chromium` has its driver in software, SwiftShader.
pub(super) const SOFTWARE: &str = "/usr/lib/chromium/vk_swiftshader_icd.json";

/// Where the drivers of GPUs, and those that a distribution installs, are written down.
const SYSTEM: [&str; 3] = ["/etc/vulkan/icd.d", "/usr/share/vulkan/icd.d", "/usr/local/share/vulkan/icd.d"];

pub(super) enum Driver {
    /// What `VK_DRIVER_FILES` names.
    Named(String),
    /// The machine's own.
    System,
    /// SwiftShader.
    Software,
}

impl Driver {
    pub(super) const MISSING: &str =
        "set VK_DRIVER_FILES, or install Debian's packages chromium and libvulkan1";

    /// One that was named comes first, then that of a GPU.
    pub(super) fn find() -> Option<Self> {
        let has_some = |folder: &str| fs::read_dir(folder).is_ok_and(|mut files| files.next().is_some());
        match env::var("VK_DRIVER_FILES") {
            Ok(files) => Some(Self::Named(files)),
            Err(_) if SYSTEM.iter().any(|folder| has_some(folder)) => Some(Self::System),
            Err(_) => Path::new(SOFTWARE).exists().then_some(Self::Software),
        }
    }

    /// The feature that brings Vulkan for it. SwiftShader takes Burn's SPIR-V wrongly (it does not
    /// know its pointers), so it is given WGSL.
    pub(super) fn feature(&self) -> &'static str {
        match self {
            Self::Software => "webgpu",
            Self::Named(files) if files.contains("swiftshader") => "webgpu",
            Self::Named(_) | Self::System => "vulkan",
        }
    }
}
