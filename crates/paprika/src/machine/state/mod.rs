//! A machine as data: what a snapshot keeps and what a migration sends, and the decision whether it may go on elsewhere.
//!
//! Nothing here knows files or streams. The way of a machine:
//!
//! 1. [`MachineControl::stand_still`](super::MachineControl::stand_still) pauses it for as long as the result lives: nobody resumes,
//!    resets or plugs meanwhile. From it come the [`MachineState`]
//!    ([`export`](super::QuiescedMachine::export)), what the guest boots from
//!    ([`boot_files`](super::QuiescedMachine::boot_files)), RAM
//!    ([`MachineControl::ram`](super::MachineControl::ram), readable at any time), and the sync of
//!    the NVDIMMs. Dropped, the guest goes on; [`leave`](super::QuiescedMachine::leave) ends the
//!    machine instead.
//! 2. Elsewhere, [`compat::check`] compares the [`Description`] with what is there, [`Blueprint::of_saved`](super::Blueprint::of_saved) and
//!    [`Machine::build`](super::Machine::build) make the same machine without devices, and RAM is filled ([`Machine::ram`](super::Machine::ram)),
//!    possibly long before the state is known.
//! 3. [`Machine::adopt`](super::Machine::adopt) plugs the NVDIMMs where the guest knows them and takes the state over; whatever can be refused
//!    is refused here. [`Machine::run`](super::Machine::run) then goes on where the guest stood, instead of booting it.
//!
//! Not in the state: RAM and the NVDIMMs' bytes; what was printed and is still on its way to the terminal, which belongs to the process
//! that took it from the guest and is shown there, so that nothing is shown twice; and what only the host cares for (engine, sockets, counters).
//!
//! - `data`: the structures;
//! - [`compat`]: one description against another.

pub mod compat;
mod data;
#[cfg(test)]
mod matrix;

pub use compat::{Refusal, Warning};
pub use data::{
    BackingIdentity, Blob, BootFiles, BootState, DOWNTIME_MAX, Description, MachineState,
    NvdimmDescription, Phase, STATE_VERSION, StateError, VcpuState,
};
