//! A Debian system for ppc64el as a guest: made by its own second stage, booted by systemd, told
//! what to run.
//!
//! ```no_run
//! use guest_kit::{DebianSpec, GuestKit, Progress};
//! use paprika::debian::{self, Command, DebianConfig, DebianGuest};
//!
//! let progress = Progress::auto();
//! let kit = GuestKit::ensure(&progress)?;
//! let image = debian::default_image(&DebianSpec::default(), &kit, &progress)?;
//! let mut guest = DebianGuest::boot(DebianConfig::new(&kit, image)?)?;
//! let output = guest.output(&Command::new(["uname", "-m"]))?;
//! assert_eq!((output.status, output.stdout.as_slice()), (0, &b"ppc64le\n"[..]));
//! guest.power_off()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - [`build`](mod@build): images; [`config`]: the machine of a system, and what its boot is told;
//! - [`guest`]: a running system that takes commands and files; `command`: what one is, and where
//!   its output goes;
//! - `protocol`: frames on the console, spoken with `guest/programs/agent.c`; `transfer`: files by
//!   way of an NVDIMM; `relocate`: a guest that goes on in another machine.

pub mod build;
mod command;
pub mod config;
mod error;
pub mod guest;
mod protocol;
mod relocate;
mod transfer;

pub use build::{build, default_image};
pub use command::{Command, CommandOutput, CommandStreams, Stop};
pub use config::DebianConfig;
pub use error::DebianError;
pub use guest::DebianGuest;
