//! Restoring a machine: everything is checked before its guest runs.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use host_file::{Access, Distrust, OpenError, Owner};
use papr::{ConsoleBackend, MachineVersion};
use papr_scm::nvdimm::{ConfigError, NvdimmConfig, OpenNvdimm, Plan, PlanError};

use super::format::{self, FormatError, StateFile};
use super::memory::{self, MemoryError};
use super::progress::{Progress, Stage};
use super::{INITRD_FILE, KERNEL_FILE, MEMORY_FILE, STATE_FILE, identity};
use crate::load::{FileBytes, FileError, read_opened};
use crate::machine::state::{
    Blob, BootFiles, Description, NvdimmDescription, Refusal, StateError, Warning, compat,
};
use crate::machine::{Blueprint, HostOptions, Machine, MachineError};

/// Why a snapshot can't be restored. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// Its state file.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// Somebody else may have written it.
    #[error(
        "{} is not restored, because {why}; make it yours alone (chown, chmod go-w), or copy the snapshot into a directory of your own, if you trust it",
        path.display()
    )]
    Untrusted {
        /// The directory, or the file in it.
        path: PathBuf,
        /// Who.
        why: Distrust,
    },
    /// Another of its files.
    #[error("{} is damaged ({what}); use another snapshot", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The host does not give it.
    #[error("{} can't be read: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the host said.
        error: io::Error,
    },
    /// A boot file.
    #[error(transparent)]
    File(#[from] FileError),
    /// A change to a device that the guest does not have.
    #[error("--nvdimm: {0}")]
    Change(#[from] ConfigError),
    /// The guest would notice.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The devices' files.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The machine.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// The state.
    #[error(transparent)]
    State(#[from] StateError),
    /// Somebody wished so.
    #[error("restoring was cancelled")]
    Cancelled,
}

/// What is changed of an NVDIMM: `id=NAME` and the keys of `paprika run --nvdimm` that are to be other than saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NvdimmChange {
    id: String,
    keys: Vec<(String, String)>,
}

impl FromStr for NvdimmChange {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let mut keys: Vec<(String, String)> = Vec::new();
        for pair in split(text) {
            let (key, value) = pair
                .split_once('=')
                .ok_or_else(|| ConfigError::NotAPair(pair.clone()))?;
            if keys.iter().any(|(known, _)| known == key) {
                return Err(ConfigError::Repeated(key.to_owned()));
            }
            keys.push((key.to_owned(), value.to_owned()));
        }
        let place = keys.iter().position(|(key, _)| key == "id");
        let place = place.ok_or(ConfigError::Missing("id"))?;
        let (_, id) = keys.remove(place);
        let change = Self { id, keys };
        // Unknown keys and values that make no sense are told at once, whatever they are to change.
        let mut any = change.clone();
        if !any.keys.iter().any(|(key, _)| key == "path") {
            any.keys.push(("path".into(), "any".into()));
        }
        any.written(&[]).parse::<NvdimmConfig>()?;
        Ok(change)
    }
}

impl NvdimmChange {
    /// The path that it gives the device's file, if it does.
    pub fn path(&self) -> Option<&Path> {
        let path = self.keys.iter().find(|(key, _)| key == "path");
        path.map(|(_, path)| Path::new(path))
    }

    /// That a device's file is at `path`.
    pub fn file(id: impl Into<String>, path: &Path) -> Self {
        Self {
            id: id.into(),
            keys: vec![("path".into(), path.display().to_string())],
        }
    }

    /// The device that it is about.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Whether it says where the device's file is.
    pub(crate) fn names_file(&self) -> bool {
        self.path().is_some()
    }

    /// The description with these keys, and those of `saved` that they do not change.
    fn written(&self, saved: &[(&str, String)]) -> String {
        let changes = |key: &str| {
            // Two names of one switch.
            self.keys.iter().any(|(changed, _)| {
                changed == key || (changed == "pmem-override" && key == "sync-dax")
            })
        };
        let kept = saved.iter().filter(|(key, _)| !changes(key));
        let kept = kept.map(|(key, value)| ((*key).to_owned(), value.clone()));
        let id = ("id".to_owned(), self.id.clone());
        let pairs = std::iter::once(id).chain(kept).chain(self.keys.clone());
        let written: Vec<String> = pairs
            .map(|(key, value)| format!("{key}={}", value.replace(',', ",,")))
            .collect();
        written.join(",")
    }
}

