//! The file `memory`: byte N is the guest's byte N of RAM. What is zero is a hole, and every stretch of 1 MiB has its checksum in `state`.
//!
//! Threads share the stretches, so that zeros are found and checksums made by all of the host's processors while others write.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use host_file::Access;
use rustix::fs::{SeekFrom, seek};
use serde::{Deserialize, Serialize};
use thread_role::Role;

use super::disk::{Disk, aligned};
use super::progress::Progress;
use crate::host;
use crate::memory::{Ram, Touched};

/// Bytes that have one checksum.
pub const CHUNK: u64 = 1 << 20;
/// What is looked at for being zero.
const PAGE: usize = 4096;
/// Zeros between data that are written as data: a hole of less is not worth its call.
const SMALL_HOLE: usize = 16 * PAGE;
/// More threads than this wait for the disk only.
const MAX_THREADS: usize = 8;

/// What is in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryTable {
    /// Bytes of RAM.
    pub size: u64,
    /// CRC-32 of each stretch of [`CHUNK`] bytes; null: zeros.
    pub chunks: Vec<Option<u32>>,
}

/// Why RAM could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// The host.
    #[error("{0}")]
    Host(#[from] io::Error),
    /// Somebody wished it to end.
    #[error("it was cancelled")]
    Cancelled,
    /// The file is not as it was written.
    #[error("{0}")]
    Damaged(String),
}

fn threads() -> usize {
    host::processors().min(MAX_THREADS)
}

/// Calls `work` with each number below `count`, on several threads, until one fails.
fn share(
    count: u64,
    work: &(impl Fn(u64, &mut Vec<u8>) -> Result<(), MemoryError> + Sync),
) -> Result<(), MemoryError> {
    let next = AtomicU64::new(0);
    let failed = AtomicBool::new(false);
    let failure = Mutex::new(None);
    let body = || {
        let mut buffer = Vec::new();
        while !failed.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                break;
            }
            if let Err(error) = work(number, &mut buffer) {
                failed.store(true, Ordering::Relaxed);
                *failure
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner) = Some(error);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads() {
            let another = std::thread::Builder::new().spawn_scoped(scope, || {
                thread_role::begin(Role::Copy);
                body();
            });
            // A host that gives no more threads (RLIMIT_NPROC) has those do the work that there
            // are.
            if another.is_err() {
                break;
            }
        }
        body();
    });
    let failure = failure
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    failure.map_or(Ok(()), Err)
}

fn chunk_range(number: u64, size: u64) -> Range<u64> {
    let start = number * CHUNK;
    start..(start + CHUNK).min(size)
}

fn is_zero(bytes: &[u8]) -> bool {
    // Whole vectors at a time, which the compiler makes of it.
    bytes
        .chunks(256)
        .all(|part| part.iter().fold(0, |all, byte| all | byte) == 0)
}

/// The stretches of `bytes` that are not zero, with small holes filled.
fn data(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for (number, page) in bytes.chunks(PAGE).enumerate() {
        if is_zero(page) {
            continue;
        }
        let start = number * PAGE;
        let end = start + page.len();
        match found.last_mut() {
            Some(last) if start - last.end < SMALL_HOLE => last.end = end,
            _ => found.push(start..end),
        }
    }
    found
}

/// Writes RAM, which nobody changes meanwhile, into a new file.
///
/// # Errors
/// [`MemoryError`].
pub fn write(path: &Path, ram: &Ram, progress: &Progress) -> Result<MemoryTable, MemoryError> {
    let size = ram.size();
    let file = Disk::create(path, size)?;
    let count = size.div_ceil(CHUNK);
    let sums: Vec<_> = (0..count).map(|_| Mutex::new(None)).collect();
    let touched = Touched::of(ram);
    share(count, &|number, buffer: &mut Vec<u8>| {
        if progress.is_cancelled() {
            return Err(MemoryError::Cancelled);
        }
        let range = chunk_range(number, size);
        let length = range.end - range.start;
        if touched.any(&range) {
            let buffer = aligned(buffer, length as usize);
            ram.read(range.start, buffer).map_err(io::Error::other)?;
            let data = data(buffer);
            if !data.is_empty() {
                *lock(&sums[number as usize]) = Some(crc32fast::hash(buffer));
            }
            for part in data {
                file.write(&buffer[part.clone()], range.start + part.start as u64)?;
            }
        }
        progress.advance(length);
        Ok(())
    })?;
    Ok(MemoryTable {
        size,
        chunks: sums.iter().map(|sum| *lock(sum)).collect(),
    })
}

/// Makes the file durable.
///
/// # Errors
/// What the host says.
pub fn sync(path: &Path) -> io::Result<()> {
    host_file::regular(path, Access::READ)?.sync_all()
}

