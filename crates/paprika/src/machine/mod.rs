//! A machine: memory, platform and vCPUs put together, and its life from power-on to its end.

mod config;
mod control;
mod host;
mod hotplug;
mod life;
mod pmem;
mod processor;
mod vcpu;

pub use config::{Blueprint, CpuEngine, DEFAULT_MEMORY, MachineConfig};
pub use control::{ControlError, Counts, MachineControl, RunState};
pub use hotplug::{AddError, Added, RemoveError, Removed};
pub use life::{End, Machine, MachineError, Outside};
pub use pmem::PmemError;
