//! The recipe of the guest's kernel: package linux-source, our configuration over allnoconfig, the cross compiler.
//!
//! Result: `vmlinux`, `modules.cpio` (what kmod reads to know which drivers are built in), `kernel.config` as the build completed it,
//! `manifest.json`; apart from them the peer's copy (see [`crate::peer`]).
//! An interrupted build goes on where it was: make knows what is compiled.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cache::write_durably;
use crate::cpio::Archive;
use crate::{Error, Progress, Result, elf, inputs, peer, run};

pub(crate) const VMLINUX: &str = "vmlinux";
/// An archive to be unpacked over the initramfs.
pub(crate) const MODULES: &str = "modules.cpio";

/// What the kernel's build says of its built-in drivers: their names, and their module information (aliases among it).
const BUILTIN: [&str; 2] = ["modules.builtin", "modules.builtin.modinfo"];

/// Where Debian's linux-source packages put their tarballs.
const SOURCES: &str = "/usr/src";
/// Lines that make prints for our configuration of Linux 6.1: only the bar's length depends on it.
const MAKE_LINES: u64 = 1323;

/// Builds the kernel into `at`. The host has [`KERNEL_PACKAGES`](crate::host::KERNEL_PACKAGES).
pub(crate) fn build(at: &Path, progress: &Progress) -> Result<()> {
    let log = at.join("build.log");
    let tarball = tarball()?;
    let tree = at.join("source");
    unpack(&tarball, &tree, &log, progress)?;
    configure(&tree, at, &log, progress)?;

    let step = "Compiling the guest's kernel";
    progress.step(step, MAKE_LINES);
    let mut compile = make(&tree);
    compile.arg(format!(
        "-j{}",
        std::thread::available_parallelism().map_or(1, usize::from)
    ));
    run::logged(compile.arg("vmlinux"), step, &log, |line| {
        if let Some(object) = line.strip_prefix("  ") {
            progress.advance(object.split_whitespace().last().unwrap_or_default());
        }
    })?;
    finish(&tree, at, &tarball, progress)
}

/// The newest kernel tarball.
fn tarball() -> Result<PathBuf> {
    let entries = fs::read_dir(SOURCES).map_err(Error::io("read", SOURCES))?;
    let versioned = entries.flatten().filter_map(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        Some((version_of(&name)?, entry.path()))
    });
    let newest = versioned.max().map(|(_, path)| path);
    newest.ok_or_else(|| Error::NoKernelSource(Path::new(SOURCES).join("linux-source-*.tar.xz")))
}

/// 6.1 from "linux-source-6.1.tar.xz", as numbers that compare.
fn version_of(name: &str) -> Option<Vec<u32>> {
    let version = name
        .strip_prefix("linux-source-")?
        .strip_suffix(".tar.xz")?;
    version.split('.').map(|part| part.parse().ok()).collect()
}

/// Unpacks the tarball into `tree`, unless an earlier build did already.
fn unpack(tarball: &Path, tree: &Path, log: &Path, progress: &Progress) -> Result<()> {
    let marker = tree.join(".unpacked");
    let source = tarball.to_string_lossy();
    if fs::read_to_string(&marker).is_ok_and(|unpacked| unpacked == source) {
        return Ok(());
    }
    let step = "Unpacking the kernel's source";
    progress.step(step, 0);
    if tree.exists() {
        fs::remove_dir_all(tree).map_err(Error::io("empty", tree))?;
    }
    fs::create_dir_all(tree).map_err(Error::io("create", tree))?;
    let mut tar = Command::new("tar");
    tar.arg("-xf")
        .arg(tarball)
        .args(["--strip-components=1", "--no-same-owner", "-C"])
        .arg(tree);
    run::logged(&mut tar, step, log, |_| ())?;
    fs::write(&marker, source.as_bytes()).map_err(Error::io("write", &marker))
}

/// Makes `.config` from our fragment, and checks that every line of it took effect.
fn configure(tree: &Path, at: &Path, log: &Path, progress: &Progress) -> Result<()> {
    let step = "Configuring the guest's kernel";
    progress.step(step, 0);
    let fragment = at.join("fragment.config");
    fs::write(&fragment, inputs::KERNEL_CONFIG).map_err(Error::io("write", &fragment))?;
    let mut allnoconfig = make(tree);
    allnoconfig
        .arg("allnoconfig")
        .env("KCONFIG_ALLCONFIG", &fragment);
    run::logged(&mut allnoconfig, step, log, |_| ())?;
    let config = tree.join(".config");
    let completed = fs::read_to_string(&config).map_err(Error::io("read", &config))?;
    let refused = refused(inputs::KERNEL_CONFIG, &completed);
    if refused.is_empty() {
        Ok(())
    } else {
        Err(Error::ConfigRefused(refused))
    }
}

/// Lines of `fragment` that `completed` does not have: `=n` means absent there.
fn refused(fragment: &str, completed: &str) -> Vec<String> {
    let took = |name: &str, value: &str| match inputs::options(completed)
        .find(|(other, _)| *other == name)
    {
        Some((_, other)) => other == value,
        None => value == "n",
    };
    let lines = inputs::options(fragment).filter(|(name, value)| !took(name, value));
    lines
        .map(|(name, value)| format!("{name}={value}"))
        .collect()
}

