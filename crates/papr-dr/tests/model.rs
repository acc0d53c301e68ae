//! Every interleaving of the asynchronous calls, under loom.
//!
//! The files under test are compiled here a second time, against a `sync` module made of loom's
//! primitives. Loom runs a test once for every order in which its threads can meet; what is
//! asserted holds in all of them.
#![allow(dead_code, missing_docs)]

#[path = "loom/sync.rs"]
mod sync;

#[path = "../src/calls.rs"]
mod calls;
#[path = "../src/token.rs"]
mod token;

use std::time::Duration;

use calls::{AsyncCalls, Claim, Completion};
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use sync::Arc;
use token::TokenSource;

/// Loom's waits have no end of their own: a wait that nobody ends is a deadlock, which loom
/// reports.
const FOR_EVER: Duration = Duration::from_secs(1 << 30);

/// Three preemptions per run: enough for every bug known of this kind, few enough for a run of
/// seconds.
fn check(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

fn calls<R: Clone, A: Clone>(lost: A) -> AsyncCalls<R, A> {
    AsyncCalls::new(TokenSource::new([1, 2, 3, 4]), 4, lost)
}

#[test]
fn a_completion_is_never_lost_on_a_claim_that_waits() {
    check(|| {
        let calls = calls::<(), i64>(-1);
        let (token, completion) = calls.begin(()).expect("room");
        let worker = thread::spawn(move || completion.complete(7));
        assert_eq!(calls.claim(token, FOR_EVER), Claim::Finished(7));
        worker.join().expect("no panic");
    });
}

#[test]
fn a_call_whose_worker_dies_finishes_as_lost() {
    check(|| {
        let calls = calls::<(), i64>(-1);
        let (token, completion) = calls.begin(()).expect("room");
        let worker = thread::spawn(move || drop(completion));
        assert_eq!(calls.claim(token, FOR_EVER), Claim::Finished(-1));
        worker.join().expect("no panic");
    });
}

#[test]
fn no_token_is_answered_twice() {
    check(|| {
        let calls = calls::<(), i64>(-1);
        let (token, completion) = calls.begin(()).expect("room");
        let claims: Vec<_> = (0..2)
            .map(|_| {
                let calls = calls.clone();
                thread::spawn(move || calls.claim(token, FOR_EVER))
            })
            .collect();
        completion.complete(7);
        let answers: Vec<_> = claims
            .into_iter()
            .map(|claim| claim.join().expect("no panic"))
            .collect();
        let finished = answers
            .iter()
            .filter(|&&answer| answer == Claim::Finished(7))
            .count();
        let unknown = answers
            .iter()
            .filter(|&&answer| answer == Claim::Unknown)
            .count();
        assert_eq!((finished, unknown), (1, 1), "{answers:?}");
        assert_eq!(calls.outstanding(), 0);
    });
}

#[test]
fn a_drain_waits_for_what_runs_and_leaves_nothing() {
    check(|| {
        let calls = calls::<(), i64>(-1);
        let (token, completion) = calls.begin(()).expect("room");
        let done = Arc::new(AtomicUsize::new(0));
        let worker = {
            let done = Arc::clone(&done);
            thread::spawn(move || {
                done.store(1, Ordering::SeqCst);
                completion.complete(7);
            })
        };
        let other = {
            let calls = calls.clone();
            thread::spawn(move || calls.claim(token, FOR_EVER))
        };
        assert_eq!(calls.drain(FOR_EVER), 0);
        assert_eq!(
            done.load(Ordering::SeqCst),
            1,
            "the drain came back before the work was done"
        );
        assert!(calls.begin(()).is_err(), "closed");
        assert_eq!(calls.claim(token, Duration::ZERO), Claim::Unknown);
        let claimed = other.join().expect("no panic");
        assert!(
            matches!(claimed, Claim::Finished(7) | Claim::Unknown),
            "{claimed:?}"
        );
        worker.join().expect("no panic");
    });
}

#[test]
fn who_waits_for_a_call_that_an_import_forgets_hears_of_it() {
    check(|| {
        let calls = calls::<(), i64>(-1);
        let empty = calls.export();
        let (token, completion) = calls.begin(()).expect("room");
        let claim = {
            let calls = calls.clone();
            thread::spawn(move || calls.claim(token, FOR_EVER))
        };
        assert!(calls.import(empty).is_empty());
        drop(completion);
        assert_eq!(claim.join().expect("no panic"), Claim::Unknown);
    });
}

/// A second user of the layer, which has nothing to do with flushes: a scrub that reports how far
/// it came, with answers that are more than a status.
mod scrub {
    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    pub struct Scrub {
        pub first: u64,
        pub last: u64,
    }

    #[derive(Clone, Debug, PartialEq)]
    pub enum Scrubbed {
        Bad(Vec<u64>),
        Abandoned,
    }

    pub fn run(request: &Scrub, completion: Completion<Scrub, Scrubbed>) {
        completion.complete(Scrubbed::Bad(
            (request.first..request.last)
                .filter(|block| block % 3 == 0)
                .collect(),
        ));
    }
}

#[test]
fn the_layer_serves_calls_that_are_no_flushes() {
    check(|| {
        let calls = calls::<scrub::Scrub, scrub::Scrubbed>(scrub::Scrubbed::Abandoned);
        let request = scrub::Scrub { first: 1, last: 7 };
        let (one, completion) = calls.begin(request.clone()).expect("room");
        let (two, dropped) = calls
            .begin(scrub::Scrub { first: 0, last: 0 })
            .expect("room");
        assert_ne!(one, two);
        let worker = thread::spawn(move || {
            drop(dropped);
            scrub::run(&request, completion);
        });
        assert_eq!(
            calls.claim(one, FOR_EVER),
            Claim::Finished(scrub::Scrubbed::Bad(vec![3, 6]))
        );
        assert_eq!(
            calls.claim(two, FOR_EVER),
            Claim::Finished(scrub::Scrubbed::Abandoned)
        );
        worker.join().expect("no panic");
    });
}

#[test]
fn a_call_that_a_snapshot_carried_is_done_again_under_its_token() {
    check(|| {
        let before = calls::<&'static str, i64>(-1);
        let (token, _running) = before.begin("again").expect("room");
        let after = calls::<&'static str, i64>(-1);
        let mut again = after.import(before.export());
        let (request, completion) = again.pop().expect("the call");
        assert_eq!((request, again.len()), ("again", 0));
        let worker = thread::spawn(move || completion.complete(3));
        assert_eq!(after.claim(token, FOR_EVER), Claim::Finished(3));
        worker.join().expect("no panic");
    });
}
