//! May a saved guest go on in this machine? One pure function over two descriptions, for restore and migration alike; its refusals and
//! warnings are a table in docs/migration.md.
//!
//! The rule behind all of them: what a running guest was told can't be taken back. So what it relies on must be the same, and where the
//! host may differ without the guest's noticing, but with a consequence, the user is told which.

use std::io;
use std::path::{Path, PathBuf};

use papr::MachineVersion;

use super::data::{BackingIdentity, Description, NvdimmDescription};

/// Why a saved guest must not go on here: what, where, and the mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A machine type of the future.
    #[error(
        "this program does not know the machine type {0:?}; use the Paprika that saved it, or a newer one"
    )]
    UnknownMachine(String),
    /// A machine type that lacks what the guest may use.
    #[error(
        "the guest runs on machine type {saved}, and {here} is older: {}; use machine type {saved}",
        told.as_ref().map_or_else(
            || "it lacks the flush hypercall, which the guest may use".to_owned(),
            |id| format!("the guest was told to flush nvdimm {id} with a hypercall that {here} lacks, and would get I/O errors"))
    )]
    OlderMachine {
        /// The guest's.
        saved: String,
        /// This one.
        here: String,
        /// A device that the guest was told to flush.
        told: Option<String>,
    },
    /// Something of the machine that the guest relies on.
    #[error(
        "the guest runs with {what} {saved}, and this machine has {here}; start it with {saved}"
    )]
    Machine {
        /// What it is.
        what: &'static str,
        /// The guest's.
        saved: String,
        /// This one's.
        here: String,
    },
    /// A device that the guest uses is not here.
    #[error("nvdimm {id} (slot {slot}) is missing here, and the guest uses it; add it")]
    MissingNvdimm {
        /// The device.
        id: String,
        /// Its slot.
        slot: u32,
    },
    /// A device that the guest does not know.
    #[error(
        "nvdimm {0} is not one that the guest has; leave it out, and plug it later with `paprika ctl nvdimm add`"
    )]
    SurplusNvdimm(String),
    /// The device's file is gone.
    #[error("nvdimm {id}: its file {path} is missing; put it back, or say where it is with --nvdimm id={id},path=…", path = path.display())]
    MissingBacking {
        /// The device.
        id: String,
        /// Its file.
        path: PathBuf,
    },
    /// The host does not say how the file is.
    #[error("nvdimm {id}: its file {path} can't be looked at ({error}); check the path and its permissions", path = path.display())]
    UnreadableBacking {
        /// The device.
        id: String,
        /// Its file.
        path: PathBuf,
        /// What the host said.
        error: String,
    },
    /// `sync-dax=off -> on`.
    #[error("nvdimm {id}: sync-dax was off when the guest was saved and can't be turned on while it runs: {}; use sync-dax=off",
        if *told { "the guest was told that its stores need a flush" } else { "its file promises no more than before" })]
    SyncDaxTurnedOn {
        /// The device.
        id: String,
        /// Was the guest told to flush?
        told: bool,
    },
    /// The file is shorter or longer.
    #[error("nvdimm {id}: {path} has {here} bytes of data, {} than the {saved} that the guest uses; use the file that it was saved with",
        if here < saved { "fewer" } else { "more" }, path = path.display())]
    Size {
        /// The device.
        id: String,
        /// Its file.
        path: PathBuf,
        /// The guest's bytes.
        saved: u64,
        /// Those of the file.
        here: u64,
    },
    /// Something of a device that the guest relies on.
    #[error(
        "nvdimm {id}: {what} is {saved} for the running guest and can't become {here}; use {saved}"
    )]
    Nvdimm {
        /// The device.
        id: String,
        /// What it is.
        what: &'static str,
        /// The guest's.
        saved: String,
        /// This machine's.
        here: String,
    },
    /// The file is another one.
    #[error(
        "nvdimm {id}: {path} is not the file that the guest was saved with (a copy, or another one of the same size); put that file back, or save with --digest to move a snapshot with copies of its files",
        path = path.display()
    )]
    OtherBacking {
        /// The device.
        id: String,
        /// The file that is there.
        path: PathBuf,
    },
    /// The file's contents are not as the guest left them.
    #[error(
        "nvdimm {id}: {path} was written to after the guest was saved, so the guest's memory and its files no longer agree; use a later snapshot, or a copy of the file from that moment",
        path = path.display()
    )]
    ChangedBacking {
        /// The device.
        id: String,
        /// Its file.
        path: PathBuf,
    },
    /// Nothing tells which file the guest was saved with.
    #[error(
        "nvdimm {id}: nothing tells whether {path} is the file that the guest had, as whoever saved it does not say, and a guest is never given any other; save or move it again, with a Paprika that says",
        path = path.display()
    )]
    UnknownBacking {
        /// The device.
        id: String,
        /// The file that is there.
        path: PathBuf,
    },
    /// The description can't be.
    #[error("the description of nvdimm {0} contradicts itself; it is damaged")]
    Contradiction(String),
}

