//! The file `state`: a line of text that says what follows (`paprika-snapshot VERSION LENGTH CRC32`), then that many bytes of JSON.
//!
//! Self-describing on purpose: `head -1` and any JSON tool read it. Whatever is not exactly what was written is told apart: a file of
//! something else, a newer format, and damage.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use host_file::Access;
use serde::{Deserialize, Serialize};

use super::memory::MemoryTable;
use super::{STATE_FILE, contents};
use crate::machine::state::MachineState;

/// The version of the format that this program writes, and the newest that it reads. (The state of
/// a platform in version 1 is refused by the platform, which names both versions.)
pub const FORMAT_VERSION: u32 = 2;

/// How the file begins.
const MAGIC: &str = "paprika-snapshot";

/// The longest first line: magic and three numbers.
const MAX_HEADER: usize = 64;

/// The longest file that is read: the state of the largest machine, many times over.
const MAX_FILE: u64 = 1 << 30;

/// What the file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateFile {
    /// Version of the program that wrote it.
    pub paprika: String,
    /// What is in `memory`.
    pub memory: MemoryTable,
    /// The machine.
    pub machine: MachineState,
}

/// Why a `state` file is not one that can be used.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// It can't be read.
    #[error("{} can't be read ({error}); is that directory a snapshot?", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the host said.
        error: io::Error,
    },
    /// Something else.
    #[error("{} is not the state of a snapshot of Paprika; check the path", .0.display())]
    NotOurs(PathBuf),
    /// Written by something newer.
    #[error("{} is of format {found}, and this program reads formats 1 to {FORMAT_VERSION}; use the Paprika that wrote it, or a newer one", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// Not as it was written.
    #[error("{} is damaged ({what}); use another snapshot", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
}

/// The bytes of a `state` file.
///
/// # Errors
/// Where the state can't be written as JSON, which would be a defect of ours.
pub fn encode(state: &StateFile) -> serde_json::Result<Vec<u8>> {
    let body = serde_json::to_vec(state)?;
    let mut bytes = format!(
        "{MAGIC} {FORMAT_VERSION} {} {:08x}\n",
        body.len(),
        crc32fast::hash(&body)
    )
    .into_bytes();
    bytes.extend(body);
    Ok(bytes)
}

/// Whether the `state` file in an opened directory begins as one of ours does, whatever its
/// version.
pub fn is_ours(directory: &File) -> bool {
    let mut start = [0; MAGIC.len()];
    let file = host_file::regular_at(directory, STATE_FILE, Access::READ);
    file.map_err(io::Error::from)
        .and_then(|mut file| io::Read::read_exact(&mut file, &mut start))
        .is_ok_and(|()| start == MAGIC.as_bytes())
}

/// Reads an opened `state` file and checks every byte of it; `path` is for messages.
///
/// # Errors
/// [`FormatError`].
pub fn read(file: File, path: &Path) -> Result<StateFile, FormatError> {
    let unreadable = |error| FormatError::Unreadable {
        path: path.to_owned(),
        error,
    };
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(file, MAX_FILE + 1), &mut bytes)
        .map_err(unreadable)?;
    decode(&bytes, path)
}

/// The same for bytes that were read; `path` is for messages.
///
/// # Errors
/// [`FormatError`].
pub fn decode(bytes: &[u8], path: &Path) -> Result<StateFile, FormatError> {
    let not_ours = || FormatError::NotOurs(path.to_owned());
    let damaged = |what: &str| FormatError::Damaged {
        path: path.to_owned(),
        what: what.to_owned(),
    };
    let end = bytes
        .iter()
        .take(MAX_HEADER)
        .position(|&byte| byte == b'\n');
    let (header, body) = match end {
        Some(end) => (&bytes[..end], &bytes[end + 1..]),
        None if bytes.starts_with(MAGIC.as_bytes()) => {
            return Err(damaged("its first line has no end"));
        }
        None => return Err(not_ours()),
    };
    let header = std::str::from_utf8(header).map_err(|_| not_ours())?;
    let mut words = header.split(' ');
    if words.next() != Some(MAGIC) {
        return Err(not_ours());
    }
    let version: Option<u32> = words.next().and_then(|word| word.parse().ok());
    match version {
        Some(found) if found > FORMAT_VERSION => {
            return Err(FormatError::Newer {
                path: path.to_owned(),
                found,
            });
        }
        Some(1..=FORMAT_VERSION) => {}
        _ => return Err(damaged("its version is no number")),
    }
    let (length, sum) = (words.next(), words.next());
    // As text: only what we write is right, and no other way to write the same number.
    let right_length = length == Some(body.len().to_string().as_str());
    if !right_length {
        return Err(damaged("it is not as long as it says"));
    }
    if sum != Some(format!("{:08x}", crc32fast::hash(body)).as_str()) || words.next().is_some() {
        return Err(damaged("its checksum is wrong"));
    }
    serde_json::from_slice(body).map_err(|error| damaged(&error.to_string()))
}

/// Writes the file and makes it durable.
///
/// # Errors
/// What the host says.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = host_file::regular(path, Access::WRITE.create_new(contents::MODE))?;
    file.write_all(bytes)?;
    file.sync_all()
}
