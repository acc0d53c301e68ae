//! A record: numbered, checksummed bytes in persistent memory, of which one can tell whether all of them arrived.
//!
//! Little-endian 64-bit words: [`MAGIC`], the run's seed, the number, noise made from both, and in the last word a checksum over all
//! before it. Record `n` (counted from 1) of a run with records of `size` bytes lies at offset `(n - 1) * size` of the region. With a
//! size of 4096 this is what the Linux program `recorder` writes, so that one verifier reads both.

/// First word of a record: "PAPRIKA1".
pub const MAGIC: u64 = u64::from_le_bytes(*b"PAPRIKA1");

/// Smallest size of a record in bytes.
pub const MIN_SIZE: u64 = 64;

/// Sizes are a multiple of this: records consist of whole words.
pub const WORD: u64 = 8;

/// Whether records may have this size in bytes.
pub fn is_size(size: u64) -> bool {
    size >= MIN_SIZE && size % WORD == 0
}

/// Where record `number` (from 1) begins in its region; `None` for number 0 and past the end of the address space.
pub fn offset_of(number: u64, size: u64) -> Option<u64> {
    number.checked_sub(1)?.checked_mul(size)
}

/// How many records a region of `length` bytes holds.
pub fn capacity(length: u64, size: u64) -> u64 {
    length.checked_div(size).unwrap_or(0)
}

/// The words of a record, in order.
#[derive(Debug, Clone)]
pub struct Words {
    seed: u64,
    number: u64,
    noise: u64,
    checksum: Checksum,
    next: u64,
    count: u64,
}

impl Words {
    /// The words of record `number` in the run `seed`. A `size` that is no multiple of a word is rounded down.
    pub fn new(seed: u64, number: u64, size: u64) -> Self {
        Self {
            seed,
            number,
            noise: seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number,
            checksum: Checksum::new(),
            next: 0,
            count: size / WORD,
        }
    }

    fn noise(&mut self) -> u64 {
        self.noise ^= self.noise << 13;
        self.noise ^= self.noise >> 7;
        self.noise ^= self.noise << 17;
        self.noise
    }
}

impl Iterator for Words {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        let left = self.count.checked_sub(self.next)?;
        let word = match (left, self.next) {
            (0, _) => return None,
            (1, _) => self.checksum.value(),
            (_, 0) => MAGIC,
            (_, 1) => self.seed,
            (_, 2) => self.number,
            _ => self.noise(),
        };
        self.checksum.add(word);
        self.next += 1;
        Some(word)
    }
}

/// What a record's last word holds: each word before it mixed into the sum, so that its place counts too.
#[derive(Debug, Clone, Copy)]
struct Checksum(u64);

impl Checksum {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, word: u64) {
        let mixed = (self.0 ^ word).wrapping_mul(0x0100_0000_01b3);
        self.0 = mixed ^ mixed >> 29;
    }

    fn value(self) -> u64 {
        self.0
    }
}

/// What is found in a record's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// Nothing was ever written: all bytes are zero.
    Empty,
    /// The whole record.
    Whole,
    /// Bytes that are no whole record.
    Torn,
    /// A whole record of the run with this seed.
    OtherRun(u64),
    /// A whole record of this run with another number.
    Misplaced(u64),
}

/// Looks at the bytes of the place of record `number` in the run `seed`; the slice has the size of a record.
pub fn examine(place: &[u8], seed: u64, number: u64) -> Condition {
    let mut words = place.chunks_exact(WORD as usize).map(word);
    let (magic, found_seed, found_number) = match (words.next(), words.next(), words.next()) {
        (Some(magic), Some(seed), Some(number)) => (magic, seed, number),
        _ => return Condition::Torn,
    };
    if magic != MAGIC {
        let empty = place.iter().all(|&byte| byte == 0);
        return if empty {
            Condition::Empty
        } else {
            Condition::Torn
        };
    }
    let mut sum = Checksum::new();
    let mut last = None;
    for word in [magic, found_seed, found_number]
        .iter()
        .copied()
        .chain(words)
    {
        if let Some(before) = last.replace(word) {
            sum.add(before);
        }
    }
    if last != Some(sum.value()) || place.len() as u64 % WORD != 0 {
        Condition::Torn
    } else if found_seed != seed {
        Condition::OtherRun(found_seed)
    } else if found_number != number {
        Condition::Misplaced(found_number)
    } else {
        Condition::Whole
    }
}

