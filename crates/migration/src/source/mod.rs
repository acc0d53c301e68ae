//! The side that the guest comes from.
//!
//! - `precopy`: rounds of copying while the guest runs, and when they are enough; `scan`: the thread that reads memory
//! - `handover`: from the moment at which the guest stands still to the moment at which one side
//!   knows that it has it
//! - `error`: why a guest stayed

mod error;
mod handover;
mod precopy;
mod scan;

use std::time::{Duration, Instant};

use tracing::{info, warn};

use crate::handle::{Handle, Stage};
use crate::link::Connect;
use crate::machine::SourceMachine;
use crate::options::Options;
use crate::wire::{Channel, ChannelError, Message, MigrationId, Outgoing};

pub use error::{GuestIs, MigrateError, Reason};

/// How often one who waits looks whether he was called off.
const LOOK: Duration = Duration::from_millis(100);

/// A migration that succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// From the call to the destination's word that it has the guest.
    pub total: Duration,
    /// From the moment at which the guest stands still to that word.
    pub downtime: Duration,
    /// Rounds of copying while the guest ran.
    pub rounds: u32,
    /// Bytes in both directions.
    pub wire_bytes: u64,
}

/// Moves a machine's guest to the destination that `to` leads to. When this returns, one side runs it (see [`handover`](crate::handover));
/// where neither side can know that, it does not return until it is known or the user has decided ([`Handle::decide`]).
///
/// # Errors
/// [`MigrateError`]: the guest is still this machine's.
pub fn migrate(
    machine: &dyn SourceMachine,
    to: &dyn Connect,
    options: &Options,
    handle: &Handle,
) -> Result<Report, MigrateError> {
    let session = Session {
        machine,
        to,
        options,
        handle,
    };
    let result = session.run();
    match &result {
        Ok(report) => {
            handle.update(|progress| {
                progress.downtime = Some(report.downtime);
                progress.wire_bytes = report.wire_bytes;
                progress.left_bytes = 0;
            });
            handle.stage(Stage::Done);
            info!(total = ?report.total, downtime = ?report.downtime, "the guest has moved");
        }
        Err(error) => {
            handle.stage(Stage::Failed);
            handle.note(error.to_string());
            warn!(%error, "the guest has not moved");
        }
    }
    result
}

/// One attempt.
struct Session<'a> {
    machine: &'a dyn SourceMachine,
    to: &'a dyn Connect,
    options: &'a Options,
    handle: &'a Handle,
}

impl Session<'_> {
    fn run(&self) -> Result<Report, MigrateError> {
        let started = Instant::now();
        let stayed = |reason| MigrateError {
            reason,
            // A machine that has ended meanwhile has no guest that goes on.
            guest: self
                .machine
                .hindrance()
                .map_or(GuestIs::AsBefore, GuestIs::Stuck),
        };
        let (mut channel, id) = self.introduce().map_err(stayed)?;
        let copied = self
            .pack(&mut channel)
            .and_then(|()| self.machine.start_dirty_log().map_err(Reason::Machine))
            .and_then(|()| self.precopy(&mut channel));
        let mut dirty = match copied {
            Ok(dirty) => dirty,
            Err(reason) => {
                self.machine.throttle(0);
                self.machine.stop_dirty_log();
                self.abort(&mut channel, &reason);
                return Err(stayed(self.explain(&mut channel, reason)));
            }
        };
        let handover = self.hand_over(&mut channel, id, &mut dirty);
        if handover.is_err() {
            self.machine.throttle(0);
            self.machine.stop_dirty_log();
        }
        let downtime = handover?;
        Ok(Report {
            total: started.elapsed(),
            downtime,
            rounds: self.handle.progress().round,
            wire_bytes: channel.bytes(),
        })
    }

    /// Connects, and has the destination check whether it can be what this machine is.
    fn introduce(&self) -> Result<(Channel, MigrationId), Reason> {
        let limits = &self.options.limits;
        let id = MigrationId::random().map_err(|error| Reason::NoRandom(error.to_string()))?;
        let description = self.machine.description().map_err(Reason::Machine)?;
        let ram = self.machine.ram();
        self.handle.update(|progress| {
            progress.ram_bytes = ram.bytes();
            progress.left_bytes = ram.bytes();
        });
        let link = self.to.connect(Instant::now() + limits.handshake)?;
        let mut channel = Channel::new(link, limits.frame);
        channel.greet(limits.handshake, &|| self.handle.is_cancelled())?;
        self.handle.stage(Stage::Checking);
        channel.send(Outgoing::Offer {
            id,
            ram,
            description: &description,
        })?;
        match self.wait_for(&mut channel, limits.check)? {
            Answer::Accepted => Ok((channel, id)),
            Answer::Failed(words) => Err(Reason::Refused(words)),
            _ => Err(Reason::Unexpected),
        }
    }

    /// Sends what the destination needs to make the machine.
    fn pack(&self, channel: &mut Channel) -> Result<(), Reason> {
        let static_payload = self.machine.static_payload().map_err(Reason::Machine)?;
        for piece in Outgoing::static_payload(&static_payload) {
            if self.handle.is_cancelled() {
                return Err(Reason::Cancelled);
            }
            channel.send(piece)?;
        }
        Ok(())
    }

    /// The destination's next word, while nothing is committed.
    fn wait_for(&self, channel: &mut Channel, limit: Duration) -> Result<Answer, Reason> {
        let until = Instant::now() + limit;
        loop {
            if self.handle.is_cancelled() {
                return Err(Reason::Cancelled);
            }
            if let Some(problem) = self.machine.hindrance() {
                return Err(Reason::Machine(problem));
            }
            let step = until.saturating_duration_since(Instant::now()).min(LOOK);
            match channel.receive(step) {
                Ok(message) => return Answer::of(&message).ok_or(Reason::Unexpected),
                Err(error) if error.is_timeout() && !step.is_zero() => {}
                Err(error) if error.is_timeout() => {
                    return Err(ChannelError::TimedOut(limit).into());
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Tells the destination that the guest stays here; whether it was told is answered.
    fn abort(&self, channel: &mut Channel, reason: &Reason) -> bool {
        channel.send(Outgoing::Abort(&reason.to_string())).is_ok()
    }

    /// A broken link is often only the trace of what the destination has said before: that is the better reason.
    fn explain(&self, channel: &mut Channel, reason: Reason) -> Reason {
        if !matches!(reason, Reason::Link(_)) {
            return reason;
        }
        match channel.receive(LOOK) {
            Ok(Message::Failed(words)) => Reason::Destination(words.to_owned()),
            _ => reason,
        }
    }
}

/// What a destination says.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Accepted,
    Ready,
    Prepared,
    Owned,
    Failed(String),
}

impl Answer {
    fn of(message: &Message<'_>) -> Option<Self> {
        Some(match message {
            Message::Accepted => Self::Accepted,
            Message::Ready => Self::Ready,
            Message::Prepared => Self::Prepared,
            Message::Owned => Self::Owned,
            Message::Failed(words) => Self::Failed((*words).to_owned()),
            _ => return None,
        })
    }
}
