//! What the two sides tell each other beside RAM, as JSON that names its parts.

use paprika_migration::Problem;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::machine::state::{BootState, Description, MachineState};

/// The version of these messages.
const VERSION: u32 = 2;

/// What a machine is like that wants to come.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Offer {
    version: u32,
    /// The machine as its guest knows it.
    pub(super) description: Description,
    /// What the guest boots from at its next reboot; the bytes follow as static payload, the kernel
    /// first.
    pub(super) boot: BootState,
}

/// The machine when its guest stood still.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Parting {
    /// All of it but RAM.
    pub(super) machine: MachineState,
    /// Whether its user had paused it.
    pub(super) paused: bool,
}

impl Offer {
    pub(super) fn new(description: Description, boot: BootState) -> Self {
        Self {
            version: VERSION,
            description,
            boot,
        }
    }

    /// Bytes of what the guest boots from.
    pub(super) fn boot_bytes(&self) -> u64 {
        let BootState { kernel, initrd, .. } = &self.boot;
        kernel.length.saturating_add(initrd.length)
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self, Problem> {
        // The version alone first: the rest of a newer one may not be understood.
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let version: Version = read(bytes)?;
        if version.version != VERSION {
            let words = format!(
                "the source describes machines in version {}, and this Paprika knows version {VERSION}; use the same Paprika on both sides",
                version.version
            );
            return Err(Problem(words));
        }
        read(bytes)
    }
}

/// Reads what the other side has written.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| {
        Problem(format!(
            "the source's description of the machine is not understood: {error}"
        ))
    })
}

/// Writes what the other side reads.
pub(super) fn write(value: &impl Serialize) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(value)
        .map_err(|error| Problem(format!("the machine can't be described: {error}")))
}