/// The parts between single commas; two commas are one in a value.
fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let last = parts.len() - 1;
        match c {
            ',' if rest.next_if_eq(&',').is_some() => parts[last].push(','),
            ',' => parts.push(String::new()),
            c => parts[last].push(c),
        }
    }
    parts
}

/// What who restores chooses.
#[derive(Debug, Clone, Default)]
pub struct RestoreOptions {
    /// Another machine type than the saved one.
    pub machine: Option<MachineVersion>,
    /// What is changed of NVDIMMs.
    pub nvdimms: Vec<NvdimmChange>,
    /// What only the host cares for.
    pub host: HostOptions,
}

/// A snapshot whose state was read and is whole.
#[derive(Debug)]
pub struct Snapshot {
    directory: PathBuf,
    /// The directory, so that all files come from the one that was looked at.
    handle: File,
    state: StateFile,
}

impl Snapshot {
    /// Reads the state of the snapshot in a directory, and sees that its other files are there.
    /// What is in it becomes the guest's memory and the monitor's state, so that only this user and
    /// the superuser may be able to write there.
    ///
    /// # Errors
    /// [`RestoreError`].
    pub fn open(directory: &Path) -> Result<Self, RestoreError> {
        let unreadable = |path: &Path, error: OpenError| FormatError::Unreadable {
            path: path.to_owned(),
            error: error.into(),
        };
        let path = directory.join(STATE_FILE);
        let handle = host_file::directory(directory).map_err(|error| match error {
            // A directory that is not there, or not to be read, is so for its file.
            OpenError::Host(_) => unreadable(&path, error),
            OpenError::WrongKind { .. } => unreadable(directory, error),
        })?;
        trusted(&handle, directory)?;
        let file = host_file::regular_at(&handle, STATE_FILE, Access::READ)
            .map_err(|error| unreadable(&path, error))?;
        trusted(&file, &path)?;
        let snapshot = Self {
            directory: directory.to_owned(),
            handle,
            state: format::read(file, &path)?,
        };
        let boot = &snapshot.state.machine.boot;
        for (name, length) in [
            (MEMORY_FILE, snapshot.state.memory.size),
            (KERNEL_FILE, boot.kernel.length),
            (INITRD_FILE, boot.initrd.length),
        ] {
            let (file, path) = snapshot.open_file(name)?;
            let metadata = file.metadata().map_err(|error| RestoreError::Unreadable {
                path: path.clone(),
                error,
            })?;
            if metadata.len() != length {
                let what = format!("it has {} bytes instead of {length}", metadata.len());
                return Err(RestoreError::Damaged { path, what });
            }
        }
        Ok(snapshot)
    }

    /// The machine as its guest knows it.
    pub fn description(&self) -> &Description {
        &self.state.machine.description
    }

    /// Opens a file of the snapshot; its path is for messages.
    fn open_file(&self, name: &str) -> Result<(File, PathBuf), RestoreError> {
        let path = self.directory.join(name);
        let file = host_file::regular_at(&self.handle, name, Access::READ);
        let file = file.map_err(|error| RestoreError::Unreadable {
            path: path.clone(),
            error: error.into(),
        })?;
        trusted(&file, &path)?;
        Ok((file, path))
    }

    /// The NVDIMMs that its machine would have with these changes, none of whose files is looked
    /// at.
    ///
    /// # Errors
    /// [`RestoreError::Change`].
    pub fn nvdimms(&self, changes: &[NvdimmChange]) -> Result<Vec<NvdimmConfig>, RestoreError> {
        Ok(arrange(self.description(), None, changes)?.1)
    }

