//! What is between the two processes of a migration: passes on what they say, frame by frame, and stops at one that a test has chosen.
//! Then the test can end either process, or break the connection, at just that moment, however fast the host is.
//!
//! Over TCP it is a network, which may lose what is on its way. Over a Unix socket it does what the host's kernel does: what was sent
//! arrives, and then the end.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::PATIENCE;

/// Bytes of a greeting, and of a frame's header: see `crates/migration/src/wire/mod.rs`.
const GREETING: usize = 12;
const HEADER: usize = 20;

/// The frames of the handover, by the numbers of their kinds in `crates/migration/src/wire/frame.rs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Frame {
    /// Source: the files are free; the guest stands still.
    Released = 6,
    /// Source: the guest is yours.
    Commit = 7,
    /// Destination: the state is loaded.
    Ready = 33,
    /// Destination: the files are taken.
    Prepared = 34,
    /// Destination: the guest is mine.
    Owned = 35,
}

/// A connection of either kind.
enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Stream {
    fn try_clone(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Unix(stream) => Self::Unix(stream.try_clone()?),
            Self::Tcp(stream) => Self::Tcp(stream.try_clone()?),
        })
    }

    /// The other side finds the end behind what it was sent, and can send no more.
    fn end(&self) {
        let _ = match self {
            Self::Unix(stream) => stream.shutdown(Shutdown::Both),
            Self::Tcp(stream) => stream.shutdown(Shutdown::Both),
        };
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.read(buffer),
            Self::Tcp(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.write(bytes),
            Self::Tcp(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where the relay stands, or the destination.
#[derive(Debug, Clone)]
enum Place {
    Unix(PathBuf),
    Tcp(u16),
}

impl Place {
    fn connect(&self) -> io::Result<Stream> {
        Ok(match self {
            Self::Unix(path) => Stream::Unix(UnixStream::connect(path)?),
            Self::Tcp(port) => {
                let stream = TcpStream::connect(("127.0.0.1", *port))?;
                stream.set_nodelay(true)?;
                Stream::Tcp(stream)
            }
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Pass,
    Lose,
}

#[derive(Default)]
struct State {
    /// What becomes of the frame that is held.
    verdict: Option<Verdict>,
    /// Nobody gets through any more.
    down: bool,
    connections: Vec<Stream>,
}

struct Shared {
    to: Place,
    state: Mutex<State>,
    decided: Condvar,
    hold: Frame,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A relay, until its test ends.
pub struct Relay {
    uri: String,
    shared: Arc<Shared>,
    held: Receiver<()>,
}

impl Relay {
    /// A network in front of a destination that listens at this port of this host.
    pub fn network(to: u16, hold: Frame) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its number").port();
        let accept = move || {
            let (stream, _) = listener.accept()?;
            stream.set_nodelay(true)?;
            Ok(Stream::Tcp(stream))
        };
        Self::start(
            format!("tcp:127.0.0.1:{port}"),
            Place::Tcp(to),
            hold,
            accept,
        )
    }

    /// A Unix socket at `at` in front of the one at `to`.
    pub fn unix(at: PathBuf, to: PathBuf, hold: Frame) -> Self {
        let listener = UnixListener::bind(&at).expect("a socket");
        let accept = move || Ok(Stream::Unix(listener.accept()?.0));
        let uri = format!("unix:{}", super::argument(&at));
        Self::start(uri, Place::Unix(to), hold, accept)
    }

    fn start(
        uri: String,
        to: Place,
        hold: Frame,
        accept: impl Fn() -> io::Result<Stream> + Send + 'static,
    ) -> Self {
        let shared = Arc::new(Shared {
            to,
            state: Mutex::default(),
            decided: Condvar::new(),
            hold,
        });
        let (tell, held) = channel();
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            while let Ok(source) = accept() {
                serving.connect(source, &tell);
            }
        });
        Self { uri, shared, held }
    }

    /// Where a source is to connect to.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// Waits until the frame has come that is to be held, and holds it.
    #[track_caller]
    pub fn wait_held(&self) {
        let came = self.held.recv_timeout(PATIENCE);
        came.unwrap_or_else(|_| panic!("no {:?} came", self.shared.hold));
    }

    /// Lets the frame go on that was held, and all after it.
    pub fn pass(&self) {
        self.decide(Verdict::Pass);
    }

    /// Breaks the connection: the frame that was held is lost. A new one can be made.
    pub fn cut(&self) {
        self.decide(Verdict::Lose);
        for connection in self.shared.state().connections.drain(..) {
            connection.end();
        }
    }

    /// Breaks the connection, and lets nobody through any more until [`mend`](Self::mend).
    pub fn cut_for_good(&self) {
        self.shared.state().down = true;
        self.cut();
    }

    /// Lets whoever comes through again.
    pub fn mend(&self) {
        self.shared.state().down = false;
    }

    fn decide(&self, verdict: Verdict) {
        self.shared.state().verdict = Some(verdict);
        self.shared.decided.notify_all();
    }
}

impl Shared {
    /// Leads one who has come to the destination; ends what it has with him where nobody is there.
    fn connect(self: &Arc<Self>, source: Stream, tell: &Sender<()>) {
        let mut state = self.state();
        if state.down {
            return source.end();
        }
        let Ok(destination) = self.to.connect() else {
            return source.end();
        };
        for (from, to) in [(&source, &destination), (&destination, &source)] {
            let (Ok(from), Ok(to), Ok(kept)) = (from.try_clone(), to.try_clone(), to.try_clone())
            else {
                return source.end();
            };
            state.connections.push(kept);
            let (shared, tell) = (Arc::clone(self), tell.clone());
            thread::spawn(move || shared.pump(from, to, &tell));
        }
    }

    /// Passes on one direction, to its end.
    fn pump(&self, mut from: Stream, mut to: Stream, tell: &Sender<()>) {
        let ended = self.frames(&mut from, &mut to, tell);
        if ended.is_err() {
            to.end();
        }
    }

    fn frames(&self, from: &mut Stream, to: &mut Stream, tell: &Sender<()>) -> io::Result<()> {
        let mut bytes = vec![0; GREETING];
        from.read_exact(&mut bytes)?;
        to.write_all(&bytes)?;
        loop {
            bytes.resize(HEADER, 0);
            from.read_exact(&mut bytes)?;
            let length = u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
            bytes.resize(HEADER + length as usize, 0);
            from.read_exact(&mut bytes[HEADER..])?;
            if bytes[0] == self.hold as u8 && self.verdict(tell) == Verdict::Lose {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            to.write_all(&bytes)?;
        }
    }

    /// Says that the frame has come, and waits for what is to become of it.
    fn verdict(&self, tell: &Sender<()>) -> Verdict {
        // A test that is over does not listen.
        let _ = tell.send(());
        let mut state = self.state();
        loop {
            match state.verdict {
                Some(verdict) => return verdict,
                None => {
                    let waited = self.decided.wait(state);
                    state = waited.unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }
}
