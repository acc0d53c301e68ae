//! The distribution's own ppc64el kernel, which must boot as well: it runs what our small configuration does not.
//!
//! Result: `vmlinux` and `manifest.json`.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::apt::ForeignApt;
use crate::cache::{Cache, write_durably};
use crate::{Error, Progress, Result, elf, inputs, run};

pub(crate) const VMLINUX: &str = "vmlinux";

/// Fetches the kernel's package and takes the kernel out of it, into `at`.
pub(crate) fn build(at: &Path, cache: &Cache, progress: &Progress) -> Result<()> {
    let log = at.join("build.log");
    let _lock = cache.lock("apt", progress)?;
    let apt = ForeignApt::open(&cache.root().join("apt"), &log, progress)?;
    let package = apt.dependency(inputs::STOCK_KERNEL_PACKAGE, "linux-image-")?;
    let file = apt.fetch_alone(&package, progress)?;

    progress.step("Unpacking the distribution's kernel", 0);
    let boot = at.join("boot");
    unpack_boot(&file, at, &log)?;
    let lacks = || Error::PackageLacks {
        package: package.clone(),
        wanted: "kernel in /boot".into(),
    };
    let entries = fs::read_dir(&boot).map_err(|_| lacks())?;
    let is_kernel = |name: &str| name.starts_with("vmlinux-") || name.starts_with("vmlinuz-");
    let kernel = entries
        .flatten()
        .find(|entry| is_kernel(&entry.file_name().to_string_lossy()))
        .ok_or_else(lacks)?
        .path();
    let content = fs::read(&kernel).map_err(Error::io("read", &kernel))?;
    elf::ppc64le_header(&content, &kernel.display().to_string())?;
    write_durably(&at.join(VMLINUX), &content)?;
    let manifest =
        serde_json::json!({ "package": file.file_name().map(|name| name.to_string_lossy()) });
    write_durably(
        &at.join("manifest.json"),
        format!("{manifest:#}\n").as_bytes(),
    )?;
    fs::remove_dir_all(&boot).map_err(Error::io("delete", &boot))?;
    apt.clean()
}

/// Unpacks /boot of a package into `at`: the modules beside it are ten times as large, and nobody needs them here.
fn unpack_boot(package: &Path, at: &Path, log: &Path) -> Result<()> {
    let start = |source| Error::Start {
        program: "dpkg-deb".into(),
        source,
    };
    let mut open = Command::new("dpkg-deb")
        .arg("--fsys-tarfile")
        .arg(package)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(start)?;
    let archive = at.join("boot.tar");
    let copied = open.stdout.take().map_or(Ok(0), |mut stream| {
        fs::File::create(&archive).and_then(|mut file| std::io::copy(&mut stream, &mut file))
    });
    let status = open.wait().map_err(start)?;
    copied.map_err(Error::io("write", &archive))?;
    if !status.success() {
        let tail = format!("dpkg-deb can't read {}", package.display());
        return Err(Error::Failed {
            step: "Unpacking the distribution's kernel".into(),
            status,
            tail,
            log: log.to_owned(),
        });
    }
    let mut tar = Command::new("tar");
    tar.arg("-xf")
        .arg(&archive)
        .arg("-C")
        .arg(at)
        .args(["--no-same-owner", "./boot"]);
    run::logged(&mut tar, "unpacking the distribution's kernel", log, |_| ())?;
    fs::remove_file(&archive).map_err(Error::io("delete", &archive))
}
