//! TLS over TCP. Both sides show a certificate: the destination gets a whole machine, and the source gives one away.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use rustix::event::PollFlags;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    ClientConfig, ClientConnection, Connection, RootCertStore, ServerConfig, ServerConnection,
};

use super::socket::{prepare_tcp, wait, when_ready};
use super::{Link, LinkError};
use crate::uri::{Endpoint, TlsFiles};

/// Bytes of a file of certificates that are read, at most.
const MAX_PEM: u64 = 16 << 20;

/// Why there can be no TLS connection.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file.
    #[error("{what} {} can't be used: {why}", path.display())]
    File {
        /// What it should hold.
        what: &'static str,
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Certificate and key, or the authorities.
    #[error("{} and its key can't be used: {why}", cert.display())]
    Identity {
        /// The certificate's file.
        cert: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// No name that a certificate could have.
    #[error("{0:?} is no name that a certificate can have; give name=NAME in the URI")]
    Name(String),
}

fn file_error(what: &'static str, path: &Path) -> impl Fn(&dyn std::fmt::Display) -> TlsError {
    let path = path.to_owned();
    move |why| TlsError::File {
        what,
        path: path.clone(),
        why: why.to_string(),
    }
}

/// The files of one side, read.
struct Identity {
    authorities: Arc<RootCertStore>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        let mut authorities = RootCertStore::empty();
        let wrong = file_error("the file of authorities", &files.ca);
        for certificate in certificates(&files.ca, &wrong)? {
            authorities
                .add(certificate)
                .map_err(|error| wrong(&error))?;
        }
        let wrong = file_error("the certificate", &files.cert);
        let chain = certificates(&files.cert, &wrong)?;
        let wrong = file_error("the private key", &files.key);
        let pem = pem(&files.key, &wrong)?;
        let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|error| wrong(&error))?;
        Ok(Self {
            authorities: Arc::new(authorities),
            chain,
            key,
        })
    }
}

/// The text of a file with certificates or a key.
fn pem(
    path: &Path,
    wrong: &dyn Fn(&dyn std::fmt::Display) -> TlsError,
) -> Result<Vec<u8>, TlsError> {
    let file = host_file::regular(path, host_file::Access::READ).map_err(|error| wrong(&error))?;
    let mut text = Vec::new();
    file.take(MAX_PEM)
        .read_to_end(&mut text)
        .map_err(|error| wrong(&error))?;
    Ok(text)
}

