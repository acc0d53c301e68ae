//! A link that carries messages.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::frame::{HEADER, Header};
use super::message::{Message, Outgoing};
use super::ram::SealedFrame;
use super::{MAGIC, VERSION};
use crate::link::{Link, LinkError};

/// How often one who waits for room looks whether he still wants to wait.
const LOOK: Duration = Duration::from_millis(100);

/// The same for one who waits for the other side's words: others may wait for his place.
const STEP: Duration = Duration::from_millis(20);

/// Memory for a frame is taken in such pieces, in bytes.
const PIECE: usize = 256 << 10;

/// Why a message could not be sent or did not come.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChannelError {
    /// Not within the time.
    #[error("the other side did not answer within {} s", .0.as_secs_f32())]
    TimedOut(Duration),
    /// The other side has closed, or died.
    #[error("the other side ended the connection")]
    Ended,
    /// The link is broken.
    #[error("{0}")]
    Broken(LinkError),
    /// What came is not right.
    #[error("what the other side sent is damaged or was forged: {0}")]
    Damaged(&'static str),
    /// The other side is something else.
    #[error("the other side is not a Paprika that machines can move to or from")]
    Stranger,
    /// Another version.
    #[error(
        "the other side speaks version {0} of the migration protocol, and this one version {VERSION}; use the same Paprika on both"
    )]
    Version(u32),
    /// The one who sends does not want to any more.
    #[error("cancelled")]
    Interrupted,
}

impl ChannelError {
    /// Whether the link can still be used.
    pub(crate) fn is_timeout(&self) -> bool {
        matches!(self, Self::TimedOut(_))
    }
}

/// Does what waits for the other side, in steps between which `interrupted` is asked.
fn in_steps(
    limit: Duration,
    interrupted: &dyn Fn() -> bool,
    mut wait: impl FnMut(Instant) -> Result<(), LinkError>,
) -> Result<(), ChannelError> {
    let until = Instant::now() + limit;
    loop {
        match wait(until.min(Instant::now() + STEP)) {
            Ok(()) => return Ok(()),
            Err(LinkError::TimedOut) if interrupted() => return Err(ChannelError::Interrupted),
            Err(LinkError::TimedOut) if Instant::now() < until => {}
            Err(LinkError::TimedOut) => return Err(ChannelError::TimedOut(limit)),
            Err(error) => return Err(ChannelError::Broken(error)),
        }
    }
}

/// A link with framing.
pub(crate) struct Channel {
    link: Box<dyn Link>,
    /// Numbers of the next frames.
    outgoing: u32,
    incoming: u32,
    /// What has come of the next frame: `filled` bytes.
    header: [u8; HEADER],
    payload: Vec<u8>,
    filled: usize,
    /// When its first byte came.
    began: Option<Instant>,
    /// How long a frame may take, from its first byte to its last.
    frame_limit: Duration,
    /// Bytes in both directions.
    bytes: u64,
    /// Part of a frame was sent and the rest was not: nothing sensible can follow.
    torn: bool,
}

impl Channel {
    pub(crate) fn new(link: Box<dyn Link>, frame_limit: Duration) -> Self {
        Self {
            link,
            outgoing: 0,
            incoming: 0,
            header: [0; HEADER],
            payload: Vec::new(),
            filled: 0,
            began: None,
            frame_limit,
            bytes: 0,
            torn: false,
        }
    }

    /// Bytes sent and received.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// See [`Link::end_is_proof`].
    pub(crate) fn end_is_proof(&self) -> bool {
        self.link.end_is_proof()
    }

