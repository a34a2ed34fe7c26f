//! Which instructions there are.

/// Which instructions the machine has. Elsewhere none can be made but by asking: whoever has a
/// level has its instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Registers of 64 bytes and fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    #[non_exhaustive]
    Avx512,
    /// Registers of 32 bytes and fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    #[non_exhaustive]
    Avx2,
    /// Registers of 16 bytes and fused multiply-add, which every 64-bit Arm has.
    #[cfg(target_arch = "aarch64")]
    #[non_exhaustive]
    Neon,
    /// Whatever the compiler makes of it.
    #[non_exhaustive]
    Portable,
}

/// Something that is compiled for each level. [`Loop::run`], and all that it calls, must be
/// inlined always: what is not is compiled without the level's instructions.
pub(crate) trait Loop {
    type Output;

    fn run(self) -> Self::Output;
}

impl Level {
    /// The best of [`Level::available`].
    pub fn detect() -> Self {
        Self::available().next().unwrap_or(Self::Portable)
    }

    /// What this machine can run, best first.
    pub fn available() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let has_avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        let levels = [
            #[cfg(target_arch = "x86_64")]
            (Self::Avx512, has_avx2 && is_x86_feature_detected!("avx512f")),
            #[cfg(target_arch = "x86_64")]
            (Self::Avx2, has_avx2),
            #[cfg(target_arch = "aarch64")]
            (Self::Neon, true),
            (Self::Portable, true),
        ];
        levels.into_iter().filter(|(_, is_there)| *is_there).map(|(level, _)| level)
    }

    /// Its name, as users write it.
    pub fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "avx2",
            #[cfg(target_arch = "aarch64")]
            Self::Neon => "neon",
            Self::Portable => "portable",
        }
    }

    /// How many f32 a register has.
    pub fn numbers(self) -> usize {
        self.lanes::<f32>()
    }

    /// How many numbers a register has.
    pub(crate) fn lanes<T>(self) -> usize {
        let bytes = match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => 64,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => 32,
            #[cfg(target_arch = "aarch64")]
            Self::Neon => 16,
            Self::Portable => 16,
        };
        bytes / size_of::<T>()
    }

    /// How many registers there are.
    pub(crate) fn registers(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => 32,
            #[cfg(target_arch = "aarch64")]
            Self::Neon => 32,
            _ => 16,
        }
    }

    /// The level for rows of this width: where half a register holds them, that is
    /// enough.
    #[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables))]
    pub(crate) fn narrowed<T>(self, width: usize) -> Self {
        #[cfg(target_arch = "x86_64")]
        if self == Self::Avx512 && 2 * width <= self.lanes::<T>() {
            return Self::Avx2;
        }
        self
    }

    /// Runs a loop with the level's instructions. Such loops wait for memory, and their values are
    /// the same whatever registers they pass: registers of 32 bytes are wide enough, and end sooner
    /// where planes are small.
    pub(crate) fn run<L: Loop>(self, work: L) -> L::Output {
        match self {
            // SAFETY: [`Level::available`] found these instructions.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 | Self::Avx2 => unsafe { avx2(work) },
            _ => work.run(),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<L: Loop>(work: L) -> L::Output {
    work.run()
}
