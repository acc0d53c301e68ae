//! Host memory for the copy: anonymous, and zero until it is written.

use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};

use memmap2::{MmapOptions, MmapRaw};
use power::memory::HostMapping;

/// What stands behind one region of the copy.
pub(crate) struct SecondMemory {
    mapping: MmapRaw,
    writable: AtomicBool,
}

impl SecondMemory {
    /// `bytes` of zeros.
    pub(crate) fn new(bytes: usize) -> io::Result<Self> {
        let mapping = MmapOptions::new().len(bytes).no_reserve_swap().map_anon()?;
        Ok(Self {
            mapping: MmapRaw::from(mapping),
            writable: AtomicBool::new(true),
        })
    }

    /// Whether the guest may store to it from now on.
    pub(crate) fn set_writable(&self, writable: bool) {
        self.writable.store(writable, Ordering::Relaxed);
    }
}

// SAFETY: the mapping is readable and writable, lives as long as the value, and is never handed out as a reference.
unsafe impl HostMapping for SecondMemory {
    fn start(&self) -> NonNull<u8> {
        NonNull::new(self.mapping.as_mut_ptr()).unwrap_or(NonNull::dangling())
    }

    fn len(&self) -> usize {
        self.mapping.len()
    }

    fn writable(&self) -> bool {
        self.writable.load(Ordering::Relaxed)
    }
}
