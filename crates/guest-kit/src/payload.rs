//! The recipe of the payload: the bare-metal guest in Rust (`guest/payload`), with the crate that it shares with the host.
//!
//! The Rust toolchains that developers have come without `core` for ppc64le, and not every machine may fetch it from rust-lang.org.
//! The distribution has it: package `rustc` for this machine, and of the same version `libstd-rust-dev` for the guest's architecture,
//! which is fetched without being installed. So the payload is written for the oldest rustc of a supported distribution (1.63).
//!
//! Result: `payload.elf`, and `payload.bin`, the same as bytes from real address 0 on, which is what QEMU takes as firmware.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::apt::ForeignApt;
use crate::cache::{Cache, write_durably};
use crate::{Error, Progress, Result, elf, inputs, run};

pub(crate) const ELF: &str = "payload.elf";
const BINARY: &str = "payload.bin";

/// Raised when the recipe changes in a way that its other inputs do not show.
const RECIPE: &str = "1";

/// What the build needs of this machine.
pub(crate) const PACKAGES: &[&str] = &["rustc", "gcc-powerpc64le-linux-gnu"];

/// By its path: a rustc of rustup's comes before it in most developers' PATH.
const RUSTC: &str = "/usr/bin/rustc";
const GCC: &str = "powerpc64le-linux-gnu-gcc";
const OBJCOPY: &str = "powerpc64le-linux-gnu-objcopy";

/// The package with the compiled `core`, and its files that a program without std needs.
const CORE_PACKAGE: &str = "libstd-rust-dev";
const CORE_FILES: &[&str] = &[
    "libcore-",
    "libcompiler_builtins-",
    "librustc_std_workspace_core-",
];
const TARGET: &str = "powerpc64le-unknown-linux-gnu";
/// Where the distribution's rustc looks below its root of libraries (`--sysroot`).
const LIBRARIES: &str = "lib/rustlib/powerpc64le-unknown-linux-gnu/lib";

/// Path in the repository and content.
macro_rules! sources {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../../", $path)))),*]
    };
}

/// Everything that the payload is made from.
const SOURCES: &[(&str, &str)] = sources![
    "crates/payload-format/src/calls.rs",
    "crates/payload-format/src/command.rs",
    "crates/payload-format/src/fields.rs",
    "crates/payload-format/src/inventory.rs",
    "crates/payload-format/src/lib.rs",
    "crates/payload-format/src/record.rs",
    "crates/payload-format/src/report.rs",
    "crates/payload-format/src/tree.rs",
    "guest/payload/payload.ld",
    "guest/payload/src/commands.rs",
    "guest/payload/src/console.rs",
    "guest/payload/src/entry.S",
    "guest/payload/src/entry.rs",
    "guest/payload/src/failure.rs",
    "guest/payload/src/machine.rs",
    "guest/payload/src/main.rs",
    "guest/payload/src/memory.S",
    "guest/payload/src/pmem.rs",
    "guest/payload/src/rtas.rs",
];

/// How both crates are compiled.
const RUST_FLAGS: &[&str] = &[
    "--edition=2021",
    "--target",
    TARGET,
    "-Cpanic=abort",
    "-Copt-level=2",
    "-Ccodegen-units=1",
    "-Crelocation-model=static",
    "-Cstrip=debuginfo",
];

/// How the parts become one program at real address 0.
const LINK_FLAGS: &[&str] = &[
    "-Clinker=powerpc64le-linux-gnu-gcc",
    "-Clink-arg=entry.o",
    "-Clink-arg=memory.o",
    "-Clink-arg=-nostdlib",
    "-Clink-arg=-nostartfiles",
    "-Clink-arg=-static",
    "-Clink-arg=-no-pie",
    "-Clink-arg=-Wl,-T,guest/payload/payload.ld",
    "-Clink-arg=-Wl,--build-id=none,--no-eh-frame-hdr,--no-warn-rwx-segments,--fatal-warnings",
];

/// Key of the payload: depends on its sources and how they are compiled.
pub(crate) fn key() -> String {
    let mut parts = vec!["payload", RECIPE];
    parts.extend(SOURCES.iter().flat_map(|(path, content)| [*path, *content]));
    parts.extend([RUST_FLAGS, LINK_FLAGS].into_iter().flatten());
    inputs::hash(parts)
}

