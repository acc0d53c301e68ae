//! Host memory for the test machine.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ptr::NonNull;

use power::memory::HostMapping;

/// Bytes of RAM.
pub(super) const RAM_SIZE: usize = 0x5_0000;

const LAYOUT: Layout = match Layout::from_size_align(RAM_SIZE, 1 << 16) {
    Ok(layout) => layout,
    Err(_) => panic!("the alignment is a power of two"),
};

/// Zeroed memory, freed when dropped.
pub(super) struct Ram(NonNull<u8>);

impl Ram {
    pub(super) fn new() -> Self {
        // SAFETY: the layout is not empty.
        let start = unsafe { alloc_zeroed(LAYOUT) };
        match NonNull::new(start) {
            Some(start) => Ram(start),
            None => handle_alloc_error(LAYOUT),
        }
    }
}

impl Drop for Ram {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout.
        unsafe { dealloc(self.0.as_ptr(), LAYOUT) };
    }
}

// SAFETY: plain memory that lives as long as the value.
unsafe impl Send for Ram {}
// SAFETY: as for Send.
unsafe impl Sync for Ram {}

// SAFETY: the allocation lives as long as the value, and no reference to it is ever made.
unsafe impl HostMapping for Ram {
    fn start(&self) -> NonNull<u8> {
        self.0
    }
    fn len(&self) -> usize {
        RAM_SIZE
    }
}
