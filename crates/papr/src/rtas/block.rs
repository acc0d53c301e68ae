//! The argument block of an RTAS call: big-endian 32-bit words in guest memory: token, number of
//! arguments, number of results, arguments, results.

use crate::host::{GuestMemory, GuestMemoryError};

/// Most arguments and results together: as many as Linux's block has room for.
pub(super) const MAX_WORDS: usize = 16;
/// Words before the arguments.
const HEADER: usize = 3;

/// An argument block as it was read, once: what the guest changes in it meanwhile has no effect.
#[derive(Debug, Clone, Copy)]
pub(super) struct ArgumentBlock {
    token: u32,
    words: [u32; MAX_WORDS],
    arguments: usize,
    results: usize,
    /// Where the results go.
    results_at: u64,
}

impl ArgumentBlock {
    /// Reads the block at `address`. `None` where any of it, the results included, is outside
    /// memory or has absurd counts.
    pub(super) fn read(memory: &dyn GuestMemory, address: u64) -> Option<ArgumentBlock> {
        let mut header = [0; HEADER * 4];
        memory.read(address, &mut header).ok()?;
        let [token, arguments, results] = words(&header);
        let (arguments, results) = (arguments as usize, results as usize);
        if arguments > MAX_WORDS || results > MAX_WORDS - arguments {
            return None;
        }
        let mut rest = [0; MAX_WORDS * 4];
        let arguments_at = address.checked_add(header.len() as u64)?;
        memory
            .read(arguments_at, &mut rest[..(arguments + results) * 4])
            .ok()?;
        let results_at = arguments_at + arguments as u64 * 4;
        Some(ArgumentBlock {
            token,
            words: words(&rest),
            arguments,
            results,
            results_at,
        })
    }

    /// Which service is called.
    pub(super) fn token(&self) -> u32 {
        self.token
    }

    /// The arguments.
    pub(super) fn arguments(&self) -> &[u32] {
        &self.words[..self.arguments]
    }

    /// How many results there is room for, the status included.
    pub(super) fn results(&self) -> usize {
        self.results
    }

    /// Writes the status and the values, as many as there is room for; results beyond the values
    /// become 0.
    pub(super) fn write_results(
        &self,
        memory: &dyn GuestMemory,
        status: i32,
        values: &[u32],
    ) -> Result<(), GuestMemoryError> {
        let mut bytes = [0; MAX_WORDS * 4];
        let results = std::iter::once(status as u32).chain(values.iter().copied());
        for (to, word) in bytes.chunks_exact_mut(4).zip(results) {
            to.copy_from_slice(&word.to_be_bytes());
        }
        memory.write(self.results_at, &bytes[..self.results * 4])
    }
}

/// Big-endian words of `bytes`.
fn words<const N: usize>(bytes: &[u8]) -> [u32; N] {
    let mut words = [0; N];
    for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(4)) {
        *word = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    }
    words
}
