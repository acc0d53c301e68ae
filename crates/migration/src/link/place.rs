//! Connecting to, and listening at, the place that a URI names.

use std::fs::{self, Permissions};
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use rustix::io::Errno;
use tracing::{debug, warn};

use super::socket::{SocketLink, when_ready};
use super::tls::{Client, Server, TlsError};
use super::{Accept, Connect, Link, LinkError};
use crate::log_limit::LogLimit;
use crate::uri::{Endpoint, Uri};

/// How long is waited where the host can't give another connection for now.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why nobody can be reached, or nobody can come.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// The host name.
    #[error("{0} can't be found: {1}")]
    Resolve(Endpoint, io::Error),
    /// Nobody answers.
    #[error("{0} can't be reached: {1}")]
    Connect(String, String),
    /// It can't be listened at.
    #[error("{0} can't be listened at: {1}")]
    Listen(String, io::Error),
    /// Something is at the path.
    #[error("{} exists and is in use or is not a socket; choose another path", .0.display())]
    Occupied(PathBuf),
    /// TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

fn addresses(endpoint: &Endpoint) -> Result<Vec<SocketAddr>, PlaceError> {
    let found = (endpoint.host.as_str(), endpoint.port).to_socket_addrs();
    let found: Vec<_> = found
        .map_err(|error| PlaceError::Resolve(endpoint.clone(), error))?
        .collect();
    if found.is_empty() {
        let none = io::Error::new(io::ErrorKind::NotFound, "it has no address");
        return Err(PlaceError::Resolve(endpoint.clone(), none));
    }
    Ok(found)
}

/// Connects to a URI.
pub struct Connector {
    uri: Uri,
    tls: Option<Client>,
}

impl Connector {
    /// Reads what TLS needs; connects not yet.
    ///
    /// # Errors
    /// [`PlaceError::Tls`].
    pub fn new(uri: Uri) -> Result<Self, PlaceError> {
        let tls = match &uri {
            Uri::Tls(endpoint, files) => Some(Client::new(endpoint, files)?),
            Uri::Unix(_) | Uri::Tcp(_) => None,
        };
        Ok(Self { uri, tls })
    }

    fn tcp(&self, endpoint: &Endpoint, until: Instant) -> Result<TcpStream, PlaceError> {
        let mut last = io::Error::from(io::ErrorKind::TimedOut);
        for address in addresses(endpoint)? {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            match TcpStream::connect_timeout(&address, left) {
                Ok(socket) => return Ok(socket),
                Err(error) => last = error,
            }
        }
        Err(self.unreachable(&last))
    }

    fn unreachable(&self, why: &dyn std::fmt::Display) -> PlaceError {
        PlaceError::Connect(self.uri.to_string(), why.to_string())
    }
}

impl Connect for Connector {
    fn connect(&self, until: Instant) -> Result<Box<dyn Link>, PlaceError> {
        match (&self.uri, &self.tls) {
            (Uri::Unix(path), _) => {
                let socket = UnixStream::connect(path).and_then(SocketLink::unix);
                Ok(Box::new(socket.map_err(|error| self.unreachable(&error))?))
            }
            (Uri::Tcp(endpoint), _) | (Uri::Tls(endpoint, _), None) => {
                let link = SocketLink::tcp(self.tcp(endpoint, until)?);
                Ok(Box::new(link.map_err(|error| self.unreachable(&error))?))
            }
            (Uri::Tls(endpoint, _), Some(client)) => {
                let link = client.greet(self.tcp(endpoint, until)?, until);
                Ok(Box::new(link.map_err(|error| self.unreachable(&error))?))
            }
        }
    }
}

enum Socket {
    Unix {
        listener: UnixListener,
        _file: SocketFile,
    },
    Tcp(TcpListener),
    Tls(TcpListener, Server),
}

/// Listens at a URI.
pub struct Listener {
    socket: Socket,
    log: LogLimit,
}

