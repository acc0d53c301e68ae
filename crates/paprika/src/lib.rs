//! The monitor: guest memory, loading, vCPU threads, the terminal, and the command line.
//!
//! - [`machine`]: a whole machine that can be started, awaited, and stopped;
//! - [`load`]: kernel, initramfs, where they go;
//! - [`memory`]: guest RAM as host memory;
//! - [`terminal`]: the user's terminal as the guest's console;
//! - [`cli`]: the commands of the program.
#![deny(unsafe_code)]

pub mod cli;
pub mod load;
pub mod machine;
pub mod memory;
pub mod terminal;
