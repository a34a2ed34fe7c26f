//! What wgpu was refused is said once, by the error of the command.

use std::panic::{self, PanicHookInfo};

/// wgpu tells of a buffer that the device has no room for by a panic on a thread of its own. Burn makes of it
/// an error of the next read, and the command ends with that: what the panic would print is left out.
pub(super) fn is_left_to_its_error() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !is_refusal(info) {
            usual(info);
        }
    }));
}

fn is_refusal(info: &PanicHookInfo<'_>) -> bool {
    info.payload_as_str() == Some("wgpu error: Out of Memory")
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread};

    use super::*;

    #[test]
    fn nothing_else_is_left_out() {
        let (said, heard) = mpsc::channel();
        let here = thread::current().id();
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if thread::current().id() == here {
                let _ = said.send(info.payload_as_str().unwrap_or_default().to_string());
            } else {
                usual(info);
            }
        }));
        is_left_to_its_error();
        for words in ["wgpu error: Out of Memory", "wgpu error: Validation Error"] {
            let _ = panic::catch_unwind(|| panic!("{words}"));
        }
        let _ = panic::take_hook();
        assert_eq!(heard.try_iter().collect::<Vec<_>>(), ["wgpu error: Validation Error"]);
    }
}
