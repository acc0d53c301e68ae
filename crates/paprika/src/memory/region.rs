//! The data region of an NVDIMM as guest real memory: the shared mapping of its backing, so that a guest's store is a store to it.

use std::io;
use std::ptr::NonNull;
use std::sync::Arc;

use papr_scm::backing::HostRegion;
use power::memory::HostMapping;

use super::guard::Guard;

/// An NVDIMM's data, as the CPU maps it.
pub struct PmemRegion {
    // Before the mapping: it must not be watched any more when it goes.
    _guard: Guard,
    host: Arc<HostRegion>,
}

impl PmemRegion {
    /// The mapping of a device, watched for failing accesses ([`crate::memory::failure`]).
    ///
    /// # Errors
    /// Where the host refuses the signal handler.
    pub fn new(host: Arc<HostRegion>) -> io::Result<Self> {
        let guard = Guard::new(host.as_ptr() as usize, host.len() as usize)?;
        Ok(Self {
            _guard: guard,
            host,
        })
    }
}

// SAFETY: the region stays mapped while the Arc lives, is writable where it says so, and papr-scm touches it through raw
// copies only, never through references.
unsafe impl HostMapping for PmemRegion {
    fn start(&self) -> NonNull<u8> {
        NonNull::new(self.host.as_ptr()).unwrap_or(NonNull::dangling())
    }

    fn len(&self) -> usize {
        self.host.len() as usize
    }

    fn writable(&self) -> bool {
        self.host.writable()
    }
}
