//! All devices of a machine, checked against each other and against the host before anything is
//! created.
//!
//! [`Plan::new`] opens, locks and measures the files that exist and creates none; whatever else may
//! still refuse the run comes between; [`Plan::open`] creates the missing files and maps all. A run
//! that is refused leaves no trace: files that `open` had created before it failed are removed
//! again.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use host_file::{Access, Kind, OpenError};

use super::config::{ConfigError, NvdimmConfig, check_blocks};
use super::device::DeviceSpec;
use super::undo::Undo;
use crate::abi::MAX_SLOTS;
use crate::backing::{Backing, DaxBacking, FileBacking, IMAGE_MODE, Room, room};
use crate::sync::Arc;

/// Why a machine can't have the devices that its user asked for.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// One device's description is wrong in itself.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// More devices than connectors.
    #[error("{0} nvdimms are more than a machine can have (256)")]
    TooMany(usize),
    /// A slot that does not exist.
    #[error("nvdimm {id}: slot {slot} does not exist (there are 0 to 255)")]
    NoSuchSlot {
        /// The device.
        id: String,
        /// The slot.
        slot: u32,
    },
    /// Two devices with the same id, uuid, slot or file.
    #[error("nvdimms {first} and {second} have the same {what} ({value})")]
    Duplicate {
        /// One device.
        first: String,
        /// The other.
        second: String,
        /// What they share.
        what: &'static str,
        /// Its value.
        value: String,
    },
    /// The file is missing and there is no size to create it with, or it is read-only and can't be
    /// created.
    #[error("nvdimm {id}: {path} does not exist; give size=… to create it (a read-only device needs a file that exists)", path = path.display())]
    Missing {
        /// The device.
        id: String,
        /// Its file.
        path: PathBuf,
    },
    /// The host refuses the file.
    #[error("nvdimm {id}: can't {what} {path}: {error}", path = path.display())]
    Host {
        /// The device.
        id: String,
        /// What was attempted.
        what: &'static str,
        /// Its file.
        path: PathBuf,
        /// What the host said.
        error: io::Error,
    },
    /// Not a regular file.
    #[error("nvdimm {id}: {path} is {found}, not a regular file; give one, or the name of one that is to be created", path = path.display())]
    NotAFile {
        /// The device.
        id: String,
        /// What should be its file.
        path: PathBuf,
        /// What it is.
        found: Kind,
    },
    /// `prealloc=on`, and less room than the file lacks.
    #[error(
        "nvdimm {id}: {path} lacks {} MiB, and its file system has {} MiB left; make room there, or leave prealloc=on out",
        .room.lacks.div_ceil(1 << 20), .room.free >> 20, path = path.display()
    )]
    NoRoom {
        /// The device.
        id: String,
        /// Its file.
        path: PathBuf,
        /// What there is.
        room: Room,
    },
    /// Another monitor has the file.
    #[error("nvdimm {id}: {path} is in use by another monitor (its lock is held)", path = path.display())]
    Locked {
        /// The device.
        id: String,
        /// Its file.
        path: PathBuf,
    },
    /// The file is not as long as it should be.
    #[error("nvdimm {id}: {path} has {length} bytes, but size={size} and label-size={label} make {}", size.saturating_add(*label), path = path.display())]
    SizeMismatch {
        /// The device.
        id: String,
        /// Its file.
        path: PathBuf,
        /// Bytes in the file.
        length: u64,
        /// Bytes of data asked for.
        size: u64,
        /// Bytes of label area asked for.
        label: u64,
    },
}

/// Something that a user should know and that does not stop the run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// `sync-dax=on` over a backing whose stores are not durable by themselves.
    #[error("nvdimm {id}: sync-dax=on, but {path} is not on a DAX file system: the guest is not told to flush, and what it stores can be lost when the host fails", path = path.display())]
    SyncDaxNotHonoured {
        /// The device.
        id: String,
        /// Its file.
        path: PathBuf,
    },
    /// A sparse file on a file system that has less left than the file lacks.
    #[error(
        "nvdimm {id}: {path} is sparse and lacks {} MiB, and its file system has {} MiB left: when that is full, the guest is stopped at its next store to a hole; make room, and prealloc=on takes it when the device is opened",
        .room.lacks.div_ceil(1 << 20), .room.free >> 20, path = path.display()
    )]
    LittleRoom {
        /// The device.
        id: String,
        /// Its file.
        path: PathBuf,
        /// What there is.
        room: Room,
    },
}

/// Devices that can be opened.
#[derive(Debug)]
pub struct Plan {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    config: NvdimmConfig,
    size: u64,
    /// Open and locked; `None`: to be created.
    file: Option<File>,
}

