//! The structures of a saved machine.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use papr::state::PlatformState;
use power::{CpuState, PartitionState};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::compat::Refusal;
use crate::load::{FileBytes, Layout};
use crate::machine::PmemError;

/// The version of [`MachineState`] that this program writes, and the newest that it reads.
pub const STATE_VERSION: u32 = 1;

/// A shorter time between saving and going on counts as the guest's time too, so that its clocks do not lag. After a longer one its time
/// goes on from where it stood, as after a pause: a guest whose time leaps by hours takes its own CPUs for hung, and timekeeping of
/// Linux is not made for it.
pub const DOWNTIME_MAX: Duration = Duration::from_secs(5);

/// A machine at one moment, without the bytes of its RAM and its NVDIMMs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineState {
    /// [`STATE_VERSION`] of who wrote it.
    pub version: u32,
    /// When it was, in nanoseconds of the host's clock since 1970.
    pub saved_at_ns: u64,
    /// Which machine it is, and what its guest was told.
    pub description: Description,
    /// What the guest's next boot begins with.
    pub boot: BootState,
    /// What the vCPUs share, the time base included.
    pub partition: PartitionState,
    /// Each vCPU, in the order of numbers.
    pub vcpus: Vec<VcpuState>,
    /// Interrupt controller, console input, NVRAM, connectors and so on, with the outstanding calls.
    pub platform: PlatformState,
}

impl MachineState {
    /// Now, as [`saved_at_ns`](Self::saved_at_ns) counts.
    pub(crate) fn clock() -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |since| {
            u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
        })
    }

    /// How much of the time since it was saved is the guest's time too; see [`DOWNTIME_MAX`].
    pub fn downtime(&self) -> Duration {
        let since = Duration::from_nanos(Self::clock().saturating_sub(self.saved_at_ns));
        if since <= DOWNTIME_MAX {
            since
        } else {
            Duration::ZERO
        }
    }
}

/// A machine as its running guest knows it: what can't be taken back while that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// Name of the machine type.
    pub machine: String,
    /// vCPUs.
    pub cpus: u32,
    /// RAM in bytes.
    pub memory: u64,
    /// Name of the machine.
    pub name: String,
    /// What the guest knows the machine by.
    pub uuid: Uuid,
    /// Its NVDIMMs, in the order of slots.
    pub nvdimms: Vec<NvdimmDescription>,
}

/// An NVDIMM as the running guest knows it, and where the host has its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NvdimmDescription {
    /// What the host calls it.
    pub id: String,
    /// Its slot.
    pub slot: u32,
    /// What the guest knows it by.
    pub uuid: Uuid,
    /// Where the guest has its data.
    pub guest_address: u64,
    /// Bytes of data.
    pub size: u64,
    /// Bytes of label area.
    pub label_size: u64,
    /// The NUMA node that the guest sees it on.
    pub numa_node: u32,
    /// May the guest not write it?
    pub read_only: bool,
    /// The `sync-dax` setting.
    pub sync_dax: bool,
    /// Was the running guest told to flush?
    pub announced: bool,
    /// Its file.
    pub path: PathBuf,
    /// What tells its file, as the guest left it, from others; `None` where that does not matter or can't be known.
    pub backing: Option<BackingIdentity>,
}

/// What tells a file and its contents from others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackingIdentity {
    /// Its inode. (Not its device, whose number may change when the host boots.)
    pub inode: u64,
    /// Bytes.
    pub length: u64,
    /// When its contents last changed: seconds and nanoseconds.
    pub modified: (i64, i64),
    /// When its contents, name or attributes last changed.
    pub changed: (i64, i64),
    /// BLAKE3 of its contents in hexadecimal digits, where it was asked for, or where the file system's times tell nothing.
    pub digest: Option<String>,
}

/// What the guest's next boot begins with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootState {
    /// The kernel's file, for messages.
    pub kernel_path: PathBuf,
    /// The kernel, unpacked.
    pub kernel: Blob,
    /// The RAM disk; empty: none.
    pub initrd: Blob,
    /// The kernel's command line.
    pub cmdline: String,
    /// Where everything goes in RAM.
    pub layout: Layout,
}

/// Bytes that are kept elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blob {
    /// How many.
    pub length: u64,
    /// Their CRC-32.
    pub crc32: u32,
}

impl Blob {
    /// That of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self {
            length: bytes.len() as u64,
            crc32: crc32fast::hash(bytes),
        }
    }
}

/// The bytes that the guest's next boot begins with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BootFiles {
    /// The kernel, an unpacked ELF file.
    pub kernel: FileBytes,
    /// The RAM disk.
    pub initrd: FileBytes,
}

/// What a vCPU is doing between two instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It waits for RTAS start-cpu.
    Stopped,
    /// It executes instructions.
    Running,
    /// It waits in H_CEDE: for an interrupt, a prod or its decrementer.
    Ceded,
    /// It waits in a hypercall for H_PROD.
    WaitsForProd,
}

/// A vCPU at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VcpuState {
    /// What it is doing.
    pub phase: Phase,
    /// Registers and signals.
    pub cpu: CpuState,
}

/// Why a saved machine can't go on in this one.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Written by something newer, or by nothing at all.
    #[error(
        "the saved machine is of version {0}, and this program reads versions 1 to {STATE_VERSION}; use the Paprika that saved it, or a newer one"
    )]
    Version(u32),
    /// The guest would notice.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The state contradicts itself.
    #[error("the saved state is damaged: {0}; use another snapshot")]
    Damaged(String),
    /// Processors.
    #[error(transparent)]
    Processor(#[from] power::StateError),
    /// Platform.
    #[error(transparent)]
    Platform(#[from] papr::state::ImportError),
    /// Persistent memory.
    #[error(transparent)]
    Pmem(#[from] PmemError),
    /// Something else is going on.
    #[error("the machine is running already")]
    Running,
}
