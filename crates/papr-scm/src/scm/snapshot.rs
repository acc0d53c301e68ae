//! What a snapshot carries of a machine's persistent memory, and the refusal of what can't be
//! honoured.
//!
//! The bytes of devices are not in it: they are in their files, which the restored machine opens.
//! What a running guest was told can't be taken back, so a restore that would change it is refused
//! before anything changes.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Scm, ScmCall, slot_of_drc};
use crate::flush::SyncFailure;
use crate::hcall::status_of;
use crate::nvdimm::bound::BoundBlocks;
use crate::sync::{MutexGuard, lock};
use papr_dr::{CallsState, ConnectorState, DrcIndex, LogicalState};

/// The persistent memory of a machine at one moment, without the devices' bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScmState {
    /// Did the machine have `H_SCM_FLUSH`?
    pub flush_hypercall: bool,
    /// The plugged devices.
    pub devices: Vec<DeviceState>,
}

/// One device at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceState {
    /// Its connector.
    pub drc: DrcIndex,
    /// What the host calls it.
    pub id: String,
    /// What the guest knows it by.
    pub uuid: Uuid,
    /// Where the guest sees it.
    pub guest_address: u64,
    /// Blocks of data.
    pub blocks: u64,
    /// Bytes of label area.
    pub label_size: u64,
    /// May the guest not write it?
    pub read_only: bool,
    /// The `sync-dax` setting.
    pub sync_dax: bool,
    /// Was the guest told to flush?
    pub flush_announced: bool,
    /// Where the connector stands.
    pub connector: ConnectorState,
    /// What the guest has bound.
    pub(crate) bound: BoundBlocks,
    /// The error latch. A snapshot does not heal a backing.
    pub failure: Option<SyncFailure>,
    /// Outstanding flushes.
    pub calls: CallsState<ScmCall, i64>,
}

/// Why a snapshot can't be restored here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// The machine types differ in the flush hypercall.
    #[error("the saved machine {} the flush hypercall and this one {} it; restore it with the machine type it was saved with", has(*saved), has(!*saved))]
    FlushHypercall {
        /// Did the saved machine have it?
        saved: bool,
    },
    /// A device is missing here.
    #[error("the saved machine has nvdimm {id} in slot {slot} and this one has not")]
    Missing {
        /// The device.
        id: String,
        /// Its slot.
        slot: u32,
    },
    /// A device is here that was not saved.
    #[error("nvdimm {0} is not part of the saved machine")]
    Surplus(String),
    /// A device differs from the saved one.
    #[error(
        "nvdimm {id}: {what} was {saved} when the machine was saved and is {here} here; the running guest relies on it"
    )]
    Differs {
        /// The device.
        id: String,
        /// What differs.
        what: &'static str,
        /// What it was.
        saved: String,
        /// What it is.
        here: String,
    },
    /// The snapshot contradicts itself.
    #[error("the saved state of nvdimm {0} is damaged")]
    Damaged(String),
}

fn has(it: bool) -> &'static str {
    if it { "has" } else { "lacks" }
}

/// A state that was found to fit, and that [`commit`](Self::commit) puts in place. A monitor that
/// restores several things checks all of them before it changes any.
#[must_use = "nothing changes before it is committed"]
pub struct PreparedImport<'a> {
    scm: &'a Scm,
    state: ScmState,
    _plugging: MutexGuard<'a, ()>,
}

impl PreparedImport<'_> {
    /// Goes to the state. It can't fail.
    pub fn commit(self) {
        self.scm.commit_import(self.state);
    }
}

impl Scm {
    /// The state to save. Call it while no vCPU runs. Flushes that run go on here, and are run
    /// again by the machine that the state is restored to, before it answers them.
    pub fn export(&self) -> ScmState {
        let device = |slot: &super::Slot| {
            let connector = slot.state();
            let device = slot.resource()?;
            let bound = lock(&device.bound).clone();
            Some(DeviceState {
                drc: slot.drc(),
                id: device.id().into(),
                uuid: device.uuid(),
                guest_address: device.region().guest_address,
                blocks: device.blocks(),
                label_size: device.label_size(),
                read_only: device.read_only(),
                sync_dax: device.sync_dax(),
                flush_announced: device.flush_announced(),
                connector,
                bound,
                failure: device.failure(),
                calls: slot.calls().export(),
            })
        };
        ScmState {
            flush_hypercall: self.has_flush(),
            devices: self.slots.iter().filter_map(device).collect(),
        }
    }