    /// Compares the snapshot with what is here, and opens and locks the NVDIMMs' files. Takes no memory and changes nothing.
    ///
    /// # Errors
    /// [`RestoreError`]: whatever the guest would notice.
    pub fn plan(&self, options: &RestoreOptions) -> Result<RestorePlan, RestoreError> {
        let saved = self.description();
        let (mut here, configs) = arrange(saved, options.machine, &options.nvdimms)?;
        for ((device, saved), config) in here.nvdimms.iter_mut().zip(&saved.nvdimms).zip(&configs) {
            look(device, saved, config, false)?;
        }
        // What can be told without the locks is, in our words and not in those of who opens the files.
        compat::check(saved, &here)?;
        let opened = Plan::new(configs.clone())?.open()?;
        // Now that nobody else can write to the files.
        for ((device, saved), config) in here.nvdimms.iter_mut().zip(&saved.nvdimms).zip(&configs) {
            let digest = saved.backing.as_ref().is_some_and(|it| it.digest.is_some());
            look(device, saved, config, digest)?;
        }
        let warnings = compat::check(saved, &here)?;
        Ok(RestorePlan {
            here,
            nvdimms: opened,
            warnings,
            host: options.host.clone(),
        })
    }

    /// Makes the machine, with the NVDIMMs of the plan, RAM and state as they were saved. [`Machine::run`] lets its guest go on.
    ///
    /// # Errors
    /// [`RestoreError`]: the host, or damage.
    pub fn build(
        self,
        plan: &RestorePlan,
        console: Box<dyn ConsoleBackend>,
        progress: &Progress,
    ) -> Result<Machine, RestoreError> {
        progress.enter(Stage::Preparing);
        progress.expect(self.state.memory.size);
        let boot = &self.state.machine.boot;
        let files = BootFiles {
            kernel: self.boot_file(KERNEL_FILE, "kernel", boot.kernel)?,
            initrd: self.boot_file(INITRD_FILE, "initrd", boot.initrd)?,
        };
        let blueprint = Blueprint::of_saved(&plan.here, boot, files, plan.host.clone())?;
        let machine = Machine::build(blueprint, &[], console)?;
        progress.enter(Stage::Memory);
        let (file, path) = self.open_file(MEMORY_FILE)?;
        memory::read(&file, &self.state.memory, machine.ram(), progress).map_err(|error| {
            match error {
                MemoryError::Damaged(what) => RestoreError::Damaged { path, what },
                MemoryError::Host(error) => RestoreError::Unreadable { path, error },
                MemoryError::Cancelled => RestoreError::Cancelled,
            }
        })?;
        // Its warnings are those of the plan.
        machine.adopt(self.state.machine, &plan.nvdimms)?;
        Ok(machine)
    }

    fn boot_file(
        &self,
        name: &str,
        what: &'static str,
        wanted: Blob,
    ) -> Result<FileBytes, RestoreError> {
        let (file, path) = self.open_file(name)?;
        let bytes = read_opened(what, &file, &path)?;
        if Blob::of(&bytes) != wanted {
            let what = "its checksum is wrong".to_owned();
            return Err(RestoreError::Damaged { path, what });
        }
        Ok(bytes)
    }
}

/// Sees that nobody else could have written to an opened file or directory.
fn trusted(file: &File, path: &Path) -> Result<(), RestoreError> {
    let found = host_file::distrust(file, Owner::UserOrSuperuser).map_err(|error| {
        RestoreError::Unreadable {
            path: path.to_owned(),
            error,
        }
    })?;
    found.map_or(Ok(()), |why| {
        let path = path.to_owned();
        Err(RestoreError::Untrusted { path, why })
    })
}

/// A snapshot that fits what is here.
#[derive(Debug)]
pub struct RestorePlan {
    /// The machine to be made.
    pub here: Description,
    /// Its NVDIMMs, open and locked.
    pub nvdimms: Vec<OpenNvdimm>,
    /// What the user should know.
    pub warnings: Vec<Warning>,
    /// What only the host cares for.
    pub host: HostOptions,
}

/// The machine that is to be made of a saved one with these changes, and how its NVDIMMs would be described on the command line. Files
/// are not looked at.
///
/// # Errors
/// [`RestoreError::Refused`] and [`RestoreError::Change`]: a change that makes no sense.
pub(crate) fn arrange(
    saved: &Description,
    machine: Option<MachineVersion>,
    changes: &[NvdimmChange],
) -> Result<(Description, Vec<NvdimmConfig>), RestoreError> {
    let mut here = saved.clone();
    if let Some(machine) = machine {
        here.machine = machine.name().to_owned();
    }
    for change in changes {
        if !saved.nvdimms.iter().any(|it| it.id == change.id) {
            return Err(Refusal::SurplusNvdimm(change.id.clone()).into());
        }
    }
    let mut configs = Vec::new();
    for (device, saved) in here.nvdimms.iter_mut().zip(&saved.nvdimms) {
        let mut config = config_of(saved)?;
        for change in changes.iter().filter(|it| it.id == saved.id) {
            config = change.written(&keys_of(&config)).parse()?;
        }
        describe(device, &config);
        configs.push(config);
    }
    Ok((here, configs))
}

