//! Live migration: a machine moves to another process while its guest runs, over a Unix socket, TCP or TLS.
//!
//! This crate knows no CPU and no monitor. [`SourceMachine`] and [`DestinationMachine`] say what a machine has to be able to do;
//! [`migrate`] and [`receive`] do the rest: memory is copied while the guest runs, then what it still changes, until the remainder
//! fits into the downtime that the user allows; then the guest stands still, the remainder and its state follow, and it runs there.
//!
//! **Whatever fails, never two guests run, and no acknowledged write is lost.** The argument, and who runs after which failure, is
//! in [`handover`].
//!
//! - [`uri`]: where to, as the user writes it
//! - [`link`]: a connection with deadlines: sockets, TLS
//! - `wire`: frames, messages, and the checks of every byte that comes in
//! - [`machine`]: what a machine must do
//! - [`handle`]: progress, cancelling, and the user's word where nobody can know
//! - [`options`]: downtime, and the bounds of everything that is waited for
//! - `source`, `destination`: the two sides
//! - `log_limit`: how many log lines strangers can cause
#![forbid(unsafe_code)]

mod destination;
pub mod handle;
pub mod handover;
pub mod link;
mod log_limit;
pub mod machine;
pub mod options;
mod pages;
mod source;
pub mod uri;
mod wire;

pub use destination::{ReceiveError, Received, receive};
pub use handle::{Handle, Progress, Stage};
pub use machine::{DestinationMachine, Problem, RamShape, SourceMachine, StoppedMachine};
pub use options::Options;
pub use pages::PageSet;
pub use source::{GuestIs, MigrateError, Reason, Report, migrate};
pub use uri::Uri;
pub use wire::MigrationId;
