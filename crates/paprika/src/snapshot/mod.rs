//! Snapshots: a machine's state, RAM and boot files in a directory, and the way back.
//!
//! | file | what it is |
//! |---|---|
//! | `state` | a line that says what follows, then JSON: [`format`] |
//! | `memory` | RAM as the guest addresses it; what is zero is a hole: [`memory`] |
//! | `kernel`, `initrd` | what the guest boots when it boots again, so that this does not depend on files that others replace |
//!
//! The bytes of NVDIMMs stay where they are: they are flushed, and the snapshot knows them again ([`identity`]). A directory appears whole or
//! not at all ([`directory`]); `save` and `restore` put it all together.

mod contents;
pub mod directory;
mod disk;
pub mod format;
pub mod identity;
pub mod memory;
mod progress;
mod restore;
mod save;

pub use progress::{Progress, Stage};
pub(crate) use restore::arrange;
pub use restore::{NvdimmChange, RestoreError, RestoreOptions, RestorePlan, Snapshot};
pub use save::{SaveError, SaveOptions, Saved, save};

/// The file with the state.
pub const STATE_FILE: &str = "state";
/// The file with RAM.
pub const MEMORY_FILE: &str = "memory";
/// The file with the unpacked kernel.
pub const KERNEL_FILE: &str = "kernel";
/// The file with the RAM disk.
pub const INITRD_FILE: &str = "initrd";
