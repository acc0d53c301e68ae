//! Migrations by the control socket: one at a time, watched, cancelled and decided by others while it goes on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use paprika_migration::handle::TooLate;
use paprika_migration::link::Connector;
use paprika_migration::{Handle, Options, Uri, migrate};

use super::api::{DecideRequest, MigrateRequest, Migrated, MigrationProgress, MigrationStatus};
use super::error::{ApiError, ErrorCode};
use crate::machine::MachineControl;
use crate::migrate::MigrationSource;
use crate::sandbox;

/// The most that a user may allow.
const DOWNTIME_MAX: Duration = Duration::from_secs(60);

/// The migration that is going on, or the last one.
#[derive(Debug, Default)]
pub(super) struct Mover {
    current: Mutex<Current>,
}

#[derive(Debug, Default)]
struct Current {
    handle: Option<Arc<Handle>>,
    going_on: bool,
}

impl Mover {
    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves the machine; takes as long as that takes.
    pub(super) fn migrate(
        &self,
        machine: &Arc<MachineControl>,
        request: &MigrateRequest,
    ) -> Result<Migrated, ApiError> {
        let bad = |message: String| ApiError::new(ErrorCode::BadRequest, message);
        let uri: Uri = request
            .uri
            .parse()
            .map_err(|error: paprika_migration::uri::UriError| bad(error.to_string()))?;
        let options = options(request)?;
        sandbox::check_place(&uri)?;
        let refused =
            |error: &dyn std::fmt::Display| ApiError::new(ErrorCode::Refused, error.to_string());
        let to = uri.to_string();
        let connector = Connector::new(uri).map_err(|error| refused(&error))?;
        let handle = Arc::new(Handle::new());
        {
            let mut current = self.current();
            if current.going_on {
                return Err(ApiError::new(
                    ErrorCode::Busy,
                    "the machine is moving already; wait until that is done, or cancel it",
                ));
            }
            *current = Current {
                handle: Some(Arc::clone(&handle)),
                going_on: true,
            };
        }
        let _end = EndOnDrop(self);
        let leaving = MigrationSource::new(machine, to.clone());
        let report = migrate(&leaving, &connector, &options, &handle).map_err(|error| {
            let code = match error.reason {
                paprika_migration::Reason::Cancelled => ErrorCode::Cancelled,
                _ => ErrorCode::Refused,
            };
            ApiError::new(code, error.to_string())
        })?;
        Ok(Migrated {
            to,
            total_ms: millis(report.total),
            downtime_ms: millis(report.downtime),
            rounds: report.rounds,
            bytes: report.wire_bytes,
        })
    }

    /// How far it is.
    pub(super) fn status(&self) -> MigrationStatus {
        let handle = self.current().handle.clone();
        MigrationStatus {
            migration: handle.map(|handle| MigrationProgress::of(&handle.progress())),
        }
    }

    /// Wishes it to end.
    pub(super) fn cancel(&self) -> Result<MigrationStatus, ApiError> {
        self.handle()?.cancel().map_err(too_late)?;
        Ok(self.status())
    }

    /// Takes the user's word on who has the guest.
    pub(super) fn decide(&self, request: DecideRequest) -> Result<MigrationStatus, ApiError> {
        self.handle()?
            .decide(request.guest_runs.into())
            .map_err(too_late)?;
        Ok(self.status())
    }

    fn handle(&self) -> Result<Arc<Handle>, ApiError> {
        let current = self.current();
        let handle = current.handle.clone().filter(|_| current.going_on);
        handle.ok_or_else(|| ApiError::new(ErrorCode::NotFound, "the machine is not moving"))
    }
}

/// The migration is over, however it ended.
struct EndOnDrop<'a>(&'a Mover);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.current().going_on = false;
    }
}

fn too_late(error: TooLate) -> ApiError {
    ApiError::new(ErrorCode::Conflict, error.to_string())
}

fn options(request: &MigrateRequest) -> Result<Options, ApiError> {
    let mut options = Options {
        brake: request.brake,
        ..Options::default()
    };
    if let Some(limit) = request.downtime_limit_ms {
        options.downtime_limit = Duration::from_millis(limit);
        if options.downtime_limit.is_zero() || options.downtime_limit > DOWNTIME_MAX {
            let message = format!(
                "downtime_limit_ms is not from 1 to {}",
                DOWNTIME_MAX.as_millis()
            );
            return Err(ApiError::new(ErrorCode::BadRequest, message));
        }
    }
    Ok(options)
}

fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
