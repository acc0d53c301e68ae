//! An anonymous mapping of host memory: pages appear when the guest first touches them.

use std::io;
use std::ptr::NonNull;

use memmap2::{MmapOptions, MmapRaw};
use power::memory::HostMapping;

/// Guest RAM.
pub struct Ram {
    mapping: MmapRaw,
}

impl Ram {
    /// `bytes` of zeros.
    ///
    /// # Errors
    /// Where the host refuses so much address space.
    pub fn new(bytes: u64) -> io::Result<Self> {
        let len = usize::try_from(bytes).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let mapping = MmapOptions::new().len(len).no_reserve_swap().map_anon()?;
        Ok(Self {
            mapping: MmapRaw::from(mapping),
        })
    }

    /// Back to zeros, the host's pages given back.
    ///
    /// # Errors
    /// Where the host refuses.
    pub fn clear(&self) -> io::Result<()> {
        // SAFETY: no Rust reference covers the mapping (see HostMapping), and vCPUs are stopped when RAM is cleared; a private
        // anonymous mapping reads as zeros afterwards.
        unsafe {
            self.mapping
                .unchecked_advise(memmap2::UncheckedAdvice::DontNeed)
        }
    }
}

// SAFETY: the mapping is readable and writable, lives as long as the value, and is never handed out as a reference.
unsafe impl HostMapping for Ram {
    fn start(&self) -> NonNull<u8> {
        NonNull::new(self.mapping.as_mut_ptr()).unwrap_or(NonNull::dangling())
    }

    fn len(&self) -> usize {
        self.mapping.len()
    }
}
