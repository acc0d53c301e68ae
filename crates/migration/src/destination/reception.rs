//! Everybody who connects is greeted at once, on a thread of his own, so that those who say nothing
//! keep nobody waiting. They are bounded in number: where one too many comes, the oldest that has
//! said nothing yet makes room, or else the oldest.

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

/// Connections that are greeted at one time.
const VISITORS: usize = 16;
/// How often it is looked whether one of those has come to something.
const STEP: Duration = Duration::from_millis(10);

/// One who has connected.
#[derive(Debug, Default)]
struct Visitor {
    /// Has he said anything?
    spoke: AtomicBool,
    /// He is to make room.
    leaves: AtomicBool,
}

/// All who are greeted now, the oldest first.
#[derive(Debug, Default)]
struct Visitors(Mutex<Vec<Arc<Visitor>>>);

impl Visitors {
    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Visitor>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self) -> Arc<Visitor> {
        let visitor = Arc::new(Visitor::default());
        self.lock().push(Arc::clone(&visitor));
        visitor
    }

    fn leave(&self, visitor: &Arc<Visitor>) {
        self.lock().retain(|other| !Arc::ptr_eq(other, visitor));
    }

    fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Whether another can be greeted; if not, one is told to make room.
    fn has_room(&self) -> bool {
        let visitors = self.lock();
        if visitors.len() < VISITORS {
            return true;
        }
        let leaving = |it: &Arc<Visitor>| it.leaves.load(Ordering::Relaxed);
        if !visitors.iter().any(leaving) {
            let silent = visitors.iter().find(|it| !it.spoke.load(Ordering::Relaxed));
            if let Some(visitor) = silent.or(visitors.first()) {
                visitor.leaves.store(true, Ordering::Relaxed);
            }
        }
        false
    }

    fn dismiss_all(&self) {
        let visitors = self.lock();
        visitors
            .iter()
            .for_each(|it| it.leaves.store(true, Ordering::Relaxed));
    }
}

/// What one who was greeted is asked; none: nothing came of him. The second argument says whether
/// he is to be sent away.
pub(super) type Hear<'a, T> =
    dyn Fn(Channel, &dyn Fn() -> bool) -> Result<Option<T>, ChannelError> + Sync + 'a;

/// Greets whoever connects, until `hear` makes something of one of them, or until `stop` (then:
/// none).
///
/// # Errors
/// Where nobody can come any more.
pub(super) fn receive_visitors<T: Send>(
    listener: &mut dyn Accept,
    limits: &Limits,
    stop: &dyn Fn() -> bool,
    hear: &Hear<'_, T>,
) -> Result<Option<T>, PlaceError> {
    let visitors = Visitors::default();
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
                let wait = if visitors.is_empty() { LOOK } else { STEP };
                match listener.accept(Instant::now() + wait) {
                    Ok(link) => waiting = link,
                    Err(error) => break Err(error),
                }
            }
            // Only for one who waits does another have to leave.
            if waiting.is_some() && !visitors.has_room() {
                sleep(STEP);
                continue;
            }
            let Some(link) = waiting.take() else {
                continue;
            };
            let visitor = visitors.enter();
            let (visitors, log) = (&visitors, &log);
            let (entered, tell) = (Arc::clone(&visitor), tell.clone());
            let body = move || {
                entertain(link, &entered, limits, hear, log, &tell);
                visitors.leave(&entered);
            };
            let thread = Builder::new().name("migration-greet".into());
            if let Err(error) = thread.spawn_scoped(scope, body) {
                visitors.leave(&visitor);
                write(log, |left_out| {
                    warn!(%error, left_out, "who connected can't be greeted");
                });
                sleep(LOOK);
            }
        };
        visitors.dismiss_all();
        outcome
    })
}

/// The body of a thread: one visit.
fn entertain<T>(
    link: Box<dyn Link>,
    visitor: &Visitor,
    limits: &Limits,
    hear: &Hear<'_, T>,
    log: &Mutex<LogLimit>,
    tell: &Sender<T>,
) {
    let leaves = || visitor.leaves.load(Ordering::Relaxed);
    let mut channel = Channel::new(link, limits.frame.min(limits.handshake));
    let peer = channel.peer();
    let heard = channel
        .wait_for_word(limits.first_byte, &leaves)
        .and_then(|()| {
            visitor.spoke.store(true, Ordering::Relaxed);
            channel.greet(limits.handshake, &leaves)
        })
        .and_then(|()| hear(channel, &leaves));
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
        let visitors = Visitors::default();
        let all: Vec<_> = (0..VISITORS)
            .map(|_| {
                assert!(visitors.has_room());
                visitors.enter()
            })
            .collect();
        all[0].spoke.store(true, Ordering::Relaxed);
        assert!(!visitors.has_room() && !visitors.has_room());
        let leaving = |number: usize| all[number].leaves.load(Ordering::Relaxed);
        assert_eq!(
            (0..VISITORS).filter(|&it| leaving(it)).collect::<Vec<_>>(),
            [1]
        );
        visitors.leave(&all[1]);
        assert!(visitors.has_room());
        let last = visitors.enter();
        for visitor in all.iter().chain([&last]) {
            visitor.spoke.store(true, Ordering::Relaxed);
        }
        assert!(!visitors.has_room());
        assert!(leaving(0), "all have spoken: the oldest");
        visitors.dismiss_all();
        assert!(last.leaves.load(Ordering::Relaxed));
    }
}
