//! Choices: random numbers that a seed repeats, or bytes that a fuzzer has chosen.

/// Takes choices from bytes while there are any, then from SplitMix64.
pub(crate) struct Random<'a> {
    bytes: &'a [u8],
    state: u64,
}

impl<'a> Random<'a> {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            bytes: &[],
            state: seed,
        }
    }

    /// A choice takes as few of `bytes` as hold it, so that a byte that a fuzzer changes is one
    /// choice that changes.
    pub(crate) fn of_bytes(bytes: &'a [u8], seed: u64) -> Self {
        Self { bytes, state: seed }
    }

    /// Another one, of a seed: for what takes so many numbers that it would use up all bytes.
    pub(crate) fn fork(&mut self) -> Random<'static> {
        Random::new(self.bits())
    }

    /// Up to 8 bytes as a number; `None` where they are used up.
    fn take(&mut self, count: usize) -> Option<u64> {
        let (taken, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        let number = taken
            .iter()
            .fold(0, |number, &byte| number << 8 | u64::from(byte));
        Some(number)
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.take(8).unwrap_or_else(|| self.next())
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.state ^ self.state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// Less than `n`, which is not 0.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        let bits = u64::BITS - (n - 1).leading_zeros();
        let number = self.take(bits.div_ceil(8) as usize);
        // No byte is needed where there is one choice only.
        number.filter(|_| n > 1).unwrap_or_else(|| self.next()) % n
    }

    /// True in so many of a hundred cases.
    pub(crate) fn percent(&mut self, n: u64) -> bool {
        self.below(100) < n
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_choices_and_then_the_seed_is() {
        let mut random = Random::of_bytes(&[7, 1, 2, 0, 0, 0, 0, 0, 0, 0, 9], 5);
        assert_eq!(random.below(5), 2);
        assert_eq!(random.below(0x1_0000), 0x102);
        assert_eq!(random.bits(), 9);
        let mut seeded = Random::new(5);
        assert_eq!(random.bits(), seeded.bits());
        assert_eq!(random.below(1000), seeded.below(1000));
    }

    #[test]
    fn a_choice_without_alternatives_takes_no_byte() {
        let mut random = Random::of_bytes(&[3], 0);
        assert_eq!(random.below(1), 0);
        assert_eq!(random.below(8), 3);
    }
}
