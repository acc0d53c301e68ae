//! From the guest to standard output.
//!
//! A thread of its own writes, so that a reader that is slow, or has stopped altogether, never stops a vCPU: when the queue is full,
//! the guest is told to come again.

use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use thread_role::Role;

/// How much the guest may be ahead of the reader.
const QUEUE_MAX: usize = 64 << 10;

#[derive(Debug, Default)]
struct Queue {
    bytes: Vec<u8>,
    /// Nothing will be added: the writer ends when it has written what is there.
    closed: bool,
    /// The writer has ended.
    done: bool,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, queue: MutexGuard<'a, Queue>) -> MutexGuard<'a, Queue> {
        self.changed
            .wait(queue)
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The guest's end of the queue.
#[derive(Debug, Clone)]
pub(super) struct Sender(Arc<Shared>);

impl Sender {
    /// Takes all of `bytes`, or none where there is no room for all.
    pub(super) fn send(&self, bytes: &[u8]) -> bool {
        let mut queue = self.0.lock();
        if queue.bytes.len() + bytes.len() > QUEUE_MAX {
            return false;
        }
        queue.bytes.extend_from_slice(bytes);
        drop(queue);
        self.0.changed.notify_all();
        true
    }
}

/// The writer's thread.
#[derive(Debug)]
pub(super) struct Output(Arc<Shared>);

impl Output {
    /// Starts the thread that writes into `sink`.
    pub(super) fn start(sink: impl Write + Send + 'static) -> std::io::Result<(Self, Sender)> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("console-output".into())
            .spawn(move || {
                thread_role::begin(Role::Terminal);
                write_all(&theirs, sink);
            })?;
        Ok((Self(Arc::clone(&shared)), Sender(shared)))
    }

    /// Waits until everything is written, but no longer than `limit`: a reader may have stopped for good. The thread is left behind
    /// then.
    pub(super) fn drain(&self, limit: Duration) {
        let deadline = Instant::now() + limit;
        let mut queue = self.0.lock();
        queue.closed = true;
        self.0.changed.notify_all();
        while !queue.done {
            let Some(left) = deadline
                .checked_duration_since(Instant::now())
                .filter(|left| !left.is_zero())
            else {
                return;
            };
            queue = self
                .0
                .changed
                .wait_timeout(queue, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

/// The writer's thread: everything that has come, in one piece.
fn write_all(shared: &Shared, mut sink: impl Write) {
    let mut queue = shared.lock();
    loop {
        while queue.bytes.is_empty() && !queue.closed {
            queue = shared.wait(queue);
        }
        if queue.bytes.is_empty() {
            break;
        }
        let bytes = std::mem::take(&mut queue.bytes);
        drop(queue);
        // A closed pipe loses the guest's words, not the guest.
        let _ = sink.write_all(&bytes).and_then(|()| sink.flush());
        queue = shared.lock();
    }
    queue.done = true;
    drop(queue);
    shared.changed.notify_all();
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn output_arrives_in_order_and_whole() {
        let (mut reader, writer) = std::io::pipe().expect("pipe");
        let (output, sender) = Output::start(writer).expect("thread");
        for line in 0..1000 {
            assert!(sender.send(format!("{line}\n").as_bytes()));
        }
        output.drain(Duration::from_secs(60));
        let mut text = String::new();
        reader.read_to_string(&mut text).expect("read");
        let expected: String = (0..1000).map(|line| format!("{line}\n")).collect();
        assert_eq!(text, expected);
    }

    #[test]
    fn a_reader_that_has_stopped_stops_neither_the_guest_nor_the_end() {
        let (_reader, writer) = std::io::pipe().expect("pipe");
        let (output, sender) = Output::start(writer).expect("thread");
        let mut sent = 0;
        while sender.send(&[b'x'; 16]) {
            sent += 16;
            // The pipe takes 64 KiB on Linux, and the queue as much.
            assert!(sent < 1 << 20, "the queue has no bound");
        }
        output.drain(Duration::from_millis(10));
    }

    #[test]
    fn a_closed_pipe_loses_words_only() {
        let (reader, writer) = std::io::pipe().expect("pipe");
        drop(reader);
        let (output, sender) = Output::start(writer).expect("thread");
        assert!(sender.send(b"anyone?"));
        output.drain(Duration::from_secs(60));
    }
}
