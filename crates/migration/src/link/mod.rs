//! A connection between the two sides, with a deadline on everything that is waited for.
//!
//! - `socket`: Unix sockets and TCP
//! - `tls`: TLS over TCP
//! - `place`: connecting to, and listening at, a [`Uri`](crate::Uri)

mod place;
mod socket;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::time::Instant;

pub use place::{Connector, Listener, PlaceError};
pub use tls::TlsError;

/// Why a connection gives or takes no bytes.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// Not within the time. The link is as good as before.
    #[error("the other side did not answer in time")]
    TimedOut,
    /// It is broken.
    #[error("the connection broke: {0}")]
    Broken(io::Error),
}

/// A stream of bytes in both directions.
pub trait Link: Send {
    /// Waits until the other side has said something, or has closed. For one who connects: nothing
    /// was read of him yet.
    ///
    /// # Errors
    /// [`LinkError`].
    fn wait_for_word(&mut self, until: Instant) -> Result<(), LinkError> {
        let _ = until;
        Ok(())
    }

    /// Does what the link needs before it carries bytes: the handshake of TLS. After
    /// [`LinkError::TimedOut`] it can be called again.
    ///
    /// # Errors
    /// [`LinkError`]; the other side may have shown no certificate that is believed.
    fn greet(&mut self, until: Instant) -> Result<(), LinkError> {
        let _ = until;
        Ok(())
    }

    /// The other side's address, on a network.
    fn peer(&self) -> Option<SocketAddr> {
        None
    }

    /// Waits for at least one byte; 0: the other side has closed, and everything that it sent has been read.
    ///
    /// # Errors
    /// [`LinkError`].
    fn read(&mut self, buffer: &mut [u8], until: Instant) -> Result<usize, LinkError>;

    /// Hands over at least one of `bytes`.
    ///
    /// # Errors
    /// [`LinkError`].
    fn write(&mut self, bytes: &[u8], until: Instant) -> Result<usize, LinkError>;

    /// Waits until what was handed over is on its way.
    ///
    /// # Errors
    /// [`LinkError`].
    fn flush(&mut self, until: Instant) -> Result<(), LinkError> {
        let _ = until;
        Ok(())
    }

    /// Whether the end of the stream proves that the other side closed it or died, and that all it had sent before was read. So it is
    /// with a Unix socket; a network may also lose the way between two sides that live.
    fn end_is_proof(&self) -> bool;
}

/// Something that can be connected to, repeatedly.
pub trait Connect: Send + Sync {
    /// Connects.
    ///
    /// # Errors
    /// In words for the user.
    fn connect(&self, until: Instant) -> Result<Box<dyn Link>, PlaceError>;
}

/// Something that others connect to.
pub trait Accept: Send {
    /// The next connection, which is yet to be [greeted](Link::greet); none: nobody came in time,
    /// or who came was not let in. What a host is short of for a moment (descriptors, memory) is
    /// waited for.
    ///
    /// # Errors
    /// Where nobody can come any more.
    fn accept(&mut self, until: Instant) -> Result<Option<Box<dyn Link>>, PlaceError>;
}
