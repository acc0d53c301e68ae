//! What a machine is made of, and whether such a machine can be: checked before anything is taken from the host.

use std::path::{Path, PathBuf};

use papr::{MachineVersion, PlatformConfig};
use uuid::Uuid;

use super::MachineError;
use crate::load::{self, Kernel, Layout};

/// RAM of a machine whose user does not say: what the guest kit needs, and room to work in.
pub const DEFAULT_MEMORY: u64 = 2 << 30;

/// What carries out the guest's instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum CpuEngine {
    /// The interpreter.
    #[default]
    Interpreter,
    /// The interpreter, with code that runs often translated to host code.
    Jit,
}

/// What a machine is made of, as the user says it.
#[derive(Debug, Clone)]
pub struct MachineConfig {
    /// Machine type.
    pub machine: MachineVersion,
    /// The kernel's file.
    pub kernel: PathBuf,
    /// The initramfs as bytes; empty: none.
    pub initrd: Vec<u8>,
    /// Kernel command line.
    pub cmdline: String,
    /// Number of vCPUs.
    pub cpus: u32,
    /// RAM in bytes.
    pub memory: u64,
    /// What carries out the guest's instructions.
    pub engine: CpuEngine,
    /// Name of the machine.
    pub name: String,
    /// Whether a reboot that the guest asks for ends the machine instead.
    pub no_reboot: bool,
}

impl MachineConfig {
    /// The default machine with this kernel: newest type, one vCPU, [`DEFAULT_MEMORY`], no initramfs, an empty command line.
    pub fn new(kernel: impl Into<PathBuf>) -> Self {
        Self {
            machine: MachineVersion::default(),
            kernel: kernel.into(),
            initrd: Vec::new(),
            cmdline: String::new(),
            cpus: 1,
            memory: DEFAULT_MEMORY,
            engine: CpuEngine::default(),
            name: "paprika".into(),
            no_reboot: false,
        }
    }

    /// Reads an initramfs.
    ///
    /// # Errors
    /// [`MachineError::File`] names it.
    pub fn read_initrd(path: &Path) -> Result<Vec<u8>, MachineError> {
        Ok(load::read_file("initrd", path)?)
    }
}

/// A machine that can be: its configuration makes sense, the kernel is one, and everything fits into its memory.
#[derive(Debug)]
pub struct Blueprint {
    pub(super) config: MachineConfig,
    pub(super) kernel: Kernel,
    pub(super) layout: Layout,
    pub(super) platform: PlatformConfig,
}

impl Blueprint {
    /// Checks a configuration, and reads the kernel.
    ///
    /// # Errors
    /// [`MachineError`] says what is wrong.
    pub fn new(config: MachineConfig) -> Result<Self, MachineError> {
        let mut rng_seed = [0; 32];
        getrandom::fill(&mut rng_seed).map_err(MachineError::Random)?;
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
            name: config.name.clone(),
            rng_seed,
        };
        // First without the places, which nobody can choose for a machine with no memory: the user is told about the memory then.
        platform.validate()?;
        let kernel = Kernel::read(&config.kernel)?;
        let initrd_size = config.initrd.len() as u64;
        let layout = Layout::new(config.memory, kernel.size(), initrd_size)?;
        platform.initrd = (initrd_size > 0).then(|| layout.initrd..layout.initrd + initrd_size);
        platform.kernel_start = layout.kernel + kernel.entry();
        platform.rtas_base = layout.rtas;
        platform.validate()?;
        Ok(Self {
            config,
            kernel,
            layout,
            platform,
        })
    }
}
