//! The recipe of the initramfs: init, busybox, the tools for persistent memory and file systems with their libraries, our programs.
//!
//! Result: `initramfs.cpio`, `programs/`, `manifest.json` (which package versions are in it).
//! The archive is not compressed: unpacking it is the guest's work, and an emulated CPU takes far longer over that than the host over
//! reading some more megabytes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::apt::ForeignApt;
use crate::cache::{Cache, write_durably};
use crate::cpio::Archive;
use crate::{Error, Progress, Result, elf, inputs, kernel, programs, run};

pub(crate) const INITRAMFS: &str = "initramfs.cpio";
pub(crate) const PROGRAMS: &str = "programs";

/// Where packages keep programs, and where the guest's libraries are found.
const PROGRAM_DIRECTORIES: &[&str] = &["usr/bin", "usr/sbin", "bin", "sbin"];
const LIBRARY_DIRECTORIES: &[&str] = &[
    "lib/powerpc64le-linux-gnu",
    "usr/lib/powerpc64le-linux-gnu",
    "lib",
    "usr/lib",
];
const GUEST_LIBRARIES: &str = "/usr/lib/powerpc64le-linux-gnu";
/// The dynamic loader of the ELFv2 ABI, under the path that every program names as its interpreter.
const LOADER: &str = "ld64.so.2";

/// Mount points, and directories that tools expect (drmgr its lock and its log).
const EMPTY_DIRECTORIES: &[&str] = &[
    "/proc",
    "/sys",
    "/dev",
    "/tmp",
    "/run",
    "/root",
    "/mnt",
    "/etc",
    "/var/lock",
    "/var/log",
    "/usr/lib",
];

/// Builds the initramfs into `at`.
pub(crate) fn build(at: &Path, cache: &Cache, progress: &Progress) -> Result<()> {
    let log = at.join("build.log");
    let own = at.join(PROGRAMS);
    programs::build(&own, &log, progress)?;

    let root = at.join("root");
    if root.exists() {
        fs::remove_dir_all(&root).map_err(Error::io("empty", &root))?;
    }
    let packages = unpack_packages(&root, cache, &log, progress)?;

    progress.step("Packing the initramfs", 0);
    let archive = pack(&root, &own)?;
    write_durably(&at.join(INITRAMFS), &archive)?;
    let manifest = serde_json::json!({ "packages": packages });
    write_durably(
        &at.join("manifest.json"),
        format!("{manifest:#}\n").as_bytes(),
    )?;
    fs::remove_dir_all(&root).map_err(Error::io("delete", &root))
}

/// Makes, into `at`, the initramfs that is booted: that of the part `initramfs`, and the lists of built-in drivers of `kernel`. Apart,
/// so that a changed program does not cost a kernel build, nor the other way round.
pub(crate) fn join(at: &Path, initramfs: &Path, kernel: &Path) -> Result<()> {
    let mut archive = read(&initramfs.join(INITRAMFS))?;
    // Linux looks for an uncompressed archive at multiples of 4 only, which an archive of ours ends at.
    archive.extend(read(&kernel.join(kernel::MODULES))?);
    write_durably(&at.join(INITRAMFS), &archive)
}

/// Fetches the packages and unpacks them all into `root`; returns their file names.
fn unpack_packages(
    root: &Path,
    cache: &Cache,
    log: &Path,
    progress: &Progress,
) -> Result<Vec<String>> {
    let _lock = cache.lock("apt", progress)?;
    let apt = ForeignApt::open(&cache.root().join("apt"), log, progress)?;
    let files = apt.fetch(inputs::GUEST_PACKAGES, progress)?;
    progress.step("Unpacking the packages", files.len() as u64);
    let mut names = Vec::new();
    for file in &files {
        let name = file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        progress.advance(&name);
        let mut unpack = Command::new("dpkg-deb");
        unpack.arg("-x").arg(file).arg(root);
        run::logged(&mut unpack, "unpacking a package", log, |_| ())?;
        names.push(name);
    }
    apt.clean()?;
    Ok(names)
}