    /// The other side's address, on a network.
    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        self.link.peer()
    }

    /// Waits until the other side has said anything at all, or has closed.
    pub(crate) fn wait_for_word(
        &mut self,
        limit: Duration,
        interrupted: &dyn Fn() -> bool,
    ) -> Result<(), ChannelError> {
        in_steps(limit, interrupted, |until| self.link.wait_for_word(until))
    }

    /// Both sides say who they are.
    pub(crate) fn greet(
        &mut self,
        limit: Duration,
        interrupted: &dyn Fn() -> bool,
    ) -> Result<(), ChannelError> {
        in_steps(limit, interrupted, |until| self.link.greet(until))?;
        let mut greeting = [0; MAGIC.len() + 4];
        greeting[..MAGIC.len()].copy_from_slice(&MAGIC);
        greeting[MAGIC.len()..].copy_from_slice(&VERSION.to_le_bytes());
        self.write(&greeting, limit, interrupted)?;
        let mut said = [0; MAGIC.len() + 4];
        let mut filled = 0;
        in_steps(limit, interrupted, |until| {
            while filled < said.len() {
                match self.link.read(&mut said[filled..], until)? {
                    0 => break,
                    count => filled += count,
                }
            }
            Ok(())
        })?;
        if filled < said.len() {
            return Err(ChannelError::Ended);
        }
        let (magic, version) = said.split_at(MAGIC.len());
        if magic != MAGIC {
            return Err(ChannelError::Stranger);
        }
        match version.try_into().map(u32::from_le_bytes) {
            Ok(VERSION) => Ok(()),
            Ok(other) => Err(ChannelError::Version(other)),
            Err(_) => Err(ChannelError::Stranger),
        }
    }

    /// Sends a message.
    pub(crate) fn send(&mut self, message: Outgoing<'_>) -> Result<(), ChannelError> {
        let (kind, payload) = message.encode();
        let mut frame = Vec::with_capacity(HEADER + payload.len());
        frame.extend(Header::of(kind, self.outgoing, &payload).encode());
        frame.extend(payload);
        self.write(&frame, self.frame_limit, &|| false)?;
        self.outgoing = self.outgoing.wrapping_add(1);
        Ok(())
    }

    /// Sends pages. While there is no room for them, `interrupted` is asked now and then.
    pub(crate) fn send_pages(
        &mut self,
        frame: &mut SealedFrame,
        interrupted: &dyn Fn() -> bool,
    ) -> Result<(), ChannelError> {
        self.write(frame.numbered(self.outgoing), self.frame_limit, interrupted)?;
        self.outgoing = self.outgoing.wrapping_add(1);
        Ok(())
    }

    fn write(
        &mut self,
        mut bytes: &[u8],
        limit: Duration,
        interrupted: &dyn Fn() -> bool,
    ) -> Result<(), ChannelError> {
        if self.torn {
            return Err(ChannelError::Ended);
        }
        let deadline = Instant::now() + limit;
        self.torn = true;
        while !bytes.is_empty() {
            match self.link.write(bytes, deadline.min(Instant::now() + LOOK)) {
                Ok(count) => {
                    self.bytes += count as u64;
                    bytes = &bytes[count.min(bytes.len())..];
                }
                Err(LinkError::TimedOut) if interrupted() => return Err(ChannelError::Interrupted),
                Err(LinkError::TimedOut) if Instant::now() < deadline => {}
                Err(LinkError::TimedOut) => return Err(ChannelError::TimedOut(limit)),
                Err(error) => return Err(ChannelError::Broken(error)),
            }
        }
        match self.link.flush(deadline) {
            Ok(()) => self.torn = false,
            Err(LinkError::TimedOut) => return Err(ChannelError::TimedOut(limit)),
            Err(error) => return Err(ChannelError::Broken(error)),
        }
        Ok(())
    }

    /// Changes how long a frame may take.
    pub(crate) fn set_frame_limit(&mut self, limit: Duration) {
        self.frame_limit = limit;
    }

    /// The next message, waited for at most `limit` long. What came of it by then is kept.
    pub(crate) fn receive(&mut self, limit: Duration) -> Result<Message<'_>, ChannelError> {
        self.fill(limit)?;
        self.message()
    }

    /// Waits until the next message is here in whole, at most `limit` long. What came of it by then is kept.
    pub(crate) fn fill(&mut self, limit: Duration) -> Result<(), ChannelError> {
        let until = Instant::now() + limit;
        while self.filled < HEADER {
            let until = self.within_frame(until);
            let read = self.link.read(&mut self.header[self.filled..], until);
            self.took(read, limit)?;
        }
        let header = self.checked_header()?;
        while self.filled < HEADER + header.length {
            let until = self.within_frame(until);
            let came = self.filled - HEADER;
            // Grows with what has come, not with what was promised.
            let room = header.length.min(came + PIECE);
            if self.payload.len() < room {
                self.payload.resize(room, 0);
            }
            let read = self.link.read(&mut self.payload[came..room], until);
            self.took(read, limit)?;
        }
        Ok(())
    }

    /// As [`receive`](Self::receive); `interrupted` is asked now and then.
    pub(crate) fn receive_unless(
        &mut self,
        limit: Duration,
        interrupted: &dyn Fn() -> bool,
    ) -> Result<Message<'_>, ChannelError> {
        let until = Instant::now() + limit;
        loop {
            if interrupted() {
                return Err(ChannelError::Interrupted);
            }
            let step = until.saturating_duration_since(Instant::now()).min(STEP);
            match self.fill(step) {
                Ok(()) => return self.message(),
                Err(error) if error.is_timeout() && !step.is_zero() => {}
                Err(error) if error.is_timeout() => return Err(ChannelError::TimedOut(limit)),
                Err(error) => return Err(error),
            }
        }
    }

    fn checked_header(&self) -> Result<Header, ChannelError> {
        let header = Header::decode(&self.header).map_err(ChannelError::Damaged)?;
        if header.number != self.incoming {
            return Err(ChannelError::Damaged("a frame is missing, or came twice"));
        }
        Ok(header)
    }

    /// The message that [`fill`](Self::fill) has waited for.
    pub(crate) fn message(&mut self) -> Result<Message<'_>, ChannelError> {
        let header = self.checked_header()?;
        if self.filled != HEADER + header.length {
            return Err(ChannelError::TimedOut(Duration::ZERO));
        }
        let payload = &self.payload[..header.length];
        if crc32fast::hash(payload) != header.checksum {
            return Err(ChannelError::Damaged("a frame does not match its checksum"));
        }
        self.incoming = self.incoming.wrapping_add(1);
        (self.filled, self.began) = (0, None);
        Message::decode(header.kind, payload).map_err(ChannelError::Damaged)
    }

    fn within_frame(&self, until: Instant) -> Instant {
        self.began
            .map_or(until, |began| until.min(began + self.frame_limit))
    }

    /// Accounts for what was read.
    fn took(
        &mut self,
        read: Result<usize, LinkError>,
        limit: Duration,
    ) -> Result<(), ChannelError> {
        match read {
            Ok(0) => Err(ChannelError::Ended),
            Ok(count) => {
                self.began.get_or_insert_with(Instant::now);
                self.filled += count;
                self.bytes += count as u64;
                Ok(())
            }
            // A frame that comes drop by drop is no better than none.
            Err(LinkError::TimedOut)
                if self
                    .began
                    .is_some_and(|began| began.elapsed() >= self.frame_limit) =>
            {
                Err(ChannelError::Broken(LinkError::TimedOut))
            }
            Err(LinkError::TimedOut) => Err(ChannelError::TimedOut(limit)),
            Err(error) => Err(ChannelError::Broken(error)),
        }
    }

    /// Whatever has come by now is read and forgotten, until the other side closes or the time is over: so that what was sent to it
    /// last is not thrown away with the connection.
    pub(crate) fn linger(&mut self, limit: Duration) {
        let until = Instant::now() + limit;
        let mut scrap = [0; 1 << 14];
        while matches!(self.link.read(&mut scrap, until), Ok(1..)) && Instant::now() < until {}
    }
}
