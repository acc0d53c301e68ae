//! Who may come, what is to come, and its memory and state.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::pending::accept_connections;
use super::written::WrittenPages;
use super::{ReceiveError, Session};
use crate::handle::{Handle, Stage};
use crate::link::Accept;
use crate::machine::{DestinationMachine, RamShape};
use crate::options::{Limits, Options};
use crate::wire::{Channel, ChannelError, Message, MigrationId, Outgoing, Run, Verdict};

/// How long what a source has sent is still taken in after it was refused, so that it reads why.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A source that has offered a machine.
pub(super) struct Source {
    pub(super) channel: Channel,
    pub(super) id: MigrationId,
    pub(super) ram: RamShape,
    pub(super) description: Vec<u8>,
}

/// Waits, without a bound, for one who offers a machine. The first is the one.
pub(super) fn wait_for_source(
    listener: &mut dyn Accept,
    options: &Options,
    handle: &Handle,
) -> Result<Source, ReceiveError> {
    let taken = AtomicBool::new(false);
    let hear = |channel: Channel, evicted: &dyn Fn() -> bool| {
        let limits = &options.limits;
        let Some(mut source) = hear(channel, evicted, limits)? else {
            return Ok(None);
        };
        if taken.swap(true, Ordering::SeqCst) {
            let words = "another machine is coming here already";
            source.channel.send(Outgoing::Failed(words))?;
            return Ok(None);
        }
        source.channel.set_frame_limit(limits.frame);
        Ok(Some(source))
    };
    let stop = || handle.is_cancelled();
    accept_connections(listener, &options.limits, &stop, &hear)?.ok_or(ReceiveError::Cancelled)
}

/// What one who was greeted wants; none: an answer that he has got.
fn hear(
    mut channel: Channel,
    evicted: &dyn Fn() -> bool,
    limits: &Limits,
) -> Result<Option<Source>, ChannelError> {
    match channel.receive_unless(limits.handshake, evicted)? {
        Message::Offer {
            id,
            ram,
            description,
        } => {
            let description = description.to_vec();
            Ok(Some(Source {
                channel,
                id,
                ram,
                description,
            }))
        }
        Message::Ask(_) => channel
            .send(Outgoing::Verdict(Verdict::Unknown))
            .map(|()| None),
        _ => Err(ChannelError::Damaged("the first message is no offer")),
    }
}

impl Session<'_> {
    /// The machine is checked; memory and state come. When this is done, all is here that makes the guest.
    pub(super) fn take_in(&mut self) -> Result<(), ReceiveError> {
        let ram = self.source.ram;
        self.handle.stage(Stage::Checking);
        self.handle.update(|progress| {
            progress.ram_bytes = ram.bytes();
            progress.left_bytes = ram.bytes();
        });
        let checked = self.machine.check(&self.source.description, ram);
        checked.map_err(ReceiveError::Refused)?;
        self.source.channel.send(Outgoing::Accepted)?;
        let static_payload = self.unpack()?;
        let prepared = self.machine.prepare(static_payload);
        prepared.map_err(ReceiveError::Refused)?;
        self.handle.stage(Stage::Memory);
        let state = self.copy()?;
        self.machine.load(&state).map_err(ReceiveError::Refused)?;
        self.source.channel.send(Outgoing::Ready)?;
        Ok(())
    }

    /// What the machine is made of beside its description.
    fn unpack(&mut self) -> Result<Vec<u8>, ReceiveError> {
        let limit = self.options.limits.settle;
        let mut static_payload = Pieces::of(self.machine.static_payload_size());
        loop {
            match next(&mut self.source.channel, self.handle, limit)? {
                Message::StaticPayload { total, bytes } => {
                    static_payload.add(total, bytes)?;
                    if static_payload.is_whole() {
                        return Ok(static_payload.bytes);
                    }
                }
                Message::Abort(words) => return Err(ReceiveError::Aborted(words.to_owned())),
                _ => return Err(ReceiveError::Unexpected),
            }
        }
    }

    fn copy(&mut self) -> Result<Vec<u8>, ReceiveError> {
        let ram = self.source.ram;
        let mut written = WrittenPages::none(ram.pages);
        let mut state = Pieces::of(None);
        let mut left = ram.pages;
        loop {
            let bytes = self.source.channel.bytes();
            // A source that syncs its files says nothing meanwhile.
            let limit = self.options.limits.settle;
            let message = next(&mut self.source.channel, self.handle, limit)?;
            match message {
                Message::Ram(frame) if !state.has_begun() => {
                    let runs = frame.runs(ram.page_size, ram.pages);
                    let runs = runs.map_err(ChannelError::Damaged)?;
                    let cancelled = || self.handle.is_cancelled();
                    left = left.saturating_sub(runs.iter().map(|(run, _)| run.pages()).sum());
                    fill(self.machine, &mut written, &runs, &cancelled)?;
                    self.handle.update(|progress| {
                        progress.left_bytes = left * u64::from(ram.page_size);
                        progress.wire_bytes = bytes;
                    });
                }
                Message::Round { round, pages } if !state.has_begun() => {
                    left = pages.min(ram.pages);
                    self.last_round = Instant::now();
                    self.handle.update(|progress| progress.round = round);
                }
                Message::State { total, bytes } => state.add(total, bytes)?,
                Message::Complete if state.is_whole() || !state.has_begun() => {
                    return Ok(state.bytes);
                }
                Message::Abort(words) => return Err(ReceiveError::Aborted(words.to_owned())),
                _ => return Err(ReceiveError::Unexpected),
            }
        }
    }

    /// Nothing comes of it: tells the source, where it still listens, and lets go.
    pub(super) fn give_up(&mut self, error: &ReceiveError) {
        self.machine.give_up();
        if !matches!(error, ReceiveError::Aborted(_))
            && self
                .source
                .channel
                .send(Outgoing::Failed(&error.for_the_source()))
                .is_ok()
        {
            self.source.channel.linger(LAST_WORDS);
        }
    }
}

