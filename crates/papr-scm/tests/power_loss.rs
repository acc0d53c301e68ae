//! Acknowledged records survive a power loss; and the same without flushing is seen to lose some,
//! or the test is worth nothing.

mod common;

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use common::{WithSync, crash, drc, flush, machine, spec};
use papr_scm::abi::status;
use papr_scm::backing::{Backing, CrashBacking};
use papr_scm::flush::ExecutorChoice;
use papr_scm::{Plug, Scm};

/// Enough for two syncs at once.
const WRITERS: u64 = 8;
const RECORD: usize = 6 * 1024;
/// Each writer has its own part of the device and fills it record by record.
const PART: u64 = 8 << 20;

/// A record is full of its number: half a record is told from a whole one.
fn record(writer: u64, number: u64) -> Vec<u8> {
    (writer << 32 | number).to_be_bytes().repeat(RECORD / 8)
}

fn offset(writer: u64, number: u64) -> u64 {
    writer * PART + (number - 1) * RECORD as u64
}

/// Writers store and flush until the power goes. Returns what is left, and up to which record each
/// was acknowledged.
fn run_until_power_loss(
    scm: &Arc<Scm>,
    backing: &CrashBacking,
    flushes: bool,
    seed: u64,
) -> (CrashBacking, Vec<u64>) {
    let off = Arc::new(AtomicBool::new(false));
    let acknowledged: Arc<Vec<AtomicU64>> =
        Arc::new((0..WRITERS).map(|_| AtomicU64::new(0)).collect());
    let start = Arc::new(Barrier::new(WRITERS as usize + 1));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (scm, off, acknowledged, start) = (
                scm.clone(),
                off.clone(),
                acknowledged.clone(),
                start.clone(),
            );
            thread::spawn(move || {
                let device = scm.devices().remove(0);
                start.wait();
                for number in 1..PART / RECORD as u64 {
                    device
                        .region()
                        .host
                        .write(offset(writer, number), &record(writer, number))
                        .expect("in the region");
                    if flushes && flush(&scm, drc(0)) != status::H_SUCCESS {
                        return;
                    }
                    if off.load(Ordering::SeqCst) {
                        return;
                    }
                    acknowledged[writer as usize].store(number, Ordering::SeqCst);
                }
            })
        })
        .collect();
    start.wait();
    thread::sleep(Duration::from_micros(500 + seed * 211 % 7000));
    off.store(true, Ordering::SeqCst);
    let numbers = acknowledged
        .iter()
        .map(|number| number.load(Ordering::SeqCst))
        .collect();
    let (after, _) = backing.cut_power(seed).expect("memory for two images");
    writers
        .into_iter()
        .for_each(|writer| writer.join().expect("no panic"));
    (after, numbers)
}

/// How many acknowledged records are not there whole.
fn lost(after: &CrashBacking, acknowledged: &[u64]) -> usize {
    let mut lost = 0;
    for (writer, &last) in (0..).zip(acknowledged) {
        for number in 1..=last {
            let mut bytes = vec![0; RECORD];
            after
                .region()
                .read(offset(writer, number), &mut bytes)
                .expect("in the region");
            lost += usize::from(bytes != record(writer, number));
        }
    }
    lost
}

#[test]
fn acknowledged_records_survive_power_loss() {
    let mut total = 0;
    let overlapped = Arc::new(AtomicUsize::new(0));
    for seed in 0..60 {
        let backing = crash();
        // A sync that takes no time overlaps with none.
        backing.slow_down(Duration::from_micros(200 * (seed % 2)));
        let (running, beside) = (AtomicUsize::new(0), overlapped.clone());
        let watched = WithSync {
            inner: backing.clone(),
            sync: move |inner: &CrashBacking, sync_slot| {
                let others = running.fetch_add(1, Ordering::SeqCst);
                beside.fetch_add(others, Ordering::SeqCst);
                let result = inner.sync(sync_slot);
                running.fetch_sub(1, Ordering::SeqCst);
                result
            },
            file: None,
        };
        let scm = Arc::new(machine(ExecutorChoice::Threads));
        scm.plug(spec(0), Arc::new(watched), Plug::Cold)
            .expect("an empty slot");
        let (after, acknowledged) = run_until_power_loss(&scm, &backing, true, seed);
        assert_eq!(
            lost(&after, &acknowledged),
            0,
            "seed {seed}, acknowledged {acknowledged:?}"
        );
        total += acknowledged.iter().sum::<u64>();
    }
    assert!(
        total > 100,
        "only {total} records were acknowledged: this proves little"
    );
    assert!(
        overlapped.load(Ordering::SeqCst) > 0,
        "no two syncs ran at once"
    );
}

#[test]
fn without_flushes_the_same_loses_records() {
    let mut total = 0;
    for seed in 0..10 {
        let backing = crash();
        let scm = Arc::new(machine(ExecutorChoice::Threads));
        let mut spec = spec(0);
        spec.sync_dax = true;
        scm.plug(spec, backing.clone(), Plug::Cold)
            .expect("an empty slot");
        assert!(!scm.devices()[0].flush_announced());
        let (after, acknowledged) = run_until_power_loss(&scm, &backing, false, seed);
        total += lost(&after, &acknowledged);
    }
    assert!(total > 0, "the harness does not see losses");
}
