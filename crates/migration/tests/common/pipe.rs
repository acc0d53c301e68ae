//! A connection in memory: as a Unix socket, whose end is proof, or as a network, which may lose what is on its way.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use paprika_migration::link::{Accept, Connect, Link, LinkError, PlaceError};

use super::world::{Side, World, lock};

/// How often one who waits looks whether its process was killed.
const LOOK: Duration = Duration::from_millis(2);

#[derive(Default)]
struct Stream {
    bytes: Mutex<VecDeque<u8>>,
    came: Condvar,
    closed: AtomicBool,
}

/// One end.
pub struct Pipe {
    world: Arc<World>,
    side: Side,
    network: bool,
    incoming: Arc<Stream>,
    outgoing: Arc<Stream>,
    /// Of this connection; the first one can be cut.
    cut: Arc<AtomicBool>,
    first: bool,
}

impl Pipe {
    fn pair(world: &Arc<World>, network: bool, first: bool) -> (Self, Self) {
        let streams: [Arc<Stream>; 2] = Default::default();
        let cut: Arc<AtomicBool> = Arc::default();
        let end = |side, incoming: &Arc<Stream>, outgoing: &Arc<Stream>| Self {
            world: Arc::clone(world),
            side,
            network,
            incoming: Arc::clone(incoming),
            outgoing: Arc::clone(outgoing),
            cut: Arc::clone(&cut),
            first,
        };
        (
            end(Side::Source, &streams[0], &streams[1]),
            end(Side::Destination, &streams[1], &streams[0]),
        )
    }

    fn check_cut(&self) -> Result<(), LinkError> {
        self.world.check(self.side);
        let peer_died = self.network && self.world.is_dead(self.side.other());
        if self.first && self.world.cut.load(Ordering::SeqCst)
            || self.world.cut_for_good.load(Ordering::SeqCst)
        {
            self.cut.store(true, Ordering::SeqCst);
        }
        if self.cut.load(Ordering::SeqCst) || peer_died {
            return Err(LinkError::Broken(io::ErrorKind::ConnectionReset.into()));
        }
        Ok(())
    }
}

impl Link for Pipe {
    fn read(&mut self, buffer: &mut [u8], until: Instant) -> Result<usize, LinkError> {
        let mut bytes = lock(&self.incoming.bytes);
        loop {
            self.check_cut()?;
            if !bytes.is_empty() {
                let count = buffer.len().min(bytes.len());
                bytes
                    .drain(..count)
                    .zip(buffer)
                    .for_each(|(byte, place)| *place = byte);
                return Ok(count);
            }
            if self.incoming.closed.load(Ordering::SeqCst) || self.world.is_dead(self.side.other())
            {
                return Ok(0);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(LinkError::TimedOut);
            }
            bytes = match self.incoming.came.wait_timeout(bytes, left.min(LOOK)) {
                Ok((bytes, _)) => bytes,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }

    fn write(&mut self, bytes: &[u8], _: Instant) -> Result<usize, LinkError> {
        self.world
            .step(self.side, &format!("is about to send {}", name(bytes)));
        self.check_cut()?;
        if self.outgoing.closed.load(Ordering::SeqCst) || self.world.is_dead(self.side.other()) {
            return Err(LinkError::Broken(io::ErrorKind::BrokenPipe.into()));
        }
        let mut bytes = bytes.to_vec();
        if self.world.corrupt_next.swap(false, Ordering::SeqCst) {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x10;
        }
        lock(&self.outgoing.bytes).extend(&bytes);
        self.outgoing.came.notify_all();
        self.world
            .step(self.side, &format!("has sent {}", name(&bytes)));
        Ok(bytes.len())
    }

    fn end_is_proof(&self) -> bool {
        !self.network
    }
}

fn name(bytes: &[u8]) -> String {
    match bytes {
        [b'p', b'a', ..] => "its greeting".into(),
        [kind, ..] => format!("a frame of kind {kind}"),
        [] => "nothing".into(),
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.incoming.closed.store(true, Ordering::SeqCst);
        self.outgoing.closed.store(true, Ordering::SeqCst);
        self.outgoing.came.notify_all();
    }
}

/// Where the two meet.
pub struct Meeting {
    world: Arc<World>,
    network: bool,
    waiting: Mutex<VecDeque<Pipe>>,
    made: AtomicBool,
    listening: AtomicBool,
}

impl Meeting {
    pub fn new(world: &Arc<World>, network: bool) -> Arc<Self> {
        Arc::new(Self {
            world: Arc::clone(world),
            network,
            waiting: Mutex::default(),
            made: AtomicBool::new(false),
            listening: AtomicBool::new(true),
        })
    }

    pub fn listener(self: &Arc<Self>) -> Box<dyn Accept> {
        Box::new(Listening(Arc::clone(self)))
    }
}

pub struct Connecting(pub Arc<Meeting>);

impl Connect for Connecting {
    fn connect(&self, _: Instant) -> Result<Box<dyn Link>, PlaceError> {
        let meeting = &self.0;
        meeting.world.check(Side::Source);
        let gone =
            meeting.world.is_dead(Side::Destination) || !meeting.listening.load(Ordering::SeqCst);
        if gone || meeting.world.cut_for_good.load(Ordering::SeqCst) {
            return Err(PlaceError::Connect(
                "the meeting".into(),
                "connection refused".into(),
            ));
        }
        let first = !meeting.made.swap(true, Ordering::SeqCst);
        let (here, there) = Pipe::pair(&meeting.world, meeting.network, first);
        lock(&meeting.waiting).push_back(there);
        Ok(Box::new(here))
    }
}

struct Listening(Arc<Meeting>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.listening.store(false, Ordering::SeqCst);
    }
}

impl Accept for Listening {
    fn accept(&mut self, until: Instant) -> Result<Option<Box<dyn Link>>, PlaceError> {
        loop {
            self.0.world.check(Side::Destination);
            if let Some(pipe) = lock(&self.0.waiting).pop_front() {
                return Ok(Some(Box::new(pipe)));
            }
            if Instant::now() >= until {
                return Ok(None);
            }
            std::thread::sleep(LOOK);
        }
    }
}
