//! Memory-mapped I/O.

/// A device whose registers are at real addresses of the guest.
///
/// An access has 1, 2, 4 or 8 bytes and is aligned to its size, so it lies in the device as a
/// whole. `offset` counts from the device's first byte. Bytes are in the order of their addresses:
/// the device says which byte order its registers have, and the guest's mode has been seen to.
///
/// Both methods are called on the thread of the vCPU whose instruction it is, by several vCPUs at
/// once, and between two instructions of that vCPU as far as it can see. They must not wait for
/// another vCPU, which may be waiting for this one. They may drive interrupt lines. An access can't
/// be refused: where there is no register, loads answer 0xff bytes as a bus does, and stores are
/// dropped.
pub trait MmioDevice: Send + Sync {
    /// A load.
    fn read(&self, offset: u64, data: &mut [u8]);
    /// A store.
    fn write(&self, offset: u64, data: &[u8]);
}
