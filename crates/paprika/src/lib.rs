//! The monitor: guest memory, loading, vCPU threads, the terminal, and the command line.
//!
//! - [`files`]: the files that this process was told to use, which no command may replace;
//! - [`machine`]: a whole machine that can be started, awaited, and stopped;
//! - [`load`]: kernel, initramfs, where they go;
//! - [`memory`]: guest RAM as host memory;
//! - [`terminal`]: the user's terminal as the guest's console;
//! - [`control`]: the socket by which programs control a running machine;
//! - [`snapshot`]: a machine in a directory, and the way back;
//! - [`migrate`]: a machine that moves to another process while its guest runs;
//! - [`sandbox`]: what the process of a machine is held to; [`host`]: what the monitor asks of the
//!   host;
//! - [`session`]: a guest that a program runs: a script in, the console's text and the end out;
//! - [`debian`]: a Debian system as a guest: made, booted, told what to run;
//! - [`demo`]: the demonstrations;
//! - [`text`]: what others have said, made harmless for the user's terminal;
//! - [`cli`]: the commands of the program.
#![deny(unsafe_code)]

pub mod cli;
pub mod control;
pub mod debian;
pub mod demo;
pub mod files;
pub mod host;
pub mod load;
pub mod machine;
pub mod memory;
pub mod migrate;
pub mod sandbox;
pub mod session;
pub mod snapshot;
pub mod terminal;
pub mod text;