/// A device with its backing, ready to be plugged.
#[derive(Debug)]
pub struct OpenNvdimm {
    /// What its user said, with the size filled in.
    pub config: NvdimmConfig,
    /// Its bytes. The file's lock is held until the last handle is dropped.
    pub backing: Arc<dyn Backing>,
    /// What its user should know.
    pub warnings: Vec<Warning>,
}

impl OpenNvdimm {
    /// What to plug, with its place in guest real memory.
    pub fn spec(&self, guest_address: u64) -> DeviceSpec {
        DeviceSpec {
            id: self.config.id.clone(),
            uuid: self.config.uuid,
            sync_dax: self.config.sync_dax,
            numa_node: self.config.numa_node,
            slot: self.config.slot,
            guest_address,
        }
    }
}

impl Plan {
    /// Checks everything; creates and changes nothing. The files that exist stay locked while the
    /// plan lives.
    ///
    /// # Errors
    /// [`PlanError`], the first that is found.
    pub fn new(configs: Vec<NvdimmConfig>) -> Result<Self, PlanError> {
        if configs.len() > MAX_SLOTS as usize {
            return Err(PlanError::TooMany(configs.len()));
        }
        for (place, config) in configs.iter().enumerate() {
            config.check()?;
            if let Some(slot) = config.slot.filter(|&slot| slot >= MAX_SLOTS) {
                return Err(PlanError::NoSuchSlot {
                    id: config.id.clone(),
                    slot,
                });
            }
            for earlier in &configs[..place] {
                check_pair(earlier, config)?;
            }
        }
        let entries = configs
            .into_iter()
            .map(plan_one)
            .collect::<Result<_, _>>()?;
        Ok(Plan { entries })
    }

    /// The data sizes, in the order of the devices: what the guest's address space has to hold.
    pub fn sizes(&self) -> Vec<u64> {
        self.entries.iter().map(|entry| entry.size).collect()
    }

    /// Creates what is missing and maps everything.
    ///
    /// # Errors
    /// [`PlanError`] where the host refuses. Files that were created are removed again then, and
    /// room that was taken is given back.
    pub fn open(self) -> Result<Vec<OpenNvdimm>, PlanError> {
        let mut undo = Undo::default();
        let mut opened = Vec::new();
        for entry in self.entries {
            opened.push(open_one(entry, &mut undo)?);
        }
        undo.keep();
        Ok(opened)
    }
}

/// What tells files apart: the inode of one that exists, else where it will be.
#[derive(PartialEq)]
enum Identity {
    Inode(u64, u64),
    Place(PathBuf),
}

fn identity(path: &Path) -> Identity {
    if let Ok(metadata) = path.metadata() {
        return Identity::Inode(metadata.dev(), metadata.ino());
    }
    let parent = directory(path);
    let directory = parent.canonicalize().unwrap_or_else(|_| parent.into());
    Identity::Place(
        path.file_name()
            .map_or_else(|| directory.clone(), |name| directory.join(name)),
    )
}

fn check_pair(first: &NvdimmConfig, second: &NvdimmConfig) -> Result<(), PlanError> {
    let (what, value) = if first.id == second.id {
        ("id", first.id.clone())
    } else if first.uuid == second.uuid {
        ("uuid", first.uuid.to_string())
    } else if first.slot.is_some() && first.slot == second.slot {
        ("slot", first.slot.unwrap_or_default().to_string())
    } else if identity(&first.path) == identity(&second.path) {
        ("file", second.path.display().to_string())
    } else {
        return Ok(());
    };
    Err(PlanError::Duplicate {
        first: first.id.clone(),
        second: second.id.clone(),
        what,
        value,
    })
}

fn plan_one(config: NvdimmConfig) -> Result<Entry, PlanError> {
    let host = |what, error| PlanError::Host {
        id: config.id.clone(),
        what,
        path: config.path.clone(),
        error,
    };
    let access = if config.read_only {
        Access::READ
    } else {
        Access::READ_WRITE
    };
    let file = match host_file::regular(&config.path, access) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let Some(size) = config.size.filter(|_| !config.read_only) else {
                return Err(PlanError::Missing {
                    id: config.id.clone(),
                    path: config.path.clone(),
                });
            };
            check_creatable(&config.path).map_err(|error| host("create", error))?;
            return Ok(Entry {
                config,
                size,
                file: None,
            });
        }
        Err(OpenError::WrongKind { found, .. }) => {
            return Err(PlanError::NotAFile {
                id: config.id.clone(),
                path: config.path.clone(),
                found,
            });
        }
        Err(OpenError::Host(error)) => {
            return Err(host(if config.read_only { "read" } else { "write" }, error));
        }
    };
    let metadata = file.metadata().map_err(|error| host("measure", error))?;
    lock_file(&file, &config)?;
    let (length, label) = (metadata.len(), config.label_size);
    let size = config.size.unwrap_or_else(|| length.saturating_sub(label));
    if size.checked_add(label) != Some(length) {
        return Err(PlanError::SizeMismatch {
            id: config.id.clone(),
            path: config.path.clone(),
            length,
            size,
            label,
        });
    }
    check_blocks(&config.id, size, label)?;
    Ok(Entry {
        config,
        size,
        file: Some(file),
    })
}

