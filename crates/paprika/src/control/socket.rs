//! The control socket in the file system: its mode, its one owner, and who may connect.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::files::{self, Registration};

/// Only its owner may connect.
const MODE: u32 = 0o600;

/// How long another Paprika that starts in the same directory is waited for.
const LOCK_LIMIT: Duration = Duration::from_secs(2);

/// Why there can't be a control socket.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Somebody answers there.
    #[error("{} is the control socket of a machine that runs; choose another path", .0.display())]
    InUse(PathBuf),
    /// Something else is there.
    #[error("{} exists and is not a socket; choose another path", .0.display())]
    NotASocket(PathBuf),
    /// The operating system refuses.
    #[error("the control socket {} can't be {what}: {source}", path.display())]
    Host {
        /// The path.
        path: PathBuf,
        /// What was attempted.
        what: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
}

/// What tells a file from another at the same path: device and inode. While the socket listens its inode is not given to another.
type Identity = (u64, u64);

/// A listening socket's file. Removed on drop, if it is still this one's: to be dropped before the listener, as nobody takes the path of a
/// socket that answers.
#[derive(Debug)]
pub(super) struct Socket {
    path: PathBuf,
    identity: Identity,
    /// No snapshot replaces the directory that it is in.
    _in_use: Registration,
}

impl Socket {
    /// Listens at `path`. A socket that nobody answers on, left by a machine that was killed, is replaced.
    ///
    /// # Errors
    /// [`SocketError`]; what is there stays as it is then.
    pub(super) fn bind(path: &Path) -> Result<(Self, UnixListener), SocketError> {
        let host = |what| {
            let path = path.to_owned();
            move |source| SocketError::Host { path, what, source }
        };
        // Of two machines that find the same stale socket one must not remove what the other has just bound.
        let directory = lock_directory(path).map_err(host("looked for"))?;
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(host("looked for")(error)),
            Ok(found) if !found.file_type().is_socket() => {
                return Err(SocketError::NotASocket(path.to_owned()));
            }
            Ok(_) => match UnixStream::connect(path) {
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    fs::remove_file(path).map_err(host("replaced"))?;
                }
                // Someone listens, even where he may not be spoken to or has no time now.
                Ok(_) | Err(_) => return Err(SocketError::InUse(path.to_owned())),
            },
        }
        let listener = UnixListener::bind(path).map_err(host("made"))?;
        let socket = Self {
            path: path.to_owned(),
            identity: identity(path).map_err(host("made"))?,
            _in_use: files::register("the control socket", path),
        };
        // Whoever connects before this is looked at too: see `may_use`.
        fs::set_permissions(path, Permissions::from_mode(MODE)).map_err(host("made private"))?;
        listener.set_nonblocking(true).map_err(host("made"))?;
        drop(directory);
        Ok((socket, listener))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let ours = identity(&self.path).is_ok_and(|found| found == self.identity);
        if ours && let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "the control socket could not be removed");
        }
    }
}

fn identity(path: &Path) -> io::Result<Identity> {
    let found = fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}

/// Whether a process of user `uid` may use a socket of this process: the same user, and the superuser.
pub(super) fn may_use(uid: u32) -> bool {
    uid == 0 || uid == rustix::process::geteuid().as_raw()
}

/// Keeps other Paprikas from making or replacing a socket in the same directory, until the result is dropped.
fn lock_directory(path: &Path) -> io::Result<File> {
    let parent = path.parent().filter(|parent| *parent != Path::new(""));
    let directory = host_file::directory(parent.unwrap_or(Path::new(".")))?;
    let deadline = Instant::now() + LOCK_LIMIT;
    loop {
        match directory.try_lock() {
            Ok(()) => return Ok(directory),
            // Some other program may hold a lock on it for good: the file system's own checks have to do then.
            Err(_) if Instant::now() >= deadline => return Ok(directory),
            Err(_) => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory() -> tempfile::TempDir {
        tempfile::tempdir().expect("directory")
    }

    #[test]
    fn a_socket_is_private_and_goes_with_its_owner() {
        let directory = directory();
        let path = directory.path().join("s");
        let (socket, _listener) = Socket::bind(&path).expect("socket");
        let mode = fs::metadata(&path)
            .expect("it is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o7777, 0o600);
        drop(socket);
        assert!(!path.exists());
    }

    #[test]
    fn a_live_socket_is_refused_and_a_stale_one_replaced() {
        let directory = directory();
        let path = directory.path().join("s");
        let (socket, listener) = Socket::bind(&path).expect("socket");
        assert!(matches!(Socket::bind(&path), Err(SocketError::InUse(_))));
        // Killed, it would leave its file.
        drop(listener);
        std::mem::forget(socket);
        let (second, listener) = Socket::bind(&path).expect("the first does not answer");
        fs::remove_file(&path).expect("removed by hand");
        let (third, _listener) = Socket::bind(&path).expect("the path is free");
        drop((second, listener));
        assert!(
            path.exists(),
            "the second does not remove what is the third's"
        );
        drop(third);
        assert!(!path.exists());
    }

    #[test]
    fn what_is_no_socket_is_left_alone() {
        let directory = directory();
        let path = directory.path().join("file");
        fs::write(&path, "precious").expect("file");
        assert!(matches!(
            Socket::bind(&path),
            Err(SocketError::NotASocket(_))
        ));
        assert_eq!(fs::read(&path).expect("file"), b"precious");
        let nowhere = directory.path().join("no/such/s");
        let error = Socket::bind(&nowhere)
            .expect_err("no directory")
            .to_string();
        assert!(error.contains("no/such/s"), "{error}");
    }

    #[test]
    fn only_the_owner_and_the_superuser_may_use_it() {
        let me = rustix::process::geteuid().as_raw();
        assert!(may_use(me) && may_use(0));
        assert_eq!(may_use(me.wrapping_add(1)), me.wrapping_add(1) == 0);
    }
}
