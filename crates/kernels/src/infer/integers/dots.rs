//! Which instructions sum products of bytes.

use crate::{Level, level::Loop};

/// By which instructions products of bytes are summed. As with [`Level`], whoever has one has its instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dots {
    /// Registers of 64 bytes, and `vpdpbusd`: four products a lane in one instruction.
    #[cfg(target_arch = "x86_64")]
    #[non_exhaustive]
    Avx512Vnni,
    /// Registers of 32 bytes, and `vpdpbusd`.
    #[cfg(target_arch = "x86_64")]
    #[non_exhaustive]
    AvxVnni,
    /// Registers of 32 bytes, and `vpmaddubsw`, whose sums of two products saturate: weights that could do so are
    /// spread over two steps.
    #[cfg(target_arch = "x86_64")]
    #[non_exhaustive]
    Avx2,
    /// Whatever the compiler makes of it.
    #[non_exhaustive]
    Portable,
}

impl Dots {
    /// What this machine can run, best first.
    pub fn available() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let has_avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        let all = [
            #[cfg(target_arch = "x86_64")]
            (
                Self::Avx512Vnni,
                has_avx2
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vnni"),
            ),
            #[cfg(target_arch = "x86_64")]
            (Self::AvxVnni, has_avx2 && is_x86_feature_detected!("avxvnni")),
            #[cfg(target_arch = "x86_64")]
            (Self::Avx2, has_avx2),
            (Self::Portable, true),
        ];
        all.into_iter().filter(|(_, is_there)| *is_there).map(|(dots, _)| dots)
    }

    /// The best of [`Dots::available`] whose registers are no wider than a level's.
    pub fn of(level: Level) -> Self {
        let is_within = |dots: &Self| dots.lanes() <= level.lanes::<i32>();
        Self::available().find(is_within).unwrap_or(Self::Portable)
    }

    /// Its name, as users write it.
    pub fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => "avx512-vnni",
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni => "avx-vnni",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "avx2",
            Self::Portable => "portable",
        }
    }

    /// How many sums a register has: outputs that are computed together.
    pub fn lanes(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => 16,
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni | Self::Avx2 => 8,
            Self::Portable => 4,
        }
    }

    /// How many registers there are.
    pub(crate) fn registers(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => 32,
            _ => 16,
        }
    }

    /// Runs a loop whose instructions the compiler chooses, of those that there are.
    pub(crate) fn run<L: Loop>(self, work: L) -> L::Output {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni | Self::AvxVnni | Self::Avx2 => Level::Avx2.run(work),
            Self::Portable => Level::Portable.run(work),
        }
    }

    /// Whether two neighbouring products must not sum up to more than 16 bits hold.
    pub fn saturates(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => true,
            _ => false,
        }
    }
}
