//! What is in force in this process: set once, asked by threads, by the API and by who is refused
//! something.

use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use paprika_migration::Uri;
use paprika_migration::uri::TlsFiles;
use rustix::fs::{Mode, OFlags};
use sandbox::{Filters, PathRules, PathsInForce};
use serde::{Deserialize, Serialize};
use thread_role::Role;

use super::{SandboxError, SandboxMode};

static IN_FORCE: OnceLock<Entered> = OnceLock::new();

/// A sandbox that this process has entered.
#[derive(Debug)]
pub(super) struct InForce {
    pub(super) mode: SandboxMode,
    pub(super) paths: PathsInForce,
    /// What the machine may reach once it runs.
    pub(super) running: PathRules,
    pub(super) filters: Filters,
}

#[derive(Debug)]
struct Entered {
    sandbox: InForce,
    /// Keeps the directory of this process in `/proc`: where Linux forgets it and finds it again,
    /// it is another to Landlock.
    _itself: Option<OwnedFd>,
}

impl InForce {
    /// From now on threads are held to their roles.
    pub(super) fn announce(self) -> Result<(), SandboxError> {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let entered = Entered {
            sandbox: self,
            _itself: rustix::fs::open("/proc/self", flags, Mode::empty()).ok(),
        };
        let first = IN_FORCE.set(entered).is_ok() && thread_role::on_begin(hold_to);
        if first {
            Ok(())
        } else {
            Err(SandboxError::Twice)
        }
    }
}

fn in_force() -> Option<&'static InForce> {
    IN_FORCE.get().map(|entered| &entered.sandbox)
}

/// Holds this thread to its role.
fn hold_to(role: Role) {
    let Some(sandbox) = in_force() else { return };
    if let Err(error) = sandbox.filters.enter(role) {
        // A thread that could do more than is promised must not go on. Linux refuses for lack of
        // memory only.
        let mut stderr = std::io::stderr().lock();
        let _ = writeln!(
            stderr,
            "error: a thread can't be held to what it is for ({role:?}): {error}"
        );
        std::process::exit(rustix::process::EXIT_FAILURE);
    }
}

/// All files, rings and sockets of the machine are there: this thread and those that it starts keep
/// what a running machine needs.
///
/// # Errors
/// [`SandboxError::Paths`].
pub fn everything_is_open() -> Result<(), SandboxError> {
    let Some(sandbox) = in_force() else {
        return Ok(());
    };
    if sandbox.mode == SandboxMode::On {
        sandbox.running.enforce()?;
    }
    thread_role::begin(Role::Machine);
    Ok(())
}

/// What becomes of system calls that a thread has no reason to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallsInForce {
    /// They end the process.
    Enforced,
    /// The kernel notes them in its log.
    Logged,
    /// They are carried out.
    #[default]
    Open,
}

/// What this process is held to, for `ctl status` and the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxStatus {
    /// What was asked for.
    pub mode: SandboxMode,
    /// Whether the kernel restricts paths: `full`, `partial` or `nothing`.
    pub paths: String,
    /// System calls.
    pub system_calls: CallsInForce,
}

impl Default for SandboxStatus {
    fn default() -> Self {
        Self {
            mode: SandboxMode::Off,
            paths: "nothing".into(),
            system_calls: CallsInForce::Open,
        }
    }
}

impl SandboxStatus {
    /// That of this process.
    pub fn now() -> Self {
        let Some(sandbox) = in_force() else {
            return Self::default();
        };
        Self {
            mode: sandbox.mode,
            paths: match sandbox.paths {
                PathsInForce::Full => "full",
                PathsInForce::Partial => "partial",
                PathsInForce::Nothing => "nothing",
            }
            .into(),
            system_calls: match sandbox.mode {
                SandboxMode::On => CallsInForce::Enforced,
                SandboxMode::Log => CallsInForce::Logged,
                SandboxMode::Off => CallsInForce::Open,
            },
        }
    }
}

