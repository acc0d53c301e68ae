//! A fuzzer's bytes, taken from the front; where they are used up everything is 0.

/// What is left of them.
pub struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    /// Whether all are used up.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A number of `N` bytes at most, little-endian.
    pub fn number<const N: usize>(&mut self) -> u64 {
        const { assert!(N <= 8) };
        let piece = self.piece(N);
        piece
            .iter()
            .rev()
            .fold(0, |number, &byte| number << 8 | u64::from(byte))
    }

    /// A byte.
    pub fn byte(&mut self) -> u8 {
        self.number::<1>() as u8
    }

    /// The next bytes, fewer where there are no more.
    pub fn piece(&mut self, length: usize) -> &'a [u8] {
        let (piece, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        piece
    }

    /// A number as a hostile guest would choose it for an address, an index or a size, in few
    /// bytes: small ones, memory and its end, connectors, powers of two, negative ones, and any.
    pub fn register(&mut self, memory: u64) -> u64 {
        match self.byte() % 9 {
            0 => self.number::<1>(),
            1 => self.number::<2>(),
            2 => self.number::<4>() % memory,
            3 => (self.number::<2>() * 4096) % memory,
            4 => memory.wrapping_sub(self.number::<1>()),
            5 => u64::MAX.wrapping_sub(self.number::<1>()),
            6 => 1 << (self.byte() % 64),
            7 => 0x9000_0000 + self.number::<1>() % 4,
            _ => self.number::<8>(),
        }
    }
}
