//! What is measured, in which task, and what the project asks of it.

use crate::choice;

/// Something that is done with a guest from its boot on: several figures are read off one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    /// Saves a guest, and restores it.
    Save,
    /// Moves an idle guest to another process.
    MigrateIdle,
    /// Moves a guest that writes to its persistent memory and flushes it, all the time.
    MigrateFlushing,
    /// Plugs an NVDIMM.
    Plug,
}

impl Task {
    /// In the order in which they are done.
    pub(crate) const ALL: [Self; 4] = [
        Self::Save,
        Self::MigrateIdle,
        Self::MigrateFlushing,
        Self::Plug,
    ];

    /// As in file names.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Save => "save",
            Self::MigrateIdle => "migrate-idle",
            Self::MigrateFlushing => "migrate-flushing",
            Self::Plug => "plug",
        }
    }

    /// As in what the user is shown.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Save => "saving and restoring",
            Self::MigrateIdle => "moving an idle guest",
            Self::MigrateFlushing => "moving a guest that flushes",
            Self::Plug => "plugging an NVDIMM",
        }
    }
}

/// What the project asks of a figure of ours.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bar {
    /// Not more than the peer's.
    AtMostPeer,
    /// Less than this.
    Below(f64),
}

/// Something measured. Less is better of all of them.
#[derive(Debug)]
pub(crate) struct Figure {
    /// As in options and in the JSON.
    pub(crate) name: &'static str,
    /// What it is, in words.
    pub(crate) words: &'static str,
    /// Of its values.
    pub(crate) unit: &'static str,
    /// What is asked of ours.
    pub(crate) bars: &'static [Bar],
    /// The task that it is read off.
    pub(crate) task: Task,
}

/// The names, which the tasks give their readings.
pub(crate) mod name {
    pub(crate) const SNAPSHOT: &str = "snapshot";
    pub(crate) const SNAPSHOT_GAP: &str = "snapshot-gap";
    pub(crate) const SNAPSHOT_SIZE: &str = "snapshot-size";
    pub(crate) const RESTORE: &str = "restore";
    pub(crate) const MIGRATE_IDLE: &str = "migrate-idle";
    pub(crate) const DOWNTIME_IDLE: &str = "downtime-idle";
    pub(crate) const REPORTED_IDLE: &str = "reported-idle";
    pub(crate) const MIGRATE_FLUSH: &str = "migrate-flush";
    pub(crate) const DOWNTIME_FLUSH: &str = "downtime-flush";
    pub(crate) const REPORTED_FLUSH: &str = "reported-flush";
    pub(crate) const HOT_PLUG: &str = "hot-plug";
}

const fn figure(
    name: &'static str,
    words: &'static str,
    unit: &'static str,
    bars: &'static [Bar],
    task: Task,
) -> Figure {
    Figure {
        name,
        words,
        unit,
        bars,
        task,
    }
}

const NOT_SLOWER: &[Bar] = &[Bar::AtMostPeer];

impl choice::Figure for Figure {
    const ALL: &'static [Self] = FIGURES;

    fn name(&self) -> &'static str {
        self.name
    }
}

/// All figures, in the report's order.
pub(crate) const FIGURES: &[Figure] = &[
    figure(
        name::SNAPSHOT,
        "save, to durable",
        "s",
        NOT_SLOWER,
        Task::Save,
    ),
    figure(
        name::SNAPSHOT_GAP,
        "guest stands still for it",
        "s",
        NOT_SLOWER,
        Task::Save,
    ),
    figure(
        name::SNAPSHOT_SIZE,
        "size of it on disk",
        "MiB",
        &[],
        Task::Save,
    ),
    figure(
        name::RESTORE,
        "process start to guest goes on",
        "s",
        NOT_SLOWER,
        Task::Save,
    ),
    figure(
        name::MIGRATE_IDLE,
        "move of an idle guest",
        "s",
        NOT_SLOWER,
        Task::MigrateIdle,
    ),
    figure(
        name::DOWNTIME_IDLE,
        "its downtime on its console",
        "ms",
        &[Bar::AtMostPeer, Bar::Below(100.0)],
        Task::MigrateIdle,
    ),
    figure(
        name::REPORTED_IDLE,
        "as the monitor reports it",
        "ms",
        &[],
        Task::MigrateIdle,
    ),
    figure(
        name::MIGRATE_FLUSH,
        "move of a guest that flushes",
        "s",
        NOT_SLOWER,
        Task::MigrateFlushing,
    ),
    figure(
        name::DOWNTIME_FLUSH,
        "its downtime on its console",
        "ms",
        NOT_SLOWER,
        Task::MigrateFlushing,
    ),
    figure(
        name::REPORTED_FLUSH,
        "as the monitor reports it",
        "ms",
        &[],
        Task::MigrateFlushing,
    ),
    figure(
        name::HOT_PLUG,
        "NVDIMM plugged to ndctl list",
        "ms",
        NOT_SLOWER,
        Task::Plug,
    ),
];
