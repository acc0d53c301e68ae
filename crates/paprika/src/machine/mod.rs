//! A machine: memory, platform and vCPUs put together, and its life from power-on to its end.
//!
//! - `config`, `life`, `vcpu`, `processor`, `host`, `pmem`: what it is made of, and how it runs;
//! - `control`, `hotplug`, `quiesced`: what can be done to one that runs, from any thread;
//! - [`state`], `adopt`: a machine as data, and one that goes on where another stood.

mod adopt;
mod config;
mod control;
mod host;
mod hotplug;
mod life;
mod moving;
mod pmem;
mod processor;
mod quiesced;
pub mod state;
mod vcpu;

pub use config::{
    Blueprint, CODE_CACHE_VARIABLE, CodeOptions, CpuEngine, DEFAULT_MEMORY, ENGINE_VARIABLE,
    HostOptions, LEAST_CODE_MEMORY, MachineConfig, NO_CODE_CACHE,
};
pub use control::{ControlError, Counts, MachineControl, RunState};
pub use hotplug::{AddError, Added, RemoveError, Removed};
pub use life::{Done, End, Machine, MachineError, Outside};
pub use moving::DirtyLogError;
pub use pmem::PmemError;
pub use quiesced::{HandOverError, QuiescedMachine, Successor};
