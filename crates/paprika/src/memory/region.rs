//! The data region of an NVDIMM as guest real memory: the shared mapping of its backing, so that a guest's store is a store to it.

use std::ptr::NonNull;
use std::sync::Arc;

use papr_scm::backing::HostRegion;
use power::memory::HostMapping;

/// An NVDIMM's data, as the CPU maps it.
pub struct PmemRegion(pub Arc<HostRegion>);

// SAFETY: the region stays mapped while the Arc lives, is writable where it says so, and papr-scm touches it through raw
// copies only, never through references.
unsafe impl HostMapping for PmemRegion {
    fn start(&self) -> NonNull<u8> {
        NonNull::new(self.0.as_ptr()).unwrap_or(NonNull::dangling())
    }

    fn len(&self) -> usize {
        self.0.len() as usize
    }

    fn writable(&self) -> bool {
        self.0.writable()
    }
}