fn certificates(
    path: &Path,
    wrong: &dyn Fn(&dyn std::fmt::Display) -> TlsError,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let all: Vec<_> = CertificateDer::pem_slice_iter(&pem(path, wrong)?)
        .collect::<Result<_, _>>()
        .map_err(|error| wrong(&error))?;
    if all.is_empty() {
        return Err(wrong(&"there is no certificate in it"));
    }
    Ok(all)
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The connecting side.
pub(super) struct Client {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Client {
    pub(super) fn new(endpoint: &Endpoint, files: &TlsFiles) -> Result<Self, TlsError> {
        let name = files.name.as_ref().unwrap_or(&endpoint.host);
        let name = ServerName::try_from(name.clone()).map_err(|_| TlsError::Name(name.clone()))?;
        let identity = Identity::read(files)?;
        let wrong = |error: rustls::Error| TlsError::Identity {
            cert: files.cert.clone(),
            why: error.to_string(),
        };
        let config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(wrong)?
            .with_root_certificates(identity.authorities)
            .with_client_auth_cert(identity.chain, identity.key)
            .map_err(wrong)?;
        Ok(Self {
            config: Arc::new(config),
            name,
        })
    }

    pub(super) fn greet(&self, socket: TcpStream, until: Instant) -> Result<TlsLink, LinkError> {
        let connection = ClientConnection::new(Arc::clone(&self.config), self.name.clone());
        let connection = connection.map_err(|error| LinkError::Broken(io::Error::other(error)))?;
        let mut link = TlsLink::new(connection.into(), socket).map_err(LinkError::Broken)?;
        link.greet(until)?;
        Ok(link)
    }
}

/// The listening side.
pub(super) struct Server(Arc<ServerConfig>);

impl Server {
    pub(super) fn new(files: &TlsFiles) -> Result<Self, TlsError> {
        let identity = Identity::read(files)?;
        let wrong = |why: &dyn std::fmt::Display| TlsError::Identity {
            cert: files.cert.clone(),
            why: why.to_string(),
        };
        let verifier =
            WebPkiClientVerifier::builder_with_provider(identity.authorities, provider());
        let verifier = verifier.build().map_err(|error| wrong(&error))?;
        let config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| wrong(&error))?
            .with_client_cert_verifier(verifier)
            .with_single_cert(identity.chain, identity.key)
            .map_err(|error| wrong(&error))?;
        Ok(Self(Arc::new(config)))
    }

    /// The link to one who has connected, and has shown no certificate yet: see [`Link::greet`].
    pub(super) fn link(&self, socket: TcpStream) -> io::Result<TlsLink> {
        let connection = ServerConnection::new(Arc::clone(&self.0)).map_err(io::Error::other)?;
        TlsLink::new(connection.into(), socket)
    }
}

/// An encrypted connection.
pub(super) struct TlsLink {
    connection: Connection,
    socket: TcpStream,
}

impl TlsLink {
    /// Before the handshake.
    fn new(connection: Connection, socket: TcpStream) -> io::Result<Self> {
        prepare_tcp(&socket)?;
        Ok(Self { connection, socket })
    }

    /// Sends what is encrypted.
    fn drain(&mut self, until: Instant) -> Result<(), LinkError> {
        let Self { connection, socket } = self;
        while connection.wants_write() {
            let stream = &*socket;
            when_ready(stream, PollFlags::OUT, until, || {
                connection.write_tls(&mut { stream })
            })?;
        }
        Ok(())
    }

    /// Gets more from the socket and decrypts it; 0: the socket has ended.
    fn fill(&mut self, until: Instant) -> Result<usize, LinkError> {
        let Self { connection, socket } = self;
        let stream = &*socket;
        let read = when_ready(stream, PollFlags::IN, until, || {
            connection.read_tls(&mut { stream })
        })?;
        if let Err(error) = connection.process_new_packets() {
            // The other side should learn what it did wrong, if it still listens.
            let _ = self.drain(until);
            return Err(LinkError::Broken(io::Error::other(error)));
        }
        Ok(read)
    }
}

impl Link for TlsLink {
    fn wait_for_word(&mut self, until: Instant) -> Result<(), LinkError> {
        wait(self.socket.as_fd(), PollFlags::IN, until)
    }

    fn greet(&mut self, until: Instant) -> Result<(), LinkError> {
        while self.connection.is_handshaking() {
            self.drain(until)?;
            if self.connection.is_handshaking() && self.fill(until)? == 0 {
                return Err(LinkError::Broken(io::ErrorKind::UnexpectedEof.into()));
            }
        }
        self.drain(until)
    }

    fn peer(&self) -> Option<SocketAddr> {
        self.socket.peer_addr().ok()
    }

    fn read(&mut self, buffer: &mut [u8], until: Instant) -> Result<usize, LinkError> {
        self.greet(until)?;
        loop {
            match self.connection.reader().read(buffer) {
                Ok(read) => return Ok(read),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(LinkError::Broken(error)),
            }
            self.fill(until)?;
        }
    }

    fn write(&mut self, bytes: &[u8], until: Instant) -> Result<usize, LinkError> {
        self.greet(until)?;
        // What was encrypted earlier goes first, so that what is kept here stays small.
        self.drain(until)?;
        let taken = self
            .connection
            .writer()
            .write(bytes)
            .map_err(LinkError::Broken)?;
        match self.drain(until) {
            // The rest goes with the next write; a full socket is not a failure yet.
            Ok(()) | Err(LinkError::TimedOut) => Ok(taken),
            Err(error) => Err(error),
        }
    }

    fn flush(&mut self, until: Instant) -> Result<(), LinkError> {
        self.drain(until)
    }

    fn end_is_proof(&self) -> bool {
        false
    }
}

impl Drop for TlsLink {
    fn drop(&mut self) {
        self.connection.send_close_notify();
        let _ = self.drain(Instant::now());
    }
}
