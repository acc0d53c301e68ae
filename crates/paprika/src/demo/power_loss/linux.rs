//! Linux as a writer: a file on a DAX file system, made durable by `fsync`, record by record.

use std::time::Duration;

use guest_kit::GuestPaths;
use papr_scm::backing::CrashBacking;

use super::writer::{Records, Writer, powered_off};
use crate::session::{GuestSession, Outcome, SessionError};

/// What the file systems have room in, with their journals.
const DEVICE: u64 = 1 << 30;
const MEMORY: u64 = 512 << 20;
const MOST_RECORDS: u64 = 30;
/// Not a measure of anything: only so that a guest that hangs ends.
const LIMIT: Duration = Duration::from_secs(300);

/// A file system that has DAX.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileSystem {
    /// XFS.
    Xfs,
    /// ext4.
    Ext4,
}

impl FileSystem {
    fn name(self) -> &'static str {
        match self {
            Self::Xfs => "xfs",
            Self::Ext4 => "ext4",
        }
    }

    /// The command that makes one. DAX needs blocks of the size of the kernel's pages, which is 64 KiB.
    fn make(self) -> &'static str {
        match self {
            Self::Xfs => "mkfs.xfs -q -f -b size=65536 -m reflink=0 /dev/pmem0",
            Self::Ext4 => "mkfs.ext4 -q -F -b 65536 /dev/pmem0",
        }
    }
}

/// The guest kit, and the program `recorder` in it.
#[derive(Debug, Clone)]
pub struct LinuxWriter {
    kit: GuestPaths,
    file_system: FileSystem,
}

impl LinuxWriter {
    /// The kit's Linux, writing to a file on this file system.
    pub fn new(kit: GuestPaths, file_system: FileSystem) -> Self {
        Self { kit, file_system }
    }

    fn session(&self, script: &str) -> Result<GuestSession, SessionError> {
        Ok(GuestSession::of_kit(&self.kit)?
            .memory(MEMORY)
            .script(script)
            .timeout(LIMIT))
    }

    fn mount(&self) -> String {
        let kind = self.file_system.name();
        format!("mkdir -p /m && mount -t {kind} -o dax=always /dev/pmem0 /m || exit 1")
    }
}

impl Writer for LinuxWriter {
    fn name(&self) -> &str {
        match self.file_system {
            FileSystem::Xfs => "Linux, fsync on XFS, DAX",
            FileSystem::Ext4 => "Linux, fsync on ext4, DAX",
        }
    }

    fn device_size(&self) -> u64 {
        DEVICE
    }

    fn most_records(&self) -> u64 {
        MOST_RECORDS
    }

    fn prepare(&self) -> Result<Option<GuestSession>, SessionError> {
        let (make, mount) = (self.file_system.make(), self.mount());
        self.session(&format!(
            "ndctl create-namespace -m fsdax -r region0 >/dev/null || exit 1\n{make} || exit 1\n{mount}\numount /m"
        ))
        .map(Some)
    }

    fn write(&self, records: &Records) -> Result<GuestSession, SessionError> {
        let (mount, run, first) = (self.mount(), records.run, records.acknowledged + 1);
        self.session(&format!(
            "{mount}\nrecorder write -s {first} -r {run} /m/records"
        ))
    }

    fn verify(&self, records: &Records) -> Result<GuestSession, SessionError> {
        let (mount, run, last) = (self.mount(), records.run, records.acknowledged);
        self.session(&format!(
            "{mount}\nrecorder verify -a {last} -r {run} /m/records\nstatus=$?\numount /m\nexit $status"
        ))
    }

    fn found(&self, outcome: &Outcome, _records: &Records) -> u64 {
        if !powered_off(outcome) {
            return 0;
        }
        // "recorder verified=N lost=L beyond=B"; no such line where the file system could not even be mounted.
        let words = outcome.console.split_ascii_whitespace();
        let mut counts = words.filter_map(|word| word.strip_prefix("verified="));
        counts
            .next()
            .and_then(|count| count.parse().ok())
            .unwrap_or(0)
    }

    fn found_by_host(&self, _durable: &CrashBacking, _records: &Records) -> Option<u64> {
        None
    }
}
