//! Two machines, a guest and its NVDIMM in memory, and faults at chosen moments.
#![allow(dead_code, reason = "each test uses its part")]

pub mod pipe;
pub mod pki;
pub mod plain;
pub mod raw;
pub mod world;

use std::time::Duration;

use paprika_migration::Options;
use paprika_migration::options::Limits;

/// Options with which a test need not wait long for what never comes.
pub fn quick() -> Options {
    Options {
        limits: Limits {
            first_byte: Duration::from_secs(2),
            handshake: Duration::from_secs(2),
            check: Duration::from_secs(2),
            frame: Duration::from_secs(2),
            settle: Duration::from_secs(2),
            commit: Duration::from_millis(400),
            linger: Duration::from_secs(2),
        },
        ..Options::default()
    }
}
