//! A writer of "newc" cpio archives: the form in which Linux takes an initramfs (Documentation/driver-api/early-userspace).
//!
//! Archives are reproducible: owner root, time 0, inode numbers in order. Directories above an entry are made where they are missing.

use std::collections::BTreeSet;

use crate::{Error, Result};

const DIRECTORY: u32 = 0o040_000;
const REGULAR: u32 = 0o100_000;
const SYMLINK: u32 = 0o120_000;
const CHARACTER_DEVICE: u32 = 0o020_000;

/// An archive being written.
#[derive(Debug, Default)]
pub struct Archive {
    bytes: Vec<u8>,
    entries: u32,
    directories: BTreeSet<String>,
}

impl Archive {
    /// An archive without entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a directory with mode 0755, and those above it.
    ///
    /// # Errors
    /// [`Error::GuestPath`] for a path that is not absolute or has `..` or NUL in it; so for all entries.
    pub fn directory(&mut self, path: &str) -> Result<()> {
        let name = entry_name(path)?;
        self.directories_to(&name)?;
        self.one_directory(&name)
    }

    /// Adds a regular file; `mode` is its permission bits.
    ///
    /// # Errors
    /// As for [`Archive::directory`]; [`Error::TooLarge`] from 4 GiB on.
    pub fn file(&mut self, path: &str, mode: u32, content: &[u8]) -> Result<()> {
        self.entry(path, REGULAR | (mode & 0o7777), (0, 0), content)
    }

    /// Adds a symbolic link.
    ///
    /// # Errors
    /// As for [`Archive::directory`].
    pub fn symlink(&mut self, path: &str, target: &str) -> Result<()> {
        self.entry(path, SYMLINK | 0o777, (0, 0), target.as_bytes())
    }

    /// Adds a character device with its major and minor number.
    ///
    /// # Errors
    /// As for [`Archive::directory`].
    pub fn character_device(
        &mut self,
        path: &str,
        mode: u32,
        major: u32,
        minor: u32,
    ) -> Result<()> {
        self.entry(
            path,
            CHARACTER_DEVICE | (mode & 0o7777),
            (major, minor),
            &[],
        )
    }

    /// The finished archive, trailer included; its length is a multiple of 4.
    pub fn finish(mut self) -> Vec<u8> {
        self.entries = 0;
        self.write("TRAILER!!!", 0, (0, 0), 0, &[]);
        self.bytes
    }

    fn entry(&mut self, path: &str, mode: u32, device: (u32, u32), content: &[u8]) -> Result<()> {
        let name = entry_name(path)?;
        self.directories_to(&name)?;
        let size = u32::try_from(content.len()).map_err(|_| Error::TooLarge(path.to_owned()))?;
        self.write(&name, mode, device, size, content);
        Ok(())
    }

    fn directories_to(&mut self, name: &str) -> Result<()> {
        for (at, _) in name.match_indices('/') {
            self.one_directory(&name[..at])?;
        }
        Ok(())
    }

    fn one_directory(&mut self, name: &str) -> Result<()> {
        if self.directories.insert(name.to_owned()) {
            self.write(name, DIRECTORY | 0o755, (0, 0), 0, &[]);
        }
        Ok(())
    }

