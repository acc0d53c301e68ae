//! Who may come, what is to come, and its memory and state.

use std::time::{Duration, Instant};

use tracing::{debug, warn};

use super::{LOOK, ReceiveError, Session};
use crate::handle::{Handle, Stage};
use crate::link::Accept;
use crate::machine::RamShape;
use crate::options::Options;
use crate::pages::PageSet;
use crate::wire::{Channel, ChannelError, Message, MigrationId, Outgoing, Verdict};

/// How long what a source has sent is still taken in after it was refused, so that it reads why.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A source that has offered a machine.
pub(super) struct Source {
    pub(super) channel: Channel,
    pub(super) id: MigrationId,
    pub(super) ram: RamShape,
    pub(super) description: Vec<u8>,
}

/// Waits, without a bound, for one who offers a machine.
pub(super) fn wait_for_source(
    listener: &mut dyn Accept,
    options: &Options,
    handle: &Handle,
) -> Result<Source, ReceiveError> {
    loop {
        if handle.is_cancelled() {
            return Err(ReceiveError::Cancelled);
        }
        let Some(link) = listener.accept(Instant::now() + LOOK)? else {
            continue;
        };
        let channel = Channel::new(link, options.limits.frame.min(options.limits.handshake));
        match hear(channel, options) {
            Ok(Some(source)) => return Ok(source),
            Ok(None) => {}
            Err(ChannelError::Ended) => debug!("someone connected and left"),
            Err(error) => warn!(%error, "someone connected and offers no machine"),
        }
    }
}

/// What one who connected wants; none: an answer that he has got.
fn hear(mut channel: Channel, options: &Options) -> Result<Option<Source>, ChannelError> {
    channel.greet(options.limits.handshake)?;
    match channel.receive(options.limits.handshake)? {
        Message::Offer {
            id,
            ram,
            description,
        } => {
            let description = description.to_vec();
            channel.set_frame_limit(options.limits.frame);
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
        let luggage = self.unpack()?;
        let prepared = self.machine.prepare(luggage);
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
        let mut luggage = Vec::new();
        let mut size = None;
        loop {
            match next(&mut self.source.channel, self.handle, limit)? {
                Message::Luggage { total, bytes } if size.is_none_or(|size| size == total) => {
                    size = Some(total);
                    // Grows with what has come, not with what was promised.
                    luggage.extend_from_slice(bytes);
                    if luggage.len() == total {
                        return Ok(luggage);
                    }
                    if luggage.len() > total || bytes.is_empty() {
                        return Err(ReceiveError::Unexpected);
                    }
                }
                Message::Abort(words) => return Err(ReceiveError::Aborted(words.to_owned())),
                _ => return Err(ReceiveError::Unexpected),
            }
        }
    }

    fn copy(&mut self) -> Result<Vec<u8>, ReceiveError> {
        let ram = self.source.ram;
        let mut written = PageSet::none(ram.pages);
        let mut state = Vec::new();
        let mut state_size = None;
        let mut left = ram.pages;
        loop {
            let bytes = self.source.channel.bytes();
            // A source that syncs its files says nothing meanwhile.
            let limit = self.options.limits.settle;
            let message = next(&mut self.source.channel, self.handle, limit)?;
            match message {
                Message::Ram(frame) if state_size.is_none() => {
                    let runs = frame.runs(ram.page_size, ram.pages);
                    for (run, data) in
                        runs.map_err(|words| ReceiveError::from(ChannelError::Damaged(words)))?
                    {
                        let pages = run.first..run.first + u64::from(run.count);
                        left = left.saturating_sub(u64::from(run.count));
                        if run.data {
                            written.insert_range(pages);
                            self.machine.write_pages(run.first, data);
                        } else if pages.clone().any(|page| written.contains(page)) {
                            self.machine.clear_pages(pages);
                        }
                    }
                    self.handle.update(|progress| {
                        progress.left_bytes = left * u64::from(ram.page_size);
                        progress.wire_bytes = bytes;
                    });
                }
                Message::Round { round, pages } if state_size.is_none() => {
                    left = pages.min(ram.pages);
                    self.last_round = Instant::now();
                    self.handle.update(|progress| progress.round = round);
                }
                Message::State { total, bytes } if state_size.is_none_or(|size| size == total) => {
                    state_size = Some(total);
                    // Grows with what has come, not with what was promised.
                    state.extend_from_slice(bytes);
                    if state.len() > total {
                        return Err(ReceiveError::Unexpected);
                    }
                }
                Message::Complete if state_size.unwrap_or(0) == state.len() => return Ok(state),
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
                .send(Outgoing::Failed(&error.to_string()))
                .is_ok()
        {
            self.source.channel.linger(LAST_WORDS);
        }
    }
}

/// The next message, unless the user calls it off meanwhile.
pub(super) fn next<'a>(
    channel: &'a mut Channel,
    handle: &Handle,
    limit: Duration,
) -> Result<Message<'a>, ReceiveError> {
    let until = Instant::now() + limit;
    loop {
        if handle.is_cancelled() {
            return Err(ReceiveError::Cancelled);
        }
        let step = until.saturating_duration_since(Instant::now()).min(LOOK);
        match channel.fill(step) {
            Ok(()) => break,
            Err(error) if error.is_timeout() && !step.is_zero() => {}
            Err(error) if error.is_timeout() => return Err(ChannelError::TimedOut(limit).into()),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(channel.message()?)
}
