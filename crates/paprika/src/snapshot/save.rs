//! Saving a machine.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use papr_scm::flush::SyncFailure;
use rustix::fs::{fstat, fsync};
use rustix::io::retry_on_intr;
use serde::{Deserialize, Serialize};
use tracing::info;

use super::directory::{Directory, DirectoryError};
use super::format::{self, StateFile};
use super::memory::{self, MemoryError};
use super::progress::{Progress, Stage};
use super::{INITRD_FILE, KERNEL_FILE, MEMORY_FILE, STATE_FILE, identity};
use crate::files;
use crate::machine::state::{MachineState, NvdimmDescription};
use crate::machine::{ControlError, MachineControl, QuiescedMachine, RunState, Successor};

/// How long the NVDIMMs' syncs may take.
const FLUSH_LIMIT: Duration = Duration::from_secs(60);

/// What a snapshot is to be like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SaveOptions {
    /// End the machine when its guest is saved, so that the guest goes on only where the snapshot is restored.
    pub quit: bool,
    /// Keep digests of the NVDIMMs' contents, so that the snapshot can be moved with copies of their files.
    pub digest: bool,
}

/// A machine was saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// The directory.
    pub path: PathBuf,
    /// Bytes of RAM that are not zero, in stretches of 1 MiB.
    pub memory_bytes: u64,
    /// How long the guest stood still, in milliseconds.
    pub stood_still_ms: u64,
    /// Whether the machine ends.
    pub ended: bool,
}

/// Why a machine was not saved. Its guest goes on, and what was at the place is as it was.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// The machine.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// The directory.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// What the guest stored could not be made durable.
    #[error("the guest was not saved, as its NVDIMMs can't be flushed: {0}")]
    Flush(#[from] SyncFailure),
    /// An NVDIMM's file.
    #[error("nvdimm {id}: its file {} can't be looked at ({error}), so it could not be found again; the guest was not saved", path.display())]
    Backing {
        /// The device.
        id: String,
        /// Its file.
        path: PathBuf,
        /// What the host said.
        error: io::Error,
    },
    /// An NVDIMM's file is not at its path.
    #[error("nvdimm {id}: {} is not the file that the machine uses any more (it was renamed, removed or replaced); put it back at its path and save again", path.display())]
    BackingMoved {
        /// The device.
        id: String,
        /// Its path.
        path: PathBuf,
    },
    /// Writing.
    #[error("{} can't be written: {error}; the guest was not saved", path.display())]
    Write {
        /// What was written.
        path: PathBuf,
        /// What the host said.
        error: io::Error,
    },
    /// Somebody wished so.
    #[error("saving was cancelled")]
    Cancelled,
    /// A defect of ours.
    #[error("the state can't be written as JSON: {0}")]
    Encode(#[from] serde_json::Error),
}

/// Saves a machine that runs or is paused into the directory `target`, and lets it go on, or ends it.
///
/// # Errors
/// [`SaveError`].
pub fn save(
    machine: &MachineControl,
    target: &Path,
    options: SaveOptions,
    progress: &Progress,
) -> Result<Saved, SaveError> {
    progress.enter(Stage::Preparing);
    progress.expect(machine.ram().size());
    let in_use = || [machine.nvdimm_files(), files::registered()].concat();
    let directory = Directory::create(target, &in_use())?;
    let file = |name: &str| directory.path().join(name);
    // What does not change is written while the guest runs.
    for (name, bytes) in [
        (KERNEL_FILE, machine.kernel()),
        (INITRD_FILE, machine.initrd()),
    ] {
        format::write(&file(name), bytes).map_err(write_error(target, name))?;
    }
    machine.boot_state();

    let begun = Instant::now();
    let quiesced = machine.stand_still()?;
    progress.enter(Stage::Flushing);
    quiesced.flush_nvdimms(FLUSH_LIMIT)?;
    let mut state = quiesced.export()?;
    look_at_backings(&quiesced, &mut state, options)?;
    progress.enter(Stage::Memory);
    let path = file(MEMORY_FILE);
    let table = memory::write(&path, machine.ram(), progress).map_err(|error| match error {
        MemoryError::Cancelled => SaveError::Cancelled,
        MemoryError::Host(error) => write_error(target, MEMORY_FILE)(error),
        MemoryError::Damaged(what) => write_error(target, MEMORY_FILE)(io::Error::other(what)),
    })?;
    let used = table.chunks.iter().flatten().count() as u64;
    let memory_bytes = (used * memory::CHUNK).min(table.size);
    let bytes = format::encode(&StateFile {
        paprika: env!("CARGO_PKG_VERSION").to_owned(),
        memory: table,
        machine: state,
    })?;
    // A machine that somebody has ended meanwhile may have been told so; its guest must not go on.
    if machine.state() == RunState::Ended {
        return Err(ControlError::Ended.into());
    }
    // Everything is known by now: the guest need not wait for the disk, unless it is to go on from there.
    let quiesced = options.quit.then_some(quiesced);
    let stood_still = begun.elapsed();
    progress.enter(Stage::Syncing);
    memory::sync(&path).map_err(write_error(target, MEMORY_FILE))?;
    format::write(&file(STATE_FILE), &bytes).map_err(write_error(target, STATE_FILE))?;
    if progress.is_cancelled() {
        return Err(SaveError::Cancelled);
    }
    let path = directory.commit(in_use)?;
    if let Some(quiesced) = quiesced {
        quiesced.leave(Successor::Saved(path.clone()));
    }
    info!(path = %path.display(), memory_bytes, "saved");
    Ok(Saved {
        path,
        memory_bytes,
        stood_still_ms: u64::try_from(stood_still.as_millis()).unwrap_or(u64::MAX),
        ended: options.quit,
    })
}

fn write_error(target: &Path, name: &str) -> impl FnOnce(io::Error) -> SaveError {
    let path = target.join(name);
    move |error| SaveError::Write { path, error }
}

/// Notes how the NVDIMMs' files are, now that they are flushed and nobody stores.
fn look_at_backings(
    quiesced: &QuiescedMachine<'_>,
    state: &mut MachineState,
    options: SaveOptions,
) -> Result<(), SaveError> {
    for device in &mut state.description.nvdimms {
        let NvdimmDescription { id, path, .. } = &*device;
        let backing = quiesced.backing(id);
        // One that is no file can't be found again; it is for who restores to bring it back.
        let Some(file) = backing.as_deref().and_then(|backing| backing.sync_fd(0)) else {
            continue;
        };
        let error = |error: io::Error| SaveError::Backing {
            id: id.clone(),
            path: path.clone(),
            error,
        };
        // The times too must survive a power cut of the host.
        retry_on_intr(|| fsync(file)).map_err(|problem| {
            quiesced.fail_nvdimm(id, &problem.to_string());
            error(problem.into())
        })?;
        let used = fstat(file).map_err(|problem| error(problem.into()))?;
        let found = rustix::fs::stat(path).map_err(|problem| error(problem.into()))?;
        if (found.st_dev, found.st_ino) != (used.st_dev, used.st_ino) {
            return Err(SaveError::BackingMoved {
                id: id.clone(),
                path: path.clone(),
            });
        }
        let identity = identity::look(path, options.digest).map_err(error)?;
        identity::let_time_pass(&identity);
        device.backing = Some(identity);
    }
    Ok(())
}
