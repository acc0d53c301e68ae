//! Code that has become lukewarm: when it is compiled.
//!
//! Compiling takes processor time that a guest at work would rather have (a compiler on the other thread of a core halves it), so
//! code which runs too seldom to be worth that is compiled when nothing has been asked for a while, and then little by little: an
//! idle guest is to cost next to nothing. The guest that boots next finds it on disk.

use std::time::{Duration, Instant};

use crate::service::Note;

/// Notes that are remembered.
const NOTES: usize = 1 << 14;
/// How long nothing was asked for.
const QUIET: Duration = Duration::from_millis(500);
/// Pauses are so many times as long as the work between them.
const PAUSE: u32 = 100;

/// See the module.
pub(crate) struct Lukewarm {
    /// The newest is the last.
    notes: Vec<Note>,
    /// Nothing is compiled before.
    not_before: Instant,
}

/// What is to be done.
pub(crate) enum Next {
    Nothing,
    /// This is to be compiled.
    Compile(Note),
    /// Look again after so long.
    Later(Duration),
}

impl Lukewarm {
    pub(crate) fn new() -> Self {
        Self {
            notes: Vec::new(),
            not_before: Instant::now() + QUIET,
        }
    }

    /// Something was asked for.
    pub(crate) fn asked(&mut self) {
        self.wait(QUIET);
    }

    /// What came [`Next`] took so long.
    pub(crate) fn compiled_in(&mut self, took: Duration) {
        self.wait(took.saturating_mul(PAUSE).min(QUIET * PAUSE));
    }

    fn wait(&mut self, pause: Duration) {
        self.not_before = self.not_before.max(Instant::now() + pause);
    }

    /// Takes notes of vCPUs.
    pub(crate) fn add(&mut self, notes: Vec<Note>) {
        self.notes.extend(notes);
        let forgotten = self.notes.len().saturating_sub(NOTES);
        self.notes.drain(..forgotten);
    }

    /// What comes next.
    pub(crate) fn next(&mut self) -> Next {
        let pause = self.not_before.saturating_duration_since(Instant::now());
        if self.notes.is_empty() {
            Next::Nothing
        } else if pause.is_zero() {
            self.notes.pop().map_or(Next::Nothing, Next::Compile)
        } else {
            Next::Later(pause)
        }
    }
}

#[cfg(test)]
mod tests {
    use power::accelerator::Reached;

    use super::*;
    use crate::mode::Mode;
    use crate::service::Wish;

    #[test]
    fn the_newest_comes_first_when_all_is_quiet_and_then_there_is_a_pause() {
        let note = |ticket| Note {
            ticket,
            wish: Wish {
                entry: 0,
                mode: Mode::from_msr(0),
                reached: Reached::ALL,
            },
        };
        let mut lukewarm = Lukewarm::new();
        assert!(matches!(lukewarm.next(), Next::Nothing));
        lukewarm.add((0..=NOTES as u64).map(note).collect());
        assert_eq!(lukewarm.notes.len(), NOTES);
        assert!(matches!(lukewarm.next(), Next::Later(_)));
        lukewarm.not_before = Instant::now();
        let Next::Compile(newest) = lukewarm.next() else {
            panic!("nothing was asked for");
        };
        assert_eq!(newest.ticket, NOTES as u64);
        lukewarm.compiled_in(Duration::from_secs(1));
        assert!(matches!(lukewarm.next(), Next::Later(pause) if pause > QUIET));
    }
}
