//! Random code pages, MSR values and page tables, on both engines in lock step. Nothing may differ, panic or hang, and compiled
//! code must have done a good part of the work.
//!
//! `POWER_LOCKSTEP_ROUNDS` multiplies the work (`cargo xtask test --long`), `POWER_LOCKSTEP_START` begins with another seed, and
//! `POWER_LOCKSTEP_SEED` runs that one alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use power_lockstep_cases::{Case, shrink};

/// Cases of the ordinary test.
const CASES: u64 = 120;
/// A case takes some tenths of a second; one that takes this long hangs.
const LIMIT: Duration = Duration::from_secs(120);

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Ends the process, with the seed, where a case does not end.
fn watch(current: &Arc<AtomicU64>) {
    let current = Arc::clone(current);
    std::thread::spawn(move || {
        let mut last = None;
        loop {
            let seed = current.load(Ordering::Relaxed);
            if last == Some(seed) {
                eprintln!("seed {seed} does not end");
                std::process::abort();
            }
            last = Some(seed);
            std::thread::sleep(LIMIT);
        }
    });
}

#[test]
fn both_engines_do_the_same_whatever_they_are_given() {
    let rounds = setting("POWER_LOCKSTEP_ROUNDS").unwrap_or(1);
    let start = setting("POWER_LOCKSTEP_START").unwrap_or(1);
    let seeds = match setting("POWER_LOCKSTEP_SEED") {
        Some(seed) => seed..seed + 1,
        None => start..start + CASES * rounds,
    };
    let current = Arc::new(AtomicU64::new(0));
    watch(&current);
    let (mut compiled, mut interpreted) = (0, 0);
    for seed in seeds.clone() {
        current.store(seed, Ordering::Relaxed);
        // Shown where the test fails in any way.
        println!("seed {seed}");
        let case = Case::new(seed);
        match case.run() {
            Ok(statistics) => {
                compiled += statistics.compiled;
                interpreted += statistics.interpreted;
            }
            Err(error) => {
                let shrunk = shrink(case);
                panic!("seed {seed}: {error}\nas small as it gets:\n{shrunk}");
            }
        }
    }
    println!("{compiled} instructions compiled, {interpreted} interpreted");
    assert!(
        seeds.count() == 1 || compiled > interpreted,
        "{compiled} instructions compiled, {interpreted} interpreted"
    );
}