impl Refusal {
    /// A device's file that could not be looked at.
    pub(crate) fn of_backing(id: &str, path: &Path, error: &io::Error) -> Self {
        let (id, path) = (id.to_owned(), path.to_owned());
        if error.kind() == io::ErrorKind::NotFound {
            Self::MissingBacking { id, path }
        } else {
            let error = error.to_string();
            Self::UnreadableBacking { id, path, error }
        }
    }
}

/// What a user should know of a guest that goes on here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// The guest does not flush a device that needs it.
    #[error(
        "nvdimm {id}: the running guest was not told to flush it, and does not: what it stores is durable only when the host writes it back, and may be lost with the host's power; {}",
        if *told_at_boot { "it is told at its next boot" } else { "the machine type never tells it" }
    )]
    NotTold {
        /// The device.
        id: String,
        /// Is it told when it boots again?
        told_at_boot: bool,
    },
    /// A newer machine type.
    #[error(
        "the guest was started on machine type {saved} and goes on as {here}, whose novelties it learns of at its next boot"
    )]
    NewerMachine {
        /// The guest's.
        saved: String,
        /// This one.
        here: String,
    },
    /// The file has another name or other attributes.
    #[error(
        "nvdimm {id}: {path} was renamed, linked or given other attributes after the guest was saved; its contents have not been written to since, says its time of modification",
        path = path.display()
    )]
    TouchedBacking {
        /// The device.
        id: String,
        /// Its file.
        path: PathBuf,
    },
}

/// Decides whether the guest of a `saved` machine may go on in the machine `here`.
///
/// # Errors
/// [`Refusal`], the first reason that is found.
pub fn check(saved: &Description, here: &Description) -> Result<Vec<Warning>, Refusal> {
    let mut warnings = Vec::new();
    let version = |name: &str| {
        let known = MachineVersion::ALL.into_iter().find(|it| it.name() == name);
        known.ok_or_else(|| Refusal::UnknownMachine(name.to_owned()))
    };
    let (from, to) = (version(&saved.machine)?, version(&here.machine)?);
    for device in &saved.nvdimms {
        // Announced is what the machine type offers and the device does not make needless. (Less may have been: see NotTold.)
        if device.announced && (device.sync_dax || !from.has_scm_flush()) {
            return Err(Refusal::Contradiction(device.id.clone()));
        }
    }
    if to < from {
        let told = saved.nvdimms.iter().find(|device| device.announced);
        return Err(Refusal::OlderMachine {
            saved: saved.machine.clone(),
            here: here.machine.clone(),
            told: told.map(|device| device.id.clone()),
        });
    }
    if to > from {
        warnings.push(Warning::NewerMachine {
            saved: saved.machine.clone(),
            here: here.machine.clone(),
        });
    }
    same("CPUs:", saved.cpus, here.cpus)?;
    same("bytes of memory:", saved.memory, here.memory)?;
    same("the name", &saved.name, &here.name)?;
    same("the uuid", saved.uuid, here.uuid)?;
    if let Some(surplus) = here
        .nvdimms
        .iter()
        .find(|it| !saved.nvdimms.iter().any(|known| known.id == it.id))
    {
        return Err(Refusal::SurplusNvdimm(surplus.id.clone()));
    }
    for device in &saved.nvdimms {
        let found = here.nvdimms.iter().find(|it| it.id == device.id);
        let found = found.ok_or_else(|| Refusal::MissingNvdimm {
            id: device.id.clone(),
            slot: device.slot,
        })?;
        check_nvdimm(device, found, to, &mut warnings)?;
    }
    Ok(warnings)
}

