//! What a sandbox costs: entering it, and each system call afterwards. Minima of several processes,
//! as other load only adds.
//!
//!     cargo run --release -p sandbox --example cost

use std::fs::File;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::fs::{MemfdFlags, memfd_create};
use sandbox::{Filters, Grants, OnMiss, PathRights, PathRules, harden};
use thread_role::Role;

const INSIDE: &str = "SANDBOX_COST_INSIDE";
const PROCESSES: usize = 20;
const CALLS: u32 = 2000;

/// The shortest of many syncs of a file that is in memory, where nothing but the call itself takes
/// time, and of many calls that only look.
fn call_times(file: &File) -> (Duration, Duration) {
    let shortest = |call: &dyn Fn()| {
        let batches = (0..20).map(|_| {
            let begun = Instant::now();
            (0..CALLS / 20).for_each(|_| call());
            begun.elapsed() / (CALLS / 20)
        });
        batches.min().unwrap_or_default()
    };
    let sync = || file.sync_data().expect("a sync");
    let get = || assert!(rustix::process::getppid().is_some());
    (shortest(&sync), shortest(&get))
}

fn inside(enter: bool) {
    let flags = MemfdFlags::CLOEXEC;
    let file = File::from(memfd_create("sandbox-cost", flags).expect("a file in memory"));
    let begun = Instant::now();
    if enter {
        let mut rules = PathRules::default();
        for path in [
            "/proc/self",
            "/proc/self/exe",
            "/etc/hostname",
            "/tmp",
            "/var/tmp",
        ] {
            rules.allow(path, PathRights::Manage);
        }
        harden().expect("hardened");
        let filters = Filters::new(&Grants::default(), OnMiss::End).expect("filters");
        rules.enforce().expect("rules");
        filters.enter_process().expect("filters");
        let entered = begun.elapsed();
        rules.enforce().expect("rules");
        filters.enter(Role::Machine).expect("a role");
        filters.enter(Role::Sync).expect("a role");
        print!("{} ", entered.as_nanos());
    } else {
        print!("0 ");
    }
    let (sync, get) = call_times(&file);
    println!("{} {}", sync.as_nanos(), get.as_nanos());
}

fn main() {
    if let Ok(enter) = std::env::var(INSIDE) {
        return inside(enter == "1");
    }
    let me = std::env::current_exe().expect("this program");
    for (what, enter) in [("without", "0"), ("within", "1")] {
        let mut least = [u64::MAX; 3];
        for _ in 0..PROCESSES {
            let output = Command::new(&me)
                .env(INSIDE, enter)
                .output()
                .expect("it starts");
            let text = String::from_utf8_lossy(&output.stdout);
            for (least, value) in least.iter_mut().zip(text.split_whitespace()) {
                *least = (*least).min(value.parse().expect("a number"));
            }
        }
        let [entered, sync, get] = least;
        println!(
            "{what}: entering {} us, fdatasync of a clean file {sync} ns, getppid {get} ns",
            entered / 1000
        );
    }
}
