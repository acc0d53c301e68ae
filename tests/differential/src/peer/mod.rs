//! The peer: a small ppc64le program (`peer/`) that runs cases under `qemu-ppc64le -cpu power9`.
//!
//! [`Peer`] owns the process. It is built on first use ([`build`]), restarted when a case kills it, and fed in batches.

mod build;
mod process;

pub use process::{Peer, PeerError};
