//! The distribution's own ppc64el kernel, which must boot as well: it runs what our small configuration does not.
//!
//! Result: `vmlinux` and `manifest.json`.

use std::fs;
use std::path::Path;

use crate::apt::ForeignApt;
use crate::cache::{Cache, write_durably};
use crate::{Error, Progress, Result, elf, inputs, unpack};

pub(crate) const VMLINUX: &str = "vmlinux";

/// Fetches the kernel's package and takes the kernel out of it, into `at`.
pub(crate) fn build(at: &Path, cache: &Cache, progress: &Progress) -> Result<()> {
    let log = at.join("build.log");
    let _lock = cache.lock("apt", progress)?;
    let apt = ForeignApt::open(&cache.root().join("apt"), &log, progress)?;
    let package = apt.dependency(inputs::STOCK_KERNEL_PACKAGE, "linux-image-")?;
    let file = apt.fetch_alone(&package, progress)?;

    let step = "Unpacking the distribution's kernel";
    progress.step(step, 0);
    let boot = at.join("boot");
    // The modules beside it are ten times as large, and nobody needs them here.
    unpack::folder(&file, "boot", at, step, &log)?;
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
