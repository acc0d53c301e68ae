//! The platform that a pseries guest expects: hypercalls, RTAS, the device tree, console, XICS interrupts.
//!
//! Start at [`Platform`]: a monitor makes one per machine, implements [`host::Host`] for itself and [`vcpu::Vcpu`] for
//! its CPU, and hands over every `sc 1`.
//!
//! - `platform`, `config`, `action`: the machine as a whole, what it is made of, what a hypercall asks of the monitor;
//! - `hcall`: hypercalls, a file per family;
//! - `rtas`: run-time abstraction services, a file per family;
//! - `xics`: the interrupt controller;
//! - `events`: requests to power off, and hot-plug;
//! - `console`, `clock`, `nvram`: the virtual terminal, the time of day, non-volatile memory;
//! - `state`: what a snapshot carries of all this;
//! - `fdt`: the device tree, a file per part.
#![forbid(unsafe_code)]

mod action;
mod clock;
mod config;
mod console;
mod events;
mod fdt;
mod hcall;
pub mod host;
mod nvram;
mod once;
mod platform;
mod rtas;
pub mod state;
mod sync;
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