    /// Brings a machine, with the same devices plugged, to where a saved one was. Call it before
    /// any vCPU runs.
    ///
    /// # Errors
    /// [`RestoreError`] where the guest would find something else than it was told. Nothing has
    /// changed then.
    pub fn import(&self, state: ScmState) -> Result<(), RestoreError> {
        self.prepare_import(state).map(PreparedImport::commit)
    }

    /// The first half of [`import`](Self::import): whether the state fits, without any change.
    /// Nothing is plugged or unplugged until the answer is committed or dropped.
    ///
    /// # Errors
    /// As those of [`import`](Self::import).
    pub fn prepare_import(&self, state: ScmState) -> Result<PreparedImport<'_>, RestoreError> {
        let plugging = lock(&self.plugging);
        self.check_restore(&state)?;
        Ok(PreparedImport {
            scm: self,
            state,
            _plugging: plugging,
        })
    }

    fn commit_import(&self, state: ScmState) {
        for saved in state.devices {
            let Some((slot, device)) = self.slot_and_device(saved.drc) else {
                continue;
            };
            if let Some(failure) = saved.failure {
                device.engine().latch(failure);
            }
            slot.import(saved.connector);
            *lock(&device.bound) = saved.bound;
            for (call, completion) in slot.calls().import(saved.calls) {
                match call {
                    ScmCall::Flush => {
                        device
                            .engine()
                            .flush(move |outcome| completion.complete(status_of(&outcome)));
                    }
                }
            }
        }
    }

    fn check_restore(&self, state: &ScmState) -> Result<(), RestoreError> {
        if state.flush_hypercall != self.has_flush() {
            return Err(RestoreError::FlushHypercall {
                saved: state.flush_hypercall,
            });
        }
        for device in self.devices() {
            if !state.devices.iter().any(|saved| saved.drc == device.drc()) {
                return Err(RestoreError::Surplus(device.id().into()));
            }
        }
        for (place, saved) in state.devices.iter().enumerate() {
            let Some(here) = self.device(saved.drc) else {
                let slot = slot_of_drc(saved.drc).unwrap_or(u32::MAX);
                return Err(RestoreError::Missing {
                    id: saved.id.clone(),
                    slot,
                });
            };
            same(saved, "uuid", saved.uuid, here.uuid())?;
            same(saved, "size in blocks", saved.blocks, here.blocks())?;
            same(saved, "label-size", saved.label_size, here.label_size())?;
            same(
                saved,
                "sync-dax",
                on_off(saved.sync_dax),
                on_off(here.sync_dax()),
            )?;
            same(
                saved,
                "the flush property",
                on_off(saved.flush_announced),
                on_off(here.flush_announced()),
            )?;
            same(
                saved,
                "readonly",
                on_off(saved.read_only),
                on_off(here.read_only()),
            )?;
            same(
                saved,
                "guest address",
                saved.guest_address,
                here.region().guest_address,
            )?;
            let twice = state.devices[..place]
                .iter()
                .any(|earlier| earlier.drc == saved.drc);
            let possible = saved
                .calls
                .calls()
                .is_some_and(|calls| calls <= self.options.outstanding_limit);
            let lost =
                saved.connector.state == LogicalState::Unusable && !saved.calls.running.is_empty();
            if twice || !possible || lost || !saved.bound.fits(here.blocks()) {
                return Err(RestoreError::Damaged(saved.id.clone()));
            }
        }
        Ok(())
    }
}

fn on_off(value: bool) -> &'static str {
    if value { "on" } else { "off" }
}

fn same<T: PartialEq + ToString>(
    device: &DeviceState,
    what: &'static str,
    saved: T,
    here: T,
) -> Result<(), RestoreError> {
    if saved == here {
        return Ok(());
    }
    let (saved, here) = (saved.to_string(), here.to_string());
    Err(RestoreError::Differs {
        id: device.id.clone(),
        what,
        saved,
        here,
    })
}
