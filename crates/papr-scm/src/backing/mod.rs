//! What "durable" means for a device: the place where its bytes live, and how they get to stable
//! storage.
//!
//! - `mapping`: a file mapped into this process (`unsafe` lives there);
//! - `cache`: how a file's pages lie in the host's cache;
//! - `room`: whether its file system has room for all of a file, and taking it beforehand;
//! - `file`: an ordinary file, whose bytes are durable after `fdatasync`;
//! - `dax`: a file on a DAX file system mapped with `MAP_SYNC`, whose stores are durable by
//!   themselves;
//! - `crash`: a test double that keeps a durable image apart from the volatile pages, and can lose
//!   power.

mod cache;
pub(crate) mod crash;
pub(crate) mod dax;
pub(crate) mod file;
pub(crate) mod mapping;
pub(crate) mod room;

use std::fmt;
use std::io;
use std::os::fd::BorrowedFd;

pub use crash::{CrashBacking, Fault, PowerLoss};
pub use dax::DaxBacking;
pub use file::FileBacking;
pub use mapping::{HostRegion, OutOfRegion};
pub use room::Room;

use crate::sync::Arc;

/// Permissions of a file that is made for a backing: what a guest keeps is its user's alone.
pub(crate) const IMAGE_MODE: u32 = 0o600;

/// When a guest's store to a backing's region is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// After a sync that begins after the store.
    AfterSync,
    /// As soon as the CPU has written it back from its caches: the guest needs no hypercall.
    ByStore,
}

/// The bytes of a device: a data region that is mapped, and a label area that is not.
///
/// Called from any thread, several at once. The contract of [`sync`](Self::sync) is what the whole
/// crate rests on.
pub trait Backing: Send + Sync + fmt::Debug {
    /// The data region, mapped for as long as anyone holds it.
    fn region(&self) -> &Arc<HostRegion>;

    /// Bytes in the label area.
    fn label_size(&self) -> u64;

    /// Reads from the label area; the range is within it.
    ///
    /// # Errors
    /// What the host says.
    fn read_label(&self, offset: u64, buf: &mut [u8]) -> io::Result<()>;

    /// Writes to the label area; the range is within it. Durable after the next
    /// [`sync`](Self::sync).
    ///
    /// # Errors
    /// What the host says.
    fn write_label(&self, offset: u64, data: &[u8]) -> io::Result<()>;

    /// How many syncs may run at once, each in a sync slot of its own: 1, or more. (No more than
    /// two do.)
    fn sync_slots(&self) -> usize {
        1
    }

    /// Makes durable every store to the region, and every write of the label area, that happened
    /// before the call.
    ///
    /// No two syncs run in one `sync_slot` at a time; it is less than
    /// [`sync_slots`](Self::sync_slots). Where two run in different sync slots, each has to report
    /// what went wrong with what it wrote itself, as if the other were not there; it need not know
    /// of what the other has begun to write.
    ///
    /// # Errors
    /// When any of it may not be durable. The caller then never trusts the backing again: an
    /// implementation need not remember the failure.
    fn sync(&self, sync_slot: usize) -> io::Result<()>;

    /// A file of which one `fdatasync` is all that [`sync`](Self::sync) does in this sync slot, if
    /// there is one.
    fn sync_fd(&self, sync_slot: usize) -> Option<BorrowedFd<'_>>;

    /// When a store is durable.
    fn durability(&self) -> Durability;
}
