//! What a machine has to be able to do to move: the contract between this crate and a monitor.
//!
//! All calls come from the thread that called [`migrate`](crate::migrate) or [`receive`](crate::receive), except where a method
//! says otherwise. None of them may wait for the guest without a bound.

use std::ops::Range;
use std::time::Duration;

use crate::pages::PageSet;

/// Why a machine can't do what it is asked: one sentence for the user of either side.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Problem(pub String);

impl Problem {
    /// With the words of an error.
    pub fn new(words: impl ToString) -> Self {
        Self(words.to_string())
    }
}

/// How big a machine's RAM is, and in what units changes to it are noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RamShape {
    /// Bytes of a page: a power of two from 4 KiB to 1 MiB.
    pub page_size: u32,
    /// Number of pages.
    pub pages: u64,
}

impl RamShape {
    /// Smallest and largest page.
    pub const PAGE_SIZES: std::ops::RangeInclusive<u32> = 1 << 12..=1 << 20;

    /// Is it one that this crate can move?
    pub fn is_possible(self) -> bool {
        self.page_size.is_power_of_two()
            && Self::PAGE_SIZES.contains(&self.page_size)
            && (1..=1 << 40).contains(&self.pages)
    }

    /// Bytes of RAM.
    pub fn bytes(self) -> u64 {
        self.pages * u64::from(self.page_size)
    }
}

/// A machine whose guest runs here and is to move away. The guest of a machine that was paused by its user stays paused, there as here.
pub trait SourceMachine: Sync {
    /// What the destination has to be like, for [`DestinationMachine::check`]; at most 1 MiB.
    ///
    /// # Errors
    /// Where the machine can't move now.
    fn description(&self) -> Result<Vec<u8>, Problem>;

    /// What the destination needs to make the machine, beside its description, and that does not change: files that it boots from, for
    /// example. At most 1 GiB.
    ///
    /// # Errors
    /// Where it can't be had.
    fn static_payload(&self) -> Result<Vec<u8>, Problem> {
        Ok(Vec::new())
    }

    /// Its RAM.
    fn ram(&self) -> RamShape;

    /// From now on pages that the guest or the monitor writes are remembered.
    ///
    /// # Errors
    /// Where that can't be.
    fn start_dirty_log(&self) -> Result<(), Problem>;

    /// Adds to `pages` what was written since the last call, or the start, and forgets it. A page that is written while this runs is
    /// in this answer or in the next.
    fn fetch_dirty(&self, pages: &mut PageSet);

    /// Nothing is remembered any more.
    fn stop_dirty_log(&self);

    /// The first range at or behind page `from` in which anything may have been written since power-on; none: all from there on is
    /// zeros. Only saves time. Called from another thread.
    fn next_populated(&self, from: u64) -> Option<Range<u64>> {
        let pages = self.ram().pages;
        (from < pages).then_some(from..pages)
    }

    /// Copies a page; what the guest writes meanwhile may be in the copy in part. Called from another thread.
    fn read_page(&self, page: u64, bytes: &mut [u8]);

    /// Slows the guest down: of its time, it does not run for this share (percent, 0: it runs freely). Answers whether it can.
    fn throttle(&self, percent: u8) -> bool {
        percent == 0
    }

    /// Makes durable what the guest has stored so far, while it runs on, so that little is left to do when it stands still.
    ///
    /// # Errors
    /// Where it can't be made durable.
    fn flush_ahead(&self) -> Result<(), Problem>;

    /// Makes the guest stand still, between two instructions.
    ///
    /// # Errors
    /// Where it does not; it runs on then.
    fn pause(&self) -> Result<Box<dyn StoppedMachine + '_>, Problem>;

    /// Why the migration can't go on: the machine has ended, for example.
    fn hindrance(&self) -> Option<Problem> {
        None
    }
}

/// A machine whose guest stands still, until it is told to [`resume`](Self::resume) or to [`leave`](Self::leave).
///
/// Dropped without either, for example by a panic, its guest may go on only where it was not released.
pub trait StoppedMachine: Sync {
    /// As [`SourceMachine::fetch_dirty`]; nothing is missing after this.
    fn fetch_dirty(&self, pages: &mut PageSet);

    /// Makes everything durable that the guest has stored. Called from another thread.
    ///
    /// # Errors
    /// Where it can't be made durable.
    fn settle(&self) -> Result<(), Problem>;

    /// Settled, all of the guest's state but RAM, and how it is to be at the destination (running or paused).
    ///
    /// # Errors
    /// Where it can't be had.
    fn state(&self) -> Result<Vec<u8>, Problem>;

    /// Lets go of what only one machine may have (the locks of its files), so that the destination can take it. Until it was reclaimed
    /// the guest must not run by any other means either.
    ///
    /// # Errors
    /// Where it can't; what was let go of is reclaimed then.
    fn release(&self) -> Result<(), Problem>;

    /// Takes back what was released.
    ///
    /// # Errors
    /// Where another has it. The guest must not run then; this is called again.
    fn reclaim(&self) -> Result<(), Problem>;

    /// The guest goes on (unless its user had paused it), as if nothing had been. Not called between `release` and `reclaim`.
    ///
    /// # Errors
    /// Where it can't.
    fn resume(self: Box<Self>) -> Result<(), Problem>;

    /// The guest is another machine's: this one ends, and touches nothing of it any more.
    fn leave(self: Box<Self>);
}

/// A machine that a guest moves to. Its RAM is all zeros at first.
///
/// The order of calls: `check`, `prepare`, memory, `load`, `take`, `run`. [`give_up`](Self::give_up) may come instead of any of these, and
/// is the last call then.
pub trait DestinationMachine {
    /// Looks whether there can be the machine that a source describes. Nothing of the guest has been sent yet. Takes nothing that the
    /// source still has.
    ///
    /// # Errors
    /// For the user of this side; the source is told that it was refused.
    fn check(&mut self, description: &[u8], ram: RamShape) -> Result<(), Problem>;

    /// After `check`: bytes of static payload that belong to what was described, where that is
    /// known. More are not taken in.
    fn static_payload_size(&self) -> Option<u64> {
        None
    }

    /// Makes the machine, of what was described and of the source's static payload.
    ///
    /// # Errors
    /// For the user of this side; the source is told that it was refused.
    fn prepare(&mut self, static_payload: Vec<u8>) -> Result<(), Problem> {
        let _ = static_payload;
        Ok(())
    }

    /// Writes whole pages from `first` on. They are within the RAM that `check` was told of.
    fn write_pages(&mut self, first: u64, bytes: &[u8]);

    /// Makes pages zeros.
    fn clear_pages(&mut self, pages: Range<u64>);

    /// Takes the guest's state. Everything that can fail before the guest runs fails here or in [`take`](Self::take).
    ///
    /// # Errors
    /// For the user of this side; the source is told that it was refused.
    fn load(&mut self, state: &[u8]) -> Result<(), Problem>;

    /// Takes what the source has released, and makes sure that it is what the source had. Tries for a moment where another has it.
    ///
    /// # Errors
    /// For the user of this side; the source is told that it was refused. Nothing is held then.
    fn take(&mut self) -> Result<(), Problem>;

    /// The guest is this machine's, and runs. `downtime` is for how long it has stood still, as far as this side knows.
    fn run(&mut self, downtime: Duration);

    /// The guest is not and never will be this machine's: lets go of everything.
    fn give_up(&mut self);
}
