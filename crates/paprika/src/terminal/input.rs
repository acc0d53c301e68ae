//! From standard input to the guest, as fast as the guest reads.
//!
//! A pipe is not read ahead of the guest, so that whoever writes into it waits. A terminal is read always, for the monitor's own keys
//! must work while the guest does not listen.

use std::collections::VecDeque;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::doorbell::Doorbell;
use super::keys::{Command, KeyFilter};

/// How many typed bytes wait for a guest that does not read; what is typed beyond is lost, as on a real serial line.
const TYPED_MAX: usize = 64 << 10;

/// How long the thread waits before it offers undelivered bytes again without being told of room: a reboot empties the guest's side
/// and tells nobody.
const OFFER_AGAIN: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 200_000_000,
};

/// Takes as many bytes as the guest has room for and answers how many.
pub(super) type Deliver<'a> = Box<dyn FnMut(&[u8]) -> usize + Send + 'a>;

/// Brings input to the guest.
pub(super) struct Pump<'a> {
    /// Where input comes from.
    pub(super) source: BorrowedFd<'a>,
    /// The monitor's keys, where the source is a terminal.
    pub(super) keys: Option<KeyFilter>,
    /// Wakes the pump.
    pub(super) doorbell: Arc<Doorbell>,
    /// The guest.
    pub(super) deliver: Deliver<'a>,
    /// Does what the user asks of the monitor.
    pub(super) command: Box<dyn FnMut(Command) + Send + 'a>,
}

impl Pump<'_> {
    /// Runs until the doorbell says stop.
    pub(super) fn run(mut self) {
        let mut waiting = VecDeque::new();
        let mut open = true;
        loop {
            self.offer(&mut waiting);
            let reading = open && (self.keys.is_some() || waiting.is_empty());
            let readable = self.wait(reading, !waiting.is_empty());
            if self.doorbell.is_stopped() {
                return;
            }
            if readable {
                open = self.read(&mut waiting);
            }
        }
    }

    /// Gives the guest what it has room for.
    fn offer(&mut self, waiting: &mut VecDeque<u8>) {
        self.doorbell.want_room(true);
        while !waiting.is_empty() {
            let taken = (self.deliver)(waiting.make_contiguous());
            if taken == 0 {
                return;
            }
            waiting.drain(..taken.min(waiting.len()));
        }
        self.doorbell.want_room(false);
    }

    /// Waits for the doorbell, and for the source where it is `reading`; answers whether the source has something.
    fn wait(&self, reading: bool, undelivered: bool) -> bool {
        let bell = PollFd::new(&*self.doorbell, PollFlags::IN);
        let source = PollFd::new(&self.source, PollFlags::IN);
        let mut both = [bell, source];
        let watched = if reading {
            &mut both[..]
        } else {
            &mut both[..1]
        };
        // An interrupted wait is one that found nothing.
        let _ = poll(watched, undelivered.then_some(&OFFER_AGAIN));
        let [bell, source] = both;
        if !bell.revents().is_empty() {
            self.doorbell.clear();
        }
        reading && !source.revents().is_empty()
    }

    /// Reads what is there; answers whether there can be more.
    fn read(&mut self, waiting: &mut VecDeque<u8>) -> bool {
        let mut bytes = [0; 4096];
        let bytes = match rustix::io::read(self.source, &mut bytes) {
            Ok(0) => return false,
            Ok(count) => &bytes[..count],
            Err(Errno::INTR | Errno::AGAIN) => return true,
            // A terminal that is gone, for example: for the guest that is silence.
            Err(_) => return false,
        };
        let Some(keys) = &mut self.keys else {
            waiting.extend(bytes);
            return true;
        };
        let mut guest = Vec::new();
        let commands = keys.filter(bytes, &mut guest);
        let room = TYPED_MAX.saturating_sub(waiting.len());
        waiting.extend(&guest[..guest.len().min(room)]);
        commands.into_iter().for_each(&mut self.command);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::fd::AsFd;
    use std::sync::Mutex;
    use std::sync::mpsc;

    use super::*;

    /// A guest that reads only when it is told to.
    #[derive(Default)]
    struct Guest {
        room: usize,
        read: Vec<u8>,
    }

    impl Guest {
        fn take(&mut self, bytes: &[u8]) -> usize {
            let count = bytes.len().min(self.room);
            self.room -= count;
            self.read.extend(&bytes[..count]);
            count
        }
    }

    /// Runs a pump over a pipe that `user` writes into.
    fn with_pump(
        keys: Option<KeyFilter>,
        user: impl FnOnce(&mut std::io::PipeWriter, &Doorbell, &Mutex<Guest>, mpsc::Receiver<Command>),
    ) {
        let (reader, mut writer) = std::io::pipe().expect("pipe");
        let doorbell = Arc::new(Doorbell::new().expect("doorbell"));
        let guest = Mutex::new(Guest::default());
        let (tell, told) = mpsc::channel();
        std::thread::scope(|scope| {
            let pump = Pump {
                source: reader.as_fd(),
                keys,
                doorbell: Arc::clone(&doorbell),
                deliver: Box::new(|bytes| guest.lock().expect("guest").take(bytes)),
                command: Box::new(move |command| tell.send(command).expect("listener")),
            };
            let running = scope.spawn(|| pump.run());
            user(&mut writer, &doorbell, &guest, told);
            doorbell.stop();
            running.join().expect("pump");
        });
    }

    fn until(what: impl Fn() -> bool) {
        while !what() {
            std::thread::yield_now();
        }
    }

    #[test]
    fn input_is_delivered_as_the_guest_makes_room_and_nothing_is_lost_at_the_end_of_the_pipe() {
        let text: Vec<u8> = (0..20_000u32).map(|n| (n % 251) as u8).collect();
        with_pump(None, |writer, doorbell, guest, _| {
            writer.write_all(&text).expect("write");
            while guest.lock().expect("guest").read.len() < text.len() {
                let mut now = guest.lock().expect("guest");
                if now.room == 0 {
                    now.room = 777;
                }
                drop(now);
                doorbell.room();
            }
            assert_eq!(guest.lock().expect("guest").read, text);
        });
    }

    #[test]
    fn the_monitors_keys_work_while_the_guest_does_not_read() {
        with_pump(Some(KeyFilter::default()), |writer, _, guest, told| {
            writer.write_all(&[b'y'; 10_000]).expect("write");
            writer.write_all(b"\x01x").expect("write");
            assert_eq!(told.recv(), Ok(Command::Quit));
            assert_eq!(guest.lock().expect("guest").read, b"");
        });
    }

    #[test]
    fn input_that_waits_is_offered_again_without_being_asked_for() {
        with_pump(None, |writer, _, guest, _| {
            writer.write_all(b"after a reboot").expect("write");
            guest.lock().expect("guest").room = 100;
            until(|| guest.lock().expect("guest").read == b"after a reboot");
        });
    }
}
