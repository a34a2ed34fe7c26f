//! Large pages of memory, where the system has some: on Linux.
//!
//! The weights of a layer are read once for each image, 2 MB of them from 512 small pages, each of which the system
//! hands out by itself when it is written, and the processor looks up by itself when it is read.

/// Asks for large pages. What is said is advice: nothing becomes another value by it.
pub(super) fn ask_for_large(numbers: &mut [f32]) {
    #[cfg(target_os = "linux")]
    if !numbers.is_empty() {
        use rustix::mm::{Advice, madvise};
        // SAFETY: this advice changes no value, and what a system does that does not follow it is nothing.
        let _ = unsafe { madvise(numbers.as_mut_ptr().cast(), size_of_val(numbers), Advice::LinuxHugepage) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = numbers;
}