/// Builds the payload in `at`. The host has [`PACKAGES`].
pub(crate) fn build(at: &Path, cache: &Cache, progress: &Progress) -> Result<()> {
    let log = at.join("build.log");
    let sysroot = core_library(cache, progress)?;
    let source = at.join("source");
    for (path, content) in SOURCES {
        let file = source.join(path);
        let directory = file.parent().unwrap_or(&source);
        fs::create_dir_all(directory).map_err(Error::io("create", directory))?;
        fs::write(&file, content).map_err(Error::io("write", &file))?;
    }

    let step = "Compiling the payload";
    progress.step(step, 0);
    // Relative paths: a panic's message shows them, and they shall not depend on where the cache is.
    let run = |command: &mut Command| {
        run::logged(command.current_dir(&source), step, &log, |line| {
            progress.advance(line)
        })
    };
    run(rustc(&sysroot)
        .args(["--crate-name=payload_format", "--crate-type=rlib"])
        .arg("crates/payload-format/src/lib.rs"))?;
    for name in ["entry", "memory"] {
        run(Command::new(GCC)
            .args(["-c", "-mcpu=power9", "-o"])
            .arg(format!("{name}.o"))
            .arg(format!("guest/payload/src/{name}.S")))?;
    }
    run(rustc(&sysroot)
        .args(["--crate-name=payload", "--crate-type=bin"])
        .args(["--extern", "payload_format=libpayload_format.rlib"])
        .args(LINK_FLAGS)
        .args(["-o", ELF, "guest/payload/src/main.rs"]))?;
    run(Command::new(OBJCOPY).args(["-O", "binary", ELF, BINARY]))?;

    for name in [ELF, BINARY] {
        let file = source.join(name);
        let content = fs::read(&file).map_err(Error::io("read", &file))?;
        if name == ELF {
            elf::ppc64le_header(&content, "the payload")?;
        }
        write_durably(&at.join(name), &content)?;
    }
    fs::remove_dir_all(&source).map_err(Error::io("delete", &source))
}

fn rustc(sysroot: &Path) -> Command {
    let mut command = Command::new(RUSTC);
    command
        .args(RUST_FLAGS)
        .arg("--sysroot")
        .arg(sysroot)
        // Cargo points it to the libraries of another rustc when it runs tests.
        .env_remove("LD_LIBRARY_PATH");
    command
}

/// `core` for the guest's architecture, as a root of libraries for the installed rustc. Cached apart: the payload changes more often.
fn core_library(cache: &Cache, progress: &Progress) -> Result<PathBuf> {
    let version = run::output(
        Command::new(RUSTC)
            .arg("--version")
            .env_remove("LD_LIBRARY_PATH"),
    )?;
    let key = inputs::hash(["rust-core", RECIPE, version.trim()]);
    cache.find_or_build("rust-core", &key, progress, |at| {
        let log = at.join("build.log");
        let _lock = cache.lock("apt", progress)?;
        let apt = ForeignApt::open(&cache.root().join("apt"), &log, progress)?;
        let package = apt.fetch_alone(CORE_PACKAGE, progress)?;
        progress.step(&format!("Unpacking {CORE_PACKAGE}"), 0);
        let unpacked = at.join("unpacked");
        let mut unpack = Command::new("dpkg-deb");
        unpack.arg("-x").arg(&package).arg(&unpacked);
        run::logged(&mut unpack, "unpacking the core library", &log, |_| ())?;
        keep_core(&unpacked.join("usr").join(LIBRARIES), &at.join(LIBRARIES))?;
        fs::remove_dir_all(&unpacked).map_err(Error::io("delete", &unpacked))?;
        apt.clean()
    })
}

/// Takes the files of [`CORE_FILES`] over from one directory into another, and nothing else.
fn keep_core(from: &Path, to: &Path) -> Result<()> {
    let lacks = |wanted: &str| Error::PackageLacks {
        package: CORE_PACKAGE.into(),
        wanted: format!("file {wanted}*.rlib for {TARGET}"),
    };
    fs::create_dir_all(to).map_err(Error::io("create", to))?;
    for wanted in CORE_FILES {
        let entries = fs::read_dir(from).map_err(|_| lacks(wanted))?;
        let file = entries
            .flatten()
            .find(|entry| entry.file_name().to_string_lossy().starts_with(wanted))
            .ok_or_else(|| lacks(wanted))?;
        let content = fs::read(file.path()).map_err(Error::io("read", file.path()))?;
        write_durably(&to.join(file.file_name()), &content)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_source_file_of_the_payload_is_embedded() {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let embedded: BTreeSet<String> = SOURCES
            .iter()
            .map(|(path, _)| (*path).to_owned())
            .filter(|path| path.contains("/src/"))
            .collect();
        let mut there = BTreeSet::new();
        for directory in ["crates/payload-format/src", "guest/payload/src"] {
            for entry in fs::read_dir(repository.join(directory)).expect("sources") {
                let name = entry.expect("entry").file_name();
                there.insert(format!("{directory}/{}", name.to_string_lossy()));
            }
        }
        assert_eq!(embedded, there);
    }

    #[test]
    fn only_what_core_consists_of_is_kept_and_a_package_without_it_is_named() {
        let directory = tempfile::tempdir().expect("directory");
        let (from, to) = (directory.path().join("from"), directory.path().join("to"));
        fs::create_dir(&from).expect("from");
        for name in [
            "libcore-1.rlib",
            "libcompiler_builtins-2.rlib",
            "libstd-3.rlib",
        ] {
            fs::write(from.join(name), name).expect("file");
        }
        let error = keep_core(&from, &to).expect_err("one is missing");
        assert!(
            error.to_string().contains("librustc_std_workspace_core-"),
            "{error}"
        );
        fs::write(from.join("librustc_std_workspace_core-4.rlib"), "").expect("file");
        keep_core(&from, &to).expect("all there");
        assert_eq!(fs::read_dir(&to).expect("to").count(), 3);
        assert!(!to.join("libstd-3.rlib").exists());
    }
}
