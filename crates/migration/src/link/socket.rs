//! Unix sockets and TCP as links.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt;

use super::{Link, LinkError};

/// What is asked of the host as room for bytes on their way: few wakeups per frame. It gives less where it does not want to.
const BUFFER: usize = 4 << 20;

/// Waits until `fd` can be read from or written to.
pub(super) fn wait(fd: BorrowedFd<'_>, what: PollFlags, until: Instant) -> Result<(), LinkError> {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let timeout = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        };
        let mut fds = [PollFd::from_borrowed_fd(fd, what)];
        match poll(&mut fds, Some(&timeout)) {
            Ok(0) if left.is_zero() => return Err(LinkError::TimedOut),
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Ok(_) => return Ok(()),
            Err(error) => return Err(LinkError::Broken(error.into())),
        }
    }
}

/// Does `action` as soon as it does not block.
pub(super) fn when_ready<T>(
    fd: &impl AsFd,
    what: PollFlags,
    until: Instant,
    mut action: impl FnMut() -> io::Result<T>,
) -> Result<T, LinkError> {
    loop {
        match action() {
            Ok(value) => return Ok(value),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                wait(fd.as_fd(), what, until)?
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(LinkError::Broken(error)),
        }
    }
}

/// A stream socket that is set not to block.
pub(super) struct SocketLink<S> {
    socket: S,
    peer: Option<SocketAddr>,
    end_is_proof: bool,
}

impl SocketLink<UnixStream> {
    pub(super) fn unix(socket: UnixStream) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        enlarge(&socket);
        Ok(Self {
            socket,
            peer: None,
            end_is_proof: true,
        })
    }
}

impl SocketLink<TcpStream> {
    pub(super) fn tcp(socket: TcpStream) -> io::Result<Self> {
        prepare_tcp(&socket)?;
        Ok(Self {
            peer: socket.peer_addr().ok(),
            socket,
            end_is_proof: false,
        })
    }
}

/// Not blocking, small messages sent at once, a peer that vanished noticed.
pub(super) fn prepare_tcp(socket: &TcpStream) -> io::Result<()> {
    socket.set_nonblocking(true)?;
    socket.set_nodelay(true)?;
    sockopt::set_socket_keepalive(socket, true)?;
    Ok(())
}

fn enlarge(socket: &impl AsFd) {
    // Only speed depends on it.
    let _ = sockopt::set_socket_send_buffer_size(socket, BUFFER);
    let _ = sockopt::set_socket_recv_buffer_size(socket, BUFFER);
}

impl<S: AsFd + Send> Link for SocketLink<S>
where
    for<'a> &'a S: Read + Write,
{
    fn wait_for_word(&mut self, until: Instant) -> Result<(), LinkError> {
        wait(self.socket.as_fd(), PollFlags::IN, until)
    }

    fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    fn read(&mut self, buffer: &mut [u8], until: Instant) -> Result<usize, LinkError> {
        let socket = &self.socket;
        let read = when_ready(socket, PollFlags::IN, until, || { socket }.read(buffer));
        match read {
            // A Unix peer that closed with unread bytes: the end as well, as what it sent comes first.
            Err(LinkError::Broken(error))
                if self.end_is_proof && error.kind() == io::ErrorKind::ConnectionReset =>
            {
                Ok(0)
            }
            other => other,
        }
    }

    fn write(&mut self, bytes: &[u8], until: Instant) -> Result<usize, LinkError> {
        let socket = &self.socket;
        when_ready(socket, PollFlags::OUT, until, || { socket }.write(bytes))
    }

    fn end_is_proof(&self) -> bool {
        self.end_is_proof
    }
}
