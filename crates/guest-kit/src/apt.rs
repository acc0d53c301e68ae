//! Packages of the guest's architecture, fetched with this machine's apt and its sources, under an apt state of our own.
//!
//! The state (lists, downloads, the list of installed packages) is a directory of the cache: the host's architectures and its dpkg
//! database stay untouched, and no right is needed. apt checks signatures and hashes as ever.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Error, Progress, Result, run};

/// Debian's name of the guest's architecture.
pub(crate) const ARCHITECTURE: &str = "ppc64el";

/// Packages that apt is told are installed already: what the wanted ones depend on for scripts and tools that the guest does not have.
/// They are not fetched; if a program needs a file of theirs after all, building the initramfs says so.
const LEFT_OUT: &[&str] = &[
    "bash",
    "bc",
    "dmsetup",
    "dpkg",
    "init-system-helpers",
    "libcxl1",
    "libdevmapper1.02.1",
    "libedit2",
    "libicu72",
    "libstdc++6",
    "libtracefs1",
    "libtraceevent1",
    "logsave",
    "perl-base",
    "python3",
    "usrmerge",
];

/// An apt that believes to be on a ppc64el machine.
#[derive(Debug)]
pub(crate) struct ForeignApt {
    root: PathBuf,
    log: PathBuf,
}

impl ForeignApt {
    /// Sets the state up in `root` and reads the package lists. The caller holds the lock that guards `root`.
    ///
    /// # Errors
    /// The directory can't be made, or apt-get can't be started. A list that can't be fetched is no error here (one of the host's
    /// sources may not know the architecture): a package that is not found then is.
    pub(crate) fn open(root: &Path, log: &Path, progress: &Progress) -> Result<Self> {
        let apt = Self {
            root: root.to_owned(),
            log: log.to_owned(),
        };
        let archives = apt.archives();
        if archives.exists() {
            fs::remove_dir_all(&archives).map_err(Error::io("empty", &archives))?;
        }
        for directory in [root.join("lists/partial"), archives.join("partial")] {
            fs::create_dir_all(&directory).map_err(Error::io("create", &directory))?;
        }
        let status = root.join("status");
        fs::write(&status, status_of_left_out()).map_err(Error::io("write", &status))?;

        progress.step("Reading the ppc64el package lists", 0);
        let mut update = apt.command("apt-get");
        update.arg("update");
        match run::logged(&mut update, "reading the package lists", log, |line| {
            progress.advance(line)
        }) {
            Ok(()) | Err(Error::Failed { .. }) => Ok(apt),
            Err(other) => Err(other),
        }
    }

    /// Fetches `packages` with all that they depend on, and returns the package files.
    pub(crate) fn fetch(&self, packages: &[&str], progress: &Progress) -> Result<Vec<PathBuf>> {
        progress.step(
            &format!("Fetching {} ({ARCHITECTURE})", packages.join(", ")),
            0,
        );
        let mut install = self.command("apt-get");
        install
            .args(["install", "-y", "--download-only"])
            .args(packages);
        run::logged(&mut install, "fetching packages", &self.log, |line| {
            progress.advance(line)
        })?;
        self.fetched()
    }