fn make(tree: &Path) -> Command {
    let mut make = Command::new("make");
    make.current_dir(tree)
        .args(["ARCH=powerpc", "CROSS_COMPILE=powerpc64le-linux-gnu-"]);
    // The same kernel from the same inputs, whoever builds it.
    make.env("KBUILD_BUILD_USER", "paprika")
        .env("KBUILD_BUILD_HOST", "paprika");
    make.env("KBUILD_BUILD_TIMESTAMP", "Thu Jan  1 00:00:00 UTC 1970");
    make
}

/// Takes the results out of the tree, and deletes it.
fn finish(tree: &Path, at: &Path, tarball: &Path, progress: &Progress) -> Result<()> {
    let built = tree.join("vmlinux");
    let vmlinux = fs::read(&built).map_err(Error::io("read", &built))?;
    elf::ppc64le_header(&vmlinux, "the kernel just built")?;
    write_durably(&at.join(VMLINUX), &vmlinux)?;

    let config = tree.join(".config");
    fs::copy(&config, at.join("kernel.config")).map_err(Error::io("copy", &config))?;
    let release = tree.join("include/config/kernel.release");
    let release = fs::read_to_string(&release).map_err(Error::io("read", &release))?;
    let modules = builtin_modules(tree, at, release.trim(), progress)?;
    write_durably(&at.join(MODULES), &modules)?;
    let manifest = serde_json::json!({
        "release": release.trim(),
        "source": tarball.file_name().map(|name| name.to_string_lossy()),
    });
    write_durably(
        &at.join("manifest.json"),
        format!("{manifest:#}\n").as_bytes(),
    )?;
    progress.step("Deleting the kernel's source tree", 0);
    fs::remove_dir_all(tree).map_err(Error::io("delete", tree))?;
    let fragment = at.join("fragment.config");
    fs::remove_file(&fragment).map_err(Error::io("delete", &fragment))
}

/// The archive with `/lib/modules/RELEASE`. No driver is a module, but kmod, and so `modprobe` and `daxctl`, takes one for missing
/// that is in none of its indexes; depmod makes them from the kernel's lists.
fn builtin_modules(tree: &Path, at: &Path, release: &str, progress: &Progress) -> Result<Vec<u8>> {
    let step = "Indexing the built-in drivers";
    progress.step(step, 0);
    let root = at.join("modules");
    let directory = root.join("lib/modules").join(release);
    fs::create_dir_all(&directory).map_err(Error::io("create", &directory))?;
    for name in BUILTIN {
        let list = tree.join(name);
        fs::copy(&list, directory.join(name)).map_err(Error::io("copy", &list))?;
    }
    let order = directory.join("modules.order");
    fs::write(&order, "").map_err(Error::io("write", &order))?;
    let mut depmod = Command::new("depmod");
    depmod.arg("-b").arg(&root).arg(release);
    run::logged(&mut depmod, step, &at.join("build.log"), |_| ())?;

    let mut names = Vec::new();
    for entry in fs::read_dir(&directory).map_err(Error::io("read", &directory))? {
        names.push(entry.map_err(Error::io("read", &directory))?.file_name());
    }
    names.sort_unstable();
    let mut archive = Archive::new();
    for name in names {
        let path = directory.join(&name);
        let content = fs::read(&path).map_err(Error::io("read", &path))?;
        // Not below /lib, which is a link in the initramfs.
        let inside = format!("/usr/lib/modules/{release}/{}", name.to_string_lossy());
        archive.file(&inside, 0o644, &content)?;
    }
    fs::remove_dir_all(&root).map_err(Error::io("delete", &root))?;
    Ok(archive.finish())
}

/// Makes the peer's copy of the finished kernel in `kernel` into `at`.
pub(crate) fn build_for_peer(at: &Path, kernel: &Path, progress: &Progress) -> Result<()> {
    progress.step("Preparing the kernel for QEMU, the peer", 0);
    let ours = kernel.join(VMLINUX);
    let vmlinux = fs::read(&ours).map_err(Error::io("read", &ours))?;
    let (patched, words) = peer::patch_for_peer(&vmlinux)?;
    write_durably(&at.join(VMLINUX), &patched)?;
    let manifest = serde_json::json!({ "patched_words": words });
    write_durably(
        &at.join("manifest.json"),
        format!("{manifest:#}\n").as_bytes(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_source_is_chosen_by_number_and_not_by_letter() {
        assert!(version_of("linux-source-6.12.tar.xz") > version_of("linux-source-6.9.tar.xz"));
        assert_eq!(version_of("linux-source-6.1.tar.xz"), Some(vec![6, 1]));
        assert_eq!(version_of("linux-source-6.1"), None);
        assert_eq!(version_of("linux-patch-6.1-rt.patch.xz"), None);
    }

    #[test]
    fn options_that_did_not_take_effect_are_listed() {
        let fragment = "# comment\nCONFIG_A=y\nCONFIG_B=n\nCONFIG_C=32\nCONFIG_D=y\nCONFIG_E=n\n";
        let completed = "CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C=64\nCONFIG_E=y\n";
        assert_eq!(
            refused(fragment, completed),
            ["CONFIG_C=32", "CONFIG_D=y", "CONFIG_E=n"]
        );
    }
}
