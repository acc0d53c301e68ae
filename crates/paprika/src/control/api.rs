//! What the API's calls are given and answer, as types: JSON on the wire. `docs/openapi.json` describes the same.

use std::path::PathBuf;
use std::time::Duration;

use papr_scm::nvdimm::{Nvdimm, NvdimmConfig};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::error::{ApiError, ErrorCode};
use crate::machine::{MachineControl, RunState};
use crate::sandbox::SandboxStatus;
use crate::snapshot::Stage;

/// What a machine is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Its guest runs.
    Running,
    /// Its vCPUs stand still.
    Paused,
    /// It has ended.
    Ended,
}

/// A machine at a glance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// What it is doing.
    pub state: State,
    /// Its name.
    pub name: String,
    /// Its type.
    pub machine: String,
    /// How many vCPUs it has.
    pub cpus: usize,
    /// Bytes of RAM.
    pub memory: u64,
    /// How many NVDIMMs are plugged.
    pub nvdimms: usize,
    /// Milliseconds since it was put together.
    pub age_ms: u64,
    /// Process that runs it.
    pub pid: u32,
    /// Version of Paprika.
    pub version: String,
    /// What its process is held to.
    #[serde(default)]
    pub sandbox: SandboxStatus,
}

impl Status {
    /// That of a machine now.
    pub fn of(machine: &MachineControl) -> Self {
        Self {
            state: match machine.state() {
                RunState::Running => State::Running,
                RunState::Paused => State::Paused,
                RunState::Ended => State::Ended,
            },
            name: machine.name().to_owned(),
            machine: machine.machine().name().to_owned(),
            cpus: machine.cpus(),
            memory: machine.memory(),
            nvdimms: machine.scm().devices().len(),
            age_ms: u64::try_from(machine.age().as_millis()).unwrap_or(u64::MAX),
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            sandbox: SandboxStatus::now(),
        }
    }
}

/// A plugged NVDIMM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NvdimmInfo {
    /// Its name.
    pub id: String,
    /// What the guest knows it by.
    pub uuid: Uuid,
    /// Its slot.
    pub slot: u32,
    /// The index of its connector.
    pub drc_index: u32,
    /// Where its data is in guest real memory.
    pub guest_address: u64,
    /// Bytes of data.
    pub size: u64,
    /// Bytes of label area.
    pub label_size: u64,
    /// Whether the guest may only read it.
    pub read_only: bool,
    /// Whether stores need no flush by hypercall.
    pub sync_dax: bool,
    /// Whether the running guest was told to flush by hypercall.
    pub flush_announced: bool,
    /// Why its backing counts as failed, if it does.
    pub failure: Option<String>,
}

impl NvdimmInfo {
    /// That of a device now.
    pub fn of(device: &Nvdimm, machine: &MachineControl) -> Self {
        Self {
            id: device.id().to_owned(),
            uuid: device.uuid(),
            slot: papr_scm::slot_of_drc(device.drc()).unwrap_or_default(),
            drc_index: device.drc().value(),
            guest_address: device.region().guest_address,
            size: device.region().host.len(),
            label_size: device.label_size(),
            read_only: device.read_only(),
            sync_dax: device.sync_dax(),
            flush_announced: machine.was_told_to_flush(device),
            failure: device.failure().map(|failure| failure.to_string()),
        }
    }
}

/// All plugged NVDIMMs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NvdimmList {
    /// In the order of slots.
    pub nvdimms: Vec<NvdimmInfo>,
}

/// The description of an NVDIMM that is to be plugged. What is left out has the default of `paprika run --nvdimm`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddNvdimm {
    /// Its name.
    pub id: String,
    /// Its file; absolute, as the socket's two ends may be in different directories.
    pub path: PathBuf,
    /// Bytes of data; where given, a file that does not exist is created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Bytes of label area.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_size: Option<u64>,
    /// What the guest knows it by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<Uuid>,
    /// Whether stores need no flush by hypercall.
    #[serde(default)]
    pub sync_dax: bool,
    /// Whether the guest may only read it.
    #[serde(default)]
    pub read_only: bool,
    /// Whether all room for its file is taken first.
    #[serde(default)]
    pub prealloc: bool,
    /// The NUMA node that the guest sees it on.
    #[serde(default)]
    pub numa_node: u32,
    /// Its slot; the first free one where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<u32>,
    /// How long the guest is waited for, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
}

