//! What a command names, from which follows what its process may reach.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use papr_scm::nvdimm::NvdimmConfig;
use paprika_migration::Uri;
use paprika_migration::uri::TlsFiles;
use sandbox::{Filters, Grants, OnMiss, PathRights, PathRules, PathsInForce};
use tracing::{info, warn};

use super::SandboxMode;
use super::in_force::{InForce, SandboxStatus};
use crate::machine::HostOptions;
use crate::{host, memory, terminal};

/// A TCP port that may be connected to, as the user writes it: a number, or `any`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AllowPort {
    /// This one.
    Port(u16),
    /// All.
    Any,
}

impl FromStr for AllowPort {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let port = || text.parse().ok().filter(|&port| port != 0).map(Self::Port);
        let any = (text == "any").then_some(Self::Any);
        any.or_else(port)
            .ok_or("write a port from 1 to 65535, or any")
    }
}

/// What the user chooses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SandboxOptions {
    /// What the process is held to.
    pub mode: SandboxMode,
    /// Directories for what will be named later: files to plug, snapshots, sockets to migrate to.
    pub directories: Vec<PathBuf>,
    /// Ports to migrate to later.
    pub ports: Vec<AllowPort>,
}

/// Why there can't be a sandbox.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// A directory that is allowed for later is not there.
    #[error("--allow-dir: {} is not a directory that is there; make it first", .0.display())]
    NoDirectory(PathBuf),
    /// What every process can give up.
    #[error("{0}; --sandbox off runs without")]
    Harden(#[from] sandbox::HardenError),
    /// Landlock.
    #[error("{0}; --sandbox off runs without")]
    Paths(#[from] sandbox::PathsError),
    /// Seccomp.
    #[error("{0}; --sandbox off runs without")]
    Calls(#[from] sandbox::FilterError),
    /// A second sandbox in one process (a defect of ours).
    #[error("this process is in a sandbox already")]
    Twice,
}

/// What is read to find the address of a host's name.
const NAME_LOOKUP: [&str; 7] = [
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/host.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/protocols",
];

/// What of `/proc` a machine's process reads about itself, and the program, whose identity compiled
/// code is kept under.
const ITSELF: [&str; 2] = ["/proc/self", "/proc/self/exe"];

/// What a command needs: while it starts, and while its machine runs.
#[derive(Debug, Default)]
pub struct Needs {
    mode: SandboxMode,
    starting: PathRules,
    running: PathRules,
    grants: Grants,
}

impl Needs {
    /// Those of every machine with such options.
    ///
    /// # Errors
    /// [`SandboxError::NoDirectory`].
    pub fn new(options: &SandboxOptions, host: &HostOptions) -> Result<Self, SandboxError> {
        let mut needs = Self {
            mode: options.mode,
            ..Self::default()
        };
        for path in ITSELF {
            needs.always(path, PathRights::Read);
        }
        for directory in &options.directories {
            let found = directory.canonicalize().ok().filter(|found| found.is_dir());
            let found = found.ok_or_else(|| SandboxError::NoDirectory(directory.clone()))?;
            needs.always(found, PathRights::Manage);
            needs.grants.unix = true;
        }
        for port in &options.ports {
            needs.grants.tcp = true;
            for rules in [&mut needs.starting, &mut needs.running] {
                match port {
                    AllowPort::Port(port) => rules.allow_connect(*port),
                    AllowPort::Any => rules.allow_connect_anywhere(),
                }
            }
        }
        if needs.grants.tcp {
            NAME_LOOKUP
                .iter()
                .for_each(|path| needs.always(path, PathRights::Read));
        }
        if let Some(cache) = &host.code.cache {
            // Where it can't be made, whoever opens it says so.
            let _ = DirBuilder::new().recursive(true).mode(0o700).create(cache);
            needs.always(cache, PathRights::Manage);
        }
        if host.code.perf_map && needs.mode != SandboxMode::Off {
            // Where it can't be made, the compiler says so.
            if let Ok(path) = power_jit::make_perf_map() {
                needs.always(path, PathRights::Write);
            }
        }
        Ok(needs)
    }

    fn always(&mut self, path: impl Into<PathBuf>, rights: PathRights) {
        let path = path.into();
        self.starting.allow(&path, rights);
        self.running.allow(path, rights);
    }

    /// A file or directory that is read at the start.
    pub fn read(&mut self, path: &Path) {
        self.starting.allow(path, PathRights::Read);
    }

    /// An NVDIMM's file: as long as the machine runs, also where it is unplugged and plugged again.
    pub fn nvdimm(&mut self, config: &NvdimmConfig) {
        let rights = match config.read_only {
            true => PathRights::Read,
            false => PathRights::Write,
        };
        // Its rule for the running machine is made when it is there.
        self.always(&config.path, rights);
        if config.size.is_some() && !config.path.exists() {
            self.starting
                .allow(parent(&config.path), PathRights::Manage);
        }
    }

    /// A directory of files of NVDIMMs which are there: for as long as the machine runs.
    pub fn nvdimms_in(&mut self, directory: &Path) {
        self.always(directory, PathRights::Write);
    }

    /// A socket that is made at the start, and removed at the end.
    pub fn socket(&mut self, path: &Path) {
        self.starting.allow(parent(path), PathRights::Sockets);
        self.running.allow(parent(path), PathRights::Remove);
    }

    /// A place to listen at.
    pub fn listen(&mut self, uri: &Uri) {
        let endpoint = match uri {
            Uri::Unix(path) => return self.socket(path),
            Uri::Tcp(endpoint) => endpoint,
            Uri::Tls(endpoint, TlsFiles { ca, cert, key, .. }) => {
                [ca, cert, key].into_iter().for_each(|path| self.read(path));
                endpoint
            }
        };
        self.grants.listen_tcp = true;
        self.starting.allow_listen(endpoint.port);
        NAME_LOOKUP
            .iter()
            .for_each(|path| self.read(Path::new(path)));
    }

    /// Takes from this process, for good, everything that it does not need, and says in the log
    /// what is in force. To be called before the first thread.
    ///
    /// # Errors
    /// [`SandboxError`]: the host can't do it. A kernel without Landlock is none; it is told in
    /// words.
    pub fn enter(self) -> Result<(), SandboxError> {
        // What is looked for in `/proc` and `/sys` where it is first wanted, on whatever thread.
        host::processors();
        rustix::param::page_size();
        memory::prepare();
        let Self {
            mode,
            starting,
            running,
            grants,
        } = self;
        let on_miss = match mode {
            SandboxMode::Off => {
                info!("{}", SandboxStatus::now());
                return Ok(());
            }
            SandboxMode::On => OnMiss::End,
            SandboxMode::Log => OnMiss::Log,
        };
        sandbox::harden()?;
        let filters = Filters::new(&grants, on_miss)?;
        let paths = match mode {
            SandboxMode::On => starting.enforce()?,
            _ => PathsInForce::Nothing,
        };
        filters.enter_process()?;
        terminal::restore_on_violation();
        InForce {
            mode,
            paths,
            running,
            filters,
        }
        .announce()?;
        let status = SandboxStatus::now();
        match mode == SandboxMode::On && paths != PathsInForce::Full {
            true => warn!("{status}"),
            false => info!("{status}"),
        }
        Ok(())
    }
}

/// The directory that a path is in.
fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => ".".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_numbers_or_any() {
        assert_eq!("4444".parse(), Ok(AllowPort::Port(4444)));
        assert_eq!("any".parse(), Ok(AllowPort::Any));
        for text in ["", "0", "65536", "-1", "http"] {
            assert!(text.parse::<AllowPort>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_file_is_reached_alone_once_it_is_there_and_its_directory_only_to_make_it() {
        let directory = tempfile::tempdir().expect("directory");
        let at = |name: &str| directory.path().join(name);
        std::fs::write(at("there"), "").expect("file");
        let mut needs = Needs::default();
        for (name, size) in [("there", None), ("new", Some(1))] {
            let mut config = NvdimmConfig::new(name, at(name));
            config.size = size;
            needs.nvdimm(&config);
        }
        assert!(needs.starting.cover(&at("new"), true));
        std::fs::write(at("new"), "").expect("file");
        for name in ["there", "new"] {
            assert!(needs.running.cover(&at(name), true), "{name}");
        }
        assert!(!needs.running.cover(&at("other"), true));
    }

    #[test]
    fn a_directory_for_later_has_to_be_there() {
        let directory = tempfile::tempdir().expect("directory");
        let missing = directory.path().join("none");
        let options = SandboxOptions {
            directories: vec![missing],
            ..SandboxOptions::default()
        };
        let refused = Needs::new(&options, &HostOptions::default()).expect_err("refused");
        assert!(refused.to_string().contains("make it first"), "{refused}");
    }
}