/// How a saved device would be described on the command line.
fn config_of(saved: &NvdimmDescription) -> Result<NvdimmConfig, ConfigError> {
    let mut config = NvdimmConfig::new(&saved.id, &saved.path);
    config.size = Some(saved.size);
    config.label_size = saved.label_size;
    config.uuid = saved.uuid;
    config.sync_dax = saved.sync_dax;
    config.read_only = saved.read_only;
    config.numa_node = saved.numa_node;
    config.slot = Some(saved.slot);
    config.check()?;
    Ok(config)
}

/// The same as keys and values, but for the id.
fn keys_of(config: &NvdimmConfig) -> Vec<(&'static str, String)> {
    let on_off = |on: bool| if on { "on" } else { "off" }.to_owned();
    let mut keys = vec![
        ("path", config.path.display().to_string()),
        ("label-size", config.label_size.to_string()),
        ("uuid", config.uuid.to_string()),
        ("sync-dax", on_off(config.sync_dax)),
        ("readonly", on_off(config.read_only)),
        ("prealloc", on_off(config.prealloc)),
        ("numa-node", config.numa_node.to_string()),
    ];
    keys.extend(config.size.map(|size| ("size", size.to_string())));
    keys.extend(config.slot.map(|slot| ("slot", slot.to_string())));
    keys
}

/// Makes `device` what a description says, but for its file.
fn describe(device: &mut NvdimmDescription, config: &NvdimmConfig) {
    device.path = std::path::absolute(&config.path).unwrap_or_else(|_| config.path.clone());
    device.uuid = config.uuid;
    device.label_size = config.label_size;
    device.sync_dax = config.sync_dax;
    device.read_only = config.read_only;
    device.numa_node = config.numa_node;
    device.slot = config.slot.unwrap_or(device.slot);
}

/// Looks at the file of a device.
fn look(
    device: &mut NvdimmDescription,
    saved: &NvdimmDescription,
    config: &NvdimmConfig,
    digest: bool,
) -> Result<(), Refusal> {
    let found = identity::look(&config.path, digest)
        .map_err(|error| Refusal::of_backing(&device.id, &device.path, &error))?;
    // The label area is as long as the guest knows it, or as the user says, which is refused.
    device.size = found.length.saturating_sub(device.label_size);
    // Where the contents count, nothing else does, and they are not known yet.
    let by_contents = saved.backing.as_ref().is_some_and(|it| it.digest.is_some());
    device.backing = (digest || !by_contents).then_some(found);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn changed(text: &str) -> Result<NvdimmConfig, ConfigError> {
        let mut saved = NvdimmConfig::new("a", "/images/with,comma");
        saved.size = Some(256 << 20);
        saved.sync_dax = true;
        saved.slot = Some(9);
        let change: NvdimmChange = text.parse()?;
        change.written(&keys_of(&saved)).parse()
    }

    #[test]
    fn a_change_changes_what_it_names_and_nothing_else() {
        let same = changed("id=a").expect("nothing changed");
        assert_eq!(same.path, Path::new("/images/with,comma"));
        assert_eq!((same.sync_dax, same.slot), (true, Some(9)));
        let moved = changed("path=/else,,where,id=a").expect("a path");
        assert_eq!(moved.path, Path::new("/else,where"));
        assert_eq!((moved.sync_dax, moved.size), (true, Some(256 << 20)));
        assert!(!changed("id=a,sync-dax=off").expect("off").sync_dax);
        assert!(!changed("id=a,pmem-override=on").expect("off").sync_dax);
    }

    #[test]
    fn a_change_that_makes_no_sense_is_refused_in_the_words_of_run() {
        for (text, said) in [
            ("path=/x", "needs id"),
            ("id=a,path", "not of the form"),
            ("id=a,path=/x,path=/y", "twice"),
            ("id=a,colour=red", "unknown key"),
            ("id=a,sync-dax=maybe", "expected"),
        ] {
            let error = changed(text).expect_err(text).to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
