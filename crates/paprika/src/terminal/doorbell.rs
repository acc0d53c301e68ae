//! What wakes the input thread besides a key: the guest has read something, or the machine has ended.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{EventfdFlags, eventfd};

/// An event that can be polled beside standard input.
#[derive(Debug)]
pub(super) struct Doorbell {
    event: OwnedFd,
    /// The input thread holds bytes that the guest had no room for.
    wanted: AtomicBool,
    stopped: AtomicBool,
}

impl Doorbell {
    pub(super) fn new() -> io::Result<Self> {
        let event = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?;
        Ok(Self {
            event,
            wanted: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
        })
    }

    /// The guest has read input. Costs a system call only where somebody waits for it.
    pub(super) fn room(&self) {
        if self.wanted.swap(false, Ordering::SeqCst) {
            self.ring();
        }
    }

    /// For the input thread: it wants to know of room. Said before it looks whether there is room, so that none goes unnoticed.
    pub(super) fn want_room(&self, wanted: bool) {
        self.wanted.store(wanted, Ordering::SeqCst);
    }

    /// The input thread should end.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        self.ring();
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    /// For the input thread: heard.
    pub(super) fn clear(&self) {
        // Nothing to read means that nobody rang since.
        let _ = rustix::io::read(&self.event, &mut [0; 8]);
    }

    fn ring(&self) {
        // Fails only where 2^64 rings were not heard: it rings already.
        let _ = rustix::io::write(&self.event, &1u64.to_ne_bytes());
    }
}

impl AsFd for Doorbell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}