/// Puts a frame's pages where they belong. Of those that are zeros now only those are touched that
/// hold something, which as many bytes were received for; so what a frame costs is bounded by what
/// has come.
fn fill(
    machine: &mut dyn DestinationMachine,
    written: &mut WrittenPages,
    runs: &[(Run, &[u8])],
    cancelled: &dyn Fn() -> bool,
) -> Result<(), ReceiveError> {
    for (run, data) in runs {
        if cancelled() {
            return Err(ReceiveError::Cancelled);
        }
        let pages = run.first..run.first + run.pages();
        if run.data {
            written.insert(pages);
            machine.write_pages(run.first, data);
            continue;
        }
        while let Some(used) = written.take_first(pages.clone()) {
            machine.clear_pages(used);
            if cancelled() {
                return Err(ReceiveError::Cancelled);
            }
        }
    }
    Ok(())
}

/// Something that comes in pieces, of which each says how long it is in all.
#[derive(Debug, Default)]
struct Pieces {
    total: Option<usize>,
    begun: bool,
    bytes: Vec<u8>,
}

impl Pieces {
    /// Nothing yet, of so many bytes, where that is known.
    fn of(total: Option<u64>) -> Self {
        Self {
            total: total.map(|total| usize::try_from(total).unwrap_or(usize::MAX)),
            ..Self::default()
        }
    }

    /// Adds a piece. What is more than was announced takes no memory; what is announced takes
    /// memory as it comes.
    fn add(&mut self, total: usize, bytes: &[u8]) -> Result<(), ReceiveError> {
        let known = *self.total.get_or_insert(total);
        let fits = self.bytes.len() + bytes.len() <= total;
        // A piece of nothing brings it no further.
        let goes_on = !bytes.is_empty() || !self.begun && total == 0;
        if known != total || !fits || !goes_on {
            return Err(ReceiveError::Unexpected);
        }
        self.begun = true;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn has_begun(&self) -> bool {
        self.begun
    }

    fn is_whole(&self) -> bool {
        self.begun && self.total == Some(self.bytes.len())
    }
}

/// The next message, unless the user calls it off meanwhile.
pub(super) fn next<'a>(
    channel: &'a mut Channel,
    handle: &Handle,
    limit: Duration,
) -> Result<Message<'a>, ReceiveError> {
    Ok(channel.receive_unless(limit, &|| handle.is_cancelled())?)
}
