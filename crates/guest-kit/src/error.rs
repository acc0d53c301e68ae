//! Everything that can go wrong with the kit, each as a sentence that says what to do about it.

use std::path::PathBuf;

/// Why the guest kit could not be found, built or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `locate` found nothing for the inputs of this version.
    #[error("no guest is cached in {}: run `paprika guest build` once to make it", .0.display())]
    NotBuilt(PathBuf),
    /// Neither `XDG_CACHE_HOME` nor `HOME` names a directory.
    #[error("there is no cache directory: set HOME, or XDG_CACHE_HOME to an absolute path")]
    NoCacheDir,
    /// Host packages are missing and this user may not install them.
    #[error("the guest's build needs packages that are not installed; run: {command}")]
    MissingPackages {
        /// The one command that installs them.
        command: String,
    },
    /// The host's packages are not dpkg's.
    #[error(
        "the guest is built from Debian packages, and this machine has no dpkg: build it on Debian or Ubuntu, or name your own \
         files with --kernel and --initrd"
    )]
    NotDebian,
    /// A file or directory could not be read or written.
    #[error("can't {action} {}: {source}", .path.display())]
    Io {
        /// What was tried, as a verb: "read", "create".
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// A program of the host could not be started.
    #[error("can't start {program}: {source}")]
    Start {
        /// The program's name.
        program: String,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// A program of the host failed.
    #[error("{step} failed ({status}); the end of its output:\n{tail}\nAll of it is in {}", .log.display())]
    Failed {
        /// What was being done, in words.
        step: String,
        /// How the program ended.
        status: std::process::ExitStatus,
        /// The last lines that it wrote.
        tail: String,
        /// Where the whole output is.
        log: PathBuf,
    },
    /// The installed `linux-source` has no tarball where Debian puts it.
    #[error("package linux-source is installed, but there is no {} (reinstall it)", .0.display())]
    NoKernelSource(PathBuf),
    /// Lines of the configuration fragment that this kernel version did not take.
    #[error("this kernel's configuration does not take {}: correct guest/linux/kernel.config for this version", .0.join(", "))]
    ConfigRefused(Vec<String>),
    /// A Debian system that can't be.
    #[error(transparent)]
    Spec(#[from] crate::debian::SpecError),
    /// No package source to take a Debian system from.
    #[error(
        "this machine's apt has no source of Debian's packages to make a Debian system from; name an archive with --mirror URL"
    )]
    NoMirror,
    /// A file that the initramfs needs is in none of the packages.
    #[error("none of the unpacked ppc64el packages has {0}")]
    NotInPackages(String),
    /// A package's own description lacks what the recipe looks for.
    #[error("package {package} has no {wanted}")]
    PackageLacks {
        /// The package's name.
        package: String,
        /// What it should have.
        wanted: String,
    },
    /// A file is not the ELF that it should be.
    #[error("{what} is no 64-bit little-endian PowerPC ELF: {why}")]
    NotPpc64le {
        /// The file, or what it is.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// A path that can't be put into an initramfs.
    #[error("{0:?} can't be a path in the guest: it has to be absolute, without `..` and NUL")]
    GuestPath(String),
    /// A file too large for the archive format.
    #[error("{0} is too large for an initramfs: a file in it has to be under 4 GiB")]
    TooLarge(String),
}

impl Error {
    /// For `map_err`: names the action and the path of a failed file operation.
    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.into();
        move |source| Error::Io {
            action,
            path,
            source,
        }
    }
}
