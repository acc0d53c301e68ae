//! How a call of the API fails: a code for programs, a sentence for people.

use serde::{Deserialize, Serialize};

use crate::machine::{AddError, ControlError, PmemError, RemoveError};
use crate::sandbox::Outside;
use crate::snapshot::SaveError;
use papr_scm::PlugError;
use papr_scm::nvdimm::PlanError;

/// What kind of failure it is. The HTTP status follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The request makes no sense.
    BadRequest,
    /// There is no such thing.
    NotFound,
    /// The thing is there, but can't be treated so.
    MethodNotAllowed,
    /// The request did not come in time.
    RequestTimeout,
    /// The request is too big.
    TooLarge,
    /// Another device has the same name, uuid or slot, or no slot is free.
    Conflict,
    /// The description of a device, or its file, won't do.
    Refused,
    /// The guest says no.
    GuestRefused,
    /// The guest has not answered in time.
    GuestTimeout,
    /// The guest does not listen to events.
    GuestNotListening,
    /// Somebody cancelled it.
    Cancelled,
    /// Too much is going on already.
    Busy,
    /// The machine has ended, or won't do it.
    Unavailable,
    /// A defect of Paprika.
    Internal,
}

impl ErrorCode {
    /// The HTTP status.
    pub const fn status(self) -> u16 {
        match self {
            ErrorCode::BadRequest => 400,
            ErrorCode::NotFound => 404,
            ErrorCode::MethodNotAllowed => 405,
            ErrorCode::RequestTimeout => 408,
            ErrorCode::Conflict | ErrorCode::GuestRefused | ErrorCode::Cancelled => 409,
            ErrorCode::TooLarge => 413,
            ErrorCode::Refused => 422,
            ErrorCode::Internal => 500,
            ErrorCode::GuestNotListening | ErrorCode::Busy | ErrorCode::Unavailable => 503,
            ErrorCode::GuestTimeout => 504,
        }
    }
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// For programs.
    pub code: ErrorCode,
    /// For people: one sentence.
    pub message: String,
}

/// The body of a failed call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// Why.
    pub error: ApiError,
}

impl ApiError {
    /// A failure of this kind.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

impl From<ControlError> for ApiError {
    fn from(error: ControlError) -> Self {
        let code = match &error {
            ControlError::Ended | ControlError::NotStill => ErrorCode::Unavailable,
            ControlError::Held | ControlError::Between => ErrorCode::Busy,
            ControlError::NotListening(_) => ErrorCode::GuestNotListening,
        };
        Self::new(code, error.to_string())
    }
}

impl From<Outside> for ApiError {
    fn from(error: Outside) -> Self {
        Self::new(ErrorCode::Refused, error.to_string())
    }
}

impl From<AddError> for ApiError {
    fn from(error: AddError) -> Self {
        let code = match error {
            AddError::Plan(PlanError::Config(_)) => ErrorCode::BadRequest,
            AddError::Plan(PlanError::NoSuchSlot { .. }) => ErrorCode::BadRequest,
            AddError::Plan(_) | AddError::Pmem(PmemError::Start(_) | PmemError::NoRoom(_)) => {
                ErrorCode::Refused
            }
            AddError::Pmem(PmemError::Plug(
                PlugError::NoSlot { .. } | PlugError::Conflict { .. },
            )) => ErrorCode::Conflict,
            AddError::Pmem(PmemError::Plug(_)) => ErrorCode::Refused,
            AddError::NotListening(_) => ErrorCode::GuestNotListening,
            AddError::Control(error) => return error.into(),
        };
        Self::new(code, error.to_string())
    }
}

impl From<SaveError> for ApiError {
    fn from(error: SaveError) -> Self {
        let code = match error {
            SaveError::Control(error) => return error.into(),
            SaveError::Encode(_) => ErrorCode::Internal,
            SaveError::Cancelled => ErrorCode::Cancelled,
            SaveError::Directory(_)
            | SaveError::Flush(_)
            | SaveError::Backing { .. }
            | SaveError::BackingMoved { .. }
            | SaveError::Write { .. } => ErrorCode::Refused,
        };
        Self::new(code, error.to_string())
    }
}

impl From<RemoveError> for ApiError {
    fn from(error: RemoveError) -> Self {
        let code = match error {
            RemoveError::NoSuchDevice(_) => ErrorCode::NotFound,
            RemoveError::Refused(_) => ErrorCode::GuestRefused,
            RemoveError::Unanswered { .. } => ErrorCode::GuestTimeout,
            RemoveError::NotListening(_) => ErrorCode::GuestNotListening,
            RemoveError::Control(error) => return error.into(),
        };
        Self::new(code, error.to_string())
    }
}
