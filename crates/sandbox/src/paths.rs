//! Paths and ports, by Landlock: which files, directories and TCP ports the process may reach from
//! now on.
//!
//! A rule is about what is at a path when it is made, not about the name: a file that is removed
//! and made again is another. What is not there when a rule is made gets none. Looking at a path
//! (`stat`), reading a symbolic link and descriptors that are open already are no matter of
//! Landlock.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, NetPort, PathBeneath,
    Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, Scope, make_bitflags,
};
use rustix::fs::{FileType, Mode, OFlags, fstat};

/// The newest ABI whose every right this module has a rule for; of a newer kernel no more is asked.
const NEWEST: ABI = ABI::V6;

/// What may be done at a path, and beneath it where it is a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathRights {
    /// Files are read, directories listed.
    Read,
    /// As [`Read`](Self::Read), and files that are there are written to and cut.
    Write,
    /// As [`Write`](Self::Write), and regular files and directories are made, renamed and removed.
    Manage,
    /// In a directory, sockets are made, and files removed and renamed.
    Sockets,
    /// In a directory, files are removed.
    Remove,
}

impl PathRights {
    fn landlock(self) -> BitFlags<AccessFs> {
        match self {
            Self::Read => make_bitflags!(AccessFs::{ReadFile | ReadDir}),
            Self::Write => Self::Read.landlock() | AccessFs::WriteFile | AccessFs::Truncate,
            Self::Manage => {
                Self::Write.landlock()
                    | make_bitflags!(AccessFs::{MakeReg | MakeDir | RemoveFile | RemoveDir})
            }
            Self::Sockets => make_bitflags!(AccessFs::{ReadDir | MakeSock | RemoveFile}),
            Self::Remove => make_bitflags!(AccessFs::{ReadDir | RemoveFile}),
        }
    }
}

/// What a process may reach; nothing, as long as nothing is added.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PathRules {
    paths: Vec<(PathBuf, PathRights)>,
    connect: Vec<u16>,
    connect_anywhere: bool,
    listen: Vec<u16>,
}

/// Why paths can't be restricted.
#[derive(Debug, thiserror::Error)]
pub enum PathsError {
    /// A path.
    #[error("the sandbox can't allow {}: {error}", path.display())]
    Path {
        /// Which.
        path: PathBuf,
        /// What the host said.
        error: io::Error,
    },
    /// Landlock refuses what it says it can do.
    #[error("Landlock can't be used: {0}")]
    Landlock(#[from] RulesetError),
}

/// How much of [`PathRules`] is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathsInForce {
    /// All that this program knows to ask for.
    Full,
    /// Not all rights and scopes: the kernel is older than this program.
    Partial,
    /// None: the kernel has no Landlock, or it is not enabled.
    Nothing,
}

impl std::fmt::Display for PathsInForce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Full => "paths and ports (Landlock)",
            Self::Partial => "paths (Landlock, in part: this kernel is older)",
            Self::Nothing => "no paths (this kernel has no Landlock, or it is not enabled)",
        })
    }
}

impl PathRules {
    /// Allows `rights` at `path`.
    pub fn allow(&mut self, path: impl Into<PathBuf>, rights: PathRights) {
        self.paths.push((path.into(), rights));
    }

    /// Allows to connect to a TCP port of any host.
    pub fn allow_connect(&mut self, port: u16) {
        self.connect.push(port);
    }

    /// Allows to connect to any TCP port of any host.
    pub fn allow_connect_anywhere(&mut self) {
        self.connect_anywhere = true;
    }

    /// Allows to listen at a TCP port; 0 is one that the host chooses.
    pub fn allow_listen(&mut self, port: u16) {
        self.listen.push(port);
    }

    /// Whether these rules let a file be opened or made at an absolute path, where `writing` for
    /// writing.
    ///
    /// Compares where paths lead to now. It is no check (that is the kernel's), but tells what the
    /// kernel will say.
    pub fn cover(&self, path: &Path, writing: bool) -> bool {
        let wanted = resolved(path);
        let made = !wanted.exists();
        let exist = |rights: PathRights| match rights {
            PathRights::Manage => true,
            PathRights::Write => !made,
            PathRights::Read => !made && !writing,
            PathRights::Sockets | PathRights::Remove => false,
        };
        let mut covering = self.paths.iter().filter(|(_, rights)| exist(*rights));
        covering.any(|(allowed, _)| wanted.starts_with(resolved(allowed)))
    }

    /// Whether it is allowed to connect to a TCP port.
    pub fn cover_connect(&self, port: u16) -> bool {
        self.connect_anywhere || self.connect.contains(&port)
    }

