//! Code that has become warm: when it is compiled.
//!
//! Compiling takes processor time that a guest at work would rather have (a compiler on the other thread of a core halves it), so
//! code which runs too seldom to be worth that is compiled when nothing has been asked for a while, and then little by little: an
//! idle guest is to cost next to nothing. The guest that boots next finds it on disk.

use std::time::{Duration, Instant};

use crate::service::WarmHint;

/// Notes that are remembered.
const HINTS: usize = 1 << 14;
/// How long nothing was asked for.
const QUIET: Duration = Duration::from_millis(500);
/// Pauses are so many times as long as the work between them.
const PAUSE: u32 = 100;

/// Entries of warm code that wait until the compiler has nothing else to do.
pub(crate) struct WarmQueue {
    /// The newest is the last.
    hints: Vec<WarmHint>,
    /// Nothing is compiled before.
    not_before: Instant,
}

/// What is to be done.
pub(crate) enum Next {
    Nothing,
    /// This is to be compiled.
    Compile(WarmHint),
    /// Look again after so long.
    Later(Duration),
}

impl WarmQueue {
    pub(crate) fn new() -> Self {
        Self {
            hints: Vec::new(),
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

    /// Takes hints of vCPUs.
    pub(crate) fn add(&mut self, hints: Vec<WarmHint>) {
        self.hints.extend(hints);
        let forgotten = self.hints.len().saturating_sub(HINTS);
        self.hints.drain(..forgotten);
    }

    /// What comes next.
    pub(crate) fn next(&mut self) -> Next {
        let pause = self.not_before.saturating_duration_since(Instant::now());
        if self.hints.is_empty() {
            Next::Nothing
        } else if pause.is_zero() {
            self.hints.pop().map_or(Next::Nothing, Next::Compile)
        } else {
            Next::Later(pause)
        }
    }
}

#[cfg(test)]
mod tests {
    use power::code_tier::Reached;

    use super::*;
    use crate::mode::Mode;
    use crate::service::CompileRequest;

    #[test]
    fn the_newest_comes_first_when_all_is_quiet_and_then_there_is_a_pause() {
        let hint = |request_id| WarmHint {
            request_id,
            request: CompileRequest {
                entry: 0,
                mode: Mode::from_msr(0),
                reached: Reached::ALL,
            },
        };
        let mut warm = WarmQueue::new();
        assert!(matches!(warm.next(), Next::Nothing));
        warm.add((0..=HINTS as u64).map(hint).collect());
        assert_eq!(warm.hints.len(), HINTS);
        assert!(matches!(warm.next(), Next::Later(_)));
        warm.not_before = Instant::now();
        let Next::Compile(newest) = warm.next() else {
            panic!("nothing was asked for");
        };
        assert_eq!(newest.request_id, HINTS as u64);
        warm.compiled_in(Duration::from_secs(1));
        assert!(matches!(warm.next(), Next::Later(pause) if pause > QUIET));
    }
}
