//! A frame's header: what it says, and that it says it truly.

use super::ram;

/// Bytes of a header.
pub(crate) const HEADER: usize = 20;

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Offer = 1,
    Ram = 2,
    Round = 3,
    State = 4,
    Complete = 5,
    Released = 6,
    Commit = 7,
    Abort = 8,
    Bye = 9,
    Ask = 10,
    StaticPayload = 11,
    Accepted = 32,
    Ready = 33,
    Prepared = 34,
    Owned = 35,
    Failed = 36,
    Verdict = 37,
}

/// Bytes of text in a frame.
pub(super) const WORDS_MAX: usize = 4096;
/// Bytes of a description, or of a piece of the state.
pub(super) const BLOB_MAX: usize = 1 << 20;

impl Kind {
    const ALL: [Self; 17] = [
        Self::Offer,
        Self::Ram,
        Self::Round,
        Self::State,
        Self::Complete,
        Self::Released,
        Self::Commit,
        Self::Abort,
        Self::Bye,
        Self::Ask,
        Self::StaticPayload,
        Self::Accepted,
        Self::Ready,
        Self::Prepared,
        Self::Owned,
        Self::Failed,
        Self::Verdict,
    ];

    /// The most bytes that its payload can have.
    pub(crate) fn limit(self) -> usize {
        match self {
            Self::Offer | Self::State | Self::StaticPayload => BLOB_MAX + 64,
            Self::Ram => ram::PAYLOAD_MAX,
            Self::Abort | Self::Failed => WORDS_MAX,
            _ => 64,
        }
    }
}

/// A header that is sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    pub(crate) length: usize,
    pub(crate) number: u32,
    pub(crate) checksum: u32,
}

fn word(bytes: &[u8; HEADER], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

impl Header {
    /// That of a payload.
    pub(crate) fn of(kind: Kind, number: u32, payload: &[u8]) -> Self {
        Self {
            kind,
            length: payload.len(),
            number,
            checksum: crc32fast::hash(payload),
        }
    }

    pub(crate) fn encode(self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[0] = self.kind as u8;
        bytes[4..8].copy_from_slice(&(self.length as u32).to_le_bytes());
        bytes[8..12].copy_from_slice(&self.number.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.checksum.to_le_bytes());
        let checksum = crc32fast::hash(&bytes[..16]);
        bytes[16..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// What is wrong with it is the error.
    pub(crate) fn decode(bytes: &[u8; HEADER]) -> Result<Self, &'static str> {
        if crc32fast::hash(&bytes[..16]) != word(bytes, 16) {
            return Err("a frame's header does not match its checksum");
        }
        let kind = Kind::ALL.into_iter().find(|kind| *kind as u8 == bytes[0]);
        let kind = kind.ok_or("a frame is of an unknown kind")?;
        if bytes[1..4] != [0; 3] {
            return Err("a frame's header has bits that mean nothing");
        }
        let length = word(bytes, 4) as usize;
        if length > kind.limit() {
            return Err("a frame is longer than its kind may be");
        }
        Ok(Self {
            kind,
            length,
            number: word(bytes, 8),
            checksum: word(bytes, 12),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_header_says_what_it_was_told(kind in 0..Kind::ALL.len(), number: u32, payload in proptest::collection::vec(any::<u8>(), 0..64)) {
            let header = Header::of(Kind::ALL[kind], number, &payload);
            prop_assert_eq!(Header::decode(&header.encode()), Ok(header));
        }

        #[test]
        fn a_header_with_a_flipped_bit_is_refused(kind in 0..Kind::ALL.len(), number: u32, bit in 0..HEADER * 8) {
            let mut bytes = Header::of(Kind::ALL[kind], number, b"payload").encode();
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(Header::decode(&bytes).is_err());
        }

        #[test]
        fn no_bytes_make_a_header_that_is_longer_than_its_kind(bytes: [u8; 16]) {
            let mut whole = [0; HEADER];
            whole[..16].copy_from_slice(&bytes);
            whole[0] %= 40;
            whole[1..4].fill(0);
            let checksum = crc32fast::hash(&whole[..16]);
            whole[16..].copy_from_slice(&checksum.to_le_bytes());
            if let Ok(header) = Header::decode(&whole) {
                prop_assert!(header.length <= header.kind.limit());
                prop_assert_eq!(header.kind as u8, whole[0]);
            }
        }
    }
}