/// The archive, from the unpacked packages and our own programs.
fn pack(root: &Path, own: &Path) -> Result<Vec<u8>> {
    let mut archive = Archive::new();
    archive.file("/init", 0o755, inputs::INIT.as_bytes())?;
    archive.file("/usr/sbin/poweroff", 0o755, inputs::POWEROFF.as_bytes())?;
    // Linux opens the console for init before init can mount anything.
    archive.character_device("/dev/console", 0o600, 5, 1)?;
    for directory in EMPTY_DIRECTORIES {
        archive.directory(directory)?;
    }
    for (link, target) in [
        ("/bin", "usr/bin"),
        ("/sbin", "usr/sbin"),
        ("/lib", "usr/lib"),
        ("/lib64", "usr/lib"),
    ] {
        archive.symlink(link, target)?;
    }

    let mut libraries = BTreeSet::new();
    for (name, directory) in inputs::TOOLS {
        let content = read(&locate(root, PROGRAM_DIRECTORIES, name)?)?;
        libraries.extend(elf::needed_libraries(&content, name)?);
        archive.file(&format!("{directory}/{name}"), 0o755, &content)?;
    }
    for (link, target) in inputs::TOOL_LINKS {
        archive.symlink(link, target)?;
    }
    for applet in inputs::APPLETS.lines() {
        archive.symlink(&format!("/usr/bin/{applet}"), "busybox")?;
    }
    add_libraries(&mut archive, root, libraries)?;
    for path in inputs::CONFIGURATION {
        archive.file(
            path,
            0o644,
            &read(&root.join(path.trim_start_matches('/')))?,
        )?;
    }
    for (name, _) in inputs::PROGRAMS {
        archive.file(&format!("/usr/bin/{name}"), 0o755, &read(&own.join(name))?)?;
    }
    Ok(archive.finish())
}

/// Adds the libraries `wanted` and those that they want, and the loader.
fn add_libraries(archive: &mut Archive, root: &Path, mut wanted: BTreeSet<String>) -> Result<()> {
    let mut added = BTreeSet::from([LOADER.to_owned()]);
    archive.file(
        &format!("/usr/lib/{LOADER}"),
        0o755,
        &read(&locate(root, LIBRARY_DIRECTORIES, LOADER)?)?,
    )?;
    while let Some(name) = wanted.pop_first() {
        if !added.insert(name.clone()) {
            continue;
        }
        let content = read(&locate(root, LIBRARY_DIRECTORIES, &name)?)?;
        wanted.extend(elf::needed_libraries(&content, &name)?);
        archive.file(&format!("{GUEST_LIBRARIES}/{name}"), 0o755, &content)?;
    }
    Ok(())
}

/// The file `name` in the first of `directories` that has it.
fn locate(root: &Path, directories: &[&str], name: &str) -> Result<PathBuf> {
    let candidates = directories
        .iter()
        .map(|directory| root.join(directory).join(name));
    candidates
        .into_iter()
        .find(|path| path.is_file())
        .ok_or_else(|| Error::NotInPackages(name.to_owned()))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(Error::io("read", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_that_no_package_has_is_named() {
        let root = tempfile::tempdir().expect("directory");
        let error = pack(root.path(), root.path()).expect_err("empty root");
        assert!(
            matches!(&error, Error::NotInPackages(name) if name == inputs::TOOLS[0].0),
            "{error}"
        );
    }

    #[test]
    fn programs_are_found_whether_or_not_the_distribution_merged_its_directories() {
        let root = tempfile::tempdir().expect("directory");
        fs::create_dir_all(root.path().join("sbin")).expect("sbin");
        fs::write(root.path().join("sbin/mkfs.xfs"), b"x").expect("file");
        let found = locate(root.path(), PROGRAM_DIRECTORIES, "mkfs.xfs").expect("found");
        assert_eq!(found, root.path().join("sbin/mkfs.xfs"));
    }
}