fn word(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |word, &byte| word << 8 | u64::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    fn record(seed: u64, number: u64, size: u64) -> Vec<u8> {
        Words::new(seed, number, size)
            .flat_map(u64::to_le_bytes)
            .collect()
    }

    #[test]
    fn a_record_has_its_size_and_begins_with_magic_seed_and_number() {
        let record = record(7, 3, 4096);
        assert_eq!(record.len(), 4096);
        assert_eq!(
            &record[..24],
            b"PAPRIKA1\x07\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0"
        );
    }

    #[test]
    fn the_layout_is_the_one_of_the_linux_recorder() {
        // Checksums that guest/programs/recorder.c computes for (run 5, number 1) and (run 0, number 20).
        let last = |seed, number| Words::new(seed, number, 4096).last();
        assert_eq!(last(5, 1), Some(0x2745_9a64_876f_dc68));
        assert_eq!(last(0, 20), Some(0x4db9_c272_3de4_6630));
    }

    #[test]
    fn what_was_never_written_is_empty_and_not_torn() {
        assert_eq!(examine(&[0; 512], 1, 1), Condition::Empty);
    }

    #[test]
    fn a_record_of_which_only_the_second_sector_arrived_is_torn() {
        let mut place = vec![0; 1024];
        place[512..].copy_from_slice(&record(1, 1, 1024)[512..]);
        assert_eq!(examine(&place, 1, 1), Condition::Torn);
    }

    #[test]
    fn whole_records_of_others_are_told_apart() {
        assert_eq!(examine(&record(2, 9, 512), 1, 9), Condition::OtherRun(2));
        assert_eq!(examine(&record(1, 8, 512), 1, 9), Condition::Misplaced(8));
    }

    #[test]
    fn a_place_shorter_than_a_header_is_torn() {
        assert_eq!(examine(&[0; 23], 1, 1), Condition::Torn);
        assert_eq!(examine(&[], 1, 1), Condition::Torn);
    }

    #[test]
    fn places_follow_each_other_from_the_region_s_start() {
        assert_eq!(offset_of(1, 4096), Some(0));
        assert_eq!(offset_of(3, 4096), Some(8192));
        assert_eq!(offset_of(0, 4096), None);
        assert_eq!(offset_of(u64::MAX, 4096), None);
        assert_eq!(capacity(1 << 20, 4096), 256);
        assert_eq!(capacity(1 << 20, 0), 0);
    }

    proptest! {
        #[test]
        fn a_record_is_whole_in_its_place(seed: u64, number: u64, words in 8_u64..600) {
            prop_assert_eq!(examine(&record(seed, number, words * WORD), seed, number), Condition::Whole);
        }

        #[test]
        fn any_changed_byte_is_noticed(seed: u64, number: u64, at in 0_usize..1024, change in 1_u8..) {
            let mut place = record(seed, number, 1024);
            place[at] ^= change;
            prop_assert_eq!(examine(&place, seed, number), Condition::Torn);
        }

        #[test]
        fn sectors_of_two_runs_never_make_a_whole_record(old: u64, new: u64, number: u64, sectors in 1_u8..255) {
            prop_assume!(old != new);
            let (before, after) = (record(old, number, 4096), record(new, number, 4096));
            let mut place = before;
            for (sector, bytes) in after.chunks(512).enumerate().filter(|(sector, _)| sectors >> sector & 1 != 0) {
                place[sector * 512..][..512].copy_from_slice(bytes);
            }
            prop_assert_eq!(examine(&place, new, number), Condition::Torn);
        }

        #[test]
        fn no_bytes_make_it_panic(place: Vec<u8>, seed: u64, number: u64) {
            let _ = examine(&place, seed, number);
        }
    }
}
