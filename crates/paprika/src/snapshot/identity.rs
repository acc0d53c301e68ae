//! Whether an NVDIMM's file is still the one that a guest was saved with, and as the guest left it.
//!
//! Inode, length and time of modification tell that, without reading a byte: a store by mapping into a page that was flushed changes the
//! time of modification, on every file system that the kernel writes back. Where that is not so, or the times are too coarse to tell, a
//! digest of the contents does, which takes the time of reading the file.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use host_file::Access;

use super::memory;
use crate::machine::state::BackingIdentity;

/// File systems that live in memory, and on which a store by mapping does not change any time (linux/magic.h): tmpfs, ramfs, hugetlbfs.
const WITHOUT_TIMES: [u64; 3] = [0x0102_1994, 0x8584_58f6, 0x9584_58f6];

/// The kernel's times are those of its last tick, at most so long ago.
const TICK: Duration = Duration::from_millis(20);

/// How much of a file is read at a time.
const PIECE: u64 = 1 << 20;

/// Looks at a file that nobody writes to now.
///
/// With `digest` its contents are read too; they are as well where nothing else tells.
///
/// # Errors
/// What the host says.
pub fn look(path: &Path, digest: bool) -> io::Result<BackingIdentity> {
    let file = host_file::regular(path, Access::READ)?;
    let metadata = file.metadata()?;
    let modified = (metadata.mtime(), metadata.mtime_nsec());
    // Whole seconds: a file system that knows no others, but for once in a billion.
    let timeless = !keeps_times(&file)? || modified.1 == 0;
    let digest = (digest || timeless).then(|| contents(&file, metadata.len()));
    Ok(BackingIdentity {
        inode: metadata.ino(),
        length: metadata.len(),
        modified,
        changed: (metadata.ctime(), metadata.ctime_nsec()),
        digest: digest.transpose()?,
    })
}

fn keeps_times(file: impl AsFd) -> io::Result<bool> {
    let kind = rustix::fs::fstatfs(file)?.f_type;
    Ok(!WITHOUT_TIMES.contains(&(kind as u64 & 0xffff_ffff)))
}

/// Waits until a store would be given another time than the file has now.
pub fn let_time_pass(identity: &BackingIdentity) {
    let (seconds, nanos) = identity.modified;
    let seconds = u64::try_from(seconds).unwrap_or(0);
    let modified = Duration::new(seconds, u32::try_from(nanos).unwrap_or(0));
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let left = (modified + TICK).saturating_sub(now);
    std::thread::sleep(left.min(TICK));
}

/// The digest of a file: BLAKE3 of its length and of each stretch that is not zero, with its place. So holes and written zeros are the same.
fn contents(file: &File, length: u64) -> io::Result<String> {
    use std::os::unix::fs::FileExt;
    let mut hasher = blake3::Hasher::new();
    hasher.update(&length.to_le_bytes());
    let mut buffer = vec![0; PIECE as usize];
    let mut next = 0;
    for stored in memory::stored(file, length)? {
        // By whole pieces, wherever the file system begins its data.
        let mut at = (stored.start / PIECE * PIECE).max(next);
        while at < stored.end {
            let piece = &mut buffer[..PIECE.min(length - at) as usize];
            file.read_exact_at(piece, at)?;
            if piece.iter().any(|&byte| byte != 0) {
                hasher.update(&at.to_le_bytes());
                hasher.update(piece);
            }
            at += PIECE;
        }
        next = at;
    }
    Ok(hasher.finalize().to_hex().to_string())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use papr_scm::backing::HostRegion;

    use super::*;

    const SIZE: u64 = 8 << 20;

    #[test]
    fn a_store_by_mapping_after_a_sync_shows() {
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join("image");
        let file = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)
            .expect("file");
        file.set_len(SIZE).expect("room");
        let region = HostRegion::map(&file, SIZE, true).expect("mapped");
        region.write(5, b"before").expect("inside");
        file.sync_all().expect("synced");
        let before = look(&path, false).expect("file");
        let_time_pass(&before);
        assert_eq!(look(&path, false).expect("file"), before);
        region.write(5, b"behind").expect("inside");
        assert_ne!(look(&path, false).expect("file"), before);
    }

    #[test]
    fn a_digest_is_of_the_contents_and_not_of_how_they_are_stored() {
        let directory = tempfile::tempdir().expect("directory");
        let make = |name: &str, zeros: bool| {
            let path = directory.path().join(name);
            let file = File::create_new(&path).expect("file");
            file.set_len(SIZE).expect("room");
            if zeros {
                file.write_all_at(&vec![0; SIZE as usize], 0)
                    .expect("written");
            }
            file.write_all_at(b"data", 5 << 20).expect("written");
            (path, file)
        };
        let digest = |path: &Path| look(path, true).expect("file").digest.expect("asked for");
        let ((sparse, file), (full, _)) = (make("sparse", false), make("full", true));
        assert_eq!(digest(&sparse), digest(&full));
        file.write_all_at(b"data", 6 << 20).expect("written");
        assert_ne!(digest(&sparse), digest(&full));
        file.set_len(SIZE - 1).expect("shrunk");
        assert_ne!(digest(&sparse), digest(&full));
    }
}
