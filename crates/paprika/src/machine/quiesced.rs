//! A machine that stands still for somebody who saves or moves it: nobody resumes, resets or plugs until he is done.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, MutexGuard};
use std::time::{Duration, Instant};

use papr_scm::backing::Backing;
use papr_scm::flush::SyncFailure;
use rustix::fs::{FlockOperation, flock};
use tracing::warn;

use super::control::{Afterwards, ControlError, Life, MachineControl};
use super::life::End;
use super::state::{Description, MachineState, NvdimmDescription, STATE_VERSION, VcpuState};

/// How long a vCPU that stands still is waited for to give its state.
const EXPORT_LIMIT: Duration = Duration::from_secs(5);

/// Why the NVDIMMs can't be given to another process.
#[derive(Debug, thiserror::Error)]
#[error("nvdimm {id}: the lock of its file can't be {what}: {error}")]
pub struct HandOverError {
    id: String,
    what: &'static str,
    error: io::Error,
}

/// A machine that stands still. Dropped, its guest goes on, or stays paused where it was paused before or somebody has asked for it
/// meanwhile. The thread that made it keeps it.
pub struct QuiescedMachine<'a> {
    machine: &'a MachineControl,
    /// The machine's guest goes on elsewhere.
    left: bool,
    // Dropped after the guest was let go on: a reset that waits comes then.
    _life: MutexGuard<'a, Life>,
    _plugging: MutexGuard<'a, ()>,
}

impl MachineControl {
    /// Makes the machine stand still until the result is dropped. Its clock stands still, as when it is paused.
    ///
    /// # Errors
    /// [`ControlError::Held`] where somebody else does; [`ControlError::Between`], [`ControlError::NotStill`], [`ControlError::Ended`]:
    /// the guest runs on then.
    pub fn stand_still(&self) -> Result<QuiescedMachine<'_>, ControlError> {
        {
            let mut standing = self.standing();
            if standing.held.is_some() {
                return Err(ControlError::Held);
            }
            standing.held = Some(match standing.paused_at {
                Some(_) => Afterwards::StayPaused,
                None => Afterwards::Resume,
            });
        }
        let release = |error| {
            let mut standing = self.standing();
            if standing.held.take() == Some(Afterwards::Resume) {
                self.resume_now(&mut standing);
            }
            error
        };
        // Whoever plugs or resets now is waited for.
        let (plugging, life) = (self.plugging(), self.life());
        let pause = || {
            self.check_alive()?;
            if *life == Life::New {
                return Err(ControlError::Between);
            }
            self.pause_now(&mut self.standing())?;
            if self.vcpus.iter().any(|vcpu| vcpu.has_said_final_word()) {
                return Err(ControlError::Between);
            }
            Ok(())
        };
        pause().map_err(release)?;
        Ok(QuiescedMachine {
            machine: self,
            left: false,
            _life: life,
            _plugging: plugging,
        })
    }

    /// The machine as its guest knows it.
    pub fn description(&self) -> Description {
        let config = self.platform.config();
        let known = self.known();
        let nvdimms = self.scm.devices().into_iter().map(|device| {
            let path = known
                .get(device.id())
                .map(|known| known.config.path.clone())
                .unwrap_or_default();
            NvdimmDescription {
                id: device.id().to_owned(),
                slot: papr_scm::slot_of_drc(device.drc()).unwrap_or_default(),
                uuid: device.uuid(),
                guest_address: device.region().guest_address,
                size: device.region().host.len(),
                label_size: device.label_size(),
                numa_node: device.numa_node(),
                read_only: device.read_only(),
                sync_dax: device.sync_dax(),
                announced: self.was_told_to_flush(&device),
                path,
                backing: None,
            }
        });
        Description {
            machine: config.machine.name().to_owned(),
            cpus: config.vcpus,
            memory: config.memory,
            name: config.name.clone(),
            uuid: config.uuid,
            nvdimms: nvdimms.collect(),
        }
    }
}

