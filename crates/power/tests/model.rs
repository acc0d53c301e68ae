//! Every interleaving of a vCPU's wait and of those who wake it, under loom.
//!
//! The file under test is compiled here a second time, against a `sync` module made of loom's primitives. Loom runs a test once for
//! every order in which its threads can meet; a wait that nobody ends is a deadlock, which it reports.
#![allow(dead_code, missing_docs)]

mod sync {
    pub(crate) use std::sync::PoisonError;

    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
    pub(crate) use loom::sync::{Condvar, Mutex};
}

#[path = "../src/signals.rs"]
mod signals;

use loom::sync::Arc;
use loom::thread;
use signals::{EXTERNAL, FLUSH, KICK, PROD, Signals};

/// Preemptions per run: enough for every bug known of this kind, few enough for a run of seconds.
fn check(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

fn raiser(signals: &Arc<Signals>, flags: &'static [u32]) -> thread::JoinHandle<()> {
    let signals = Arc::clone(signals);
    thread::spawn(move || flags.iter().for_each(|&flag| signals.raise(flag)))
}

#[test]
fn a_flag_is_never_slept_through() {
    check(|| {
        let signals = Arc::new(Signals::default());
        let other = raiser(&signals, &[EXTERNAL]);
        assert_eq!(signals.wait(EXTERNAL | KICK, None), EXTERNAL);
        other.join().expect("no panic");
        assert_eq!(
            signals.flags(),
            EXTERNAL,
            "it stays up until it is taken down"
        );
    });
}

#[test]
fn flags_that_are_not_waited_for_do_not_end_a_wait_and_hide_none_that_is() {
    check(|| {
        let signals = Arc::new(Signals::default());
        let other = raiser(&signals, &[FLUSH, PROD]);
        assert_eq!(signals.wait(PROD, None), PROD);
        other.join().expect("no panic");
        assert_eq!(signals.flags(), FLUSH | PROD);
    });
}

#[test]
fn two_who_wake_it_at_once_are_both_heard_one_after_the_other() {
    check(|| {
        let signals = Arc::new(Signals::default());
        let others = [raiser(&signals, &[EXTERNAL]), raiser(&signals, &[KICK])];
        let mut heard = 0;
        while heard != EXTERNAL | KICK {
            let up = signals.wait(EXTERNAL | KICK, None);
            assert_ne!(up, 0, "nothing else ends a wait without a deadline");
            heard |= signals.clear(up);
        }
        for other in others {
            other.join().expect("no panic");
        }
        assert_eq!(signals.flags(), 0);
    });
}

#[test]
fn a_flag_that_comes_again_after_it_was_taken_down_wakes_again() {
    check(|| {
        let signals = Arc::new(Signals::default());
        let back = Arc::new(Signals::default());
        let (theirs, answer) = (Arc::clone(&signals), Arc::clone(&back));
        let other = thread::spawn(move || {
            theirs.raise(EXTERNAL);
            answer.wait(PROD, None);
            theirs.raise(EXTERNAL);
        });
        for _ in 0..2 {
            assert_eq!(signals.wait(EXTERNAL, None), EXTERNAL);
            signals.clear(EXTERNAL);
            back.raise(PROD);
        }
        other.join().expect("no panic");
    });
}