    /// Header (thirteen 8-digit fields after the magic), name with NUL, content; name and content each padded to 4 bytes.
    fn write(
        &mut self,
        name: &str,
        mode: u32,
        (major, minor): (u32, u32),
        size: u32,
        content: &[u8],
    ) {
        let links = if mode & DIRECTORY == DIRECTORY { 2 } else { 1 };
        let name_size = name.len() as u32 + 1;
        self.bytes.extend_from_slice(b"070701");
        for field in [
            self.entries,
            mode,
            0,
            0,
            links,
            0,
            size,
            0,
            0,
            major,
            minor,
            name_size,
            0,
        ] {
            self.bytes
                .extend_from_slice(format!("{field:08x}").as_bytes());
        }
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend_from_slice(content);
        self.pad();
        self.entries += 1;
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

/// `initrd` (compressed or not) with a second archive behind it that holds `files`: absolute path, permission bits, content.
///
/// Linux unpacks both, the second over the first. This is how a script reaches the guest: `/paprika/script` is what the kit's init runs.
///
/// # Errors
/// As for [`Archive::file`].
pub fn with_files(initrd: &[u8], files: &[(&str, u32, &[u8])]) -> Result<Vec<u8>> {
    let mut archive = Archive::new();
    for (path, mode, content) in files {
        archive.file(path, *mode, content)?;
    }
    let mut bytes = initrd.to_vec();
    // Linux skips NULs between archives, and looks for an uncompressed one at multiples of 4 only.
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes.extend(archive.finish());
    Ok(bytes)
}

/// The name of an entry: the path without its leading slash.
fn entry_name(path: &str) -> Result<String> {
    let bad = || Error::GuestPath(path.to_owned());
    let name = path
        .strip_prefix('/')
        .ok_or_else(bad)?
        .trim_end_matches('/');
    if name.is_empty()
        || name.contains('\0')
        || name.split('/').any(|part| matches!(part, "" | "." | ".."))
    {
        return Err(bad());
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    /// Names, modes and contents of an archive, read by the format's definition.
    fn read(mut bytes: &[u8]) -> Vec<(String, u32, Vec<u8>)> {
        let mut entries = Vec::new();
        loop {
            assert_eq!(&bytes[..6], b"070701");
            let field = |n: usize| {
                let digits =
                    std::str::from_utf8(&bytes[6 + 8 * n..14 + 8 * n]).expect("hex digits");
                u32::from_str_radix(digits, 16).expect("hex digits") as usize
            };
            let (mode, size, name_size) = (field(1), field(6), field(11));
            let name = String::from_utf8(bytes[110..110 + name_size - 1].to_vec()).expect("name");
            let content_at = (110 + name_size).next_multiple_of(4);
            let content = bytes[content_at..content_at + size].to_vec();
            bytes = &bytes[(content_at + size).next_multiple_of(4)..];
            if name == "TRAILER!!!" {
                assert!(bytes.iter().all(|b| *b == 0));
                return entries;
            }
            entries.push((name, mode as u32, content));
        }
    }

    #[test]
    fn entries_come_after_the_directories_above_them() {
        let mut archive = Archive::new();
        archive.file("/usr/bin/tool", 0o755, b"body").expect("file");
        archive.file("/usr/bin/other", 0o644, b"").expect("file");
        archive.symlink("/bin", "usr/bin").expect("symlink");
        archive.directory("/usr").expect("known already");
        let entries = read(&archive.finish());
        let names: Vec<_> = entries.iter().map(|e| e.0.as_str()).collect();
        assert_eq!(
            names,
            ["usr", "usr/bin", "usr/bin/tool", "usr/bin/other", "bin"]
        );
        assert_eq!(entries[0].1, 0o040_755);
        assert_eq!(
            (entries[2].1, entries[2].2.as_slice()),
            (0o100_755, &b"body"[..])
        );
        assert_eq!(
            (entries[4].1, entries[4].2.as_slice()),
            (0o120_777, &b"usr/bin"[..])
        );
    }

    #[test]
    fn appended_archive_starts_at_a_multiple_of_four() {
        let whole =
            with_files(b"12345", &[("/paprika/script", 0o755, b"#!/bin/sh\n")]).expect("archive");
        assert_eq!(&whole[..8], b"12345\0\0\0");
        let entries = read(&whole[8..]);
        assert_eq!(
            entries[1],
            (
                "paprika/script".to_owned(),
                0o100_755,
                b"#!/bin/sh\n".to_vec()
            )
        );
    }

    #[test]
    fn paths_outside_the_root_are_refused() {
        for path in ["relative", "/", "", "/a/../b", "/a//b", "/./a", "/nul\0"] {
            assert!(
                matches!(
                    Archive::new().file(path, 0o644, b""),
                    Err(Error::GuestPath(_))
                ),
                "{path:?}"
            );
        }
    }

    /// The peer: GNU cpio, where it is installed, reads back what was written.
    #[test]
    fn gnu_cpio_lists_the_same_entries() {
        let mut archive = Archive::new();
        archive
            .file("/etc/name", 0o644, b"paprika\n")
            .expect("file");
        archive
            .character_device("/dev/console", 0o600, 5, 1)
            .expect("device");
        let started = Command::new("cpio")
            .args(["-t", "--quiet"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let Ok(mut cpio) = started else {
            eprintln!("cpio is not installed: nothing to compare with");
            return;
        };
        std::io::Write::write_all(&mut cpio.stdin.take().expect("piped"), &archive.finish())
            .expect("write to cpio");
        let listed = cpio.wait_with_output().expect("cpio ends");
        assert!(listed.status.success());
        assert_eq!(
            String::from_utf8_lossy(&listed.stdout),
            "etc\netc/name\ndev\ndev/console\n"
        );
    }
}
