//! The machine that an account is of, or a time.

use std::{env, fs};

/// The name of this machine; "this machine" where the system tells none.
pub fn host() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = name.or_else(|| env::var("HOSTNAME").ok()).or_else(|| env::var("COMPUTERNAME").ok());
    name.map_or_else(|| "this machine".into(), |name| name.trim().to_string())
}

/// What the processor of this machine is called; its architecture where the system tells no name.
pub fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    model_name(&info).unwrap_or(env::consts::ARCH).to_string()
}

/// The first processor's name in the kernel's list of them.
fn model_name(info: &str) -> Option<&str> {
    let fields = info.lines().filter_map(|line| line.split_once(':'));
    fields.filter(|(field, _)| field.trim() == "model name").map(|(_, name)| name.trim()).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_has_the_name_that_the_kernel_tells() {
        let info = "model\t\t: 1\nmodel name\t: Some CPU @ 3 GHz: fast\nmodel name\t: another\n";
        assert_eq!(model_name(info), Some("Some CPU @ 3 GHz: fast"));
        assert_eq!(model_name("Features\t: asimd\n"), None);
        assert!(!processor().is_empty());
    }
}
