//! The RAM of a case, and the partition that has it.

use std::ptr::NonNull;
use std::sync::Arc;

use memmap2::{MmapMut, MmapRaw};
use power::Partition;
use power::memory::HostMapping;

/// Bytes of RAM, and of each other piece of memory.
pub(crate) const RAM: u64 = 4 << 20;

/// Anonymous memory, zero until it is written.
struct Memory(MmapRaw);

// SAFETY: the mapping is readable and writable, lives as long as the value, and is never handed out
// as a reference.
unsafe impl HostMapping for Memory {
    fn start(&self) -> NonNull<u8> {
        NonNull::new(self.0.as_mut_ptr()).expect("a mapping does not begin at 0")
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

/// A partition of one vCPU with [`RAM`] bytes at 0.
pub(crate) fn partition() -> Arc<Partition> {
    let partition = Partition::new(1);
    add(&partition, 0);
    partition
}

/// [`RAM`] more bytes, at `base`.
pub(crate) fn add(partition: &Partition, base: u64) {
    let mapping = MmapMut::map_anon(RAM as usize).expect("the host has a few MiB");
    let memory = Arc::new(Memory(MmapRaw::from(mapping)));
    partition
        .memory
        .map(base, memory)
        .expect("nothing else is mapped");
}
