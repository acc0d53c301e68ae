//! The moment at which the guest becomes this side's, or never will. The argument is in [`crate::handover`].

use std::sync::Arc;
use std::time::Instant;

use super::incoming::{self, next};
use super::ledger::{Ledger, Witness};
use super::{LOOK, ReceiveError, Received, Session};
use crate::handle::{Handle, Stage};
use crate::link::Accept;
use crate::machine::DestinationMachine;
use crate::options::Options;
use crate::wire::{ChannelError, Message, Outgoing};

impl<'a> Session<'a> {
    pub(super) fn new(
        machine: &'a mut dyn DestinationMachine,
        options: &'a Options,
        handle: &'a Handle,
        source: incoming::Source,
    ) -> Self {
        Self {
            machine,
            options,
            handle,
            source,
            started: Instant::now(),
            last_round: Instant::now(),
        }
    }

    /// All of it.
    pub(super) fn run(mut self, listener: Box<dyn Accept>) -> Result<Received, ReceiveError> {
        if let Err(error) = self.take_in().and_then(|()| self.take()) {
            self.give_up(&error);
            return Err(error);
        }
        let ledger = Arc::new(Ledger::new());
        let witness = if self.source.channel.end_is_proof() {
            Witness::none()
        } else {
            let limits = self.options.limits.clone();
            Witness::start(listener, self.source.id, Arc::clone(&ledger), limits)
        };
        let word = match self.source.channel.send(Outgoing::Prepared) {
            // What can't be sent any more to a Unix socket can still be read from it: a source that called it off has said so first.
            Err(error) if !self.source.channel.end_is_proof() => Err(error.into()),
            _ => self.wait_for_word(&ledger),
        };
        // The user can't call it off any more from here on.
        let word = word.and_then(|()| {
            if self.handle.commit() {
                Ok(())
            } else {
                Err(ReceiveError::Cancelled)
            }
        });
        match word {
            Ok(()) if ledger.own() => {}
            other => {
                ledger.renounce();
                let error = other.err().unwrap_or(ReceiveError::Given);
                self.give_up(&error);
                if !matches!(error, ReceiveError::Aborted(_)) {
                    // The source may have said that the guest is ours, and not know that it is not.
                    let limit = self.options.limits.linger;
                    witness.wait_for_question(limit, || self.handle.is_cancelled());
                }
                return Err(error);
            }
        }
        // Before the guest runs: a source that finds the end of a Unix socket without this word knows that it never ran.
        let told = self.source.channel.send(Outgoing::Owned);
        let downtime = self.last_round.elapsed();
        self.machine.run(downtime);
        let total = self.started.elapsed();
        if let Err(error) = told {
            tracing::warn!(%error, "the source could not be told that the guest runs here; it will ask");
        }
        Ok(Received {
            total,
            downtime,
            _witness: witness,
        })
    }

    /// The source lets go; we take.
    fn take(&mut self) -> Result<(), ReceiveError> {
        self.handle.stage(Stage::HandingOver);
        match next(
            &mut self.source.channel,
            self.handle,
            self.options.limits.settle,
        )? {
            Message::Released => {}
            Message::Abort(words) => return Err(ReceiveError::Aborted(words.to_owned())),
            _ => return Err(ReceiveError::Unexpected),
        }
        self.machine.take().map_err(ReceiveError::Refused)
    }

    /// Waits until the guest is ours.
    fn wait_for_word(&mut self, ledger: &Ledger) -> Result<(), ReceiveError> {
        let until = Instant::now() + self.options.limits.commit;
        loop {
            if self.handle.is_cancelled() {
                return Err(ReceiveError::Cancelled);
            }
            if ledger.is_renounced() {
                return Err(ReceiveError::Given);
            }
            let step = until.saturating_duration_since(Instant::now()).min(LOOK);
            let end_is_proof = self.source.channel.end_is_proof();
            match self.source.channel.receive(step) {
                Ok(Message::Commit) => return Ok(()),
                Ok(Message::Abort(words)) => return Err(ReceiveError::Aborted(words.to_owned())),
                Ok(_) => return Err(ReceiveError::Unexpected),
                // A source that lives would have said that it keeps the guest: it is dead, and all that it had is here.
                Err(ChannelError::Ended) if end_is_proof => {
                    tracing::warn!(
                        "the source died while it handed the guest over; it goes on here"
                    );
                    return Ok(());
                }
                Err(error) if error.is_timeout() && !step.is_zero() => {}
                Err(error) if error.is_timeout() => {
                    return Err(ChannelError::TimedOut(self.options.limits.commit).into());
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}