impl AddNvdimm {
    /// The device that is meant.
    ///
    /// # Errors
    /// Where the path is not absolute or the name could not be shown.
    pub fn config(&self) -> Result<NvdimmConfig, ApiError> {
        let wrong = |what: &str| Err(ApiError::new(ErrorCode::BadRequest, what));
        let usable = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if self.id.is_empty() || self.id.len() > MAX_ID || !self.id.chars().all(usable) {
            return wrong("id is not a name of 1 to 64 letters, digits, `-`, `_` and `.`");
        }
        if !self.path.is_absolute() {
            return wrong("path is not absolute");
        }
        let mut config = NvdimmConfig::new(&self.id, &self.path);
        config.size = self.size;
        config.label_size = self.label_size.unwrap_or(config.label_size);
        config.uuid = self.uuid.unwrap_or(config.uuid);
        config.sync_dax = self.sync_dax;
        config.read_only = self.read_only;
        config.prealloc = self.prealloc;
        config.numa_node = self.numa_node;
        config.slot = self.slot;
        Ok(config)
    }
}

impl From<NvdimmConfig> for AddNvdimm {
    fn from(config: NvdimmConfig) -> Self {
        Self {
            id: config.id,
            path: config.path,
            size: config.size,
            label_size: Some(config.label_size),
            uuid: Some(config.uuid),
            sync_dax: config.sync_dax,
            read_only: config.read_only,
            prealloc: config.prealloc,
            numa_node: config.numa_node,
            slot: config.slot,
            timeout_ms: None,
        }
    }
}

/// A snapshot that is to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SaveRequest {
    /// Its directory; absolute, as the socket's two ends may be in different directories.
    pub path: PathBuf,
    /// Whether the machine ends when its guest is saved.
    #[serde(default)]
    pub quit: bool,
    /// Whether digests of the NVDIMMs' contents are kept, so that the snapshot can be moved with copies of their files.
    #[serde(default)]
    pub digest: bool,
}

/// Whether a snapshot is being made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavingStatus {
    /// How far it is; none: none is being made.
    pub saving: Option<SavingProgress>,
}

/// How far a snapshot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavingProgress {
    /// What is being done.
    pub stage: Stage,
    /// Bytes of RAM that are done.
    pub done: u64,
    /// Bytes of RAM.
    pub total: u64,
}

/// A machine that is to move to another process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MigrateRequest {
    /// Where `paprika receive` waits for it; paths in it absolute.
    pub uri: String,
    /// For how long the guest may stand still; 300 where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub downtime_limit_ms: Option<u64>,
    /// Whether a guest that writes faster than the connection carries is slowed down.
    #[serde(default)]
    pub brake: bool,
}

/// A machine has moved, and ends here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Migrated {
    /// Where its guest goes on.
    pub to: String,
    /// All of it.
    pub total_ms: f64,
    /// For how long the guest stood still.
    pub downtime_ms: f64,
    /// Rounds of copying while the guest ran.
    pub rounds: u32,
    /// Bytes sent and received.
    pub bytes: u64,
}

/// The migration that is going on, or how the last one ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MigrationStatus {
    /// None: there was none.
    pub migration: Option<MigrationProgress>,
}

/// Where a migration stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MigrationStage {
    /// The destination is not there yet.
    Connecting,
    /// The destination looks at what it is to become.
    Checking,
    /// Memory is copied; the guest runs.
    Memory,
    /// The guest stands still; what is left follows.
    Stopping,
    /// The destination takes the guest over.
    HandingOver,
    /// The guest was handed over and the destination has not said that it has it.
    Unsure,
    /// The migration failed, and another has what the guest needs to go on here.
    Held,
    /// The guest runs at the destination.
    Done,
    /// The guest stays.
    Failed,
}