/// Reads RAM, which is still all zeros, from an opened file and checks every byte.
///
/// # Errors
/// [`MemoryError`]; RAM may have changed then.
pub fn read(
    file: &File,
    table: &MemoryTable,
    ram: &Ram,
    progress: &Progress,
) -> Result<(), MemoryError> {
    let (length, size) = (file.metadata()?.len(), ram.size());
    let damaged = |what: String| Err(MemoryError::Damaged(what));
    if length != size {
        return damaged(format!("it has {length} bytes instead of {size}"));
    }
    if table.size != size || table.chunks.len() as u64 != size.div_ceil(CHUNK) {
        return damaged("its checksums are for another size".into());
    }
    let stored = stored(file, size)?;
    share(
        table.chunks.len() as u64,
        &|number, buffer: &mut Vec<u8>| {
            if progress.is_cancelled() {
                return Err(MemoryError::Cancelled);
            }
            let range = chunk_range(number, size);
            let length = range.end - range.start;
            let sum = table.chunks[number as usize];
            // A hole where there should be one needs no reading.
            if sum.is_some() || overlaps(&stored, &range) {
                buffer.resize(length as usize, 0);
                file.read_exact_at(buffer, range.start)?;
                let right = match sum {
                    Some(sum) => crc32fast::hash(buffer) == sum,
                    None => is_zero(buffer),
                };
                if !right {
                    let what = format!(
                        "the checksum of bytes {:#x} to {:#x} is wrong",
                        range.start,
                        range.end - 1
                    );
                    return damaged(what);
                }
                for part in data(buffer) {
                    ram.write(range.start + part.start as u64, &buffer[part])
                        .map_err(io::Error::other)?;
                }
            }
            progress.advance(length);
            Ok(())
        },
    )
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Where a file has data, in order; all of it where the file system does not tell.
pub(super) fn stored(file: &File, size: u64) -> io::Result<Vec<Range<u64>>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < size {
        let start = match seek(file, SeekFrom::Data(at)) {
            Ok(start) => start,
            // Nothing but a hole is left.
            Err(rustix::io::Errno::NXIO) => break,
            Err(rustix::io::Errno::INVAL) => return Ok(std::iter::once(0..size).collect()),
            Err(error) => return Err(error.into()),
        };
        let end = seek(file, SeekFrom::Hole(start))?.min(size);
        if end <= start {
            break;
        }
        found.push(start..end);
        at = end;
    }
    Ok(found)
}

fn overlaps(stored: &[Range<u64>], range: &Range<u64>) -> bool {
    let first = stored.partition_point(|it| it.end <= range.start);
    stored.get(first).is_some_and(|it| it.start < range.end)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    const SIZE: u64 = 3 * CHUNK;

    /// RAM with something in its first and last chunks and nothing in the middle.
    fn ram() -> Ram {
        let ram = Ram::new(SIZE).expect("memory");
        ram.write(5 * PAGE as u64 + 7, b"first").expect("inside");
        ram.write(SIZE - 4, b"last").expect("inside");
        ram
    }

    fn written(directory: &Path) -> (std::path::PathBuf, MemoryTable) {
        let path = directory.join("memory");
        let table = write(&path, &ram(), &Progress::new()).expect("written");
        (path, table)
    }

    fn load(path: &Path, table: &MemoryTable) -> Result<Ram, MemoryError> {
        let ram = Ram::new(SIZE).expect("memory");
        let file = File::open(path).expect("file");
        read(&file, table, &ram, &Progress::new()).map(|()| ram)
    }

    fn all(ram: &Ram) -> Vec<u8> {
        let mut bytes = vec![0; SIZE as usize];
        ram.read(0, &mut bytes).expect("inside");
        bytes
    }

    #[test]
    fn what_was_written_is_read_and_zeros_take_no_room() {
        let directory = tempfile::tempdir().expect("directory");
        let (path, table) = written(directory.path());
        assert!(table.chunks[0].is_some() && table.chunks[1].is_none());
        let metadata = path.metadata().expect("file");
        assert_eq!(metadata.len(), SIZE);
        assert!(metadata.blocks() * 512 <= 64 << 10, "it is sparse");
        let loaded = load(&path, &table).expect("good");
        assert!(all(&loaded) == all(&ram()));
    }

    #[test]
    fn any_flipped_byte_is_found_also_in_holes_and_a_cut_file_too() {
        let directory = tempfile::tempdir().expect("directory");
        let (path, table) = written(directory.path());
        let file = File::options().write(true).open(&path).expect("file");
        let good = std::fs::read(&path).expect("bytes");
        let mut random = fastrand::Rng::with_seed(1);
        let places: Vec<u64> = (0..40).map(|_| random.u64(0..SIZE)).collect();
        for at in places.into_iter().chain([0, CHUNK, SIZE - 1]) {
            let byte = good[at as usize];
            let flipped = byte ^ 1 << random.u32(0..8);
            file.write_all_at(&[flipped], at).expect("flipped");
            let found = load(&path, &table);
            assert!(matches!(found, Err(MemoryError::Damaged(_))), "{at:#x}");
            file.write_all_at(&[byte], at).expect("as it was");
        }
        assert!(load(&path, &table).is_ok(), "a written zero is a zero");
        file.set_len(SIZE - 1).expect("cut");
        assert!(matches!(load(&path, &table), Err(MemoryError::Damaged(_))));
        let table = MemoryTable {
            chunks: vec![None],
            ..table
        };
        file.set_len(SIZE).expect("as it was");
        assert!(matches!(load(&path, &table), Err(MemoryError::Damaged(_))));
    }

    #[test]
    fn what_is_cancelled_ends() {
        let directory = tempfile::tempdir().expect("directory");
        let progress = Progress::new();
        progress.cancel();
        let path = directory.path().join("memory");
        assert!(matches!(
            write(&path, &ram(), &progress),
            Err(MemoryError::Cancelled)
        ));
    }
}
