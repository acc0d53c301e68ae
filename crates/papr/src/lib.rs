//! The platform that a pseries guest expects: hypercalls, RTAS, the device tree, console, XICS
//! interrupts.
//!
//! Start at [`Platform`]: a monitor makes one per machine, implements [`host::Host`] for itself and
//! [`vcpu::Vcpu`] for its CPU, and hands over every `sc 1`.
//!
//! - `platform`, `config`, `action`: the machine as a whole, what it is made of, what a hypercall
//!   asks of the monitor;
//! - [`part`]: what the platform is made of, and how a part registers its hypercalls, services,
//!   nodes and state;
//! - [`hcall`], [`rtas`]: hypercalls and RTAS services: their form, and the tables that find them;
//! - `fdt`: the device tree;
//! - `state`: what a snapshot carries of all this.
//!
//! The parts: `xics` (interrupt controller), `console`, `processors`, `events` (requests to power
//! off, and hot-plug), `clock`, `nvram`, `memory` (hypercalls on memory), `partition` (what the
//! guest asks about itself, and how it ends), `dr` (the services on connectors), and `scm`
//! (persistent memory), which only some machines have.
#![forbid(unsafe_code)]

mod action;
mod clock;
mod config;
mod console;
mod dr;
mod events;
mod fdt;
pub mod hcall;
mod hex;
pub mod host;
mod memory;
mod nvram;
mod once;
pub mod part;
mod partition;
mod platform;
mod processors;
pub mod rtas;
mod scm;
pub mod state;
#[cfg(test)]
mod testing;
pub mod vcpu;
mod xics;

pub use action::{Action, MachineExit};
pub use config::{
    ConfigError, LMB_SIZE, MAX_VCPUS, MachineVersion, PlatformConfig, RTAS_AREA_LIMIT,
};
pub use console::{ConsoleBackend, INPUT_LIMIT};
pub use events::{HotPlug, HotPlugAction, HotPlugResource, QueueFull};
pub use fdt::DeviceTreeError;
pub use nvram::{NVRAM_SIZE, NvramSizeError};
pub use platform::Platform;
pub use rtas::RTAS_SIZE;
pub use scm::PersistentMemory;
