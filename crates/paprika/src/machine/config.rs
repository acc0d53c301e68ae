//! What a machine is made of, and whether such a machine can be: checked before anything is taken from the host.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use papr::{MachineVersion, PlatformConfig};
use power_jit::JitOptions;
use uuid::Uuid;

use super::MachineError;
use super::state::{Blob, BootFiles, BootState, Description};
use crate::load::{self, FileBytes, Kernel, Layout};

/// RAM of a machine whose user does not say: what the guest kit needs, and room to work in.
pub const DEFAULT_MEMORY: u64 = 2 << 30;

/// What carries out the guest's instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum CpuEngine {
    /// The interpreter.
    Interpreter,
    /// The interpreter, with code that runs often translated to host code.
    #[default]
    Jit,
    /// Both side by side, one vCPU, slowly: the machine ends at the first difference, with a report. For finding defects.
    Lockstep,
}

/// Names the engine of who does not choose one: for tests that are to run on another.
pub const ENGINE_VARIABLE: &str = "PAPRIKA_ENGINE";

impl CpuEngine {
    /// What [`ENGINE_VARIABLE`] names, else the default.
    pub fn preferred() -> Self {
        let named = std::env::var(ENGINE_VARIABLE).ok();
        named
            .and_then(|name| <Self as clap::ValueEnum>::from_str(&name, false).ok())
            .unwrap_or_default()
    }
}

/// What becomes of code that the JIT has compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeOptions {
    /// Host memory that it may take, in bytes; when that is full, all of it is dropped and made again as needed.
    pub memory: u64,
    /// The directory where it is kept for later runs; None: it is not kept.
    pub cache: Option<PathBuf>,
    /// Whether it is given names for Linux's `perf`.
    pub perf_map: bool,
}

/// Less memory for code holds too little to be of use.
pub const LEAST_CODE_MEMORY: u64 = 1 << 20;

/// Names the directory for compiled code, or turns that off, for who does not choose.
pub const CODE_CACHE_VARIABLE: &str = "PAPRIKA_CODE_CACHE";
/// Instead of a directory: compiled code is not kept.
pub const NO_CODE_CACHE: &str = "off";

impl CodeOptions {
    /// Where compiled code is kept for who names a directory, or [`NO_CODE_CACHE`], or nothing (or an empty text): then it is `code`
    /// in the user's cache, where there is one.
    pub fn cache_named(name: Option<&str>) -> Option<PathBuf> {
        match name.filter(|name| !name.is_empty()) {
            Some(NO_CODE_CACHE) => None,
            Some(directory) => Some(directory.into()),
            None => Some(guest_kit::user_cache().ok()?.join("code")),
        }
    }
}

impl Default for CodeOptions {
    fn default() -> Self {
        let named = std::env::var(CODE_CACHE_VARIABLE).ok();
        Self {
            memory: JitOptions::default().code_bytes as u64,
            cache: Self::cache_named(named.as_deref()),
            perf_map: false,
        }
    }
}

/// What a machine is made of, as the user says it.
#[derive(Debug, Clone)]
pub struct MachineConfig {
    /// Machine type.
    pub machine: MachineVersion,
    /// The kernel's file.
    pub kernel: PathBuf,
    /// The initramfs as bytes; empty: none.
    pub initrd: FileBytes,
    /// Kernel command line.
    pub cmdline: String,
    /// Number of vCPUs.
    pub cpus: u32,
    /// RAM in bytes.
    pub memory: u64,
    /// Name of the machine.
    pub name: String,
    /// What the guest does not see.
    pub host: HostOptions,
}

impl MachineConfig {
    /// The default machine with this kernel: newest type, one vCPU, [`DEFAULT_MEMORY`], no initramfs, an empty command line.
    pub fn new(kernel: impl Into<PathBuf>) -> Self {
        Self {
            machine: MachineVersion::default(),
            kernel: kernel.into(),
            initrd: FileBytes::default(),
            cmdline: String::new(),
            cpus: 1,
            memory: DEFAULT_MEMORY,
            name: "paprika".into(),
            host: HostOptions::default(),
        }
    }

    /// Reads an initramfs.
    ///
    /// # Errors
    /// [`MachineError::File`] names it.
    pub fn read_initrd(path: &Path) -> Result<FileBytes, MachineError> {
        Ok(load::read_file("initrd", path)?)
    }
}

/// What a machine boots from.
#[derive(Debug)]
pub(super) struct Boot {
    pub(super) kernel_path: PathBuf,
    pub(super) kernel: Kernel,
    pub(super) initrd: FileBytes,
    pub(super) cmdline: String,
    pub(super) layout: Layout,
    /// Worked out when it is first wanted, and not while a guest stands still for it.
    state: OnceLock<BootState>,
}

