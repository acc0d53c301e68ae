//! Why no guest came.

use crate::link::PlaceError;
use crate::machine::Problem;
use crate::wire::ChannelError;

/// No guest has come, and none will of this attempt. It is at its source.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// The user called it off.
    #[error("waiting for the guest was cancelled")]
    Cancelled,
    /// Nobody can come.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The machine can't be what the source's is, or its state can't be taken.
    #[error("{0}")]
    Refused(Problem),
    /// The source has called it off, and said why.
    #[error("the source has kept the guest: {0}")]
    Aborted(String),
    /// The link, or what came over it.
    #[error("{0}; the guest has not come, and is at its source if that still runs")]
    Link(String),
    /// The source said something that makes no sense here.
    #[error("the source does not keep to the protocol; the guest has not come")]
    Unexpected,
    /// The source has asked for the outcome over another link before it said that the guest was ours.
    #[error("the connection broke before the guest was handed over; it is at its source")]
    Given,
}

/// What a source is told of a refusal.
const REFUSED: &str = "refused; the receiver says why, on its side";

impl ReceiveError {
    /// In words for the source. Why a machine was refused is none of its business: it would tell
    /// whoever asks which files are there, how long they are, and what the host has.
    pub(super) fn for_the_source(&self) -> String {
        match self {
            Self::Refused(_) | Self::Place(_) => REFUSED.to_owned(),
            other => other.to_string(),
        }
    }
}

impl From<ChannelError> for ReceiveError {
    fn from(error: ChannelError) -> Self {
        match error {
            ChannelError::Interrupted => Self::Cancelled,
            other => Self::Link(other.to_string()),
        }
    }
}