fn same<T: PartialEq + ToString>(what: &'static str, saved: T, here: T) -> Result<(), Refusal> {
    if saved == here {
        return Ok(());
    }
    let (saved, here) = (saved.to_string(), here.to_string());
    Err(Refusal::Machine { what, saved, here })
}

fn check_nvdimm(
    saved: &NvdimmDescription,
    here: &NvdimmDescription,
    machine: MachineVersion,
    warnings: &mut Vec<Warning>,
) -> Result<(), Refusal> {
    let id = || saved.id.clone();
    let on_off = |value: bool| if value { "on" } else { "off" }.to_owned();
    let settings = [
        ("slot", saved.slot.to_string(), here.slot.to_string()),
        ("uuid", saved.uuid.to_string(), here.uuid.to_string()),
        (
            "label-size",
            saved.label_size.to_string(),
            here.label_size.to_string(),
        ),
        (
            "numa-node",
            saved.numa_node.to_string(),
            here.numa_node.to_string(),
        ),
        ("readonly", on_off(saved.read_only), on_off(here.read_only)),
        (
            "the guest's address",
            format!("{:#x}", saved.guest_address),
            format!("{:#x}", here.guest_address),
        ),
    ];
    for (what, saved, here) in settings {
        if saved != here {
            return Err(Refusal::Nvdimm {
                id: id(),
                what,
                saved,
                here,
            });
        }
    }
    if !saved.sync_dax && here.sync_dax {
        return Err(Refusal::SyncDaxTurnedOn {
            id: id(),
            told: saved.announced,
        });
    }
    if saved.size != here.size {
        return Err(Refusal::Size {
            id: id(),
            path: here.path.clone(),
            saved: saved.size,
            here: here.size,
        });
    }
    match (&saved.backing, &here.backing) {
        (Some(then), Some(now)) => check_backing(saved, then, here, now, warnings)?,
        // There is a file here, and whoever saved the guest does not say which it was: it may be
        // any.
        (None, Some(_)) => {
            return Err(Refusal::UnknownBacking {
                id: id(),
                path: here.path.clone(),
            });
        }
        // What the file is like is out of the question yet: see the callers.
        (_, None) => {}
    }
    let told_at_boot = machine.has_scm_flush() && !here.sync_dax;
    if !saved.announced && !here.sync_dax && (told_at_boot || saved.sync_dax) {
        warnings.push(Warning::NotTold {
            id: id(),
            told_at_boot,
        });
    }
    Ok(())
}

fn check_backing(
    saved: &NvdimmDescription,
    then: &BackingIdentity,
    here: &NvdimmDescription,
    now: &BackingIdentity,
    warnings: &mut Vec<Warning>,
) -> Result<(), Refusal> {
    let (id, path) = (saved.id.clone(), here.path.clone());
    // The contents themselves, where both are known: then it does not matter which file has them.
    if let (Some(then), Some(now)) = (&then.digest, &now.digest) {
        return if then == now {
            Ok(())
        } else {
            Err(Refusal::ChangedBacking { id, path })
        };
    }
    if then.inode != now.inode {
        Err(Refusal::OtherBacking { id, path })
    } else if then.length != now.length || then.modified != now.modified {
        Err(Refusal::ChangedBacking { id, path })
    } else {
        if then.changed != now.changed {
            warnings.push(Warning::TouchedBacking { id, path });
        }
        Ok(())
    }
}
