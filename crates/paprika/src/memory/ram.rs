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

    /// Bytes of it.
    pub fn size(&self) -> u64 {
        self.mapping.len() as u64
    }

    /// The host address of `length` bytes at `address`, all of which must be RAM.
    fn place(&self, address: u64, length: usize) -> Result<*mut u8, OutOfRam> {
        let start = usize::try_from(address).ok();
        let within = |start: &usize| {
            start
                .checked_add(length)
                .is_some_and(|end| end <= self.mapping.len())
        };
        let start = start.filter(within);
        let start = start.ok_or(OutOfRam { address, length })?;
        Ok(self.mapping.as_mut_ptr().wrapping_add(start))
    }

    /// Copies RAM to `buffer`, while the guest may run: each byte is one that was there meanwhile.
    ///
    /// # Errors
    /// [`OutOfRam`]; nothing is copied then.
    pub fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), OutOfRam> {
        let place = self.place(address, buffer.len())?;
        // SAFETY: the bytes are mapped, by the check, and no Rust reference covers them; a buffer of the caller's overlaps nothing.
        unsafe { std::ptr::copy_nonoverlapping(place, buffer.as_mut_ptr(), buffer.len()) };
        Ok(())
    }

    /// Copies `bytes` to RAM. The processor does not hear of it: for a machine whose guest does not run.
    ///
    /// # Errors
    /// [`OutOfRam`]; nothing is copied then.
    pub fn write(&self, address: u64, bytes: &[u8]) -> Result<(), OutOfRam> {
        let place = self.place(address, bytes.len())?;
        // SAFETY: as for `read`.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), place, bytes.len()) };
        Ok(())
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

/// An access outside RAM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{length} bytes at {address:#x} do not lie within RAM")]
pub struct OutOfRam {
    /// First byte asked for.
    pub address: u64,
    /// Bytes asked for.
    pub length: usize,
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
