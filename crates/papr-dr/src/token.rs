//! Continue tokens: what a guest repeats to ask for a call that it began earlier.
//!
//! A token is never 0 (0 begins a call), never issued twice by one source, and can't be guessed: it
//! is a counter under a block cipher (Speck64/128, a bijection of 64-bit numbers) with a key drawn
//! at random. So a guest program that makes up tokens learns and spoils nothing, and no list of
//! spent tokens has to be kept.

use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

/// Names one asynchronous call of one connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ContinueToken(NonZeroU64);

impl ContinueToken {
    /// The token in a register; `None` for 0, which names no call.
    pub fn from_register(value: u64) -> Option<Self> {
        NonZeroU64::new(value).map(ContinueToken)
    }

    /// The number for a register.
    pub fn value(self) -> u64 {
        self.0.get()
    }
}

/// Where the tokens of one connector come from. Its state travels in a snapshot, so tokens stay
/// unique across it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenSource {
    key: [u32; 4],
    issued: u64,
}

impl TokenSource {
    /// A source with a key. Two sources with one key issue the same tokens.
    pub fn new(key: [u32; 4]) -> Self {
        TokenSource { key, issued: 0 }
    }

    /// A source with a key from the host's random numbers.
    ///
    /// # Errors
    /// When the host has no random numbers to give.
    pub fn random() -> std::io::Result<Self> {
        let mut words = [0; 4];
        for word in &mut words {
            *word = getrandom::u32().map_err(std::io::Error::from)?;
        }
        Ok(Self::new(words))
    }

    /// The next token.
    pub fn issue(&mut self) -> ContinueToken {
        loop {
            self.issued = self.issued.wrapping_add(1);
            // Exactly one count maps to 0; it is passed over.
            if let Some(token) = ContinueToken::from_register(encrypt(self.key, self.issued)) {
                return token;
            }
        }
    }
}

/// One round of Speck with 32-bit words, which serves the data and the key schedule alike.
fn round(x: u32, y: u32, key: u32) -> (u32, u32) {
    let x = x.rotate_right(8).wrapping_add(y) ^ key;
    (x, y.rotate_left(3) ^ x)
}

/// Speck64/128: 27 rounds, the key's least significant word first.
fn encrypt(key: [u32; 4], block: u64) -> u64 {
    let (mut x, mut y) = ((block >> 32) as u32, block as u32);
    let mut round_key = key[0];
    let mut rest = [key[1], key[2], key[3]];
    for i in 0..27u32 {
        (x, y) = round(x, y, round_key);
        let slot = i as usize % 3;
        (rest[slot], round_key) = round(rest[slot], round_key, i);
    }
    (u64::from(x) << 32) | u64::from(y)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_cipher_matches_its_published_vector() {
        // "The SIMON and SPECK Families of Lightweight Block Ciphers", appendix C, Speck64/128.
        let key = [0x0302_0100, 0x0B0A_0908, 0x1312_1110, 0x1B1A_1918];
        assert_eq!(encrypt(key, 0x3B72_6574_7475_432D), 0x8C6F_A548_454E_028B);
    }

    #[test]
    fn tokens_are_never_zero_and_never_repeat() {
        let mut source = TokenSource::new([1, 2, 3, 4]);
        let tokens: HashSet<u64> = (0..10_000).map(|_| source.issue().value()).collect();
        assert_eq!(tokens.len(), 10_000);
        assert!(!tokens.contains(&0));
    }

    #[test]
    fn a_source_that_went_through_a_snapshot_goes_on_where_it_was() {
        let mut source = TokenSource::new([9, 8, 7, 6]);
        let first = source.issue();
        let mut copy = source.clone();
        assert_eq!(copy.issue(), source.issue());
        assert_ne!(copy.issue(), first);
    }
}
