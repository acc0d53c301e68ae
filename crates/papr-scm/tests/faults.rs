//! Injected faults: a sync that fails, that is slow, that never ends because its thread died.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use common::{LABEL, WithSync, call, crash, drc, flush, machine, on_each_executor, plug};
use papr_scm::abi::{BLOCK_SIZE, health, opcode, status};
use papr_scm::backing::{Backing, CrashBacking, Fault, FileBacking};
use papr_scm::flush::{Executor, ExecutorChoice, SyncJob, ThreadExecutor};
use papr_scm::{Plug, Scm, ScmOptions};

const EIO: i32 = 5;
const ENOSPC: i32 = 28;

#[test]
fn an_error_is_never_followed_by_a_success_and_is_seen_everywhere() {
    for errno in [EIO, ENOSPC] {
        let scm = machine(ExecutorChoice::Threads);
        let backing = crash();
        let device = plug(&scm, 0, &backing);
        assert_eq!(flush(&scm, drc(0)), status::H_SUCCESS);
        backing.inject(Fault::Error(errno));
        for _ in 0..20 {
            assert_eq!(flush(&scm, drc(0)), status::H_HARDWARE);
        }
        let failure = device.failure().expect("the latch is set").to_string();
        assert!(
            failure.contains("pmem0") && failure.contains(&format!("os error {errno}")),
            "{failure}"
        );
        assert_ne!(device.health().0 & health::FATAL, 0);
        scm.reset().expect("nothing is outstanding");
        assert_eq!(
            flush(&scm, drc(0)),
            status::H_HARDWARE,
            "a reset does not heal a backing"
        );
    }
}

#[test]
fn an_error_of_the_host_is_seen_through_every_executor() {
    on_each_executor(|executor| {
        let scm = machine(executor);
        // A file that can't be synced.
        let (_reader, writer) = std::io::pipe().expect("a pipe");
        let file = writer.try_clone().expect("a second handle").into();
        let pipe = WithSync {
            inner: crash(),
            sync: move |_: &CrashBacking, _| Ok(rustix::fs::fdatasync(&writer)?),
            file: Some(file),
        };
        let device = scm
            .plug(common::spec(0), Arc::new(pipe), Plug::Cold)
            .expect("an empty slot");
        assert_eq!(flush(&scm, drc(0)), status::H_HARDWARE);
        let failure = device.failure().expect("the latch is set");
        assert!(failure.reason.contains("Invalid argument"), "{failure}");
    });
}

#[test]
fn a_failure_that_the_monitor_saw_counts_like_one_of_a_sync() {
    let scm = machine(ExecutorChoice::Threads);
    let device = plug(&scm, 0, &crash());
    device.fail("a page could not be read");
    assert_eq!(flush(&scm, drc(0)), status::H_HARDWARE);
    assert_ne!(device.health().0 & health::FATAL, 0);
    assert!(
        device
            .failure()
            .expect("the latch is set")
            .to_string()
            .contains("could not be read")
    );
}

#[test]
fn every_flush_that_waits_for_a_failing_sync_fails() {
    let scm = Arc::new(machine(ExecutorChoice::Threads));
    let backing = crash();
    plug(&scm, 0, &backing);
    backing.slow_down(Duration::from_millis(20));
    backing.inject(Fault::Error(EIO));
    let flushes: Vec<_> = (0..8)
        .map(|_| {
            let scm = scm.clone();
            thread::spawn(move || flush(&scm, drc(0)))
        })
        .collect();
    for answer in flushes {
        assert_eq!(answer.join().expect("no panic"), status::H_HARDWARE);
    }
}

#[test]
fn a_dying_thread_fails_its_device_and_no_other() {
    on_each_executor(dying_thread);
}

fn dying_thread(executor: ExecutorChoice) {
    let scm = machine(executor);
    let (dies, lives) = (crash(), crash());
    plug(&scm, 0, &dies);
    plug(&scm, 1, &lives);
    dies.inject(Fault::ThreadDies);
    assert_eq!(flush(&scm, drc(0)), status::H_HARDWARE);
    assert_eq!(flush(&scm, drc(0)), status::H_HARDWARE);
    for _ in 0..10 {
        assert_eq!(flush(&scm, drc(1)), status::H_SUCCESS);
    }
}

/// An executor whose threads die before they begin.
struct Stillborn(AtomicUsize);

impl Executor for Stillborn {
    fn name(&self) -> &'static str {
        "stillborn"
    }

    fn submit(&self, job: SyncJob) {
        self.0.fetch_add(1, Ordering::SeqCst);
        thread::spawn(move || drop(job));
    }
}

#[test]
fn a_sync_that_never_begins_is_no_success() {
    let executor = Arc::new(Stillborn(AtomicUsize::new(0)));
    let scm = Scm::with_executor(ScmOptions::default(), executor.clone()).expect("an SCM");
    plug(&scm, 0, &crash());
    assert_eq!(flush(&scm, drc(0)), status::H_HARDWARE);
    assert_eq!(flush(&scm, drc(0)), status::H_HARDWARE);
    assert_eq!(
        executor.0.load(Ordering::SeqCst),
        1,
        "a failed backing is not synced again"
    );
}

