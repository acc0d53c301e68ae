//! Images: the first stage copied, and debootstrap's second stage in a guest on the copy.
//!
//! An image appears under its name when it is finished, by a rename that replaces nothing. What an
//! interrupted build has fetched and unpacked is in the cache, and the next goes on from it.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use guest_kit::debian::ROOT_ID;
use guest_kit::{DebianSpec, GuestKit, GuestPaths, Progress};
use papr_scm::nvdimm::{NvdimmConfig, Plan};
use tempfile::NamedTempFile;

use super::error::DebianError;
use crate::machine::{End, HostOptions};
use crate::session::GuestSession;

/// What the guest runs.
const SECOND_STAGE: &str = include_str!("../../../../guest/linux/second-stage");
/// Not a measure of anything: only so that a guest that hangs is given up.
const LIMIT: Duration = Duration::from_secs(4 * 60 * 60);
/// dpkg configures one package after the other: a second CPU is for what the kernel does beside it.
const CPUS: u32 = 2;
/// Lines of the console that an error shows.
const LAST_LINES: usize = 25;

/// Makes a system as `spec` wants it in the new file `image`, with the kit's kernel, on vCPUs of
/// `host`'s kind. Takes some minutes. SIGINT, SIGTERM and SIGHUP end it.
///
/// # Errors
/// [`DebianError`]: `image` is there already, the first stage can't be made, or the second fails.
pub fn build(
    spec: &DebianSpec,
    image: &Path,
    kit: &GuestPaths,
    host: &HostOptions,
    progress: &Progress,
) -> Result<(), DebianError> {
    spec.check().map_err(guest_kit::Error::from)?;
    if image.symlink_metadata().is_ok() {
        return Err(DebianError::Exists(image.to_owned()));
    }
    let directory = match image.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    // Made first: a directory that can't be written to is found out before anything is fetched.
    let copy = NamedTempFile::with_prefix_in(".paprika-debian-", directory)
        .map_err(DebianError::file("create a file in", directory))?;
    let first = GuestKit::of_user()?.debian_first_stage(spec, progress)?;
    let done = copy_sparse(&first, copy.path())
        .and_then(|()| second_stage(copy.path(), kit, host, progress));
    progress.finish();
    done?;
    copy.as_file()
        .sync_all()
        .map_err(DebianError::file("write", image))?;
    match copy.persist_noclobber(image) {
        Ok(_) => Ok(()),
        Err(refused) if refused.error.kind() == io::ErrorKind::AlreadyExists => {
            Err(DebianError::Exists(image.to_owned()))
        }
        Err(refused) => Err(DebianError::file("create", image)(refused.error)),
    }
}

/// The image in the user's cache for `spec`, made where it is not there yet. It is the user's own
/// system: what is installed in it stays.
///
/// # Errors
/// As for [`build`].
pub fn default_image(
    spec: &DebianSpec,
    kit: &GuestPaths,
    progress: &Progress,
) -> Result<std::path::PathBuf, DebianError> {
    let cache = GuestKit::of_user()?;
    let image = cache.debian_image(spec);
    if image.exists() {
        return Ok(image);
    }
    let directory = cache.directory();
    std::fs::create_dir_all(directory).map_err(DebianError::file("create", directory))?;
    match build(spec, &image, kit, &HostOptions::default(), progress) {
        // Somebody else was faster.
        Ok(()) | Err(DebianError::Exists(_)) => Ok(image),
        Err(error) => Err(error),
    }
}

/// Copies an image, holes as holes. `to` is there, and is replaced.
///
/// # Errors
/// Where cp fails.
pub fn copy_sparse(from: &Path, to: &Path) -> Result<(), DebianError> {
    let mut cp = std::process::Command::new("cp");
    cp.args(["--sparse=always", "--reflink=auto", "--"])
        .arg(from)
        .arg(to);
    let output = cp
        .output()
        .map_err(DebianError::file("start cp for", from))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(DebianError::file("copy", from)(io::Error::other(said)))
}

