//! Every interleaving of the group commit and the asynchronous calls that it completes, under loom.
//! (The calls alone are checked in papr-dr.)
//!
//! The files under test are compiled here a second time, against a `sync` module made of loom's
//! primitives. Loom runs a test once for every order in which its threads can meet; what is
//! asserted holds in all of them.
#![allow(dead_code, missing_docs)]

#[path = "../../papr-dr/tests/loom/sync.rs"]
mod sync;

#[path = "../../papr-dr/src/calls.rs"]
mod calls;
#[path = "../../papr-dr/src/token.rs"]
mod token;

#[path = "../src/flush"]
mod flush {
    pub mod group;
}

use std::time::Duration;

use calls::{AsyncCalls, Claim, Completion};
use flush::group::{Asked, GroupCommit};
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use sync::{Arc, Condvar, Mutex, lock};
use token::{ContinueToken, TokenSource};

/// Loom's waits have no end of their own: a wait that nobody ends is a deadlock, which loom
/// reports.
const FOR_EVER: Duration = Duration::from_secs(1 << 30);

/// Three preemptions per run: enough for every bug known of this kind, few enough for a run of
/// seconds.
fn check(model: impl Fn() + Send + Sync + 'static) {
    check_with(3, model);
}

fn check_with(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

fn calls<R: Clone, A: Clone>(lost: A) -> AsyncCalls<R, A> {
    AsyncCalls::new(TokenSource::new([1, 2, 3, 4]), 4, lost)
}

/// A machine in small: a medium, calls, a group, and an executor's threads.
///
/// A sync of the medium carries the stores that happened before it began and that no other carries,
/// and makes them durable unless it fails. It says nothing of what another carries: that is the
/// group's to know.
struct Machine {
    calls: AsyncCalls<(), i64>,
    group: GroupCommit<Completion<(), i64>, &'static str>,
    /// Which of two writers has stored, which of these stores a sync carries, and which is durable.
    /// A sync reads them one after the other.
    stored: [AtomicUsize; 2],
    carried: [AtomicUsize; 2],
    durable: [AtomicUsize; 2],
    syncs: AtomicUsize,
    /// Jobs for the executor's thread, and how many flushes will still be told.
    jobs: Mutex<(usize, usize)>,
    work: Condvar,
}

impl Machine {
    fn new(flushes: usize, second_from: Option<usize>) -> Arc<Self> {
        let none = || [AtomicUsize::new(0), AtomicUsize::new(0)];
        Arc::new(Machine {
            calls: calls(-1),
            group: GroupCommit::new(second_from),
            stored: none(),
            carried: none(),
            durable: none(),
            syncs: AtomicUsize::new(0),
            jobs: Mutex::new((0, flushes)),
            work: Condvar::new(),
        })
    }

    fn submit(&self) {
        lock(&self.jobs).0 += 1;
        self.work.notify_all();
    }

    fn told(&self, count: usize) {
        lock(&self.jobs).1 -= count;
        self.work.notify_all();
    }

    /// Store, flush, and see what the answer is worth.
    fn write(&self, who: usize) -> (i64, ContinueToken) {
        self.stored[who].store(1, Ordering::SeqCst);
        let (token, completion) = self.calls.begin(()).expect("room");
        match self.group.ask(Some(completion)) {
            Asked::Submit => self.submit(),
            Asked::Joined => {}
            Asked::Failed(completion, _) => {
                completion.expect("the one who asked").complete(-1);
                self.told(1);
            }
        }
        let Claim::Finished(status) = self.calls.claim(token, FOR_EVER) else {
            panic!("nobody else has the token")
        };
        if status == 0 {
            assert_eq!(
                self.durable[who].load(Ordering::SeqCst),
                1,
                "success before the store is durable"
            );
        }
        (status, token)
    }

    /// A thread of the executor: runs jobs until every flush was told. Syncs from number `failing`
    /// on fail.
    fn execute(&self, failing: usize) {
        loop {
            let mut jobs = lock(&self.jobs);
            while jobs.0 == 0 {
                if jobs.1 == 0 {
                    return;
                }
                jobs = self.work.wait(jobs).expect("no poison");
            }
            jobs.0 -= 1;
            drop(jobs);
            let begun = self.group.begin();
            let carries: Vec<_> = (0..2)
                .filter(|&who| {
                    self.stored[who].load(Ordering::SeqCst) == 1
                        && self.carried[who].swap(1, Ordering::SeqCst) == 0
                })
                .collect();
            let number = self.syncs.fetch_add(1, Ordering::SeqCst);
            let result = if number >= failing {
                Err("EIO")
            } else {
                Ok(())
            };
            if result.is_ok() {
                for who in carries {
                    self.durable[who].store(1, Ordering::SeqCst);
                }
            }
            let ended = self.group.end(Some(begun.sync_slot), result);
            if ended.submit {
                self.submit();
            }
            let count = ended.done.len();
            let status = if ended.outcome.is_ok() { 0 } else { -1 };
            ended
                .done
                .into_iter()
                .for_each(|completion| completion.complete(status));
            self.told(count);
        }
    }
}

#[test]
fn a_gathering_ends_when_everybody_is_there() {
    check(|| {
        let group = Arc::new(GroupCommit::<u32, &'static str>::new(None));
        // A round of two, so that the next sync waits for two.
        assert!(matches!(group.ask(Some(0)), Asked::Submit));
        assert!(matches!(group.ask(Some(1)), Asked::Joined));
        let begun = group.begin();
        assert!(!group.end(Some(begun.sync_slot), Ok(())).submit);
        assert!(matches!(group.ask(Some(0)), Asked::Submit));
        let other = {
            let group = Arc::clone(&group);
            thread::spawn(move || {
                assert!(matches!(group.ask(Some(1)), Asked::Joined));
            })
        };
        // Loom's waits have no end: a wake-up that got lost would be a deadlock.
        group.gather(FOR_EVER);
        assert_eq!(group.begin().size, 2);
        other.join().expect("no panic");
    });
}

fn two_writers(
    at_once: usize,
    failing: usize,
    check_end: impl Fn(&Machine, [i64; 2]) + Send + Sync + 'static,
) {
    // A thread more makes many times as many orders.
    check_with(4 - at_once, move || {
        let machine = Machine::new(2, (at_once > 1).then_some(0));
        let executor: Vec<_> = (0..at_once)
            .map(|_| {
                let machine = Arc::clone(&machine);
                thread::spawn(move || machine.execute(failing))
            })
            .collect();
        let other = {
            let machine = Arc::clone(&machine);
            thread::spawn(move || machine.write(1))
        };
        let mine = machine.write(0);
        let others = other.join().expect("no panic");
        for thread in executor {
            thread.join().expect("no panic");
        }
        assert_ne!(mine.1, others.1, "a token twice");
        check_end(&machine, [mine.0, others.0]);
    });
}

#[test]
fn no_flush_succeeds_before_its_store_is_durable_and_none_is_forgotten() {
    two_writers(1, usize::MAX, |machine, statuses| {
        assert_eq!(statuses, [0, 0]);
        assert!(
            machine.syncs.load(Ordering::SeqCst) <= 2,
            "two flushes cost at most two syncs"
        );
    });
}

#[test]
fn after_a_failed_sync_no_flush_succeeds() {
    two_writers(1, 0, |machine, statuses| {
        assert_eq!(statuses, [-1, -1]);
        assert_eq!(
            machine.syncs.load(Ordering::SeqCst),
            1,
            "a failed backing is not synced again"
        );
        assert_eq!(machine.group.failure(), Some("EIO"));
    });
}

#[test]
fn a_failure_of_the_second_sync_takes_back_no_success_of_the_first() {
    two_writers(1, 1, |machine, statuses| {
        assert!(statuses.contains(&0));
        assert_eq!(machine.group.failure().is_some(), statuses.contains(&-1));
    });
}

#[test]
fn of_two_syncs_at_once_no_flush_succeeds_before_its_store_is_durable_and_none_is_forgotten() {
    two_writers(2, usize::MAX, |_, statuses| {
        assert_eq!(statuses, [0, 0]);
    });
}

#[test]
fn of_two_syncs_at_once_a_failure_of_either_lets_no_store_pass_that_is_not_durable() {
    // That a success means "durable" is asserted where it is told.
    for failing in [0, 1] {
        two_writers(2, failing, move |machine, statuses| {
            let failed = machine.syncs.load(Ordering::SeqCst) > failing;
            assert_eq!(machine.group.failure().is_some(), failed);
            assert!(failed || statuses == [0, 0]);
        });
    }
}
