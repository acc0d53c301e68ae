//! Files between host and guest: tar archives in an NVDIMM of their own, whose file both sides read
//! and write.
//!
//! The device is the file: what the host writes into it the guest reads, as long as neither keeps a
//! copy. The guest's agent goes past its page cache. An archive that comes from the guest is
//! hostile: nothing of it is written outside the directory that it is unpacked into, and no more
//! than the device can hold.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Component, Path, PathBuf};

use guest_kit::debian::IMAGE_BLOCK;
use papr_scm::nvdimm::NvdimmConfig;
use tempfile::{NamedTempFile, TempPath};

use super::error::DebianError;

/// How much can be copied at once. The file is sparse, and takes what is copied.
const SIZE: u64 = 32 * IMAGE_BLOCK;
/// The device in the guest.
pub(super) const DEVICE: &str = "/dev/pmem1";

/// The device's file, deleted on drop.
#[derive(Debug)]
pub(super) struct Transfer {
    file: File,
    path: TempPath,
}

impl Transfer {
    /// A new file in the directory for temporary files.
    pub(super) fn new() -> Result<Self, DebianError> {
        let directory = std::env::temp_dir();
        let made = NamedTempFile::with_prefix("paprika-transfer-");
        let (file, path) = made
            .map_err(DebianError::file("create a file in", directory))?
            .into_parts();
        let label = NvdimmConfig::new("", "").label_size;
        file.set_len(SIZE + label)
            .map_err(DebianError::file("extend", path.to_path_buf()))?;
        Ok(Self { file, path })
    }

    /// The device of a machine.
    pub(super) fn nvdimm(&self) -> NvdimmConfig {
        NvdimmConfig::new("transfer", self.path.to_path_buf())
    }

    /// Writes an archive of `paths`, each under its own name; answers the archive's length.
    pub(super) fn fill(&mut self, paths: &[PathBuf]) -> Result<u64, DebianError> {
        self.file.seek(SeekFrom::Start(0)).map_err(self.trouble())?;
        let bounded = Bounded {
            to: BufWriter::with_capacity(1 << 20, &self.file),
            left: SIZE,
        };
        let mut archive = tar::Builder::new(bounded);
        archive.follow_symlinks(false);
        for path in paths {
            let name = name_of(path)?;
            let kind = path
                .symlink_metadata()
                .map_err(DebianError::file("read", path))?;
            let added = if kind.is_dir() {
                archive.append_dir_all(&name, path)
            } else {
                archive.append_path_with_name(path, &name)
            };
            added.map_err(|source| match source.kind() {
                io::ErrorKind::FileTooLarge => DebianError::TooMuch(SIZE),
                _ => DebianError::file("copy", path)(source),
            })?;
        }
        let mut bounded = archive.into_inner().map_err(self.trouble())?;
        bounded.flush().map_err(self.trouble())?;
        Ok(SIZE - bounded.left)
    }

    /// Unpacks the archive of `length` bytes into `directory`.
    pub(super) fn unpack(&mut self, length: u64, directory: &Path) -> Result<(), DebianError> {
        self.file.seek(SeekFrom::Start(0)).map_err(self.trouble())?;
        let reader = BufReader::with_capacity(1 << 20, &self.file);
        let trouble = || DebianError::file("write what the guest sent into", directory);
        unpack(reader.take(length.min(SIZE)), directory).map_err(trouble())
    }

    fn trouble(&self) -> impl FnOnce(io::Error) -> DebianError + use<> {
        DebianError::file("use", self.path.to_path_buf())
    }
}

fn unpack(archive: impl Read, directory: &Path) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    let mut archive = tar::Archive::new(archive);
    let mut left = SIZE;
    for entry in archive.entries()? {
        let mut entry = entry?;
        // A sparse file can be said to be longer than all that was sent.
        left = left
            .checked_sub(entry.size())
            .ok_or(io::ErrorKind::FileTooLarge)?;
        entry.unpack_in(directory)?;
    }
    Ok(())
}

