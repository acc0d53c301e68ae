//! A machine: memory, platform and vCPUs put together, and its life from power-on to its end.

mod host;
mod life;
mod pmem;
mod processor;
mod vcpu;

pub use life::{End, Machine, MachineConfig, MachineError, Outside};
pub use pmem::PmemError;
