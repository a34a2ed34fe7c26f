//! The machine that an account is of.

use std::{env, fs};

/// The name of this machine; "this machine" where the system tells none.
pub fn host() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = name.or_else(|| env::var("HOSTNAME").ok()).or_else(|| env::var("COMPUTERNAME").ok());
    name.map_or_else(|| "this machine".into(), |name| name.trim().to_string())
}
