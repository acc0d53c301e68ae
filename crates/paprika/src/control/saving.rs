//! Snapshots by the control socket: one at a time, watched and cancelled by others while it is made.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::api::{SaveRequest, SavingProgress, SavingStatus};
use super::error::{ApiError, ErrorCode};
use crate::machine::MachineControl;
use crate::sandbox;
use crate::snapshot::{Progress, SaveOptions, Saved, save};

/// The snapshot that is being made, if one is.
#[derive(Debug, Default)]
pub(super) struct Saver {
    current: Mutex<Option<Arc<Progress>>>,
}

impl Saver {
    fn current(&self) -> MutexGuard<'_, Option<Arc<Progress>>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a snapshot; takes as long as that takes.
    pub(super) fn save(
        &self,
        machine: &MachineControl,
        request: &SaveRequest,
    ) -> Result<Saved, ApiError> {
        if !request.path.is_absolute() {
            return Err(ApiError::new(ErrorCode::BadRequest, "path is not absolute"));
        }
        sandbox::check_snapshot(&request.path)?;
        let options = SaveOptions {
            quit: request.quit,
            digest: request.digest,
        };
        let progress = Arc::new(Progress::new());
        {
            let mut current = self.current();
            if current.is_some() {
                return Err(ApiError::new(
                    ErrorCode::Busy,
                    "a snapshot is being made already; wait until it is done, or cancel it",
                ));
            }
            *current = Some(Arc::clone(&progress));
        }
        let _end = EndOnDrop(self);
        Ok(save(machine, &request.path, options, &progress)?)
    }

    /// How far it is.
    pub(super) fn status(&self) -> SavingStatus {
        let saving = self.current().as_ref().map(|progress| {
            let (stage, done, total) = progress.now();
            SavingProgress { stage, done, total }
        });
        SavingStatus { saving }
    }

    /// Wishes it to end.
    pub(super) fn cancel(&self) -> Result<SavingStatus, ApiError> {
        match self.current().as_ref() {
            Some(progress) => progress.cancel(),
            None => {
                return Err(ApiError::new(
                    ErrorCode::NotFound,
                    "no snapshot is being made",
                ));
            }
        }
        Ok(self.status())
    }
}

/// The snapshot is made or not, however that came about.
struct EndOnDrop<'a>(&'a Saver);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        *self.0.current() = None;
    }
}