/// The name that a path is copied under: its last part, after `.` and `..` are followed.
fn name_of(path: &Path) -> Result<PathBuf, DebianError> {
    match path.components().next_back() {
        Some(Component::Normal(name)) => Ok(name.into()),
        _ => {
            let whole = path
                .canonicalize()
                .map_err(DebianError::file("read", path))?;
            Ok(whole.file_name().unwrap_or("root".as_ref()).into())
        }
    }
}

/// A writer that takes no more than the device has room for.
struct Bounded<W> {
    to: W,
    left: u64,
}

impl<W: Write> Write for Bounded<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() as u64 > self.left {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let written = self.to.write(bytes)?;
        self.left -= written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn files_directories_and_links_come_back_as_they_were() {
        let from = tempfile::tempdir().expect("directory");
        let tree = from.path().join("tree");
        fs::create_dir_all(tree.join("deep")).expect("directories");
        fs::write(tree.join("deep/program"), b"#!/bin/sh\n").expect("file");
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(tree.join("deep/program"), executable).expect("mode");
        symlink("deep/program", tree.join("link")).expect("link");
        fs::write(from.path().join("single"), vec![7; 100_000]).expect("file");

        let mut transfer = Transfer::new().expect("transfer");
        let paths = [tree, from.path().join("single")];
        let length = transfer.fill(&paths).expect("filled");
        let to = tempfile::tempdir().expect("directory");
        transfer.unpack(length, to.path()).expect("unpacked");
        let program = to.path().join("tree/deep/program");
        assert_eq!(fs::read(&program).expect("file"), b"#!/bin/sh\n");
        let mode = fs::metadata(&program)
            .expect("metadata")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o755);
        let link = fs::read_link(to.path().join("tree/link")).expect("link");
        assert_eq!(link, Path::new("deep/program"));
        assert_eq!(
            fs::read(to.path().join("single")).expect("file"),
            vec![7; 100_000]
        );
    }

    #[test]
    fn an_archive_that_climbs_out_writes_nothing_outside() {
        let outer = tempfile::tempdir().expect("directory");
        let inner = outer.path().join("inner");
        let mut archive = tar::Builder::new(Vec::new());
        for name in ["../escaped", "/escaped"] {
            let mut header = tar::Header::new_gnu();
            header.as_gnu_mut().expect("gnu").name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_size(1);
            header.set_mode(0o644);
            header.set_cksum();
            archive.append(&header, &b"x"[..]).expect("entry");
        }
        let mut link = tar::Header::new_gnu();
        link.set_entry_type(tar::EntryType::Symlink);
        link.set_size(0);
        archive.append_link(&mut link, "out", "..").expect("link");
        let mut file = tar::Header::new_gnu();
        file.set_size(1);
        archive
            .append_data(&mut file, "out/escaped", &b"x"[..])
            .expect("entry");
        // Whether it is refused or skipped, nothing is outside.
        let _ = unpack(&archive.into_inner().expect("archive")[..], &inner);
        assert!(!outer.path().join("escaped").exists());
        assert!(!Path::new("/escaped").exists());
    }

    #[test]
    fn a_file_that_claims_to_be_endless_is_refused() {
        let mut header = tar::Header::new_gnu();
        header.set_path("big").expect("name");
        header.set_size(SIZE + 1);
        header.set_cksum();
        let to = tempfile::tempdir().expect("directory");
        let error = unpack(&header.as_bytes()[..], to.path()).expect_err("too large");
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn a_path_is_copied_under_its_own_name() {
        assert_eq!(name_of(Path::new("a/b/")).expect("name"), Path::new("b"));
        let here = std::env::current_dir().expect("directory");
        assert_eq!(
            name_of(Path::new(".")).expect("name").as_os_str(),
            here.file_name().expect("name")
        );
    }
}
