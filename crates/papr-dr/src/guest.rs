//! Guest memory, as far as a hypercall or an RTAS service may reach it.

/// An access that left guest memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "guest real address {address:#x} (+{length} bytes) is not guest memory that may be accessed so"
)]
pub struct GuestMemoryError {
    /// First byte asked for.
    pub address: u64,
    /// Bytes asked for.
    pub length: usize,
}

/// Guest real memory: RAM, and what else the guest reaches by loads and stores.
///
/// Called on the vCPU's thread during its hypercall, never later. Every method checks the whole
/// range before it touches a byte, and a range that wraps is outside.
pub trait GuestMemory {
    /// Copies guest memory at `address` to `buffer`.
    ///
    /// # Errors
    /// [`GuestMemoryError`] where any byte of the range is no guest memory; nothing is copied then.
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), GuestMemoryError>;

    /// Copies `bytes` to guest memory at `address`.
    ///
    /// # Errors
    /// [`GuestMemoryError`] where any byte of the range is no guest memory that may be written;
    /// nothing is copied then.
    fn write(&self, address: u64, bytes: &[u8]) -> Result<(), GuestMemoryError>;

    /// Loads from a device's registers, or from memory as [`read`](Self::read) does: 1, 2, 4 or 8
    /// bytes, aligned to their number, in the order of their addresses. A monitor without devices
    /// at real addresses has nothing to add to what is here.
    ///
    /// # Errors
    /// [`GuestMemoryError`] where there is neither.
    fn read_uncached(&self, address: u64, buffer: &mut [u8]) -> Result<(), GuestMemoryError> {
        self.read(address, buffer)
    }

    /// Stores to a device's registers, or to memory: as
    /// [`read_uncached`](Self::read_uncached) loads.
    ///
    /// # Errors
    /// [`GuestMemoryError`] where there is neither.
    fn write_uncached(&self, address: u64, bytes: &[u8]) -> Result<(), GuestMemoryError> {
        self.write(address, bytes)
    }
}
