//! From the moment at which the guest stands still to the moment at which one side knows that it
//! has it. The argument is in [`crate::handover`].

use std::time::{Duration, Instant};

use super::{Answer, GuestIs, LOOK, MigrateError, Reason, Session};
use crate::handle::{Decision, Stage};
use crate::machine::{Problem, StoppedMachine};
use crate::pages::PageSet;
use crate::wire::{Channel, ChannelError, Message, MigrationId, Outgoing, Verdict};

/// How often a destination that can't be reached is tried again.
const RETRY: Duration = Duration::from_millis(500);

/// What the user is told while nobody knows.
const UNSURE: &str = "the guest was handed over and the destination has not said that it has it; it stands still here until that is known. \
    Look at the destination: if the guest runs there, or ever ran there, say so and end this machine; only if it never did and never will may it go on here";

/// Whose the guest is.
enum Owner {
    There,
    Here(Reason),
}

impl Session<'_> {
    /// Stops the guest and gives it away. Answers for how long it stood still.
    pub(super) fn hand_over(
        &self,
        channel: &mut Channel,
        id: MigrationId,
        dirty: &mut PageSet,
    ) -> Result<Duration, MigrateError> {
        self.handle.stage(Stage::Stopping);
        let stopped = Instant::now();
        let guest = match self.machine.pause() {
            Ok(guest) => guest,
            Err(problem) => {
                let reason = Reason::Machine(problem);
                self.abort(channel, &reason);
                return Err(MigrateError {
                    reason,
                    guest: GuestIs::AsBefore,
                });
            }
        };
        let complete = self.complete(channel, &*guest, dirty).and_then(|()| {
            self.handle.stage(Stage::HandingOver);
            guest.release().map_err(Reason::Machine)
        });
        if let Err(reason) = complete {
            // Nothing was let go of, and a destination does not run what was not released.
            self.abort(channel, &reason);
            let reason = self.explain(channel, reason);
            return Err(go_on(guest, reason));
        }
        if let Err(reason) = self.prepare(channel) {
            return Err(self.call_back(channel, guest, reason));
        }
        if !self.handle.commit() {
            return Err(self.call_back(channel, guest, Reason::Cancelled));
        }
        // Whether this gets there is what has to be learnt, also where it failed here.
        let _ = channel.send(Outgoing::Commit);
        match self.learn(channel, id) {
            Ok(Owner::There) => {
                let downtime = stopped.elapsed();
                let _ = channel.send(Outgoing::Bye);
                guest.leave();
                Ok(downtime)
            }
            Ok(Owner::Here(reason)) => Err(self.take_back(guest, reason)),
            Err(problem) => Err(MigrateError {
                reason: Reason::Link("it was not learnt who has the guest".into()),
                guest: GuestIs::Stuck(problem),
            }),
        }
    }

    /// The guest stands still: sends all that is left, while its files are synced.
    fn complete(
        &self,
        channel: &mut Channel,
        guest: &dyn StoppedMachine,
        dirty: &mut PageSet,
    ) -> Result<(), Reason> {
        guest.fetch_dirty(dirty);
        let round = self.handle.progress().round + 1;
        let (settled, sent) = std::thread::scope(|scope| {
            let settling = std::thread::Builder::new().spawn_scoped(scope, || guest.settle());
            let Ok(settling) = settling else {
                // A host that gives no more threads (RLIMIT_NPROC): one after the other.
                return (guest.settle(), self.round(channel, round, dirty));
            };
            let sent = self.round(channel, round, dirty);
            let lost = || Err(Problem::new("the guest's files could not be synced"));
            (settling.join().unwrap_or_else(|_| lost()), sent)
        });
        settled.map_err(Reason::Machine)?;
        sent?;
        self.handle.update(|progress| progress.round = round - 1);
        let state = guest.state().map_err(Reason::Machine)?;
        for piece in Outgoing::state(&state) {
            channel.send(piece)?;
        }
        channel.send(Outgoing::Complete)?;
        self.expect(channel, &Answer::Ready)
    }

    /// The destination takes what was released.
    fn prepare(&self, channel: &mut Channel) -> Result<(), Reason> {
        channel.send(Outgoing::Released)?;
        self.expect(channel, &Answer::Prepared)
    }

    fn expect(&self, channel: &mut Channel, wanted: &Answer) -> Result<(), Reason> {
        match self.wait_for(channel, self.options.limits.settle)? {
            answer if answer == *wanted => Ok(()),
            Answer::Failed(words) => Err(Reason::Destination(words)),
            _ => Err(Reason::Unexpected),
        }
    }

    /// Between release and commit: the guest stays here, once it is sure that the destination does not take it for a dead source's.
    fn call_back(
        &self,
        channel: &mut Channel,
        guest: Box<dyn StoppedMachine + '_>,
        reason: Reason,
    ) -> MigrateError {
        let gave_up = matches!(reason, Reason::Destination(_));
        let told = self.abort(channel, &reason);
        let reason = self.explain(channel, reason);
        let knows = told || gave_up || matches!(reason, Reason::Destination(_));
        if channel.end_is_proof()
            && !knows
            && let Err(stuck) = self.wait_for_end(channel)
        {
            return MigrateError {
                reason,
                guest: GuestIs::Stuck(stuck),
            };
        }
        self.take_back(guest, reason)
    }

    /// Waits until a destination that can't be told anything is gone.
    fn wait_for_end(&self, channel: &mut Channel) -> Result<(), Problem> {
        loop {
            match channel.receive(LOOK) {
                Ok(Message::Failed(_)) | Err(ChannelError::Ended) => return Ok(()),
                Ok(_) => {}
                Err(error) if error.is_timeout() => {}
                Err(_) => std::thread::sleep(LOOK),
            }
            self.handle.stage(Stage::Unsure);
            self.handle.note(UNSURE);
            if self.handle.decision() == Some(Decision::Here) {
                return Ok(());
            }
            if let Some(problem) = self.machine.hindrance() {
                return Err(problem);
            }
        }
    }

    /// After commit: finds out whose the guest is. An error: the machine has ended meanwhile.
    fn learn(&self, channel: &mut Channel, id: MigrationId) -> Result<Owner, Problem> {
        let began = Instant::now();
        // Until something else than silence comes, or something that can't be read: then the end of the link proves nothing.
        let (mut usable, mut readable) = (true, true);
        let end_is_proof = channel.end_is_proof();
        loop {
            if usable {
                match channel.receive(LOOK) {
                    Ok(Message::Owned) => return Ok(Owner::There),
                    Ok(Message::Failed(words)) => {
                        return Ok(Owner::Here(Reason::Destination(words.to_owned())));
                    }
                    Err(ChannelError::Ended) if end_is_proof && readable => {
                        let words = "the destination ended before it had taken the guest";
                        return Ok(Owner::Here(Reason::Link(words.into())));
                    }
                    Err(error)
                        if error.is_timeout() && began.elapsed() < self.options.limits.commit =>
                    {
                        continue;
                    }
                    Err(error) if error.is_timeout() => {}
                    Ok(_) | Err(ChannelError::Damaged(_)) => (usable, readable) = (false, false),
                    Err(_) => usable = false,
                }
            }
            if !end_is_proof {
                match self.ask(id) {
                    Some(Verdict::Owned) => return Ok(Owner::There),
                    Some(Verdict::Never) => {
                        let words =
                            "the connection broke before the destination had taken the guest";
                        return Ok(Owner::Here(Reason::Link(words.into())));
                    }
                    Some(Verdict::Unknown) | None => {}
                }
            }
            if self.handle.progress().stage != Stage::Unsure {
                self.handle.stage(Stage::Unsure);
                self.handle.note(UNSURE);
                tracing::warn!("{UNSURE}");
            }
            match self.handle.decision() {
                Some(Decision::There) => return Ok(Owner::There),
                Some(Decision::Here) => return Ok(Owner::Here(Reason::Decided)),
                None => {}
            }
            if let Some(problem) = self.machine.hindrance() {
                return Err(problem);
            }
            std::thread::sleep(RETRY.min(self.options.limits.commit));
        }
    }

    /// Asks over a new connection.
    fn ask(&self, id: MigrationId) -> Option<Verdict> {
        let limits = &self.options.limits;
        let link = self.to.connect(Instant::now() + limits.handshake).ok()?;
        let mut channel = Channel::new(link, limits.frame);
        channel.greet(limits.handshake, &|| false).ok()?;
        channel.send(Outgoing::Ask(id)).ok()?;
        match channel.receive(limits.handshake).ok()? {
            Message::Verdict(verdict) => Some(verdict),
            _ => None,
        }
    }

    /// The guest is ours for sure: takes back what was released, and lets it go on.
    fn take_back(&self, stopped: Box<dyn StoppedMachine + '_>, reason: Reason) -> MigrateError {
        while let Err(problem) = stopped.reclaim() {
            // The destination may need a moment to let go, or the user to end who else took it.
            self.handle.stage(Stage::Held);
            self.handle.note(format!(
                "{reason}; the guest belongs here and waits: {problem}"
            ));
            if let Some(problem) = self.machine.hindrance() {
                return MigrateError {
                    reason,
                    guest: GuestIs::Stuck(problem),
                };
            }
            std::thread::sleep(LOOK);
        }
        go_on(stopped, reason)
    }
}

fn go_on(stopped: Box<dyn StoppedMachine + '_>, reason: Reason) -> MigrateError {
    let guest = match stopped.resume() {
        Ok(()) => GuestIs::AsBefore,
        Err(problem) => GuestIs::Stuck(problem),
    };
    MigrateError { reason, guest }
}
