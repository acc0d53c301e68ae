//! Pending connections: each that is accepted has its handshake on a thread of its own, so that
//! those that say nothing keep nobody waiting. They are bounded in number: where one too many
//! comes, the oldest that has said nothing yet is evicted, or else the oldest.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, sleep};
use std::time::{Duration, Instant};

use tracing::{debug, warn};

use super::LOOK;
use crate::link::{Accept, Link, PlaceError};
use crate::log_limit::LogLimit;
use crate::options::Limits;
use crate::wire::{Channel, ChannelError};

/// Pending connections at one time.
const PENDING_MAX: usize = 16;
/// How often it is looked whether the handshake of one of those has succeeded.
const STEP: Duration = Duration::from_millis(10);

/// A connection whose handshake is under way.
#[derive(Debug, Default)]
struct PendingConnection {
    /// Anything was received on it.
    spoke: AtomicBool,
    /// It is to be closed, to make room.
    evicted: AtomicBool,
}

/// All of them, the oldest first.
#[derive(Debug, Default)]
struct PendingConnections(Mutex<Vec<Arc<PendingConnection>>>);

impl PendingConnections {
    fn lock(&self) -> MutexGuard<'_, Vec<Arc<PendingConnection>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self) -> Arc<PendingConnection> {
        let connection = Arc::new(PendingConnection::default());
        self.lock().push(Arc::clone(&connection));
        connection
    }

    fn remove(&self, connection: &Arc<PendingConnection>) {
        self.lock().retain(|other| !Arc::ptr_eq(other, connection));
    }

    fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Whether there is room for another; if not, one is evicted.
    fn has_room(&self) -> bool {
        let pending = self.lock();
        if pending.len() < PENDING_MAX {
            return true;
        }
        let evicting = |it: &Arc<PendingConnection>| it.evicted.load(Ordering::Relaxed);
        if !pending.iter().any(evicting) {
            let silent = pending.iter().find(|it| !it.spoke.load(Ordering::Relaxed));
            if let Some(connection) = silent.or(pending.first()) {
                connection.evicted.store(true, Ordering::Relaxed);
            }
        }
        false
    }

    fn evict_all(&self) {
        let pending = self.lock();
        pending
            .iter()
            .for_each(|it| it.evicted.store(true, Ordering::Relaxed));
    }
}

/// What is done with a connection after the greeting; none: it came to nothing. The second argument
/// says whether the connection is evicted.
pub(super) type Hear<'a, T> =
    dyn Fn(Channel, &dyn Fn() -> bool) -> Result<Option<T>, ChannelError> + Sync + 'a;

/// Accepts connections until `hear` makes something of one of them, or until `stop` (then: none).
///
/// # Errors
/// Where no more can be accepted.
pub(super) fn accept_connections<T: Send>(
    listener: &mut dyn Accept,
    limits: &Limits,
    stop: &dyn Fn() -> bool,
    hear: &Hear<'_, T>,
) -> Result<Option<T>, PlaceError> {
    let pending = PendingConnections::default();
    let log = Mutex::new(LogLimit::default());
    let (tell, told) = channel();
    std::thread::scope(|scope| {
        let mut waiting: Option<Box<dyn Link>> = None;
        let outcome = loop {
            if let Ok(found) = told.try_recv() {
                break Ok(Some(found));
            }
            if stop() {
                break Ok(None);
            }
            if waiting.is_none() {
                let wait = if pending.is_empty() { LOOK } else { STEP };
                match listener.accept(Instant::now() + wait) {
                    Ok(link) => waiting = link,
                    Err(error) => break Err(error),
                }
            }
            // Only for one that waits is another evicted.
            if waiting.is_some() && !pending.has_room() {
                sleep(STEP);
                continue;
            }
            let Some(link) = waiting.take() else {
                continue;
            };
            let connection = pending.add();
            let (pending, log) = (&pending, &log);
            let (added, tell) = (Arc::clone(&connection), tell.clone());
            let body = move || {
                handshake(link, &added, limits, hear, log, &tell);
                pending.remove(&added);
            };
            let thread = Builder::new().name("migration-greet".into());
            if let Err(error) = thread.spawn_scoped(scope, body) {
                pending.remove(&connection);
                write(log, |left_out| {
                    warn!(%error, left_out, "who connected can't be greeted");
                });
                sleep(LOOK);
            }
        };
        pending.evict_all();
        outcome
    })
}

/// The body of a thread: the handshake of one connection, and what follows it.
fn handshake<T>(
    link: Box<dyn Link>,
    connection: &PendingConnection,
    limits: &Limits,
    hear: &Hear<'_, T>,
    log: &Mutex<LogLimit>,
    tell: &Sender<T>,
) {
    let evicted = || connection.evicted.load(Ordering::Relaxed);
    let mut channel = Channel::new(link, limits.frame.min(limits.handshake));
    let peer = channel.peer();
    let heard = channel
        .wait_for_word(limits.first_byte, &evicted)
        .and_then(|()| {
            connection.spoke.store(true, Ordering::Relaxed);
            channel.greet(limits.handshake, &evicted)
        })
        .and_then(|()| hear(channel, &evicted));
    match heard {
        Ok(Some(found)) => {
            // Nobody listens any more where another was first.
            let _ = tell.send(found);
        }
        Ok(None) => {}
        Err(ChannelError::Ended) => debug!(?peer, "someone connected and left"),
        Err(ChannelError::Interrupted) => debug!(?peer, "someone who connected was sent away"),
        Err(error) => write(log, |left_out| {
            warn!(?peer, %error, left_out, "someone connected and was sent away");
        }),
    }
}

fn write(log: &Mutex<LogLimit>, line: impl FnOnce(u64)) {
    log.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .line(line);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_that_says_nothing_makes_room_and_one_at_a_time() {
        let pending = PendingConnections::default();
        let all: Vec<_> = (0..PENDING_MAX)
            .map(|_| {
                assert!(pending.has_room());
                pending.add()
            })
            .collect();
        all[0].spoke.store(true, Ordering::Relaxed);
        assert!(!pending.has_room() && !pending.has_room());
        let evicting = |number: usize| all[number].evicted.load(Ordering::Relaxed);
        assert_eq!(
            (0..PENDING_MAX)
                .filter(|&it| evicting(it))
                .collect::<Vec<_>>(),
            [1]
        );
        pending.remove(&all[1]);
        assert!(pending.has_room());
        let last = pending.add();
        for connection in all.iter().chain([&last]) {
            connection.spoke.store(true, Ordering::Relaxed);
        }
        assert!(!pending.has_room());
        assert!(evicting(0), "all have spoken: the oldest");
        pending.evict_all();
        assert!(last.evicted.load(Ordering::Relaxed));
    }
}
