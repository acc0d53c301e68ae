//! NVDIMMs that come and go while the guest runs (PAPR, "Dynamic Reconfiguration"): the host plugs one and tells the guest, who takes it;
//! the host asks for one back and the guest gives it, or does not. Each wait for the guest has a bound that the caller sets.

use std::sync::Arc;
use std::time::{Duration, Instant};

use papr::{HotPlug, HotPlugAction, HotPlugResource, QueueFull};
use papr_scm::abi::MAX_SLOTS;
use papr_scm::nvdimm::{Nvdimm, NvdimmConfig, Plan, PlanError, Warning};
use papr_scm::{DrcIndex, LogicalState, Plug, PlugError, Unplug, drc_of_slot};
use tracing::{info, warn};

use super::control::{Afterwards, ControlError, MachineControl};
use super::pmem::{AddressSpace, PmemError};

/// How often the guest's progress is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// How long the sync of an unplugged device's file may take before it is reported as unfinished.
const SYNC_LIMIT: Duration = Duration::from_secs(30);

/// Why an NVDIMM can't be added.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// Its description or its file.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The machine has no place for it.
    #[error(transparent)]
    Pmem(#[from] PmemError),
    /// The guest can't be told; the device was taken out again.
    #[error(transparent)]
    NotListening(#[from] QueueFull),
    /// The machine.
    #[error(transparent)]
    Control(#[from] ControlError),
}

/// An NVDIMM was plugged.
#[derive(Debug)]
pub struct Added {
    /// The device.
    pub device: Arc<Nvdimm>,
    /// Whether the guest has taken it. If not it may later, and will at its next boot.
    pub taken: bool,
    /// What the user should know.
    pub warnings: Vec<Warning>,
}

/// Why an NVDIMM is still there.
#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    /// There is no such device.
    #[error(transparent)]
    NoSuchDevice(#[from] PlugError),
    /// The guest says that it keeps the device.
    #[error(
        "the guest refuses to give nvdimm {0} back: it is still in use; unmount what is on it and try again"
    )]
    Refused(String),
    /// The guest has not said anything.
    #[error(
        "the guest has not given nvdimm {id} back within {} s; the request stands: it goes when the guest gives it, or at the next reset",
        waited.as_secs_f64()
    )]
    Unanswered {
        /// The device.
        id: String,
        /// How long was waited.
        waited: Duration,
    },
    /// The guest can't be asked.
    #[error(transparent)]
    NotListening(#[from] QueueFull),
    /// The machine.
    #[error(transparent)]
    Control(#[from] ControlError),
}

/// An NVDIMM is gone from the machine.
#[derive(Debug)]
pub struct Removed {
    /// None where everything that the guest stored is durable; else why it may not be.
    pub sync_failure: Option<String>,
    /// Whether its file is closed, so that its lock is free. A sync that does not end keeps it open.
    pub released: bool,
}

/// What a device's connector tells of the guest.
struct Connector {
    state: LogicalState,
    asked_back: bool,
}

impl MachineControl {
    /// Plugs an NVDIMM and waits, at most for `patience`, until the guest has taken it.
    ///
    /// A paused guest is not waited for.
    ///
    /// # Errors
    /// [`AddError`]; the machine is as before then. A file that was created is left behind only by [`AddError::NotListening`].
    pub fn add_nvdimm(&self, config: NvdimmConfig, patience: Duration) -> Result<Added, AddError> {
        self.check_alive()?;
        let deadline = Instant::now() + patience;
        let (device, warnings) = self.plug(config)?;
        let drc = device.drc();
        if let Err(full) = self.tell(HotPlugAction::Add, drc) {
            // Nobody was told of it, so it goes at once, and its file is free for the next attempt.
            let _ = self.scm.request_unplug(device.id());
            close(device);
            return Err(full.into());
        }
        info!(id = device.id(), %drc, "nvdimm plugged");
        let taken = || {
            self.connector(&device)
                .is_some_and(|it| it.state == LogicalState::Configured)
        };
        while !taken() && self.guest_goes_on() && Instant::now() < deadline {
            std::thread::sleep(LOOK);
        }
        Ok(Added {
            taken: taken(),
            device,
            warnings,
        })
    }

    fn plug(&self, config: NvdimmConfig) -> Result<(Arc<Nvdimm>, Vec<Warning>), AddError> {
        let _plugging = self.plugging_allowed()?;
        // Everything that can be refused is, before a file is created.
        self.check_place(&config).map_err(PmemError::from)?;
        let mut space = AddressSpace::of(self.memory(), &self.scm);
        let (id, plan) = (config.id.clone(), Plan::new(vec![config])?);
        if !plan.sizes().iter().all(|&size| space.has_room(size)) {
            return Err(PmemError::NoRoom(id).into());
        }
        let nvdimm = plan.open()?.pop().ok_or(PmemError::NoRoom(id))?;
        nvdimm
            .warnings
            .iter()
            .for_each(|warning| warn!("{warning}"));
        let device = space.plug(&self.scm, &nvdimm, Plug::Hot)?;
        self.know(std::slice::from_ref(&nvdimm));
        Ok((device, nvdimm.warnings))
    }

    /// Whether the machine has a slot for a device, and no other that is the same to its guest.
    fn check_place(&self, config: &NvdimmConfig) -> Result<(), PlugError> {
        let devices = self.scm.devices();
        let conflict = devices.iter().find_map(|other| {
            let what = match () {
                () if other.id() == config.id => "id",
                () if other.uuid() == config.uuid => "uuid",
                () => return None,
            };
            Some(PlugError::Conflict {
                id: config.id.clone(),
                other: other.id().to_owned(),
                what,
            })
        });
        let taken = match config.slot {
            Some(slot) => devices.iter().any(|other| other.drc() == drc_of_slot(slot)),
            None => devices.len() >= MAX_SLOTS as usize,
        };
        match conflict {
            Some(conflict) => Err(conflict),
            None if taken => Err(PlugError::NoSlot {
                id: config.id.clone(),
                slot: config.slot,
            }),
            None => Ok(()),
        }
    }

    /// Whether the guest runs, or will when somebody who saves it is done.
    fn guest_goes_on(&self) -> bool {
        let standing = self.standing();
        let paused = match standing.held {
            Some(afterwards) => afterwards == Afterwards::StayPaused,
            None => standing.paused_at.is_some(),
        };
        !paused && !self.has_ended()
    }

    /// Asks the guest for an NVDIMM, waits at most for `patience` until it has given it back, and then makes durable what it stored and
    /// closes the file.
    ///
    /// # Errors
    /// [`RemoveError`]; the device is still plugged then.
    pub fn remove_nvdimm(&self, id: &str, patience: Duration) -> Result<Removed, RemoveError> {
        self.check_alive()?;
        let device = self
            .scm
            .device_by_id(id)
            .ok_or_else(|| PlugError::NoSuchDevice(id.to_owned()))?;
        let deadline = Instant::now() + patience;
        let asked = {
            let _plugging = self.plugging_allowed()?;
            let asked = self.scm.request_unplug(id)?;
            if asked == Unplug::WaitsForGuest {
                self.tell(HotPlugAction::Remove, device.drc())?;
            }
            asked
        };
        if asked == Unplug::WaitsForGuest {
            self.wait_for_release(&device, patience, deadline)?;
        }
        info!(id, "nvdimm unplugged");
        Ok(close(device))
    }

    fn wait_for_release(
        &self,
        device: &Arc<Nvdimm>,
        patience: Duration,
        deadline: Instant,
    ) -> Result<(), RemoveError> {
        loop {
            match self.connector(device) {
                None => return Ok(()),
                Some(connector) if !connector.asked_back => {
                    return Err(RemoveError::Refused(device.id().to_owned()));
                }
                Some(_) => {}
            }
            self.check_alive()?;
            if !self.guest_goes_on() || Instant::now() >= deadline {
                let waited =
                    patience.saturating_sub(deadline.saturating_duration_since(Instant::now()));
                return Err(RemoveError::Unanswered {
                    id: device.id().to_owned(),
                    waited,
                });
            }
            std::thread::sleep(LOOK);
        }
    }

    fn tell(&self, action: HotPlugAction, drc: DrcIndex) -> Result<(), QueueFull> {
        let resource = HotPlugResource::PersistentMemory;
        self.platform.hot_plug(HotPlug {
            resource,
            action,
            drc_index: drc.value(),
        })
    }

    /// The connector that this very device is plugged into; none: it is not any more.
    fn connector(&self, device: &Arc<Nvdimm>) -> Option<Connector> {
        let attached = self.scm.device(device.drc())?;
        if !Arc::ptr_eq(&attached, device) {
            return None;
        }
        let state = self.scm.connector(device.drc())?;
        Some(Connector {
            state: state.state,
            asked_back: state.unplug_requested,
        })
    }
}

/// Makes durable what is in a device that is unplugged, and lets go of its file.
fn close(device: Arc<Nvdimm>) -> Removed {
    let deadline = Instant::now() + SYNC_LIMIT;
    let synced = if device.read_only() {
        Ok(())
    } else {
        device.engine().flush_and_wait(SYNC_LIMIT)
    };
    if let Err(failure) = &synced {
        warn!(%failure, "not everything that the guest stored is durable");
    }
    let region = Arc::downgrade(&device.region().host);
    drop(device);
    // Others may still look at it (a vCPU that has just given it back), for moments.
    while region.strong_count() > 0 && Instant::now() < deadline {
        std::thread::sleep(LOOK);
    }
    Removed {
        sync_failure: synced.err().map(|failure| failure.to_string()),
        released: region.strong_count() == 0,
    }
}
