//! The structures of a saved platform, and why one is refused.

use std::collections::BTreeSet;

use papr_scm::{RestoreError, ScmState};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{ClockState, EventsState, HexBytes, VcpuAreas, XicsState};
use crate::config::PlatformConfig;
use crate::vcpu::VcpuId;

/// The version of [`PlatformState`] that this crate writes, and the newest that it reads.
pub const STATE_VERSION: u32 = 1;

/// The platform at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformState {
    /// [`STATE_VERSION`] of who wrote it.
    pub version: u32,
    /// Which machine it was.
    pub machine: MachineState,
    /// The interrupt controller.
    pub xics: XicsState,
    /// What was typed at the console and not read.
    pub console_input: HexBytes,
    /// What each vCPU that the machine can ever have shares with the hypervisor.
    pub areas: Vec<VcpuAreas>,
    /// vCPUs that wait in H_JOIN.
    pub joined: BTreeSet<VcpuId>,
    /// Events that the guest has not fetched.
    pub events: EventsState,
    /// How the guest set its clock.
    pub clock: ClockState,
    /// Non-volatile memory.
    pub nvram: HexBytes,
    /// Persistent memory, with connectors and outstanding calls; `None` for a machine without.
    pub scm: Option<ScmState>,
}

/// What of a machine its running guest relies on. (What it was only started with, as the command line, can differ: the
/// next start will use it.)
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineState {
    /// Name of the machine type, as [`MachineVersion::name`](crate::MachineVersion::name) gives it.
    pub machine: String,
    /// vCPUs that the guest has found.
    pub vcpus: u32,
    /// vCPUs that the machine can ever have.
    pub max_vcpus: u32,
    /// RAM in bytes.
    pub memory: u64,
    /// Where RTAS lies.
    pub rtas_base: u64,
    /// What the guest knows the machine by.
    pub uuid: Uuid,
    /// Name of the partition.
    pub name: String,
}

impl MachineState {
    /// The machine of a configuration.
    pub(super) fn of(config: &PlatformConfig) -> Self {
        MachineState {
            machine: config.machine.name().into(),
            vcpus: config.vcpus,
            max_vcpus: config.max_vcpus,
            memory: config.memory,
            rtas_base: config.rtas_base,
            uuid: config.uuid,
            name: config.name.clone(),
        }
    }

    /// Checks that a guest of this machine can go on in `here`.
    pub(super) fn check(&self, here: &MachineState) -> Result<(), ImportError> {
        same("machine type", &self.machine, &here.machine)?;
        same("number of CPUs", self.vcpus, here.vcpus)?;
        same("greatest number of CPUs", self.max_vcpus, here.max_vcpus)?;
        same("memory in bytes", self.memory, here.memory)?;
        same("address of RTAS", self.rtas_base, here.rtas_base)?;
        same("uuid", self.uuid, here.uuid)?;
        same("name", &self.name, &here.name)
    }
}

fn same<T: PartialEq + ToString>(what: &'static str, saved: T, here: T) -> Result<(), ImportError> {
    if saved == here {
        return Ok(());
    }
    let (saved, here) = (saved.to_string(), here.to_string());
    Err(ImportError::Differs { what, saved, here })
}

/// Why a saved platform can't go on here. Nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// Written by something newer, or by nothing at all.
    #[error(
        "the saved platform is of version {0}, and this program reads versions 1 to {STATE_VERSION}; restore it with the program that saved it"
    )]
    Version(u32),
    /// The machine is another one.
    #[error(
        "the {what} was {saved} when the machine was saved and is {here} here; the running guest relies on it, so start the machine with {saved}"
    )]
    Differs {
        /// What differs.
        what: &'static str,
        /// What it was.
        saved: String,
        /// What it is.
        here: String,
    },
    /// The state contradicts itself or the machine.
    #[error("the saved state of the {0} is damaged; use another snapshot")]
    Damaged(&'static str),
    /// One of the machines has persistent memory, and the other has none.
    #[error("the saved machine {} persistent memory and this one {}; start it as it was saved", has(*saved), has(!*saved))]
    PersistentMemory {
        /// Did the saved machine have it?
        saved: bool,
    },
    /// The persistent memory can't go on here.
    #[error(transparent)]
    Scm(#[from] RestoreError),
}

fn has(it: bool) -> &'static str {
    if it { "has" } else { "has no" }
}
