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
use tracing::{debug, warn};

use super::socket::{SocketLink, when_ready};
use super::tls::{Client, Server, TlsError};
use super::{Accept, Connect, Link, LinkError};
use crate::uri::{Endpoint, Uri};

/// How long one who connects may take to say who he is, so that he does not keep others out.
const GREETING_LIMIT: Duration = Duration::from_secs(5);

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
pub struct Listener(Socket);

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
        Ok(Self(match uri {
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
        }))
    }

    /// The address of TCP and TLS, with the port that was given for 0.
    pub fn address(&self) -> Option<SocketAddr> {
        match &self.0 {
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

/// A connection that came, or none in time.
fn next<T>(
    listener: &impl AsFd,
    until: Instant,
    accept: impl FnMut() -> io::Result<T>,
) -> io::Result<Option<T>> {
    match when_ready(listener, PollFlags::IN, until, accept) {
        Ok(socket) => Ok(Some(socket)),
        Err(LinkError::TimedOut) => Ok(None),
        // One that went away before it was looked at is not the listener's failure.
        Err(LinkError::Broken(error)) if error.kind() == io::ErrorKind::ConnectionAborted => {
            Ok(None)
        }
        Err(LinkError::Broken(error)) => Err(error),
    }
}

impl Accept for Listener {
    fn accept(&mut self, until: Instant) -> Result<Option<Box<dyn Link>>, PlaceError> {
        let refused = |error| PlaceError::Listen("the address".into(), error);
        let link: io::Result<Box<dyn Link>> = match &self.0 {
            Socket::Unix { listener, .. } => {
                let Some((socket, _)) =
                    next(listener, until, || listener.accept()).map_err(refused)?
                else {
                    return Ok(None);
                };
                if !is_own_user(&socket) {
                    warn!("another user's process connected, and was sent away");
                    return Ok(None);
                }
                SocketLink::unix(socket).map(|link| Box::new(link) as _)
            }
            Socket::Tcp(listener) => {
                let Some((socket, from)) =
                    next(listener, until, || listener.accept()).map_err(refused)?
                else {
                    return Ok(None);
                };
                debug!(%from, "connected");
                SocketLink::tcp(socket).map(|link| Box::new(link) as _)
            }
            Socket::Tls(listener, server) => {
                let Some((socket, from)) =
                    next(listener, until, || listener.accept()).map_err(refused)?
                else {
                    return Ok(None);
                };
                match server.greet(socket, Instant::now() + GREETING_LIMIT) {
                    Ok(link) => Ok(Box::new(link) as _),
                    Err(error) => {
                        warn!(%from, %error, "who connected could not show that he may");
                        return Ok(None);
                    }
                }
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