impl QuiescedMachine<'_> {
    /// The machine.
    pub fn machine(&self) -> &MachineControl {
        self.machine
    }

    /// Its state. The NVDIMMs' files are not looked at: [`NvdimmDescription::backing`] is for who keeps the state to fill in.
    ///
    /// # Errors
    /// [`ControlError::NotStill`] where a vCPU's thread does not answer; [`ControlError::Ended`].
    pub fn export(&self) -> Result<MachineState, ControlError> {
        self.machine.check_alive()?;
        let deadline = Instant::now() + EXPORT_LIMIT;
        let vcpus: Option<Vec<VcpuState>> = self
            .machine
            .vcpus
            .iter()
            .map(|vcpu| vcpu.export(deadline))
            .collect();
        let vcpus = vcpus.ok_or(ControlError::NotStill)?;
        let mut partition = self.machine.partition.export();
        // Where the guest stands, and not what the clock says meanwhile.
        if let Some(time) = self.machine.standing().paused_at {
            partition.time_base = time;
        }
        Ok(MachineState {
            version: STATE_VERSION,
            saved_at_ns: MachineState::clock(),
            description: self.machine.description(),
            boot: self.machine.boot.state().clone(),
            partition,
            vcpus,
            platform: self.machine.platform.export(),
        })
    }

    /// Makes durable everything that the guest has stored in its NVDIMMs, flushed or not.
    ///
    /// # Errors
    /// [`SyncFailure`], the first; that of a device that had failed before included.
    pub fn flush_nvdimms(&self, limit: Duration) -> Result<(), SyncFailure> {
        let until = Instant::now() + limit;
        self.machine.scm.flush_all(until).collect()
    }

    /// Gives up the locks of the NVDIMMs' files, so that another process can take them. The guest must not go on here without
    /// [`lock_nvdimms`](Self::lock_nvdimms). Whoever takes them finds everything that was stored, flushed or not, as files of the same
    /// host; flush before where it must be durable.
    ///
    /// # Errors
    /// [`HandOverError`]; locks may have been given up.
    pub fn unlock_nvdimms(&self) -> Result<(), HandOverError> {
        self.each_lock("given up", |_| FlockOperation::Unlock)
    }

    /// Takes the locks again.
    ///
    /// # Errors
    /// [`HandOverError`] where somebody else has taken one: the guest must not go on here then.
    pub fn lock_nvdimms(&self) -> Result<(), HandOverError> {
        self.each_lock("taken again", |read_only| {
            if read_only {
                FlockOperation::NonBlockingLockShared
            } else {
                FlockOperation::NonBlockingLockExclusive
            }
        })
    }

    fn each_lock(
        &self,
        what: &'static str,
        operation: impl Fn(bool) -> FlockOperation,
    ) -> Result<(), HandOverError> {
        for (id, known) in self.machine.known().iter() {
            let Some(backing) = known.backing.upgrade() else {
                continue;
            };
            // A backing that is no file has no lock.
            if let Some(file) = backing.sync_fd(0) {
                flock(file, operation(known.config.read_only)).map_err(|error| HandOverError {
                    id: id.clone(),
                    what,
                    error: error.into(),
                })?;
            }
        }
        Ok(())
    }

    /// The backing of a device, where it is plugged.
    pub(crate) fn backing(&self, id: &str) -> Option<Arc<dyn Backing>> {
        self.machine.known().get(id)?.backing.upgrade()
    }

    /// Sets the error latch of a device: the host told of a failure to sync its file, and tells of each once.
    pub(crate) fn fail_nvdimm(&self, id: &str, reason: &str) {
        if let Some(device) = self.machine.scm.device_by_id(id) {
            device.fail(reason);
        }
    }

    /// Ends the machine, whose guest goes on elsewhere. It does not run here any more, and its NVDIMMs are not touched: what must be
    /// durable was flushed.
    pub fn leave(mut self, end: Successor) {
        self.left = true;
        let end = match end {
            Successor::Saved(path) => End::Saved(path),
            Successor::Moved(to) => End::Moved(to),
        };
        self.machine.outside.leave(end);
    }
}

/// Where a guest goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Successor {
    /// Where the snapshot is restored.
    Saved(PathBuf),
    /// In another process, in words.
    Moved(String),
}

impl Drop for QuiescedMachine<'_> {
    fn drop(&mut self) {
        if self.left {
            // Still held: nobody may resume it until it has ended.
            return;
        }
        let mut standing = self.machine.standing();
        let afterwards = standing.held.take();
        if self.machine.has_ended() {
            warn!("the machine has ended while it stood still");
        } else if afterwards == Some(Afterwards::Resume) {
            self.machine.resume_now(&mut standing);
        }
    }
}