/// A socket's name in the file system, removed on drop if it is still this one's.
struct SocketFile(PathBuf, (u64, u64));

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.0).is_ok_and(|found| found == self.1) {
            let _ = fs::remove_file(&self.0);
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let found = fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}

impl Listener {
    /// Listens. A Unix socket is for this user only; one that nobody answers on any more is replaced.
    ///
    /// # Errors
    /// [`PlaceError`].
    pub fn bind(uri: &Uri) -> Result<Self, PlaceError> {
        let refused = |error| PlaceError::Listen(uri.to_string(), error);
        let tcp = |endpoint: &Endpoint| {
            let listener = TcpListener::bind(addresses(endpoint)?.as_slice());
            let ready = listener.and_then(|it| it.set_nonblocking(true).map(|()| it));
            ready.map_err(refused)
        };
        let socket = match uri {
            Uri::Unix(path) => {
                clear_stale(path)?;
                // Under its name only when it listens and is private: who waits for the name can connect at once.
                let hidden = hidden(path);
                // Left by one that was killed at this very moment; if it is anything else, binding says so.
                if fs::symlink_metadata(&hidden).is_ok_and(|found| found.file_type().is_socket()) {
                    fs::remove_file(&hidden).map_err(refused)?;
                }
                let listener = UnixListener::bind(&hidden).map_err(refused)?;
                fs::set_permissions(&hidden, Permissions::from_mode(0o600)).map_err(refused)?;
                let _file = SocketFile(path.clone(), identity(&hidden).map_err(refused)?);
                fs::rename(&hidden, path).map_err(refused)?;
                listener.set_nonblocking(true).map_err(refused)?;
                Socket::Unix { listener, _file }
            }
            Uri::Tcp(endpoint) => Socket::Tcp(tcp(endpoint)?),
            Uri::Tls(endpoint, files) => Socket::Tls(tcp(endpoint)?, Server::new(files)?),
        };
        let log = LogLimit::default();
        Ok(Self { socket, log })
    }

    /// The address of TCP and TLS, with the port that was given for 0.
    pub fn address(&self) -> Option<SocketAddr> {
        match &self.socket {
            Socket::Unix { .. } => None,
            Socket::Tcp(listener) | Socket::Tls(listener, _) => listener.local_addr().ok(),
        }
    }
}

/// What a socket is called before it listens.
fn hidden(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("~");
    name.into()
}

/// Removes a socket that nobody answers on.
fn clear_stale(path: &Path) -> Result<(), PlaceError> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => match UnixStream::connect(path) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path)
                .map_err(|error| PlaceError::Listen(format!("unix:{}", path.display()), error)),
            _ => Err(PlaceError::Occupied(path.to_owned())),
        },
        Ok(_) => Err(PlaceError::Occupied(path.to_owned())),
        Err(_) => Ok(()),
    }
}

/// Whether who connected is this user, or the superuser.
fn is_own_user(socket: &UnixStream) -> bool {
    rustix::net::sockopt::socket_peercred(socket)
        .is_ok_and(|peer| peer.uid.is_root() || peer.uid == rustix::process::geteuid())
}

/// What is to be done about an error of accept(2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AcceptError {
    /// The one who connected has gone: the next may be there already.
    Gone,
    /// The host is short of something for now (descriptors, memory), or its network or firewall
    /// says no: the next is taken later.
    Passing,
    /// The socket is none that can be listened at.
    Final,
}

impl AcceptError {
    /// accept(2) also hands on errors of the network that wait on a new connection, so the short
    /// list is of those that are final.
    fn of(error: &io::Error) -> Self {
        match error.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::BADF | Errno::INVAL | Errno::NOTSOCK | Errno::FAULT) => Self::Final,
            Some(Errno::CONNABORTED | Errno::INTR) => Self::Gone,
            _ => Self::Passing,
        }
    }
}

