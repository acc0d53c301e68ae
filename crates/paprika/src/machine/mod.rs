//! A machine: memory, platform and vCPUs put together, and its life from power-on to its end.

mod config;
mod host;
mod life;
mod pmem;
mod processor;
mod vcpu;

pub use config::{Blueprint, DEFAULT_MEMORY, MachineConfig};
pub use life::{End, Machine, MachineError, Outside};
pub use pmem::PmemError;