/// How far a migration is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MigrationProgress {
    /// Where it stands.
    pub stage: MigrationStage,
    /// Rounds of copying begun.
    pub round: u32,
    /// Bytes of RAM.
    pub ram_bytes: u64,
    /// Bytes of RAM that this round has still to look at.
    pub left_bytes: u64,
    /// Bytes sent and received.
    pub wire_bytes: u64,
    /// What the connection carries, bytes per second; 0: not known yet.
    pub bandwidth: u64,
    /// What the guest changes, bytes per second; 0: not known yet.
    pub dirty_rate: u64,
    /// For how long the guest would stand still if it were stopped now.
    pub expected_downtime_ms: Option<u64>,
    /// For how long it stood still.
    pub downtime_ms: Option<u64>,
    /// Percent of the time that the guest is kept from running.
    pub brake: u8,
    /// Since the start.
    pub elapsed_ms: u64,
    /// What the user should know, or do.
    pub note: Option<String>,
}

impl MigrationProgress {
    pub(crate) fn of(progress: &paprika_migration::Progress) -> Self {
        use paprika_migration::Stage;
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            stage: match progress.stage {
                Stage::Connecting => MigrationStage::Connecting,
                Stage::Checking => MigrationStage::Checking,
                Stage::Memory => MigrationStage::Memory,
                Stage::Stopping => MigrationStage::Stopping,
                Stage::HandingOver => MigrationStage::HandingOver,
                Stage::Unsure => MigrationStage::Unsure,
                Stage::Held => MigrationStage::Held,
                Stage::Done => MigrationStage::Done,
                Stage::Failed => MigrationStage::Failed,
            },
            round: progress.round,
            ram_bytes: progress.ram_bytes,
            left_bytes: progress.left_bytes,
            wire_bytes: progress.wire_bytes,
            bandwidth: progress.bandwidth,
            dirty_rate: progress.dirty_rate,
            expected_downtime_ms: progress.expected_downtime.map(millis),
            downtime_ms: progress.downtime.map(millis),
            brake: progress.brake,
            elapsed_ms: millis(progress.elapsed),
            note: progress.note.clone(),
        }
    }
}

/// Where a guest is, where only its user can know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum GuestRuns {
    /// It never ran at the destination and never will: it goes on here.
    Here,
    /// It runs, or ran, at the destination: this machine ends.
    There,
}

impl From<GuestRuns> for paprika_migration::handle::Decision {
    fn from(runs: GuestRuns) -> Self {
        match runs {
            GuestRuns::Here => Self::Here,
            GuestRuns::There => Self::There,
        }
    }
}

/// The user's word on who has the guest, while a migration is [`MigrationStage::Unsure`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecideRequest {
    /// Where.
    pub guest_runs: GuestRuns,
}

/// Longest name of a device, as for `paprika run --nvdimm`.
const MAX_ID: usize = 64;

/// An NVDIMM was plugged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Added {
    /// The device.
    pub nvdimm: NvdimmInfo,
    /// Whether the guest has taken it. If not it may later, and will at its next boot.
    pub taken: bool,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// An NVDIMM is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// Its name.
    pub id: String,
    /// Whether everything that the guest stored is durable.
    pub synced: bool,
    /// Why not, if not.
    pub sync_failure: Option<String>,
    /// Whether its file is closed and its lock free.
    pub released: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_good_here_where_it_is_on_the_command_line() {
        let long = "x".repeat(65);
        for id in [
            "pmem0",
            "a-b_c.D",
            &long[1..],
            &long,
            "",
            "a b",
            "a/b",
            "é",
            "a\n",
        ] {
            let there = format!("id={id},path=/a").parse::<NvdimmConfig>();
            let here = AddNvdimm::from(NvdimmConfig::new(id, "/a")).config();
            assert_eq!(here.ok(), there.ok(), "{id:?}");
        }
    }

    #[test]
    fn what_is_unknown_is_refused_and_what_is_left_out_has_its_default() {
        let parse = |text: &str| serde_json::from_str::<AddNvdimm>(text);
        let wanted = parse(r#"{"id":"a","path":"/a"}"#).expect("a description");
        assert_eq!(wanted.config().ok(), Some(NvdimmConfig::new("a", "/a")));
        assert!(parse(r#"{"id":"a","path":"/a","zize":1}"#).is_err());
        assert!(parse(r#"{"id":"a"}"#).is_err());
    }
}