/// The directory that a file is in.
fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Makes a new file's length and its name durable: a sync of its data promises neither.
fn settle(file: &File, path: &Path) -> io::Result<()> {
    file.sync_all()?;
    host_file::directory(directory(path))?.sync_all()
}

/// Can a file be made here? Looks at the directory only.
fn check_creatable(path: &Path) -> io::Result<()> {
    use rustix::fs::{Access, access};
    let parent = directory(path);
    if path.file_name().is_none() || !parent.metadata()?.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    Ok(access(parent, Access::WRITE_OK | Access::EXEC_OK)?)
}

/// Takes the file for this monitor alone; readers of a read-only device share it.
fn lock_file(file: &File, config: &NvdimmConfig) -> Result<(), PlanError> {
    let taken = if config.read_only {
        file.try_lock_shared()
    } else {
        file.try_lock()
    };
    let (id, path) = (config.id.clone(), config.path.clone());
    match taken {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(PlanError::Locked { id, path }),
        Err(TryLockError::Error(error)) => Err(PlanError::Host {
            id,
            what: "lock",
            path,
            error,
        }),
    }
}

/// Takes room for all of a file, or nothing.
fn preallocate(
    file: &File,
    config: &NvdimmConfig,
    length: u64,
    was_there: bool,
    undo: &mut Undo,
) -> Result<(), PlanError> {
    let (id, path) = (config.id.clone(), config.path.clone());
    let found = Room::of(file);
    // Where nothing lacks nothing is taken, and nothing is to be given back if another device
    // fails.
    if found.as_ref().is_ok_and(|room| room.lacks == 0) {
        return Ok(());
    }
    if let Ok(room) = found
        && !room.suffices()
    {
        return Err(PlanError::NoRoom { id, path, room });
    }
    let taken = if was_there {
        undo.takes(file, length)
    } else {
        // It is removed as a whole.
        Ok(())
    };
    taken
        .and_then(|()| room::take(file, length))
        .map_err(|error| PlanError::Host {
            id,
            what: "take room beforehand (prealloc=on) for",
            path,
            error,
        })
}

fn open_one(entry: Entry, undo: &mut Undo) -> Result<OpenNvdimm, PlanError> {
    let Entry {
        mut config,
        size,
        file,
    } = entry;
    let host = |what, error| PlanError::Host {
        id: config.id.clone(),
        what,
        path: config.path.clone(),
        error,
    };
    let (length, was_there) = (size + config.label_size, file.is_some());
    let file = match file {
        Some(file) => file,
        None => {
            let access = Access::READ_WRITE.create_new(IMAGE_MODE);
            let file = host_file::regular(&config.path, access)
                .map_err(|error| host("create", error.into()))?;
            undo.created(&config.path, &file)
                .map_err(|error| host("measure", error))?;
            lock_file(&file, &config)?;
            file.set_len(length)
                .map_err(|error| host("enlarge", error))?;
            file
        }
    };
    if config.prealloc {
        preallocate(&file, &config, length, was_there, undo)?;
    }
    if !was_there {
        settle(&file, &config.path).map_err(|error| host("make durable", error))?;
    }
    let mut warnings = Vec::new();
    // A host that does not say how much room there is gives no warning.
    if let Ok(room) = Room::of(&file)
        && !config.read_only
        && !room.suffices()
    {
        warnings.push(Warning::LittleRoom {
            id: config.id.clone(),
            path: config.path.clone(),
            room,
        });
    }
    let map = |error| host("map", error);
    let backing: Arc<dyn Backing> = if config.sync_dax && !config.read_only {
        let second = file.try_clone().map_err(map)?;
        match DaxBacking::new(second, size, config.label_size) {
            Ok(backing) => Arc::new(backing),
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                warnings.push(Warning::SyncDaxNotHonoured {
                    id: config.id.clone(),
                    path: config.path.clone(),
                });
                Arc::new(FileBacking::new(file, size, config.label_size, true).map_err(map)?)
            }
            Err(error) => return Err(map(error)),
        }
    } else {
        Arc::new(FileBacking::new(file, size, config.label_size, !config.read_only).map_err(map)?)
    };
    config.size = Some(size);
    Ok(OpenNvdimm {
        config,
        backing,
        warnings,
    })
}
