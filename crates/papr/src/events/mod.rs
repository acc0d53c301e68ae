//! What happens to a machine from outside and its guest must hear of: a request to power off (an
//! EPOW event) and devices that are plugged or asked back (hot-plug events).
//!
//! An event is queued, its class's interrupt is raised, and the guest fetches it by
//! `check-exception` in the form of an error log.
//!
//! - `queue`: what waits to be fetched;
//! - `log`: the form in which it is fetched;
//! - `state`: what a snapshot carries;
//! - `part`: the events as a part of the platform.

mod log;
mod part;
mod queue;
mod state;

use serde::{Deserialize, Serialize};

pub(crate) use part::EventSources;
pub(crate) use queue::{Class, Events, Fetch};

pub use queue::QueueFull;
pub use state::EventsState;

/// What the EPOW sensor, and an EPOW event, say when the system should shut down.
pub(crate) const EPOW_SHUTDOWN: u32 = 3;

/// What is done to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum HotPlugAction {
    /// It was plugged: the guest should take it.
    Add,
    /// It is asked back: the guest should give it.
    Remove,
}

/// The kind of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum HotPlugResource {
    /// A processor.
    Cpu,
    /// Memory blocks.
    Memory,
    /// A persistent-memory device.
    PersistentMemory,
}

/// A resource that comes or goes, named by the index of its connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HotPlug {
    /// Its kind.
    pub resource: HotPlugResource,
    /// Comes or goes.
    pub action: HotPlugAction,
    /// Index of its connector.
    pub drc_index: u32,
}

/// Something that the guest must hear of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// The guest should power itself off.
    PowerOffRequest,
    /// A resource comes or goes.
    HotPlug(HotPlug),
}
