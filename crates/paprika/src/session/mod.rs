//! A guest that a program runs, instead of a person: boot this, run that script in it, and tell me what the console showed and how it
//! ended. For the demonstrations, the tests and the benchmarks.
//!
//! ```no_run
//! use guest_kit::{GuestKit, Progress};
//! use paprika::session::GuestSession;
//!
//! let kit = GuestKit::ensure(&Progress::auto())?;
//! let outcome = GuestSession::of_kit(&kit)?.cpus(2).script("nproc").run()?;
//! assert!(outcome.console.contains("2\n"));
//! assert_eq!(outcome.exit_status(), Some(0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - [`guest`]: the session itself;
//! - [`commands`]: a script of commands whose outputs can be told apart afterwards;
//! - `recorder`: the console, and what is to be done when a text appears on it.

pub mod commands;
pub mod guest;
mod recorder;

pub use commands::{CommandOutput, CommandScript};
pub use guest::{GuestSession, Outcome, SessionError};
