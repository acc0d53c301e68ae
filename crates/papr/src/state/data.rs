//! The structures of a saved platform, and why one is refused.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::config::PlatformConfig;
use crate::part::{PartStateError, from_value, to_value};

/// The version of [`PlatformState`] that this crate writes, and the only one that it reads.
/// (Version 1 had a field for each device.)
pub const STATE_VERSION: u32 = 2;

/// The platform at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformState {
    /// [`STATE_VERSION`] of who wrote it.
    pub version: u32,
    /// Which machine it was.
    pub machine: MachineState,
    /// The states of its parts that have one, by the name of the part. (Left out only by versions
    /// that are refused, and with this sentence rather than as damage.)
    #[serde(default)]
    pub parts: BTreeMap<String, PartState>,
}

/// A part at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartState {
    /// [`Part::state_version`](crate::part::Part::state_version) of who wrote it.
    pub version: u32,
    /// What the part has exported.
    pub data: Value,
}

impl PartState {
    /// Checks that a part that reads versions 1 to `newest` reads this one.
    pub(super) fn check_version(&self, part: &str, newest: u32) -> Result<(), ImportError> {
        if (1..=newest).contains(&self.version) {
            return Ok(());
        }
        let (part, version) = (part.to_owned(), self.version);
        Err(ImportError::PartVersion {
            part,
            version,
            newest,
        })
    }
}

impl PlatformState {
    /// The state of the part `name`, which reads versions 1 to `newest`, as what it is made of;
    /// `None` where the saved machine has no such part.
    ///
    /// # Errors
    /// [`ImportError::PartVersion`], [`ImportError::Damaged`].
    pub fn read<T: DeserializeOwned>(
        &self,
        name: &str,
        newest: u32,
    ) -> Result<Option<T>, ImportError> {
        let Some(part) = self.parts.get(name) else {
            return Ok(None);
        };
        part.check_version(name, newest)?;
        let state = from_value(&part.data);
        state
            .map(Some)
            .map_err(|error| ImportError::of_part(name, error))
    }

    /// Puts a state in the place of that of the part `name`.
    pub fn replace<T: Serialize>(&mut self, name: &str, version: u32, state: &T) {
        let data = to_value(state);
        self.parts
            .insert(name.to_owned(), PartState { version, data });
    }
}

/// What of a machine its running guest relies on. (What it was only started with, as the command
/// line, can differ: the next start will use it.)
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
        "the saved platform is of version {0}, and this program reads version {STATE_VERSION}; restore it with the program that saved it"
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
    /// The state of a part contradicts itself or the machine.
    #[error("the saved state of the {0} is damaged; use another snapshot")]
    Damaged(String),
    /// The state of a part was written by something newer, or by nothing at all.
    #[error(
        "the saved state of the {part} is of version {version}, and this program reads versions 1 to {newest}; restore it with the program that saved it"
    )]
    PartVersion {
        /// The part.
        part: String,
        /// The version that was saved.
        version: u32,
        /// The newest that is read here.
        newest: u32,
    },
    /// This machine has a part that was not saved.
    #[error("the saved machine has no {0}, and this one has; start it as it was saved")]
    MissingPart(String),
    /// The saved machine has a part that this one lacks.
    #[error("the saved machine has a {0}, and this one has none; start it as it was saved")]
    UnknownPart(String),
    /// A part can't go on here.
    #[error("{reason}")]
    Refused {
        /// The part.
        part: String,
        /// What it says.
        reason: String,
    },
}

impl ImportError {
    /// What a part says to its state.
    pub(super) fn of_part(part: &str, error: PartStateError) -> Self {
        let part = part.to_owned();
        match error {
            PartStateError::Damaged => ImportError::Damaged(part),
            PartStateError::Refused(reason) => ImportError::Refused { part, reason },
        }
    }
}
