//! Migration frames: a stranger at either end says what he likes, in frames whose checksums are
//! right. The machine here is asked for nothing that the contract of `paprika_migration::machine`
//! does not allow, and nothing waits for ever.
#![no_main]

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use paprika_fuzz::bytes::Bytes;
use paprika_fuzz::frames::{self, PAGE, Script};
use paprika_migration::handle::Decision;
use paprika_migration::link::{Accept, Connect, Link, LinkError, PlaceError};
use paprika_migration::options::Limits;
use paprika_migration::{
    DestinationMachine, GuestIs, Handle, Options, PageSet, Problem, RamShape, SourceMachine,
    StoppedMachine, migrate, receive,
};

/// Pages of the largest machine that is taken.
const PAGES_MAX: u64 = 1 << 12;

/// How often it is looked whether somebody comes.
const PATIENCE: u32 = 20;

/// How a stranger and his connections are.
#[derive(Clone, Copy)]
struct Ways {
    /// The end of a connection proves that he is gone.
    proof: bool,
    /// Nothing of his is here already when it is looked for: it has to be waited for.
    slow: bool,
    /// At the end of his words he is silent for so many reads, before the connection ends.
    patience: u32,
    /// For how long he is waited for when all is decided but the last word.
    commit: Duration,
}

/// How those are that say what is expected.
const USUAL: Ways = Ways {
    proof: true,
    slow: true,
    patience: 0,
    commit: Duration::from_secs(5),
};

/// A connection of which one end is written down.
struct Played {
    script: Script,
    at: usize,
    ways: Ways,
    handle: Arc<Handle>,
}

impl Link for Played {
    fn read(&mut self, buffer: &mut [u8], until: Instant) -> Result<usize, LinkError> {
        if self.ways.slow && until <= Instant::now() {
            return Err(LinkError::TimedOut);
        }
        if self.script.pauses.first() == Some(&self.at) {
            self.script.pauses.remove(0);
            return Err(LinkError::TimedOut);
        }
        let left = &self.script.bytes[self.at..];
        if left.is_empty() && self.ways.patience > 0 {
            self.ways.patience -= 1;
            std::thread::sleep(Duration::from_micros(200));
            // Somebody has looked at the other side.
            let _ = self.handle.decide(Decision::Here);
            return Err(LinkError::TimedOut);
        }
        let pause = self.script.pauses.first().map(|pause| pause - self.at);
        let count = left
            .len()
            .min(buffer.len())
            .min(pause.unwrap_or(usize::MAX));
        buffer[..count].copy_from_slice(&left[..count]);
        self.at += count;
        Ok(count)
    }

    fn write(&mut self, bytes: &[u8], _: Instant) -> Result<usize, LinkError> {
        Ok(bytes.len())
    }

    fn end_is_proof(&self) -> bool {
        self.ways.proof
    }
}

/// Everybody who comes, or whom one can reach.
struct Place {
    scripts: Mutex<Vec<Script>>,
    ways: Ways,
    /// How often nobody came.
    idle: AtomicU32,
    handle: Arc<Handle>,
}

impl Place {
    fn new(scripts: Vec<Script>, ways: Ways, handle: &Arc<Handle>) -> Self {
        Self {
            scripts: Mutex::new(scripts),
            ways,
            idle: AtomicU32::new(0),
            handle: Arc::clone(handle),
        }
    }
}

impl Place {
    fn next(&self) -> Option<Box<dyn Link>> {
        let mut scripts = self.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        if scripts.is_empty() {
            // The user has looked at the other side; and calls off what waits for a while already.
            let _ = self.handle.decide(Decision::Here);
            if self.idle.fetch_add(1, Ordering::Relaxed) >= PATIENCE {
                let _ = self.handle.cancel();
            }
            return None;
        }
        Some(Box::new(Played {
            script: scripts.remove(0),
            at: 0,
            ways: self.ways,
            handle: Arc::clone(&self.handle),
        }))
    }
}

impl Accept for Place {
    fn accept(&mut self, _: Instant) -> Result<Option<Box<dyn Link>>, PlaceError> {
        let next = self.next();
        if next.is_none() {
            std::thread::sleep(Duration::from_micros(200));
        }
        Ok(next)
    }
}

impl Connect for Place {
    fn connect(&self, _: Instant) -> Result<Box<dyn Link>, PlaceError> {
        self.next()
            .ok_or_else(|| PlaceError::Connect("there".into(), "nobody".into()))
    }
}

/// How far a machine is that a guest moves to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    New,
    Checked,
    Prepared,
    Loaded,
    Taken,
    Runs,
    GivenUp,
}

struct Destination {
    step: Step,
    ram: RamShape,
}

impl Destination {
    fn goes(&mut self, from: Step, to: Step) {
        assert_eq!(self.step, from, "on the way to {to:?}");
        self.step = to;
    }
}

impl DestinationMachine for Destination {
    fn check(&mut self, _: &[u8], ram: RamShape) -> Result<(), Problem> {
        assert!(ram.is_possible(), "{ram:?}");
        if ram.pages > PAGES_MAX {
            return Err(Problem::new("too large"));
        }
        self.goes(Step::New, Step::Checked);
        self.ram = ram;
        Ok(())
    }

    fn prepare(&mut self, _: Vec<u8>) -> Result<(), Problem> {
        self.goes(Step::Checked, Step::Prepared);
        Ok(())
    }

    fn write_pages(&mut self, first: u64, bytes: &[u8]) {
        assert_eq!(self.step, Step::Prepared);
        let page = self.ram.page_size as usize;
        assert!(bytes.len().is_multiple_of(page) && !bytes.is_empty());
        assert!(first + (bytes.len() / page) as u64 <= self.ram.pages);
    }

