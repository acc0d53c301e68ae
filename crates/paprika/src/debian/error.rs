//! What can go wrong with a Debian system.

use std::path::PathBuf;
use std::time::Duration;

use papr_scm::nvdimm::PlanError;

use crate::machine::{End, MachineError};
use crate::session::SessionError;

/// Why a Debian system could not be made, booted, or told what to do.
#[derive(Debug, thiserror::Error)]
pub enum DebianError {
    /// The guest kit, or the first stage.
    #[error(transparent)]
    Kit(#[from] guest_kit::Error),
    /// The machine.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// Its persistent memory.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The machine of the second stage.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// An image that would be overwritten.
    #[error("{} is there already; name a file that is not, or delete it first", .0.display())]
    Exists(PathBuf),
    /// No image there.
    #[error("there is no image {}; `paprika debian build {}` makes one", .0.display(), .0.display())]
    NoImage(PathBuf),
    /// A file of the host.
    #[error("can't {what} {}: {source}", .path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The second stage failed in the guest.
    #[error(
        "the second stage of debootstrap failed in the guest ({end:?}); the end of what it printed:\n{tail}"
    )]
    SecondStage {
        /// How the guest ended.
        end: End,
        /// Its last lines.
        tail: String,
    },
    /// The user ended it.
    #[error("interrupted")]
    Interrupted,
    /// The system did not come up.
    #[error("the system was not up after {} s; the end of its console:\n{console}", .after.as_secs())]
    NotUp {
        /// How long it was waited for.
        after: Duration,
        /// The end of what it printed.
        console: String,
    },
    /// The guest is gone.
    #[error("the guest has ended ({end}); the end of its console:\n{console}")]
    Gone {
        /// How, in words.
        end: String,
        /// The end of what it printed.
        console: String,
    },
    /// A command with a NUL byte in it, or none at all.
    #[error("a command is one or more words without NUL bytes, and not longer than 1 MiB")]
    NoCommand,
    /// Copying without a device for it.
    #[error("this guest was booted without a device for copying files")]
    NoTransfer,
    /// More files than the device has room for.
    #[error("the files are larger than the {0} bytes that can be copied at once")]
    TooMuch(u64),
    /// The guest's side of copying failed.
    #[error("copying {what} failed in the guest: {why}")]
    Copy {
        /// What was copied.
        what: String,
        /// What the guest said.
        why: String,
    },
    /// The guest did not get to another machine.
    #[error("the guest could not be {what}: {why}")]
    Relocate {
        /// What was tried: saved, restored, migrated.
        what: &'static str,
        /// Why not.
        why: String,
    },
    /// A path that names no place in the guest.
    #[error("{0:?} is no place in the guest; write an absolute path, for example /root")]
    GuestPath(String),
}

impl DebianError {
    pub(super) fn relocate(what: &'static str, why: &dyn std::fmt::Display) -> Self {
        let why = why.to_string();
        Self::Relocate { what, why }
    }

    /// The error of a failed operation on a file, for `map_err`.
    pub(super) fn file(
        what: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { what, path, source }
    }
}
