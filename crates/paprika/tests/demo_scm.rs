//! The demonstration, as its user runs it: no arguments, no root, a real Linux.

mod common;

use common::{Watchdog, paprika};

/// The cells of a device's row of the table.
fn row(shown: &str, device: &str) -> Vec<String> {
    let cells = |line: &str| -> Vec<String> {
        let cells = line.split("  ").map(str::trim);
        let cells = cells.filter(|cell| !cell.is_empty());
        cells.map(str::to_owned).collect()
    };
    let mut rows = shown.lines().map(cells);
    let row = rows.find(|cells| cells.len() == 9 && cells[0] == device);
    row.unwrap_or_else(|| panic!("no row of {device}:\n{shown}"))
}

#[test]
fn the_demonstration_shows_what_the_mission_says_and_leaves_nothing_behind() {
    common::kit();
    let directory = tempfile::tempdir().expect("directory");
    let child = paprika(&["demo"])
        .env("TMPDIR", directory.path())
        .spawn()
        .expect("the program starts");
    let watchdog = Watchdog::over(&child);
    let output = child.wait_with_output().expect("its output");
    drop(watchdog);
    let shown = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{shown}{errors}");

    let synchronous = row(&shown, "pmem0");
    assert_eq!(
        synchronous[1..5],
        ["on", "absent", "works", "64 of 64 ok"],
        "{shown}"
    );
    assert_eq!(synchronous[5..7], ["0", "0"], "{shown}");
    let flushed = row(&shown, "pmem1");
    assert_eq!(
        flushed[1..5],
        ["off", "present", "Operation not supported", "64 of 64 ok"],
        "{shown}"
    );
    let numbers: Vec<u64> = flushed[5..]
        .iter()
        .map(|n| n.parse().expect("a number"))
        .collect();
    let [calls, flushes, syncs, coalesced] = numbers[..] else {
        panic!("{flushed:?}");
    };
    // Every fsync of the 64 ends in at least one flush, every flush in a hypercall, and it has its sync alone or shares it.
    assert!(
        flushes >= 64 && calls >= flushes && syncs > 0,
        "{flushed:?}"
    );
    assert!(coalesced < flushes, "{flushed:?}");

    let warnings = format!("{shown}{errors}")
        .matches("can be lost when the host fails")
        .count();
    assert_eq!(warnings, 1, "the user is warned of sync-dax=on once");
    let left = std::fs::read_dir(directory.path())
        .expect("directory")
        .count();
    assert_eq!(left, 0, "files are left behind");
}

#[test]
fn the_power_loss_demonstration_needs_a_seed_only_to_be_repeated() {
    common::kit();
    let child = paprika(&[
        "demo",
        "power-loss",
        "--rounds",
        "6",
        "--linux-rounds",
        "0",
        "--seed",
        "5",
    ])
    .spawn()
    .expect("the program starts");
    let watchdog = Watchdog::over(&child);
    let output = child.wait_with_output().expect("its output");
    drop(watchdog);
    let shown = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{shown}");
    assert!(shown.contains("Seed 5"), "{shown}");
    assert!(
        shown.contains("acknowledged records was lost in 3 power losses"),
        "{shown}"
    );
    assert!(
        shown.contains("control: without flushes, acknowledged records were lost"),
        "{shown}"
    );
}
