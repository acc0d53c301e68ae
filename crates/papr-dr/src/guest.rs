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
}
