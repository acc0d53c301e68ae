//! What a machine that moves to another process needs besides standing still: which pages its guest writes, and a start that is known
//! to have worked before the guest runs.

use power::memory::{DirtyPages, OutOfMemory};

use super::control::{Afterwards, Life, MachineControl};
use super::quiesced::QuiescedMachine;

/// Why it can't be said which pages a guest writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DirtyLogError {
    /// RAM is not one piece (a defect of ours).
    #[error(transparent)]
    Memory(#[from] OutOfMemory),
    /// The guest's engines are being compared.
    #[error(
        "a guest that runs with --engine lockstep can't be moved while it runs; use another engine"
    )]
    LockStep,
}

impl MachineControl {
    /// Remembers from now on which pages of RAM are stored to. None is dirty yet.
    ///
    /// # Errors
    /// [`DirtyLogError`].
    pub fn start_dirty_log(&self) -> Result<(), DirtyLogError> {
        if self.vcpus.iter().any(|vcpu| vcpu.in_lock_step()) {
            return Err(DirtyLogError::LockStep);
        }
        Ok(self.partition.start_dirty_log(0..self.memory())?)
    }

    /// The pages that were stored to since the last call, and how often the machine had been reset by then: a reset empties RAM, which
    /// the log does not see. None: nothing is logged. Not for one who holds a [`QuiescedMachine`].
    pub fn take_dirty_pages(&self) -> Option<(DirtyPages, u64)> {
        // Not in the midst of a reset.
        let _life = self.life();
        self.dirty_pages()
    }

    fn dirty_pages(&self) -> Option<(DirtyPages, u64)> {
        let pages = self.partition.take_dirty_pages()?;
        Some((pages, self.counts().resets))
    }

    /// Remembers nothing any more.
    pub fn stop_dirty_log(&self) {
        self.partition.stop_dirty_log();
    }

    /// Whether its vCPUs have been started.
    pub fn has_begun(&self) -> bool {
        *self.life() == Life::Started
    }
}

impl QuiescedMachine<'_> {
    /// As [`MachineControl::take_dirty_pages`]; nothing is stored after it.
    pub fn take_dirty_pages(&self) -> Option<(DirtyPages, u64)> {
        self.machine().dirty_pages()
    }

    /// Whether the guest stays paused when this is dropped.
    pub fn stays_paused(&self) -> bool {
        self.machine().standing().held == Some(Afterwards::StayPaused)
    }
}
