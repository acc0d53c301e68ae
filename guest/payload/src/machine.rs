//! What only assembly can do, and access to memory by real address: all of the payload's unsafe code but the entry points.

use core::slice;

extern "C" {
    fn hypercall_raw(
        opcode: u64,
        arguments: &[u64; ARGUMENTS],
        outputs: &mut [u64; ARGUMENTS],
    ) -> i64;
    fn write_back(address: u64, length: u64);
    fn time_base() -> u64;
}

/// Registers that carry arguments of a hypercall, and its outputs: r4 to r12.
const ARGUMENTS: usize = 9;

/// What a hypercall answers: r3, and r4 on.
pub struct Answer {
    pub status: i64,
    pub outputs: [u64; ARGUMENTS],
}

/// A hypercall (`sc 1`).
#[allow(unsafe_code)]
pub fn hypercall(opcode: u64, arguments: &[u64]) -> Answer {
    let mut registers = [0; ARGUMENTS];
    for (register, argument) in registers.iter_mut().zip(arguments) {
        *register = *argument;
    }
    let mut outputs = [0; ARGUMENTS];
    // SAFETY: the function reads and writes the two arrays and keeps to the ABI. What the hypervisor writes beside them is what the
    // arguments say: buffers whose address the caller has from `address_of`, which takes them mutably.
    let status = unsafe { hypercall_raw(opcode, &registers, &mut outputs) };
    Answer { status, outputs }
}

/// Ticks of the time base.
#[allow(unsafe_code)]
pub fn ticks() -> u64 {
    // SAFETY: reads a register.
    unsafe { time_base() }
}

/// The address of a buffer that a hypercall will read or write. Addresses are real addresses here: nothing is translated.
pub fn address_of<T: ?Sized>(buffer: &mut T) -> u64 {
    (buffer as *mut T).cast::<u8>() as u64
}

/// The device tree at an address that the monitor has passed; `None` where there is none.
#[allow(unsafe_code)]
pub fn device_tree(address: u64) -> Option<&'static [u8]> {
    let start = address as *const u8;
    if start.is_null() {
        return None;
    }
    // SAFETY: the monitor has put a device tree there, and it does not change. If it did not, this reads memory that means nothing, or
    // takes a machine check, which is reported.
    let header = unsafe { start.cast::<[u8; 8]>().read_unaligned() };
    let size = payload_format::tree::total_size(header)?;
    // SAFETY: as above; the header says how long it is.
    Some(unsafe { slice::from_raw_parts(start, size as usize) })
}

/// Memory beyond RAM which the hypervisor has bound for this guest, and nobody else uses: the address and length of a bound region.
pub struct Window {
    address: u64,
    length: u64,
}

impl Window {
    /// What a successful bind has given.
    pub fn new(address: u64, length: u64) -> Self {
        Self { address, length }
    }

    pub fn address(&self) -> u64 {
        self.address
    }

    pub fn length(&self) -> u64 {
        self.length
    }

    /// The address of `length` bytes at an offset, if they are inside.
    fn inside(&self, offset: u64, length: u64) -> Option<u64> {
        let end = offset.checked_add(length)?;
        (end <= self.length).then(|| self.address.wrapping_add(offset))
    }

    /// Stores words from an offset on, each with one store instruction. False where one would lie outside; those before are stored.
    #[allow(unsafe_code)]
    pub fn store(&self, offset: u64, words: impl Iterator<Item = u64>) -> bool {
        let mut at = offset;
        for word in words {
            let address = match self.inside(at, 8) {
                Some(address) => address as *mut u64,
                None => return false,
            };
            // SAFETY: inside the bound region, which no Rust object lies in; records are multiples of 8 bytes, so it is aligned.
            unsafe { address.write_volatile(word.to_le()) };
            at += 8;
        }
        true
    }

    /// The bytes at an offset; empty where they are not all inside.
    #[allow(unsafe_code)]
    pub fn bytes(&self, offset: u64, length: u64) -> &[u8] {
        match self.inside(offset, length) {
            // SAFETY: inside the bound region; only `store` changes it, and this payload has one thread and holds no bytes over a store.
            Some(address) => unsafe {
                slice::from_raw_parts(address as *const u8, length as usize)
            },
            None => &[],
        }
    }

    /// Writes the cache lines of a range back to memory (`dcbf`), and waits for it (`sync`).
    #[allow(unsafe_code)]
    pub fn write_back(&self, offset: u64, length: u64) {
        if let Some(address) = self.inside(offset, length) {
            // SAFETY: the instructions change no memory's content.
            unsafe { write_back(address, length) };
        }
    }
}
