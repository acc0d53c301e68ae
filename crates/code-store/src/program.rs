//! Which program this is: code may name places in it, and is good for exactly this one.

use std::fs::File;
use std::io::Seek;
use std::path::Path;

use object::read::ReadCache;
use object::{Object, ReadRef};

use crate::error::StoreError;
use crate::name::BuildId;

/// The running program's file, also where it has been moved or replaced since.
const PROGRAM: &str = "/proc/self/exe";

impl BuildId {
    /// The build that these say for the program that runs: its linker's build ID, where it has one, else the digest of its file.
    ///
    /// # Errors
    /// [`StoreError`] where the file can't be read.
    pub fn of_program(parts: &[&[u8]]) -> Result<Self, StoreError> {
        let program = Path::new(PROGRAM);
        let file = File::open(program).map_err(|error| StoreError::io(program, error))?;
        let cache = ReadCache::new(&file);
        let (kind, id) = match build_id_note(&cache) {
            Some(id) => (b"note", id),
            None => (b"file", digest(&file)?),
        };
        let all: Vec<&[u8]> = [&kind[..], &id]
            .into_iter()
            .chain(parts.iter().copied())
            .collect();
        Ok(Self::of(&all))
    }
}

fn build_id_note<'data>(data: impl ReadRef<'data>) -> Option<Vec<u8>> {
    let file = object::File::parse(data).ok()?;
    file.build_id().ok()?.map(<[u8]>::to_vec)
}

/// Of the whole file, wherever it was read last.
fn digest(mut file: &File) -> Result<Vec<u8>, StoreError> {
    let mut hasher = blake3::Hasher::new();
    file.rewind()
        .and_then(|()| hasher.update_reader(file).map(drop))
        .map_err(|error| StoreError::io(PROGRAM, error))?;
    Ok(hasher.finalize().as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_itself_and_what_else_is_said_counts() {
        let [a, again, b] = [b"x", b"x", b"y"]
            .map(|part| BuildId::of_program(&[part]).expect("the program that runs can be read"));
        assert_eq!(a, again);
        assert_ne!(a, b);
    }

    #[test]
    fn another_file_has_another_digest() {
        let directory = tempfile::tempdir().expect("a directory");
        let [a, b] = ["a", "b"].map(|name| {
            let path = directory.path().join(name);
            std::fs::write(&path, name).expect("it can be written");
            let file = File::open(path).expect("it is there");
            let digest = || digest(&file).expect("it can be read");
            let first = digest();
            assert_eq!(digest(), first, "also where it has been read to its end");
            first
        });
        assert_ne!(a, b);
    }
}