    /// Fetches one package without what it depends on.
    pub(crate) fn fetch_alone(&self, package: &str, progress: &Progress) -> Result<PathBuf> {
        progress.step(&format!("Fetching {package} ({ARCHITECTURE})"), 0);
        let mut download = self.command("apt-get");
        download
            .args(["download", package])
            .current_dir(self.archives());
        run::logged(&mut download, "fetching a package", &self.log, |line| {
            progress.advance(line)
        })?;
        let prefix = format!("{package}_");
        let is_it = |path: &PathBuf| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with(&prefix))
        };
        let lacks = || Error::PackageLacks {
            package: package.to_owned(),
            wanted: "file that apt-get download would fetch".into(),
        };
        self.fetched()?.into_iter().find(is_it).ok_or_else(lacks)
    }

    /// The first package that `package` depends on whose name begins with `prefix`: what a metapackage stands for.
    pub(crate) fn dependency(&self, package: &str, prefix: &str) -> Result<String> {
        let mut show = self.command("apt-cache");
        show.args(["show", "--no-all-versions", package]);
        let description = run::output(&mut show)?;
        first_dependency(&description, prefix).ok_or_else(|| Error::PackageLacks {
            package: package.to_owned(),
            wanted: format!("dependency whose name begins with {prefix} (is there a package source for {ARCHITECTURE}?)"),
        })
    }

    /// Deletes the downloads: what was wanted of them is unpacked.
    pub(crate) fn clean(&self) -> Result<()> {
        let archives = self.archives();
        fs::remove_dir_all(&archives).map_err(Error::io("empty", &archives))
    }

    fn archives(&self) -> PathBuf {
        self.root.join("cache/archives")
    }

    fn fetched(&self) -> Result<Vec<PathBuf>> {
        let archives = self.archives();
        let mut files = Vec::new();
        for entry in fs::read_dir(&archives).map_err(Error::io("read", &archives))? {
            let path = entry.map_err(Error::io("read", &archives))?.path();
            if path.extension().is_some_and(|extension| extension == "deb") {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }

    fn command(&self, program: &str) -> Command {
        command(program, &self.root, &FOR_THE_GUEST)
    }
}

/// What makes apt one for the guest's architecture.
pub(crate) const FOR_THE_GUEST: [&str; 2] =
    ["APT::Architecture=ppc64el", "APT::Architectures=ppc64el"];

/// A program of apt whose state (lists, list of installed packages, downloads) is in `root`, with
/// `more` options.
pub(crate) fn command(program: &str, root: &Path, more: &[impl AsRef<OsStr>]) -> Command {
    let root = root.display();
    let state = [
        "APT::Install-Recommends=false".into(),
        format!("Dir::State={root}"),
        format!("Dir::State::lists={root}/lists"),
        format!("Dir::State::status={root}/status"),
        format!("Dir::State::extended_states={root}/extended_states"),
        format!("Dir::Cache={root}/cache"),
        format!("Dir::Cache::archives={root}/cache/archives"),
        format!("Dir::Log={root}"),
        "Acquire::Languages=none".into(),
        // The cache may lie where the user that apt downloads as can't go.
        "APT::Sandbox::User=root".into(),
    ];
    let mut command = Command::new(program);
    command.arg("-q");
    for option in &state {
        command.args(["-o", option]);
    }
    for option in more {
        command.arg("-o").arg(option);
    }
    command
}

/// A dpkg status file in which the left-out packages are installed, in a version newer than any.
fn status_of_left_out() -> String {
    let stanza = |package: &&str| {
        format!(
            "Package: {package}\nStatus: install ok installed\nArchitecture: {ARCHITECTURE}\nMulti-Arch: allowed\nVersion: 99:1\n\
             Maintainer: none\nDescription: left out of the guest\n\n"
        )
    };
    LEFT_OUT.iter().map(stanza).collect()
}

/// From a package's control fields: the first alternative of the first dependency that begins with `prefix`.
fn first_dependency(description: &str, prefix: &str) -> Option<String> {
    let fields = description
        .lines()
        .filter_map(|line| line.strip_prefix("Depends:"));
    fields
        .flat_map(|list| list.split([',', '|']))
        .filter_map(|dependency| dependency.split_whitespace().next())
        .find(|name| name.starts_with(prefix))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apt_is_told_the_guest_s_architecture() {
        let ending = format!("={ARCHITECTURE}");
        assert!(FOR_THE_GUEST.iter().all(|option| option.ends_with(&ending)));
    }

    #[test]
    fn a_metapackage_s_dependency_is_found_without_its_version() {
        let description = "Package: linux-image-powerpc64le\nDepends: base, linux-image-6.1.0-40-powerpc64le (= 6.1.1-1)\nSize: 3\n";
        assert_eq!(
            first_dependency(description, "linux-image-").as_deref(),
            Some("linux-image-6.1.0-40-powerpc64le")
        );
        assert_eq!(first_dependency(description, "linux-source-"), None);
    }

    #[test]
    fn the_status_file_has_a_stanza_for_each_left_out_package() {
        let status = status_of_left_out();
        assert_eq!(status.matches("Package: ").count(), LEFT_OUT.len());
        assert_eq!(status.matches("\n\n").count(), LEFT_OUT.len());
    }
}
