//! What a snapshot carries of the platform, as plain data that names its parts: the machine that it
//! was, and for each of its parts, by name, what its guest could tell apart.
//! [`Platform::export`](crate::Platform::export) gives it,
//! [`Platform::import`](crate::Platform::import) puts it into a machine made alike.
//!
//! Not in it, as they are not the platform's: guest memory, the state of vCPUs (whether one is
//! stopped, or waits and for what, included), the partition-wide settings that the platform only
//! passes on to its host (interrupt endianness and location, process table), the time base, console
//! output under way, and which oddities of the guest were logged.
//!
//! - `data`: the structures, and why one is refused;
//! - `transfer`: export and import.

mod data;
#[cfg(test)]
mod tests;
mod transfer;

pub use crate::clock::ClockState;
pub use crate::events::EventsState;
pub use crate::hex::HexBytes;
pub use crate::processors::VcpuAreas;
pub use crate::xics::{Icp, Irq, Presented, Source, XicsState};
pub use data::{ImportError, MachineState, PartState, PlatformState, STATE_VERSION};