impl std::fmt::Display for SandboxStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.mode {
            SandboxMode::Off => return f.write_str("sandbox off: it may do what its user may"),
            SandboxMode::Log => {
                return f.write_str(
                    "sandbox log: unexpected system calls are noted, nothing is forbidden",
                );
            }
            SandboxMode::On => f.write_str("sandbox on: system calls by thread (seccomp)")?,
        }
        match self.paths.as_str() {
            "full" => f.write_str(", paths and ports (Landlock)"),
            "partial" => f.write_str(", paths (Landlock), as far as this older kernel knows them"),
            _ => f.write_str(", but no paths: this kernel has no Landlock, or it is not enabled"),
        }
    }
}

/// What an API client names is outside of what the machine may reach.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Outside {
    /// A path.
    #[error(
        "{} is outside of what the sandbox lets this machine reach; start the machine with --allow-dir {}",
        path.display(), directory.display()
    )]
    Path {
        /// What was named.
        path: PathBuf,
        /// What would have to be allowed.
        directory: PathBuf,
    },
    /// A port.
    #[error(
        "the sandbox lets this machine connect to no port {0}; start the machine with --allow-port {0}"
    )]
    Port(u16),
}

/// The rules that hold, where paths are restricted.
fn rules() -> Option<&'static PathRules> {
    let sandbox = in_force().filter(|sandbox| sandbox.mode == SandboxMode::On)?;
    (sandbox.paths != PathsInForce::Nothing).then_some(&sandbox.running)
}

fn outside(path: &Path, directory: Option<&Path>) -> Outside {
    Outside::Path {
        path: path.to_owned(),
        directory: directory.unwrap_or(Path::new("/")).to_owned(),
    }
}

/// Whether the machine may open or make a file that an API client names.
///
/// # Errors
/// [`Outside`], with the option that would allow it. Opening it would be refused by the kernel.
pub fn check_file(path: &Path, writing: bool) -> Result<(), Outside> {
    match rules() {
        Some(rules) if !rules.cover(path, writing) => Err(outside(path, path.parent())),
        _ => Ok(()),
    }
}

/// Whether the machine may make a snapshot's directory: under another name beside it, and then in
/// its place.
///
/// # Errors
/// As [`check_file`].
pub fn check_snapshot(path: &Path) -> Result<(), Outside> {
    let Some(parent) = path.parent() else {
        return Ok(());
    };
    match rules() {
        Some(rules) if !rules.cover(&parent.join(".paprika.saving"), true) => {
            Err(outside(path, Some(parent)))
        }
        _ => Ok(()),
    }
}

/// Whether the machine may move to a place.
///
/// # Errors
/// As [`check_file`].
pub fn check_place(uri: &Uri) -> Result<(), Outside> {
    let Some(rules) = rules() else { return Ok(()) };
    let endpoint = match uri {
        Uri::Unix(path) => return check_file(path, true),
        Uri::Tcp(endpoint) => endpoint,
        Uri::Tls(endpoint, TlsFiles { ca, cert, key, .. }) => {
            for file in [ca, cert, key] {
                check_file(file, false)?;
            }
            endpoint
        }
    };
    match rules.cover_connect(endpoint.port) {
        true => Ok(()),
        false => Err(Outside::Port(endpoint.port)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_sandbox_nothing_is_outside() {
        assert_eq!(check_file(Path::new("/etc/passwd"), true), Ok(()));
        assert_eq!(check_snapshot(Path::new("/anywhere")), Ok(()));
        assert_eq!(SandboxStatus::now(), SandboxStatus::default());
    }

    #[test]
    fn a_refusal_names_the_option_that_would_allow_it() {
        let path = outside(Path::new("/a/b.img"), Some(Path::new("/a"))).to_string();
        assert!(path.ends_with("--allow-dir /a"), "{path}");
        assert!(Outside::Port(7).to_string().ends_with("--allow-port 7"));
    }

    #[test]
    fn what_is_in_force_is_told_in_words() {
        let mut status = SandboxStatus {
            mode: SandboxMode::On,
            ..SandboxStatus::default()
        };
        assert!(status.to_string().contains("no Landlock"), "{status}");
        status.paths = "full".into();
        assert!(status.to_string().contains("paths and ports"), "{status}");
    }
}
