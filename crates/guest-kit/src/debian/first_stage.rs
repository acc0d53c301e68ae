//! The recipe of the first stage: debootstrap --foreign under fakeroot, and mkfs.ext4 with what it made.

use std::fs::{self, OpenOptions};
use std::path::Path;
use std::process::Command;

use super::spec::DebianSpec;
use super::{closure, mirror};
use crate::apt::ARCHITECTURE;
use crate::{Error, Progress, Result, run};

/// The result.
pub(super) const IMAGE: &str = "first-stage.img";
/// What the file system is called.
const LABEL: &str = "debian";
/// The label area of an NVDIMM, which is the end of its file.
const LABEL_AREA: u64 = 128 << 10;
/// Raised when the recipe changes in a way that its inputs do not show.
const RECIPE: &str = "2";

/// The key of a first stage.
pub(super) fn key(spec: &DebianSpec, mirror: &str) -> String {
    spec.key(&["debian", RECIPE, mirror])
}

/// Makes the image into `at`. Packages that an interrupted build has fetched are in `packages`, and are not fetched again.
pub(super) fn build(
    at: &Path,
    spec: &DebianSpec,
    mirror: &str,
    packages: &Path,
    progress: &Progress,
) -> Result<()> {
    let log = at.join("build.log");
    let tree = at.join("tree");
    let owners = at.join("owners");
    if tree.exists() {
        fs::remove_dir_all(&tree).map_err(Error::io("empty", &tree))?;
    }
    fs::create_dir_all(packages).map_err(Error::io("create", packages))?;

    let suite = (spec.suite.as_str(), mirror);
    let apt = at.join("apt");
    let included = closure::of(&spec.packages(), suite, &apt, &log, progress)?;

    let step = format!("Fetching Debian {} for {ARCHITECTURE}", spec.suite);
    progress.step(&step, 0);
    let mut debootstrap = Command::new("fakeroot");
    debootstrap
        .arg("-s")
        .arg(&owners)
        .args(["debootstrap", "--foreign", "--variant=minbase"])
        .arg(format!("--arch={ARCHITECTURE}"))
        .arg(format!("--include={}", included.join(",")))
        .arg(format!("--cache-dir={}", packages.display()))
        .arg(&spec.suite)
        .arg(&tree)
        .arg(mirror)
        .envs(mirror::proxies());
    let mut unpacking = false;
    run::logged(&mut debootstrap, &step, &log, |line| {
        let told = line.trim_start_matches("I: ");
        if !unpacking && told.starts_with("Extracting") {
            unpacking = true;
            progress.step("Unpacking what the second stage needs", 0);
        }
        progress.advance(told);
    })?;

    let step = "Making the file system";
    progress.step(step, 0);
    make_image(&at.join(IMAGE), &tree, &owners, spec.size, &log, step)?;
    fs::remove_dir_all(&tree).map_err(Error::io("delete", &tree))?;
    fs::remove_file(&owners).map_err(Error::io("delete", &owners))
}

/// An ext4 file system of `size` bytes with the content of `tree`, whose owners fakeroot has noted in `owners`.
///
/// Its blocks have 4 KiB, not the 64 KiB of the guest's pages: with those a file takes 64 KiB at least, and no x86 host could mount the
/// image. DAX would need them to be equal, so the guest uses its page cache.
fn make_image(
    image: &Path,
    tree: &Path,
    owners: &Path,
    size: u64,
    log: &Path,
    step: &str,
) -> Result<()> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .open(image)
        .map_err(Error::io("create", image))?;
    file.set_len(size + LABEL_AREA)
        .map_err(Error::io("extend", image))?;
    let mut mkfs = Command::new("fakeroot");
    mkfs.arg("-i")
        .arg(owners)
        .args(["mkfs.ext4", "-q", "-F", "-b", "4096", "-L", LABEL])
        // Holes of a new file read as zeroes: nothing to be written, and nothing left for the guest to initialise.
        .args(["-E", "assume_storage_prezeroed=1", "-d"])
        .arg(tree)
        .arg(image)
        .arg(format!("{}k", size / 1024));
    run::logged(&mut mkfs, step, log, |_| ())?;
    file.sync_all().map_err(Error::io("write", image))
}
