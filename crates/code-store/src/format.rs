//! The layout of a file: a header, an index of fixed-size records, then the contents one after the other. Numbers are
//! little-endian. The index is checked as a whole when it is read, each content when it is asked for.

use crate::name::{BuildId, Key};

/// Bytes of the header.
pub(crate) const HEADER: usize = 88;
/// Bytes of a record.
const RECORD: usize = 88;
/// What a file may claim to hold at most.
const RECORDS_MAX: u32 = 1 << 20;
/// The longest content.
pub(crate) const CONTENT_MAX: u64 = 16 << 20;

const MAGIC: [u8; 8] = *b"PAPRCODE";
const VERSION: u32 = 1;
/// The header's bytes that its digest covers; the digest follows them.
const COVERED: usize = HEADER - 32;

/// Where an entry is and what it must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) key: Key,
    pub(crate) digest: [u8; 32],
    /// From the start of the file.
    pub(crate) offset: u64,
    pub(crate) length: u64,
    /// The session in which it was last used.
    pub(crate) used: u64,
}

/// What is known of a file before its index is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) build: BuildId,
    /// Counts the writes of this build's file.
    pub(crate) session: u64,
    records: u32,
    digest: [u8; 32],
}

/// The digest of an entry: over whose it is and what it is.
pub(crate) fn digest(build: BuildId, key: Key, content: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("paprika code-store 1 entry");
    hasher.update(&build.0);
    hasher.update(&key.0);
    hasher.update(&(content.len() as u64).to_le_bytes());
    hasher.update(content);
    *hasher.finalize().as_bytes()
}

fn index_digest(covered: &[u8], index: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("paprika code-store 1 index");
    hasher.update(covered);
    hasher.update(index);
    *hasher.finalize().as_bytes()
}

/// Reads little-endian fields from the front.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*field)
    }
    fn word(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }
    fn double(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }
}

impl Header {
    /// Reads a header; None for what is none of this version.
    pub(crate) fn read(bytes: &[u8; HEADER]) -> Option<Self> {
        let mut fields = Fields(bytes);
        if fields.take()? != MAGIC || fields.word()? != VERSION {
            return None;
        }
        let records = fields.word()?;
        let header = Self {
            records,
            session: fields.double()?,
            build: BuildId(fields.take()?),
            digest: fields.take()?,
        };
        (records <= RECORDS_MAX).then_some(header)
    }

    /// Bytes of the index that follows.
    pub(crate) fn index_bytes(&self) -> usize {
        self.records as usize * RECORD
    }

    /// Reads the index; None where it is not the one that was written.
    pub(crate) fn records(&self, header: &[u8; HEADER], index: &[u8]) -> Option<Vec<Record>> {
        if index.len() != self.index_bytes()
            || index_digest(&header[..COVERED], index) != self.digest
        {
            return None;
        }
        let first = (HEADER + index.len()) as u64;
        let mut records = Vec::with_capacity(self.records as usize);
        for bytes in index.as_chunks::<RECORD>().0 {
            let mut fields = Fields(bytes);
            let record = Record {
                key: Key(fields.take()?),
                digest: fields.take()?,
                offset: fields.double()?,
                length: fields.double()?,
                used: fields.double()?,
            };
            if record.length > CONTENT_MAX || record.offset < first {
                return None;
            }
            records.push(record);
        }
        Some(records)
    }
}

/// Bytes of a file with so many entries, whose contents are so long together.
pub(crate) fn file_bytes(records: u64, contents: u64) -> u64 {
    HEADER as u64 + records * RECORD as u64 + contents
}

/// How many entries a file may have.
pub(crate) fn records_max() -> usize {
    RECORDS_MAX as usize
}

/// Header and index of a file whose contents follow in the order of `records`; their offsets are set here.
pub(crate) fn encode(build: BuildId, session: u64, records: &mut [Record]) -> Vec<u8> {
    let mut offset = file_bytes(records.len() as u64, 0);
    let mut index = Vec::with_capacity(records.len() * RECORD);
    for record in &mut *records {
        record.offset = offset;
        offset += record.length;
        index.extend_from_slice(&record.key.0);
        index.extend_from_slice(&record.digest);
        for field in [record.offset, record.length, record.used] {
            index.extend_from_slice(&field.to_le_bytes());
        }
    }
    let mut bytes = Vec::with_capacity(HEADER + index.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&(records.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&session.to_le_bytes());
    bytes.extend_from_slice(&build.0);
    let digest = index_digest(&bytes, &index);
    bytes.extend_from_slice(&digest);
    bytes.extend_from_slice(&index);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_encoded_is_read_back() {
        let build = BuildId::of(&[b"test"]);
        let mut records: Vec<Record> = (0..3u8)
            .map(|n| Record {
                key: Key::of(&[&[n]]),
                digest: [n; 32],
                offset: 0,
                length: 10 * u64::from(n),
                used: 7,
            })
            .collect();
        let bytes = encode(build, 9, &mut records);
        let (header, index) = bytes.split_first_chunk::<HEADER>().expect("a header");
        let read = Header::read(header).expect("it is one");
        assert_eq!((read.build, read.session), (build, 9));
        assert_eq!(read.records(header, index), Some(records.clone()));
        assert_eq!(records[2].offset, records[1].offset + 10);
    }

    #[test]
    fn an_index_that_claims_to_be_huge_is_refused_before_it_is_read() {
        let mut bytes = encode(BuildId::of(&[]), 0, &mut []);
        bytes[12..16].copy_from_slice(&u32::MAX.to_le_bytes());
        let header = bytes.first_chunk::<HEADER>().expect("a header");
        assert_eq!(Header::read(header), None);
    }
}
