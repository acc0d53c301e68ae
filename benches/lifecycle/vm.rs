//! What can be asked of a monitor, whichever it is.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::monitor::{Machine, Monitor};
use crate::ours::Paprika;
use crate::peer::Qemu;
use crate::process::Process;

/// For how long a guest that is moved may stand still, as both monitors are told.
pub(crate) const DOWNTIME_LIMIT: Duration = Duration::from_millis(300);

/// What both know an NVDIMM by.
pub(crate) const NVDIMM_ID: &str = "pmem0";
pub(crate) const NVDIMM_UUID: &str = "6f0c1f5e-2b3d-4b5a-9a77-6d1f6a1b0c5e";
/// Of its data region, as a user writes it, and in bytes; and of the label area behind it.
pub(crate) const NVDIMM_SIZE: &str = "1G";
pub(crate) const NVDIMM_BYTES: u64 = 1 << 30;
pub(crate) const LABEL_BYTES: u64 = 128 << 10;

/// A monitor with a guest.
pub(crate) trait Vm: Send {
    /// Its process.
    fn process(&self) -> &Process;

    /// Waits until the guest, which comes from another process, goes on; gives when that was: by its console, where its timers go
    /// on too.
    fn comes_alive(&mut self) -> Result<Instant>;

    /// Whether the timers of a guest that comes from another process go on, so that it counts on.
    fn keeps_timers(&self) -> bool;

    /// Saves the guest at `target`, which does not exist yet, and lets it go on. Returns when the snapshot is whole and durable.
    fn save(&mut self, target: &Path) -> Result<()>;

    /// Moves the guest to the monitor that waits at `address`. Returns when this one says that it is done, with the downtime that
    /// it reports.
    fn migrate(&mut self, address: &str) -> Result<Duration>;

    /// Plugs an NVDIMM with this file. Returns when that is asked for or done.
    fn plug(&mut self, image: &Path) -> Result<()>;
}

/// Where a task is done: with which monitor, machine and files.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    monitor: Monitor,
    /// What both are asked for.
    pub(crate) machine: Machine<'a>,
    files: &'a Path,
    logs: &'a Path,
    task: &'static str,
    // Apart from the files: a socket's path must be short.
    sockets: TempDir,
}

/// A process of a task.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Role {
    /// In which the guest boots.
    First,
    /// In which it goes on.
    Second,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Second => "second",
        }
    }
}

/// What a machine has besides what all have.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Memory<'a> {
    /// Nothing.
    Plain,
    /// An NVDIMM.
    Nvdimm(&'a Path),
    /// Room for an NVDIMM.
    Pluggable,
}

impl<'a> Place<'a> {
    /// A place for `task`: what is to be kept of it goes to `logs`, and everything else to `files`.
    pub(crate) fn new(
        monitor: Monitor,
        machine: Machine<'a>,
        files: &'a Path,
        logs: &'a Path,
        task: &'static str,
    ) -> Result<Self> {
        let sockets = tempfile::tempdir().context("making a directory for sockets")?;
        Ok(Self {
            monitor,
            machine,
            files,
            logs,
            task,
            sockets,
        })
    }

    /// Boots the guest.
    pub(crate) fn boot(&self, memory: Memory<'_>) -> Result<Box<dyn Vm>> {
        Ok(match self.monitor {
            Monitor::Paprika => Box::new(Paprika::boot(self, memory)?),
            Monitor::Qemu => Box::new(Qemu::boot(self, memory)?),
        })
    }

    /// Lets a saved guest go on.
    pub(crate) fn restore(&self, snapshot: &Path) -> Result<Box<dyn Vm>> {
        Ok(match self.monitor {
            Monitor::Paprika => Box::new(Paprika::restore(self, snapshot)?),
            Monitor::Qemu => Box::new(Qemu::restore(self, snapshot)?),
        })
    }

    /// A monitor that waits for a guest with such memory, and the address that it waits at.
    pub(crate) fn receive(&self, memory: Memory<'_>) -> Result<(Box<dyn Vm>, String)> {
        Ok(match self.monitor {
            Monitor::Paprika => {
                let (vm, address) = Paprika::receive(self, memory)?;
                (Box::new(vm), address)
            }
            Monitor::Qemu => {
                let (vm, address) = Qemu::receive(self, memory)?;
                (Box::new(vm), address)
            }
        })
    }

    /// A file of the task.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.files.join(name)
    }

    /// An NVDIMM's file: new, and sparse, as a user's is.
    pub(crate) fn image(&self) -> Result<PathBuf> {
        let path = self.file("nvdimm");
        File::create(&path)
            .and_then(|file| file.set_len(NVDIMM_BYTES + LABEL_BYTES))
            .with_context(|| format!("creating {}", path.display()))?;
        Ok(path)
    }

    /// A process's control socket.
    pub(crate) fn socket(&self, role: Role) -> PathBuf {
        self.sockets.path().join(role.name())
    }

    /// What a process says besides its guest's console.
    pub(crate) fn log(&self, role: Role) -> PathBuf {
        let (monitor, task) = (self.monitor.name(), self.task);
        self.logs
            .join(format!("{monitor}-{task}-{}.log", role.name()))
    }
}
