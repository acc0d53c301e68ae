//! What was read from a file, in memory that the host backs with large pages where it can: reading twenty megabytes is much faster than
//! having five thousand pages made for them.

use std::fmt;
use std::io::{self, Read};
use std::ops::Deref;
use std::sync::Arc;

use memmap2::{Advice, MmapMut};

/// What is shorter gains nothing from a mapping of its own.
const MAPPED_FROM: u64 = 1 << 20;

/// The bytes of a file. Cheap to clone.
#[derive(Clone)]
pub struct FileBytes(Arc<Held>);

enum Held {
    Vector(Vec<u8>),
    /// The first bytes of a mapping.
    Mapping(MmapMut, usize),
}

impl FileBytes {
    /// Reads a source to its end, or until it has given more than `limit` bytes. It should have `expected` bytes, but may have others.
    ///
    /// # Errors
    /// Those of the source.
    pub(super) fn read(source: impl Read, expected: u64, limit: u64) -> io::Result<Self> {
        let mut source = source.take(limit.saturating_add(1));
        let mapping = match usize::try_from(expected) {
            Ok(length) if (MAPPED_FROM..=limit).contains(&expected) => {
                MmapMut::map_anon(length).ok()
            }
            _ => None,
        };
        let mut bytes = Vec::new();
        if let Some(mut mapping) = mapping {
            // A host that knows no large pages has small ones.
            let _ = mapping.advise(Advice::HugePage);
            let length = fill(&mut source, &mut mapping)?;
            if length < mapping.len() || source.read_to_end(&mut bytes)? == 0 {
                return Ok(Self(Arc::new(Held::Mapping(mapping, length))));
            }
            // It has grown meanwhile.
            bytes.splice(..0, mapping.iter().copied());
        }
        source.read_to_end(&mut bytes)?;
        Ok(bytes.into())
    }
}

/// Reads until a buffer is full or the source at its end; how many bytes that were.
fn fill(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match source.read(&mut buffer[length..]) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

impl Deref for FileBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &*self.0 {
            Held::Vector(bytes) => bytes,
            Held::Mapping(mapping, length) => &mapping[..*length],
        }
    }
}

impl From<Vec<u8>> for FileBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Held::Vector(bytes)))
    }
}

impl Default for FileBytes {
    fn default() -> Self {
        Vec::new().into()
    }
}

impl PartialEq for FileBytes {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for FileBytes {}

impl fmt::Debug for FileBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileBytes({} bytes)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_read_whole_whatever_length_it_was_said_to_have() {
        const LENGTH: u64 = MAPPED_FROM + 12_345;
        let source: Vec<u8> = (0..LENGTH).map(|n| (n % 251) as u8).collect();
        for expected in [0, 1, LENGTH - 1, LENGTH, LENGTH + 1, 4 * LENGTH, u64::MAX] {
            let read = FileBytes::read(&source[..], expected, 2 * LENGTH);
            let read = read.expect("memory can be read");
            assert!(*read == *source, "{expected} bytes were expected");
        }
        let nothing = FileBytes::read(&[][..], LENGTH, LENGTH).expect("memory can be read");
        assert!(nothing.is_empty());
    }

    #[test]
    fn no_more_is_read_than_shows_that_it_is_too_much() {
        const LIMIT: u64 = 3 * MAPPED_FROM;
        for expected in [0, MAPPED_FROM, u64::MAX] {
            let read = FileBytes::read(io::repeat(7), expected, LIMIT);
            assert_eq!(read.expect("it gives bytes").len() as u64, LIMIT + 1);
        }
    }
}
