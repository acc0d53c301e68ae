//! Rounds of copying while the guest runs: first all that is not zeros, then what was written meanwhile, until what is left can be sent
//! while the guest stands still for as long as its user allows.
//!
//! A guest that writes faster than the link carries never gets there. After [`Options::max_rounds`]
//! rounds, or as soon as [`STALLED`] rounds in a row have not brought it nearer, it is throttled,
//! harder and harder, where the user wants that; else the migration fails with the numbers that
//! would have been needed.
//!
//! [`Options::max_rounds`]: crate::Options::max_rounds

use std::time::{Duration, Instant};

use super::scan::{Frames, scan};
use super::{Reason, Session};
use crate::handle::Stage;
use crate::pages::PageSet;
use crate::wire::{Channel, Message, Outgoing};

/// Rounds in a row that have not brought it nearer, after which the guest is too busy.
const STALLED: u32 = 5;
/// How hard a guest is throttled, in percent of its time, one after the other.
const BRAKES: [u8; 7] = [20, 40, 60, 75, 85, 93, 98];
/// What the end takes in any case: messages there and back, and the state.
const OVERHEAD: Duration = Duration::from_millis(5);
/// Less than this, sent, says nothing about what the link carries.
const MEASURABLE: u64 = 1 << 20;
/// What the link is taken to carry where nothing was sent that would tell.
const UNMEASURED: u64 = 100 << 20;

/// What is known of speeds, in bytes per second.
#[derive(Debug, Clone, Copy)]
struct Pace {
    bandwidth: u64,
    dirty_rate: u64,
    /// How long the last flush took.
    flush: Duration,
}

impl Pace {
    /// For how long the guest would stand still for this many bytes.
    fn downtime(&self, bytes: u64) -> Duration {
        let carried = if self.bandwidth == 0 {
            UNMEASURED
        } else {
            self.bandwidth
        };
        OVERHEAD + self.flush + Duration::from_secs_f64(bytes as f64 / carried as f64)
    }
}

impl Session<'_> {
    /// Answers what is still to be sent.
    pub(super) fn precopy(&self, channel: &mut Channel) -> Result<PageSet, Reason> {
        let ram = self.machine.ram();
        let limit = self.options.downtime_limit;
        let mut pace = Pace {
            bandwidth: 0,
            dirty_rate: 0,
            flush: Duration::ZERO,
        };
        let mut todo = PageSet::all(ram.pages);
        let (mut round, mut stalled, mut brake) = (0, 0, 0);
        let mut least = u64::MAX;
        self.handle.stage(Stage::Memory);
        loop {
            round += 1;
            let began = Instant::now();
            let measured = self.round(channel, round, &todo)?;
            if measured > 0 {
                pace.bandwidth = measured;
            }
            todo.clear();
            self.machine.fetch_dirty(&mut todo);
            let bytes = |pages: &PageSet| pages.count() * u64::from(ram.page_size);
            let mut left = bytes(&todo);
            pace.dirty_rate = (left as f64 / began.elapsed().as_secs_f64().max(1e-6)) as u64;
            self.tell(&pace, left);
            // The flush of before says little about the next one.
            if pace.downtime(left).saturating_sub(pace.flush) <= limit {
                // What a flush finds now need not be found while the guest stands still.
                let began = Instant::now();
                self.machine.flush_ahead().map_err(Reason::Machine)?;
                let first = began.elapsed();
                let began = Instant::now();
                self.machine.flush_ahead().map_err(Reason::Machine)?;
                // The second has as little to do as the last will have.
                pace.flush = began.elapsed().min(first);
                self.machine.fetch_dirty(&mut todo);
                left = bytes(&todo);
                self.tell(&pace, left);
                if pace.downtime(left) <= limit {
                    return Ok(todo);
                }
            }
            // A tenth less is progress; what goes up and down is not.
            stalled = if left < least - least / 10 {
                0
            } else {
                stalled + 1
            };
            least = least.min(left);
            if stalled >= STALLED || round >= self.options.max_rounds && brake == 0 {
                let harder = BRAKES.into_iter().find(|&next| next > brake);
                match harder.filter(|&next| self.options.brake && self.machine.throttle(next)) {
                    Some(next) => {
                        (brake, stalled, least) = (next, 0, u64::MAX);
                        self.handle.update(|progress| progress.brake = next);
                    }
                    None => {
                        return Err(Reason::TooBusy {
                            dirty_rate: pace.dirty_rate,
                            bandwidth: pace.bandwidth,
                            expected: pace.downtime(left),
                            limit,
                        });
                    }
                }
            }
        }
    }

    fn tell(&self, pace: &Pace, left: u64) {
        self.handle.update(|progress| {
            progress.bandwidth = pace.bandwidth;
            progress.dirty_rate = pace.dirty_rate;
            progress.left_bytes = left;
            progress.expected_downtime = Some(pace.downtime(left));
        });
    }

    /// Sends pages. Answers what the link carries, in bytes per second; 0: too little was sent to tell.
    pub(super) fn round(
        &self,
        channel: &mut Channel,
        round: u32,
        pages: &PageSet,
    ) -> Result<u64, Reason> {
        let count = pages.count();
        channel.send(Outgoing::Round {
            round,
            pages: count,
        })?;
        self.handle.update(|progress| progress.round = round);
        let first = round == 1;
        scan(self.machine, pages, !first, |frames| {
            self.send(channel, frames, count)
        })
    }

    fn send(&self, channel: &mut Channel, frames: Frames, pages: u64) -> Result<u64, Reason> {
        let page_size = u64::from(self.machine.ram().page_size);
        let (mut left, before) = (pages, channel.bytes());
        let mut writing = Duration::ZERO;
        while let Ok((mut frame, looked_at)) = frames.ready.recv() {
            if self.handle.is_cancelled() {
                return Err(Reason::Cancelled);
            }
            if let Some(problem) = self.machine.hindrance() {
                return Err(Reason::Machine(problem));
            }
            let began = Instant::now();
            channel.send_pages(&mut frame, &|| self.handle.is_cancelled())?;
            writing += began.elapsed();
            let _ = frames.spare.send(frame.into_buffer());
            left = left.saturating_sub(looked_at);
            match channel.receive(Duration::ZERO) {
                Ok(Message::Failed(words)) => return Err(Reason::Destination(words.to_owned())),
                Ok(_) => return Err(Reason::Unexpected),
                Err(error) if error.is_timeout() => {}
                Err(error) => return Err(error.into()),
            }
            let bytes = channel.bytes();
            self.handle.update(|progress| {
                progress.left_bytes = left * page_size;
                progress.wire_bytes = bytes;
            });
        }
        if left > 0 {
            // The thread that reads ended early.
            return Err(Reason::Machine(crate::Problem::new(
                "the guest's memory could not be read",
            )));
        }
        let sent = channel.bytes() - before;
        let rate = sent as f64 / writing.as_secs_f64().max(1e-6);
        Ok(if sent >= MEASURABLE { rate as u64 } else { 0 })
    }
}