    /// What of TCP needs a rule.
    fn restricted_net(&self) -> BitFlags<AccessNet> {
        match self.connect_anywhere {
            true => AccessNet::BindTcp.into(),
            false => AccessNet::from_all(NEWEST),
        }
    }

    /// Restricts this thread and those that it starts to what these rules and earlier ones allow.
    ///
    /// # Errors
    /// [`PathsError`]. A kernel that knows less than this program is no error: the result says how
    /// much is in force.
    pub fn enforce(&self) -> Result<PathsInForce, PathsError> {
        let ruleset = Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(NEWEST))?
            .handle_access(self.restricted_net())?
            .scope(Scope::from_all(NEWEST))?;
        let mut ruleset = ruleset.create()?;
        for (path, rights) in &self.paths {
            let Some((handle, is_directory)) = open(path)? else {
                continue;
            };
            let rights = match is_directory {
                true => rights.landlock(),
                false => rights.landlock() & AccessFs::from_file(NEWEST),
            };
            ruleset = ruleset.add_rule(PathBeneath::new(handle, rights))?;
        }
        let connect = self
            .connect
            .iter()
            .filter(|_| !self.connect_anywhere)
            .map(|&port| (port, AccessNet::ConnectTcp));
        let listen = self.listen.iter().map(|&port| (port, AccessNet::BindTcp));
        for (port, access) in connect.chain(listen) {
            ruleset = ruleset.add_rule(NetPort::new(port, access))?;
        }
        let status = ruleset.restrict_self()?;
        Ok(match status.ruleset {
            landlock::RulesetStatus::FullyEnforced => PathsInForce::Full,
            landlock::RulesetStatus::PartiallyEnforced => PathsInForce::Partial,
            landlock::RulesetStatus::NotEnforced => PathsInForce::Nothing,
        })
    }
}

/// What is at a path, for a rule; none: nothing is there. Opens neither a device nor a FIFO.
fn open(path: &Path) -> Result<Option<(OwnedFd, bool)>, PathsError> {
    let fault = |error: rustix::io::Errno| {
        let (path, error) = (path.to_owned(), error.into());
        PathsError::Path { path, error }
    };
    let handle = match rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()) {
        Ok(handle) => handle,
        // Who wants it will be told by the host, in words about what he wants.
        Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR | rustix::io::Errno::ACCESS) => {
            return Ok(None);
        }
        Err(error) => return Err(fault(error)),
    };
    let kind = FileType::from_raw_mode(fstat(&handle).map_err(fault)?.st_mode);
    Ok(Some((handle, kind == FileType::Directory)))
}

/// Where a path leads to, without symbolic links as far as it exists.
fn resolved(path: &Path) -> PathBuf {
    for there in path.ancestors() {
        if let (Ok(real), Ok(rest)) = (there.canonicalize(), path.strip_prefix(there)) {
            // A path's own name, joined, would get a slash at its end.
            return match rest.as_os_str().is_empty() {
                true => real,
                false => real.join(rest),
            };
        }
    }
    path.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_covered_is_told_by_where_paths_lead_to() {
        let directory = tempfile::tempdir().expect("directory");
        let at = |name: &str| directory.path().join(name);
        for name in ["a", "b"] {
            std::fs::create_dir(at(name)).expect("directory");
            std::fs::write(at(name).join("file"), "").expect("file");
        }
        std::os::unix::fs::symlink(at("b/file"), at("a/link")).expect("link");
        std::fs::write(at("image"), "").expect("file");
        let mut rules = PathRules::default();
        rules.allow(at("a"), PathRights::Manage);
        rules.allow(at("image"), PathRights::Write);
        rules.allow(at("b/file"), PathRights::Read);
        rules.allow_connect(7);
        for (path, reading, writing) in [
            ("a/file", true, true),
            ("a/new/deep", true, true),
            ("a/../a/new", true, true),
            ("a/link", true, false),
            ("b/file", true, false),
            ("b/new", false, false),
            ("image", true, true),
            ("image2", false, false),
            ("ab", false, false),
        ] {
            let found = [false, true].map(|writes| rules.cover(&at(path), writes));
            assert_eq!(found, [reading, writing], "{path}");
        }
        assert!(rules.cover_connect(7) && !rules.cover_connect(8));
    }

    #[test]
    fn what_is_not_there_gets_no_rule_and_is_no_error() {
        let directory = tempfile::tempdir().expect("directory");
        assert!(
            open(&directory.path().join("none"))
                .expect("no fault")
                .is_none()
        );
        let (_, is_directory) = open(directory.path())
            .expect("no fault")
            .expect("it is there");
        assert!(is_directory);
        let (_, is_directory) = open(Path::new("/dev/null"))
            .expect("no fault")
            .expect("there");
        assert!(!is_directory);
    }
}
