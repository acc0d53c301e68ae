//! Compiled code on disk, from one run of the monitor to the next, so that the second boot of a guest starts warm.
//!
//! A [`CodeStore`] is a directory of the user's with one file per build of the compiler ([`BuildId`]): bytes by a 32-byte
//! [`Key`]. Opening it reads the file's index only; [`CodeStore::get`] reads one entry and checks it; [`CodeStore::insert`]
//! collects, and a thread of the store's own writes in batches and at the end.
//!
//! # Why code from disk may be executed
//!
//! What [`CodeStore::get`] returns is run with all rights of the process. Three things make it no easier to have other code run
//! in here than it is without a store:
//!
//! - *Only the user wrote it.* Directory and file are opened without following a symbolic link, and asked through the opened
//!   descriptor, not by name: they must belong to the effective user and be writable by nobody else. Which path led there does
//!   not matter then: whoever controls a directory above can put nothing in its place that passes, unless he is that user, and
//!   then he can trace or replace this process anyway. Everything is created with mode 0700 and 0600.
//! - *It is what was written.* Each entry has a BLAKE3 digest over build, key, length and content; the index has one over
//!   itself. A flipped bit, a truncated or exchanged file, or blocks that a host crash left empty make entries vanish, and never
//!   return something else. A file appears by a rename, whole or not at all, and is never changed after that.
//! - *It is code for exactly this.* The build names everything that the compiler's output depends on beside its input (our
//!   version, the code generator's, the host's CPU features), the key everything of the input. Both are the caller's to say
//!   ([`BuildId::of`], [`Key::of`]). The digest binds an entry to both, so that none is found under another's name.
//!
//! The digest is no signature: it keeps damage out, and ownership keeps others out.
//!
//! # Bounds
//!
//! The files of all builds together stay below [`StoreOptions::max_bytes`]: files of other builds go first, the longest unused
//! before the others, then entries that were not used for the longest time. What waits to be written is bounded as well.
#![forbid(unsafe_code)]

mod directory;
mod error;
mod format;
mod name;
mod program;
mod store;
mod write;

pub use error::StoreError;
pub use name::{BuildId, Key};
pub use store::{CodeStore, StoreOptions, StoreStatistics};
