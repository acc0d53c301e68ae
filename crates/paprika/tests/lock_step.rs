//! `--engine lockstep`: whole guests on the JIT and on the interpreter at once. The run ends well only where the two never differed.

mod common;

use std::io::Write;
use std::process::{Output, Stdio};

use common::running::Running;
use common::{Watchdog, argument, kit, paprika, run, tiny_guest};

/// Runs the program in lock step with `keys` typed.
fn in_lock_step(more: &[&str], keys: &[u8]) -> Output {
    let mut child = paprika(&["run", "--engine", "lockstep"])
        .args(more)
        .stdin(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let _watchdog = Watchdog::over(&child);
    let mut input = child.stdin.take().expect("piped");
    input.write_all(keys).expect("the guest reads it");
    let output = child.wait_with_output().expect("it ends");
    drop(input);
    output
}

#[test]
fn linux_boots_and_computes_in_lock_step() {
    let kit = kit();
    let keys = b"bench crc 1; bench matmul 1; bench forkexit 1; poweroff\n";
    let arguments = [
        "--memory",
        "512M",
        "--kernel",
        argument(&kit.vmlinux),
        "--initrd",
        argument(&kit.initramfs),
    ];
    let output = in_lock_step(&arguments, keys);
    let shown = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    for result in ["bench crc ", "bench matmul ", "bench forkexit "] {
        let line = shown.lines().find(|line| line.starts_with(result));
        assert!(line.is_some_and(|line| !line.contains("wrong")), "{shown}");
    }
}

#[test]
fn a_guest_that_does_little_but_hypercalls_echoes_reboots_and_ends_in_lock_step() {
    let mut machine = Running::start(&["--engine=lockstep"]);
    machine.guest_lives("more than it takes at a time");
    machine.type_in(&[tiny_guest::REBOOT]);
    machine.expect(tiny_guest::READY);
    machine.guest_lives("again");
    machine.end();
}

#[test]
fn more_than_one_cpu_is_refused_with_what_to_do() {
    let directory = tempfile::tempdir().expect("directory");
    let kernel = tiny_guest::write(directory.path());
    let arguments = ["run", "--engine", "lockstep", "--cpus", "2", "--kernel"];
    let ran = run(&[&arguments[..], &[argument(&kernel)]].concat());
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("--cpus 1"), "{ran:?}");
}
