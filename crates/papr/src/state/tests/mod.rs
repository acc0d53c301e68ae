//! A machine that was saved and restored elsewhere answers as if nothing had happened, and what is
//! no state of it is refused.
//!
//! - `step`: what can happen to a machine, at random;
//! - `moved`: machines that go on elsewhere;
//! - `refused`: damage, and other machines;
//! - `persistent`: the same with persistent memory.

mod moved;
mod persistent;
mod refused;
mod step;

use super::*;
use crate::testing::{Machine, config};

const VCPUS: u32 = 4;
/// Where vCPUs register their areas, and where buffers are.
const AREAS: u64 = 0x10_0000;
const BUFFER: u32 = 0x9000;

/// Through text and back, as in a file.
fn through_a_file(state: &PlatformState) -> PlatformState {
    serde_json::from_str(&serde_json::to_string(state).expect("plain data"))
        .expect("what was written")
}

/// The same machine elsewhere, with a copy of memory.
fn restored(m: &Machine) -> Machine {
    let elsewhere = Machine::on(m.host.copy(), config(VCPUS), None);
    elsewhere
        .platform
        .import(through_a_file(&m.platform.export()))
        .expect("the same machine");
    elsewhere
}
