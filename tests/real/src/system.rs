//! The Debian system that cases are run in: one image with the packages of all of them, in the
//! user's cache.
//!
//! The image is made once for a list of packages, and never booted: every boot gets a copy. Its
//! files, taken out of the same image, are what `qemu-ppc64le` finds libraries and programs in.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use guest_kit::{DebianSpec, GuestKit, GuestPaths, Progress};
use paprika::debian;
use tempfile::{NamedTempFile, TempDir};

use crate::case::Case;

/// Size of its file system: what all packages fill, and room for builds.
const SIZE: u64 = 8 << 30;
/// The part of the user's cache where copies of the image and the files taken out of it are.
const CACHE: &str = "real";
/// Directories of the image that the peer needs; the others are links to these (Debian's merged
/// /usr).
const TAKEN_OUT: [&str; 5] = ["/usr/bin", "/usr/lib", "/usr/lib64", "/usr/share", "/etc"];
const MERGED: [&str; 4] = ["bin", "sbin", "lib", "lib64"];

/// The system.
pub struct System {
    /// Kernel and initramfs.
    pub kit: GuestPaths,
    /// The image; only copies of it are booted.
    pub image: PathBuf,
    cache: PathBuf,
}

impl System {
    /// The system with the packages of `cases`, made where it is not cached; or that in `image`,
    /// which is believed to have them.
    pub fn of(cases: &[Case], image: Option<&Path>) -> anyhow::Result<Self> {
        let progress = Progress::auto();
        let kit = GuestKit::ensure(&progress)?;
        let image = match image {
            Some(image) => image.to_owned(),
            None => debian::default_image(&spec(cases), &kit, &progress)?,
        };
        progress.finish();
        let cache = guest_kit::user_cache()?.join(CACHE);
        fs::create_dir_all(&cache).with_context(|| cache.display().to_string())?;
        Ok(Self { kit, image, cache })
    }

    /// A directory for files as large as images, deleted on drop.
    pub fn scratch(&self) -> anyhow::Result<TempDir> {
        let made = tempfile::tempdir_in(&self.cache);
        made.with_context(|| format!("can't make a directory in {}", self.cache.display()))
    }

    /// A copy of the image to be booted.
    pub fn copy(&self, at: &Path) -> anyhow::Result<PathBuf> {
        let to = at.join("root.img");
        debian::build::copy_sparse(&self.image, &to)?;
        Ok(to)
    }

    /// The image's files as a directory of the host, for `qemu-ppc64le -L`.
    pub fn tree(&self) -> anyhow::Result<PathBuf> {
        let name = self.image.file_stem().context("an image has a name")?;
        let tree = self
            .cache
            .join(format!("tree-{}", name.to_string_lossy().as_ref()));
        if tree.is_dir() {
            return Ok(tree);
        }
        println!("taking the image's files out of it, for qemu-ppc64le");
        let partial = tempfile::tempdir_in(&self.cache)?;
        for directory in TAKEN_OUT {
            let parent = Path::new(directory).parent().context("a directory in /")?;
            let to = partial.path().join(parent.strip_prefix("/")?);
            fs::create_dir_all(&to)?;
            take_out(&self.image, directory, &to)?;
        }
        for name in MERGED {
            symlink(Path::new("usr").join(name), partial.path().join(name))?;
        }
        lead_inside(partial.path(), partial.path())?;
        fs::rename(partial.keep(), &tree)?;
        Ok(tree)
    }
}

/// Makes links below `at` that lead to absolute paths lead to the same places of the tree `root`,
/// and not of the host.
fn lead_inside(root: &Path, at: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(at)? {
        let path = entry?.path();
        let metadata = path.symlink_metadata()?;
        if metadata.is_dir() {
            lead_inside(root, &path)?;
        } else if metadata.is_symlink()
            && let Ok(inside) = fs::read_link(&path)?.strip_prefix("/")
        {
            let depth = path.strip_prefix(root)?.components().count();
            let up: PathBuf = std::iter::repeat_n("..", depth - 1).collect();
            fs::remove_file(&path)?;
            symlink(up.join(inside), &path)?;
        }
    }
    Ok(())
}

/// What the image is made of.
fn spec(cases: &[Case]) -> DebianSpec {
    let packages: BTreeSet<&str> = cases
        .iter()
        .flat_map(|case| case.packages)
        .copied()
        .collect();
    DebianSpec {
        include: packages.into_iter().map(Into::into).collect(),
        size: SIZE,
        ..DebianSpec::default()
    }
}

/// Copies a directory out of an image that nobody uses, into the directory `to`. Owners are not
/// kept where this user may not set them.
pub fn take_out(image: &Path, directory: &str, to: &Path) -> anyhow::Result<()> {
    let mut path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
    path.push(":/usr/sbin:/sbin");
    // debugfs says in its output, and not by its status, what it could not do; owners that it may
    // not set are among that.
    let said = NamedTempFile::new()?;
    let status = Command::new("debugfs")
        .env("PATH", path)
        .arg("-R")
        .arg(format!("rdump {directory} {}", to.display()))
        .arg(image)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(said.reopen()?)
        .status()
        .context("can't start debugfs, of package e2fsprogs")?;
    let name = Path::new(directory).file_name().unwrap_or_default();
    let found = fs::read_dir(to.join(name)).is_ok_and(|mut entries| entries.next().is_some());
    if !status.success() || !found {
        let said = fs::read_to_string(said.path()).unwrap_or_default();
        bail!(
            "{directory} can't be taken out of {}: {said}",
            image.display()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_links_lead_to_the_tree_itself() {
        let directory = tempfile::tempdir().expect("directory");
        let root = directory.path();
        fs::create_dir_all(root.join("usr/lib64")).expect("directories");
        fs::create_dir_all(root.join("lib/deep")).expect("directories");
        fs::write(root.join("lib/deep/loader"), "here").expect("file");
        symlink("/lib/deep/loader", root.join("usr/lib64/loader")).expect("link");
        symlink("loader", root.join("lib/deep/other")).expect("link");
        lead_inside(root, root).expect("links");
        let read = |path: &str| fs::read_to_string(root.join(path)).expect("it leads to a file");
        assert_eq!(read("usr/lib64/loader"), "here");
        assert_eq!(read("lib/deep/other"), "here");
    }

    #[test]
    fn an_image_has_every_package_of_every_case_once() {
        let case = |packages| Case {
            packages,
            ..Case::USUAL
        };
        let spec = spec(&[case(&["gcc", "bc"]), case(&["gcc"])]);
        assert_eq!(spec.include, ["bc", "gcc"]);
        spec.check().expect("a system");
    }
}