/// A connection that came, or none in time.
fn next<T>(
    listener: &impl AsFd,
    until: Instant,
    log: &mut LogLimit,
    accept: impl FnMut() -> io::Result<T>,
) -> io::Result<Option<T>> {
    let error = match when_ready(listener, PollFlags::IN, until, accept) {
        Ok(socket) => return Ok(Some(socket)),
        Err(LinkError::TimedOut) => return Ok(None),
        Err(LinkError::Broken(error)) => error,
    };
    match AcceptError::of(&error) {
        AcceptError::Final => return Err(error),
        AcceptError::Gone => {}
        AcceptError::Passing => {
            log.line(|left_out| {
                warn!(%error, left_out, "a connection can't be taken; it waits");
            });
            std::thread::sleep(ACCEPT_PAUSE.min(until.saturating_duration_since(Instant::now())));
        }
    }
    Ok(None)
}

impl Accept for Listener {
    fn accept(&mut self, until: Instant) -> Result<Option<Box<dyn Link>>, PlaceError> {
        let refused = |error| PlaceError::Listen("the address".into(), error);
        let Self { socket, log } = self;
        let link: io::Result<Box<dyn Link>> = match socket {
            Socket::Unix { listener, .. } => {
                let came = next(listener, until, log, || listener.accept()).map_err(refused)?;
                let Some((socket, _)) = came else {
                    return Ok(None);
                };
                if !is_own_user(&socket) {
                    log.line(|left_out| {
                        warn!(
                            left_out,
                            "another user's process connected, and was sent away"
                        );
                    });
                    return Ok(None);
                }
                SocketLink::unix(socket).map(|link| Box::new(link) as _)
            }
            Socket::Tcp(listener) => {
                let came = next(listener, until, log, || listener.accept()).map_err(refused)?;
                let Some((socket, _)) = came else {
                    return Ok(None);
                };
                SocketLink::tcp(socket).map(|link| Box::new(link) as _)
            }
            Socket::Tls(listener, server) => {
                let came = next(listener, until, log, || listener.accept()).map_err(refused)?;
                let Some((socket, _)) = came else {
                    return Ok(None);
                };
                server.link(socket).map(|link| Box::new(link) as _)
            }
        };
        match link {
            Ok(link) => Ok(Some(link)),
            Err(error) => {
                debug!(%error, "a connection could not be used");
                Ok(None)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_socket_that_can_not_be_listened_at_ends_the_waiting() {
        let of = |errno: Errno| AcceptError::of(&errno.into());
        for errno in [
            Errno::MFILE,
            Errno::NFILE,
            Errno::NOBUFS,
            Errno::NOMEM,
            Errno::PROTO,
            Errno::PERM,
            Errno::NETDOWN,
            Errno::NOPROTOOPT,
            Errno::HOSTDOWN,
            Errno::NONET,
            Errno::HOSTUNREACH,
            Errno::OPNOTSUPP,
            Errno::NETUNREACH,
            Errno::TIMEDOUT,
        ] {
            assert_eq!(of(errno), AcceptError::Passing, "{errno}");
        }
        for errno in [Errno::CONNABORTED, Errno::INTR] {
            assert_eq!(of(errno), AcceptError::Gone, "{errno}");
        }
        for errno in [Errno::BADF, Errno::INVAL, Errno::NOTSOCK] {
            assert_eq!(of(errno), AcceptError::Final, "{errno}");
        }
    }

    #[test]
    fn who_is_refused_by_a_host_without_descriptors_is_taken_when_there_are_some() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
        let mut errors = vec![Errno::INTR, Errno::CONNABORTED, Errno::NFILE, Errno::MFILE];
        let mut log = LogLimit::default();
        let mut accept = || match errors.pop() {
            Some(errno) => Err(io::Error::from(errno)),
            None => Ok(()),
        };
        let mut attempts = 0;
        loop {
            attempts += 1;
            let until = Instant::now() + Duration::from_secs(20);
            if next(&listener, until, &mut log, &mut accept)
                .expect("not final")
                .is_some()
            {
                break;
            }
        }
        assert_eq!(attempts, 4, "after a signal it is asked again at once");
        let mut closed = || Err::<(), _>(Errno::BADF.into());
        assert!(next(&listener, Instant::now(), &mut log, &mut closed).is_err());
    }
}