    fn clear_pages(&mut self, pages: Range<u64>) {
        assert_eq!(self.step, Step::Prepared);
        assert!(pages.start < pages.end && pages.end <= self.ram.pages);
    }

    fn load(&mut self, _: &[u8]) -> Result<(), Problem> {
        self.goes(Step::Prepared, Step::Loaded);
        Ok(())
    }

    fn take(&mut self) -> Result<(), Problem> {
        self.goes(Step::Loaded, Step::Taken);
        Ok(())
    }

    fn run(&mut self, _: Duration) {
        self.goes(Step::Taken, Step::Runs);
    }

    fn give_up(&mut self) {
        assert!(
            !matches!(self.step, Step::Runs | Step::GivenUp),
            "{:?}",
            self.step
        );
        self.step = Step::GivenUp;
    }
}

/// A machine of 16 pages whose guest runs here.
#[derive(Default)]
struct Source {
    paused: AtomicBool,
    released: AtomicBool,
    left: AtomicBool,
}

impl SourceMachine for Source {
    fn description(&self) -> Result<Vec<u8>, Problem> {
        Ok(b"description".to_vec())
    }
    fn ram(&self) -> RamShape {
        RamShape {
            page_size: PAGE,
            pages: 16,
        }
    }
    fn start_dirty_log(&self) -> Result<(), Problem> {
        Ok(())
    }
    fn fetch_dirty(&self, _: &mut PageSet) {}
    fn stop_dirty_log(&self) {}
    fn read_page(&self, page: u64, bytes: &mut [u8]) {
        bytes.fill(page as u8);
    }
    fn flush_ahead(&self) -> Result<(), Problem> {
        Ok(())
    }
    fn pause(&self) -> Result<Box<dyn StoppedMachine + '_>, Problem> {
        assert!(!self.paused.swap(true, Ordering::SeqCst));
        Ok(Box::new(Stopped(self)))
    }
}

struct Stopped<'a>(&'a Source);

impl StoppedMachine for Stopped<'_> {
    fn fetch_dirty(&self, _: &mut PageSet) {}
    fn settle(&self) -> Result<(), Problem> {
        Ok(())
    }
    fn state(&self) -> Result<Vec<u8>, Problem> {
        Ok(b"state".to_vec())
    }
    fn release(&self) -> Result<(), Problem> {
        assert!(!self.0.released.swap(true, Ordering::SeqCst));
        Ok(())
    }
    fn reclaim(&self) -> Result<(), Problem> {
        assert!(self.0.released.swap(false, Ordering::SeqCst));
        Ok(())
    }
    fn resume(self: Box<Self>) -> Result<(), Problem> {
        assert!(
            !self.0.released.load(Ordering::SeqCst),
            "what runs has its files"
        );
        assert!(self.0.paused.swap(false, Ordering::SeqCst));
        Ok(())
    }
    fn leave(self: Box<Self>) {
        assert!(self.0.released.load(Ordering::SeqCst));
        self.0.left.store(true, Ordering::SeqCst);
    }
}

/// Scripts end by themselves: only what is waited for without a link needs short limits.
fn options(commit: Duration) -> Options {
    Options {
        max_rounds: 3,
        limits: Limits {
            commit,
            linger: Duration::ZERO,
            ..Limits::default()
        },
        ..Options::default()
    }
}

/// Whether a guest has come.
fn attack_destination(scripts: Vec<Script>, ways: Ways) -> bool {
    let handle = Arc::new(Handle::new());
    let place = Place::new(scripts, ways, &handle);
    let mut machine = Destination {
        step: Step::New,
        ram: RamShape {
            page_size: PAGE,
            pages: 1,
        },
    };
    let received = receive(
        Box::new(place),
        &mut machine,
        &options(ways.commit),
        &handle,
    );
    assert_eq!(received.is_ok(), machine.step == Step::Runs);
    received.is_ok()
}

/// Whether the guest has gone.
fn attack_source(scripts: Vec<Script>, ways: Ways) -> bool {
    let handle = Arc::new(Handle::new());
    let place = Place::new(scripts, ways, &handle);
    let machine = Source::default();
    let moved = migrate(&machine, &place, &options(ways.commit), &handle);
    let (paused, left) = (
        machine.paused.load(Ordering::SeqCst),
        machine.left.load(Ordering::SeqCst),
    );
    match &moved {
        Ok(_) => assert!(left, "a guest that has gone does not stay"),
        Err(error) => {
            assert!(!left, "{error}");
            assert!(error.guest == GuestIs::AsBefore && !paused, "{error}");
        }
    }
    moved.is_ok()
}

/// What is said here is understood there: else this would test greetings only.
fn the_protocol_is_known() {
    assert!(
        attack_destination(vec![frames::usual_source()], USUAL),
        "fuzz/src/frames.rs does not speak the protocol of crates/migration any more"
    );
    assert!(
        attack_source(vec![frames::usual_destination()], USUAL),
        "fuzz/src/frames.rs does not speak the protocol of crates/migration any more"
    );
}

fuzz_target!(|bytes: &[u8]| {
    static ONCE: Once = Once::new();
    ONCE.call_once(the_protocol_is_known);
    let mut bytes = Bytes(bytes);
    let flags = bytes.byte();
    let scripts = frames::scripts(&mut bytes);
    let ways = Ways {
        proof: flags & 2 != 0,
        slow: flags & 8 == 0,
        patience: u32::from(flags & 4),
        commit: Duration::from_millis(2),
    };
    if flags & 1 == 0 {
        attack_destination(scripts, ways);
    } else {
        attack_source(scripts, ways);
    }
});
