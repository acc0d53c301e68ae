//! The sandbox of a process that runs a machine: what the command line names is what it may reach.
//!
//! - [`SandboxMode`], [`SandboxOptions`]: what the user chooses;
//! - [`Needs`]: what a command names, gathered before the first thread; [`Needs::enter`] takes
//!   everything else away;
//! - [`everything_is_open`]: the second step, when all files and sockets are there and the machine
//!   is about to run;
//! - [`check_file`], [`check_place`], [`check_snapshot`]: whether what an API client names can be
//!   reached, in words;
//! - [`SandboxStatus`]: what is in force.
//!
//! The crate `sandbox` knows how; here is what for. `docs/security.md` says who is kept from what.

mod in_force;
mod needs;
mod partition;

pub use in_force::{
    CallsInForce, Outside, SandboxStatus, check_file, check_place, check_snapshot,
    everything_is_open,
};
pub use needs::{AllowPort, Needs, SandboxError, SandboxOptions};
pub use partition::CodePartition;

/// What a process that runs a machine is held to.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Default,
    clap::ValueEnum,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum SandboxMode {
    /// It reaches what the command line names; a system call that it has no reason to make ends it.
    #[default]
    On,
    /// It reaches everything; such a system call is noted in the kernel's log.
    Log,
    /// It may do what its user may.
    Off,
}