fn second_stage(
    image: &Path,
    kit: &GuestPaths,
    host: &HostOptions,
    progress: &Progress,
) -> Result<(), DebianError> {
    progress.step("Booting the guest for the second stage", 0);
    let nvdimm = NvdimmConfig::new(ROOT_ID, image);
    let outcome = GuestSession::of_kit(kit)?
        .cpus(CPUS)
        .configure(|config| config.host = host.clone())
        .nvdimms(Plan::new(vec![nvdimm])?.open()?)
        .script(SECOND_STAGE)
        .timeout(LIMIT)
        .ended_by_signals()
        .echo(Narrator {
            progress: progress.clone(),
            line: Vec::new(),
            phase: "",
        })
        .run()?;
    match (&outcome.end, outcome.exit_status()) {
        (End::PowerOff, Some(0)) => Ok(()),
        (End::Killed, _) if !outcome.timed_out => Err(DebianError::Interrupted),
        (end, _) => {
            let lines: Vec<_> = outcome.console.lines().collect();
            Err(DebianError::SecondStage {
                end: end.clone(),
                tail: lines[lines.len().saturating_sub(LAST_LINES)..].join("\n"),
            })
        }
    }
}

/// Says in words what debootstrap's lines tell.
struct Narrator {
    progress: Progress,
    line: Vec<u8>,
    phase: &'static str,
}

/// What a line of debootstrap begins, and what the user is told.
const PHASES: [(&str, &str); 5] = [
    (
        "Installing core",
        "Installing the core packages in the guest",
    ),
    (
        "Unpacking required",
        "Unpacking the required packages in the guest",
    ),
    (
        "Configuring required",
        "Configuring the required packages in the guest",
    ),
    (
        "Unpacking the base",
        "Unpacking the other packages in the guest",
    ),
    (
        "Configuring the base",
        "Configuring the other packages in the guest",
    ),
];

impl Narrator {
    fn tell(&mut self) {
        let line = String::from_utf8_lossy(&self.line);
        if let Some(told) = line.trim().strip_prefix("I: ") {
            let begins = PHASES.iter().find(|(begin, _)| told.starts_with(begin));
            if let Some((_, words)) = begins.filter(|(_, words)| *words != self.phase) {
                self.phase = words;
                self.progress.step(words, 0);
            }
            self.progress.advance(told);
        }
        self.line.clear();
    }
}

impl Write for Narrator {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for &byte in bytes {
            match byte {
                b'\n' => self.tell(),
                // A line that never ends is not debootstrap's.
                _ if self.line.len() < 4096 => self.line.push(byte),
                _ => {}
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_that_is_there_is_refused_before_anything_else() {
        let there = NamedTempFile::new().expect("file");
        let kit = GuestPaths {
            vmlinux: "/no".into(),
            vmlinux_peer: "/no".into(),
            initramfs: "/no".into(),
            programs_dir: "/no".into(),
        };
        let refused = |spec: &DebianSpec, image: &Path| {
            let host = HostOptions::default();
            let built = build(spec, image, &kit, &host, &Progress::silent());
            built.expect_err("refused").to_string()
        };
        let spec = DebianSpec::default();
        assert!(refused(&spec, there.path()).contains("is there already"));
        let said = refused(&spec, Path::new("/no/such/directory/image"));
        assert!(
            said.contains("can't create a file in /no/such/directory"),
            "{said}"
        );
        let bad = DebianSpec {
            size: 5,
            ..DebianSpec::default()
        };
        assert!(refused(&bad, Path::new("new.img")).contains("at least 1G"));
    }

    #[test]
    fn copies_keep_content_and_holes() {
        use std::os::unix::fs::MetadataExt;
        let directory = tempfile::tempdir().expect("directory");
        let (from, to) = (directory.path().join("from"), directory.path().join("to"));
        std::fs::write(&from, b"begin").expect("file");
        let file = std::fs::OpenOptions::new()
            .write(true)
            .open(&from)
            .expect("file");
        file.set_len(64 << 20).expect("length");
        std::fs::write(&to, b"something else").expect("file");
        copy_sparse(&from, &to).expect("copied");
        let copied = std::fs::metadata(&to).expect("metadata");
        assert_eq!(copied.len(), 64 << 20);
        assert!(copied.blocks() * 512 < 1 << 20);
        assert!(copy_sparse(Path::new("/no/such"), &to).is_err());
    }

    #[test]
    fn the_second_stage_is_told_in_phases() {
        let mut narrator = Narrator {
            progress: Progress::silent(),
            line: Vec::new(),
            phase: "",
        };
        for (text, phase) in [
            ("kernel: I: nothing\r\nI: Unpac", ""),
            ("king required packages...\r\n", PHASES[1].1),
            ("I: Unpacking dpkg...\r\n", PHASES[1].1),
            ("I: Configuring the base system...\r\n", PHASES[4].1),
        ] {
            narrator.write_all(text.as_bytes()).expect("memory");
            assert_eq!(narrator.phase, phase, "{text:?}");
        }
    }
}
