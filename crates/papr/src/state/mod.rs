//! What a snapshot carries of the platform, as plain data that names its parts: the machine that it was, and all that its
//! guest could tell apart. [`Platform::export`](crate::Platform::export) gives it, [`Platform::import`](crate::Platform::import)
//! puts it into a machine made alike.
//!
//! Not in it, as they are not the platform's: guest memory, the state of vCPUs (whether one is stopped, or waits and for
//! what, included), the partition-wide settings that the platform only passes on to its host (interrupt endianness and
//! location, process table), the time base, console output under way, and which oddities of the guest were logged.
//!
//! - `data`: the structures, and why one is refused;
//! - `hex`: bytes as text;
//! - `transfer`: export and import.

mod data;
mod hex;
#[cfg(test)]
mod tests;
mod transfer;

pub use crate::clock::ClockState;
pub use crate::events::EventsState;
pub use crate::hcall::VcpuAreas;
pub use crate::xics::{Irq, Presented, Presenter, Source, XicsState};
pub use data::{ImportError, MachineState, PlatformState, STATE_VERSION};
pub use hex::HexBytes;