#[test]
fn while_a_sync_is_slow_other_calls_and_other_devices_go_on_and_busy_answers_grow() {
    let scm = Arc::new(machine(ExecutorChoice::Threads));
    let (slow, quick) = (crash(), crash());
    let device = plug(&scm, 0, &slow);
    plug(&scm, 1, &quick);
    slow.hold();
    let mut answers = Vec::new();
    let mut token = 0;
    // One vCPU asks as Linux does, until it is told to sleep for long.
    while answers.last() != Some(&status::H_LONG_BUSY_ORDER_100_MSEC) {
        let answer = call(&scm, opcode::H_SCM_FLUSH, &[drc(0), token]);
        thread::sleep(status::retry_after(answer.status).expect("the sync is held"));
        answers.push(answer.status);
        token = answer.outputs[0];
    }
    // Others go on meanwhile.
    let other = {
        let scm = scm.clone();
        thread::spawn(move || {
            for _ in 0..50 {
                assert_eq!(flush(&scm, drc(1)), status::H_SUCCESS);
                assert_eq!(
                    call(&scm, opcode::H_SCM_HEALTH, &[drc(0)]).status,
                    status::H_SUCCESS
                );
                assert_eq!(
                    call(&scm, opcode::H_SCM_READ_METADATA, &[drc(0), 0, 8]).status,
                    status::H_SUCCESS
                );
                assert!(
                    status::retry_after(call(&scm, opcode::H_SCM_FLUSH, &[drc(0), token]).status)
                        .is_some()
                );
            }
        })
    };
    other.join().expect("no panic");
    assert_eq!(device.counters().syncs, 0);
    slow.release();
    while status::retry_after(call(&scm, opcode::H_SCM_FLUSH, &[drc(0), token]).status).is_some() {}
    assert_eq!(
        (device.counters().syncs, device.counters().failed_flushes),
        (1, 0)
    );
    assert!(answers.is_sorted(), "{answers:?}");
    let sleeps = answers
        .iter()
        .filter(|&&answer| answer != status::H_BUSY)
        .count();
    assert!(sleeps < 40, "the guest asked far too often: {answers:?}");
}

#[test]
fn real_files_are_flushed_by_every_executor() {
    on_each_executor(|executor| {
        let scm = Arc::new(machine(executor));
        for n in 0..4 {
            let file = tempfile::tempfile().expect("a temporary file");
            file.set_len(BLOCK_SIZE + LABEL).expect("a sparse file");
            let backing = FileBacking::new(file, BLOCK_SIZE, LABEL, true).expect("a mapping");
            scm.plug(common::spec(n), Arc::new(backing), Plug::Cold)
                .expect("an empty slot");
        }
        let vcpus: Vec<_> = (0..8)
            .map(|vcpu| {
                let scm = scm.clone();
                thread::spawn(move || {
                    let device = &scm.devices()[vcpu % 4];
                    for round in 0..20u64 {
                        device
                            .region()
                            .host
                            .write(vcpu as u64 * 4096, &round.to_be_bytes())
                            .expect("in the region");
                        assert_eq!(flush(&scm, drc(vcpu as u64 % 4)), status::H_SUCCESS);
                    }
                })
            })
            .collect();
        vcpus
            .into_iter()
            .for_each(|vcpu| vcpu.join().expect("no panic"));
        for device in scm.devices() {
            let counters = device.counters();
            assert_eq!((counters.flushes, counters.failed_flushes), (40, 0));
            assert_eq!(
                counters.syncs + counters.coalesced,
                40,
                "each flush had a sync of its own or shared one"
            );
        }
        let report = scm.shutdown(Duration::from_secs(30));
        assert_eq!((report.abandoned, report.failures.len()), (0, 0));
    });
}

#[test]
fn many_flushes_at_once_cost_few_syncs() {
    let scm = Arc::new(machine(ExecutorChoice::Threads));
    let backing = crash();
    let device = plug(&scm, 0, &backing);
    backing.slow_down(Duration::from_millis(30));
    let flushes: Vec<_> = (0..32)
        .map(|_| {
            let scm = scm.clone();
            thread::spawn(move || flush(&scm, drc(0)))
        })
        .collect();
    flushes
        .into_iter()
        .for_each(|flush| assert_eq!(flush.join().expect("no panic"), status::H_SUCCESS));
    let counters = device.counters();
    assert_eq!(counters.syncs + counters.coalesced, 32);
    assert!(counters.syncs < 16, "{counters:?}");
}

#[test]
fn a_shutdown_makes_durable_what_was_never_flushed_and_names_what_it_could_not() {
    let scm = machine(ExecutorChoice::Threads);
    let (sound, broken) = (crash(), crash());
    plug(&scm, 0, &sound);
    plug(&scm, 1, &broken);
    sound
        .region()
        .write(77, b"never flushed")
        .expect("in the region");
    broken.inject(Fault::Error(EIO));
    let report = scm.shutdown(Duration::from_secs(30));
    assert_eq!(report.abandoned, 0);
    assert_eq!(
        report
            .failures
            .iter()
            .map(|failure| failure.device.as_str())
            .collect::<Vec<_>>(),
        ["pmem1"]
    );
    let mut bytes = [0; 13];
    sound.read_durable(77, &mut bytes).expect("in the image");
    assert_eq!(&bytes, b"never flushed");
    let after = call(&scm, opcode::H_SCM_FLUSH, &[drc(0), 0]);
    assert_eq!(after.status, status::H_PARAMETER, "no more calls begin");
}

#[test]
fn an_executor_can_be_dropped_while_a_sync_runs() {
    let backing = crash();
    let scm =
        Scm::with_executor(ScmOptions::default(), Arc::new(ThreadExecutor::new())).expect("an SCM");
    let device = plug(&scm, 0, &backing);
    backing.hold();
    let answer = call(&scm, opcode::H_SCM_FLUSH, &[drc(0), 0]);
    assert!(status::retry_after(answer.status).is_some());
    drop(scm);
    backing.release();
    backing.region().write(0, &[1]).expect("in the region");
    device
        .engine()
        .flush_and_wait(Duration::from_secs(30))
        .expect("the device's handle keeps its executor");
}