impl Boot {
    /// What a saved machine keeps of it beside its bytes.
    pub(super) fn state(&self) -> &BootState {
        self.state.get_or_init(|| BootState {
            kernel_path: self.kernel_path.clone(),
            kernel: Blob::of(self.kernel.image()),
            initrd: Blob::of(&self.initrd),
            cmdline: self.cmdline.clone(),
            layout: self.layout,
        })
    }
}

/// What the host chooses, and that of a saved machine chooses anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostOptions {
    /// What carries out the guest's instructions.
    pub engine: CpuEngine,
    /// What becomes of compiled code.
    pub code: CodeOptions,
    /// Whether a reboot that the guest asks for ends the machine instead.
    pub no_reboot: bool,
}

impl Default for HostOptions {
    fn default() -> Self {
        Self {
            engine: CpuEngine::preferred(),
            code: CodeOptions::default(),
            no_reboot: false,
        }
    }
}

/// A machine that can be: its configuration makes sense, the kernel is one, and everything fits into its memory.
#[derive(Debug)]
pub struct Blueprint {
    pub(super) options: HostOptions,
    pub(super) boot: Boot,
    pub(super) platform: PlatformConfig,
}

impl Blueprint {
    /// Checks a configuration, and reads the kernel.
    ///
    /// # Errors
    /// [`MachineError`] says what is wrong.
    pub fn new(config: MachineConfig) -> Result<Self, MachineError> {
        let mut platform = PlatformConfig {
            machine: config.machine,
            vcpus: config.cpus,
            max_vcpus: config.cpus,
            memory: config.memory,
            cmdline: config.cmdline.clone(),
            initrd: None,
            kernel_start: 0,
            rtas_base: 0,
            uuid: Uuid::new_v4(),
            name: config.name,
            rng_seed: rng_seed()?,
        };
        // First without the places, which nobody can choose for a machine with no memory: the user is told about the memory then.
        platform.validate()?;
        let kernel = Kernel::read(&config.kernel)?;
        let layout = Layout::new(config.memory, kernel.size(), config.initrd.len() as u64)?;
        let boot = Boot {
            kernel_path: config.kernel,
            kernel,
            initrd: config.initrd,
            cmdline: config.cmdline,
            layout,
            state: OnceLock::new(),
        };
        place(&mut platform, &boot);
        platform.validate()?;
        Ok(Self {
            options: config.host,
            boot,
            platform,
        })
    }

    /// The machine of a saved guest, to be built, filled with its RAM, and given its state by
    /// [`Machine::adopt`](super::Machine::adopt). `description` is that of the machine to be made, which
    /// [`compat::check`](super::state::compat::check) has compared with the guest's. What it boots from at its next reboot is what the
    /// guest was started with.
    ///
    /// # Errors
    /// [`MachineError`]: a machine type that is not known, files that are not those of `boot`, or what can't be a machine.
    pub fn of_saved(
        description: &Description,
        boot: &BootState,
        files: BootFiles,
        options: HostOptions,
    ) -> Result<Self, MachineError> {
        for (what, wanted, found) in [
            ("kernel", boot.kernel, Blob::of(&files.kernel)),
            ("initrd", boot.initrd, Blob::of(&files.initrd)),
        ] {
            if wanted != found {
                return Err(MachineError::SavedFile(what));
            }
        }
        let boot = Boot {
            kernel: Kernel::parse(files.kernel, &boot.kernel_path)?,
            kernel_path: boot.kernel_path.clone(),
            initrd: files.initrd,
            cmdline: boot.cmdline.clone(),
            layout: boot.layout,
            state: boot.clone().into(),
        };
        let mut platform = PlatformConfig {
            machine: description.machine.parse()?,
            vcpus: description.cpus,
            max_vcpus: description.cpus,
            memory: description.memory,
            cmdline: boot.cmdline.clone(),
            initrd: None,
            kernel_start: 0,
            rtas_base: 0,
            uuid: description.uuid,
            name: description.name.clone(),
            rng_seed: rng_seed()?,
        };
        place(&mut platform, &boot);
        platform.validate()?;
        Ok(Self {
            options,
            boot,
            platform,
        })
    }
}

fn rng_seed() -> Result<[u8; 32], MachineError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(MachineError::Random)?;
    Ok(seed)
}

/// Tells the platform where everything goes.
fn place(platform: &mut PlatformConfig, boot: &Boot) {
    let Layout {
        kernel,
        initrd,
        rtas,
        ..
    } = boot.layout;
    let initrd_size = boot.initrd.len() as u64;
    platform.initrd = (initrd_size > 0).then(|| initrd..initrd.saturating_add(initrd_size));
    platform.kernel_start = kernel.saturating_add(boot.kernel.entry());
    platform.rtas_base = rtas;
}
