//! Why a guest stayed where it was.

use std::time::Duration;

use crate::link::PlaceError;
use crate::machine::Problem;
use crate::wire::ChannelError;

/// A guest has not moved.
#[derive(Debug, thiserror::Error)]
#[error("{reason}; {guest}")]
pub struct MigrateError {
    /// Why.
    pub reason: Reason,
    /// Where the guest is.
    pub guest: GuestIs,
}

/// Where a guest is that has not moved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GuestIs {
    /// As it was before the attempt: running, or paused by its user.
    #[error("the guest goes on here")]
    AsBefore,
    /// It belongs here and stands still.
    #[error("the guest belongs here and can't go on: {0}")]
    Stuck(Problem),
}

/// Why a guest has not moved.
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    /// The user called it off.
    #[error("the migration was cancelled")]
    Cancelled,
    /// Nobody is there.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The destination can't be what the machine is.
    #[error("the destination refuses the machine: {0}")]
    Refused(String),
    /// The destination can't go on.
    #[error("the destination gave up: {0}")]
    Destination(String),
    /// The machine here can't go on.
    #[error("{0}")]
    Machine(Problem),
    /// The guest changes its memory too fast.
    #[error(
        "the guest changes {} MiB of memory per second and the connection carries {} MiB per second, so that it would stand still for {} ms and not for {} ms at most; allow a longer downtime or braking, or try when it is less busy",
        dirty_rate >> 20, bandwidth >> 20, expected.as_millis(), limit.as_millis()
    )]
    TooBusy {
        /// Bytes per second that the guest changes.
        dirty_rate: u64,
        /// Bytes per second that the link carries.
        bandwidth: u64,
        /// The downtime that can be had.
        expected: Duration,
        /// The downtime that was allowed.
        limit: Duration,
    },
    /// The link.
    #[error("{0}")]
    Link(String),
    /// The destination said something that makes no sense here.
    #[error("the destination does not keep to the protocol")]
    Unexpected,
    /// No randomness.
    #[error("the host gives no random numbers: {0}")]
    NoRandom(String),
    /// The user has decided.
    #[error("the user decided that the guest stays")]
    Decided,
}

impl From<ChannelError> for Reason {
    fn from(error: ChannelError) -> Self {
        match error {
            ChannelError::Interrupted => Self::Cancelled,
            other => Self::Link(other.to_string()),
        }
    }
}
