//! Opens what a path names, in one way for a whole program.
//!
//! A path that a user, a file or a peer names can lead to anything. Opening a FIFO waits until
//! somebody opens its other end, which may be never; a terminal can become the controlling terminal
//! of the process; opening a device node can act on the device. So the caller states what it
//! expects, a regular file ([`regular`]) or a directory ([`directory`]), and here
//!
//! - what is there is looked at by name first, so that no device is opened that need not be;
//! - it is opened with `O_NONBLOCK`, `O_NOCTTY` and `O_CLOEXEC` (open(2));
//! - what was opened is looked at again by its descriptor, since the name may lead elsewhere by
//!   now.
//!
//! On a regular file `O_NONBLOCK` has no effect (open(2)): reads, writes and syncs wait for the
//! disk as ever. So it is left set, which spares a system call.
//!
//! [`distrust`] says whether somebody else could have written what is in an opened file.
#![forbid(unsafe_code)]

mod kind;
mod open;
mod trust;

pub use kind::Kind;
pub use open::{Access, OpenError, directory, directory_at, regular, regular_at};
pub use trust::{Distrust, Owner, distrust};
