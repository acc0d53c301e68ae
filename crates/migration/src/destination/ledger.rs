//! Whether the guest is this side's: decided once, by whoever comes first. And the thread that answers a source which has lost the
//! connection and comes back to ask.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use thread_role::Role;
use tracing::warn;

use super::pending::accept_connections;
use crate::link::Accept;
use crate::options::Limits;
use crate::wire::{Channel, ChannelError, Message, MigrationId, Outgoing, Verdict};

/// How often the thread looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(100);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    Open,
    Owned,
    Never,
}

/// The decision.
#[derive(Debug)]
pub(super) struct Ledger(Mutex<Decision>);

impl Ledger {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Decision::Open))
    }

    /// Decides, unless it is decided; answers how it is decided.
    fn settle(&self, wish: Decision) -> Decision {
        let mut decision = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *decision == Decision::Open {
            *decision = wish;
        }
        *decision
    }

    /// The guest becomes this side's; false: it never will.
    pub(super) fn own(&self) -> bool {
        self.settle(Decision::Owned) == Decision::Owned
    }

    /// The guest never becomes this side's; false: it is already.
    pub(super) fn renounce(&self) -> bool {
        self.settle(Decision::Never) == Decision::Never
    }

    /// Whether it has been decided that the guest never becomes this side's.
    pub(super) fn is_renounced(&self) -> bool {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) == Decision::Never
    }

    /// For one who asks. A source asks only when it has given up the first connection: whatever has not come over it by now is not
    /// to be believed any more.
    fn answer(&self) -> Verdict {
        if self.renounce() {
            Verdict::Never
        } else {
            Verdict::Owned
        }
    }
}

/// Answers who asks, until it is dropped.
#[derive(Debug)]
pub(super) struct Witness {
    stop: Arc<AtomicBool>,
    /// Somebody has asked and got his answer.
    asked: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Witness {
    /// That of an attempt whose link needs none.
    pub(super) fn none() -> Self {
        Self {
            stop: Arc::default(),
            asked: Arc::default(),
            thread: None,
        }
    }

    pub(super) fn start(
        listener: Box<dyn Accept>,
        id: MigrationId,
        ledger: Arc<Ledger>,
        limits: Limits,
    ) -> Self {
        let (stop, asked): (Arc<AtomicBool>, Arc<AtomicBool>) = Default::default();
        let flags = (Arc::clone(&stop), Arc::clone(&asked));
        let body = move || {
            thread_role::begin(Role::Control);
            testify(listener, id, &ledger, &limits, &flags.0, &flags.1);
        };
        let thread = std::thread::Builder::new()
            .name("migration-witness".into())
            .spawn(body);
        let thread = thread.map_err(
            |error| warn!(%error, "a source that loses the connection can't ask who has the guest"),
        );
        Self {
            stop,
            asked,
            thread: thread.ok(),
        }
    }

    /// Waits until somebody has asked, at most so long.
    pub(super) fn wait_for_question(&self, limit: Duration, give_up: impl Fn() -> bool) {
        let until = Instant::now() + limit;
        while self.thread.is_some()
            && !self.asked.load(Ordering::SeqCst)
            && Instant::now() < until
            && !give_up()
        {
            std::thread::sleep(LOOK.min(limit));
        }
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            // It ends within moments; a panic in it was told by then.
            let _ = thread.join();
        }
    }
}

fn testify(
    mut listener: Box<dyn Accept>,
    id: MigrationId,
    ledger: &Ledger,
    limits: &Limits,
    stop: &AtomicBool,
    asked: &AtomicBool,
) {
    let hear = |channel: Channel, evicted: &dyn Fn() -> bool| {
        answer(channel, evicted, id, ledger, limits)?;
        asked.store(true, Ordering::SeqCst);
        Ok(None::<Infallible>)
    };
    let stop = || stop.load(Ordering::SeqCst);
    if let Err(error) = accept_connections(listener.as_mut(), limits, &stop, &hear) {
        warn!(%error, "nobody can ask any more who has the guest");
    }
}

/// Answers one who was greeted.
fn answer(
    mut channel: Channel,
    evicted: &dyn Fn() -> bool,
    id: MigrationId,
    ledger: &Ledger,
    limits: &Limits,
) -> Result<(), ChannelError> {
    match channel.receive_unless(limits.handshake, evicted)? {
        Message::Ask(asked) if asked == id => channel.send(Outgoing::Verdict(ledger.answer())),
        Message::Ask(_) => {
            channel.send(Outgoing::Verdict(Verdict::Unknown))?;
            Err(ChannelError::Damaged("it was about another machine"))
        }
        _ => {
            channel.send(Outgoing::Failed("this Paprika has a guest already"))?;
            Err(ChannelError::Damaged("a message that is no question"))
        }
    }
}
