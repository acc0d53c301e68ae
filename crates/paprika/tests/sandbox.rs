//! Every feature under the sandbox, which is on where nobody says otherwise, and what it refuses,
//! in words. (All other tests that start the program run under it as well. That what is forbidden
//! is stopped is shown by the tests of the crate `sandbox`, from inside.)

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use common::running::Running;
use common::{RunOutcome, argument, kit, run, tiny_guest};

const OK: i32 = 0;
const ERROR: i32 = 1;

fn said_ok(ran: &RunOutcome) {
    assert_eq!(ran.code, Some(OK), "{ran:?}");
}

/// Of each thread of a process: its name, and how many filters of system calls it is under.
fn filters(pid: u32) -> BTreeMap<String, u32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("it runs");
    let of_thread = tasks.filter_map(|task| {
        let status = fs::read_to_string(task.ok()?.path().join("status")).ok()?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            Some(line.trim().to_owned())
        };
        assert_eq!(field("NoNewPrivs:")?, "1", "{status}");
        Some((field("Name:")?, field("Seccomp_filters:")?.parse().ok()?))
    });
    of_thread.collect()
}

#[test]
fn every_thread_is_held_to_its_role_and_the_status_says_so() {
    let directory = tempfile::tempdir().expect("directory");
    let at = directory.path();
    let image = format!(
        "--nvdimm=id=a,path={},size=256M",
        argument(&at.join("a.img"))
    );
    let machine = Running::start_in(at, &[&image, "--cpus=2"]);
    let status = machine.ctl(&["status"]).stdout;
    assert!(
        status.contains("sandbox on: system calls by thread"),
        "{status}"
    );
    let filters = filters(machine.child.id());
    let process = filters["control"].min(filters["paprika"]);
    for narrow in [
        "vcpu0",
        "vcpu1",
        "console-output",
        "console-input",
        "signals",
        "scm-uring",
    ] {
        // A host without io_uring has no such thread.
        if let Some(&count) = filters.get(narrow) {
            assert!(count > 2, "{narrow}: {filters:?}");
        } else {
            assert_eq!(narrow, "scm-uring", "{filters:?}");
        }
    }
    assert!(process > 2, "{filters:?}");
    machine.end();
}

#[test]
fn off_and_log_are_what_they_say() {
    for (mode, words, filtered) in [
        ("--sandbox=off", "sandbox off", "0"),
        ("--sandbox=log", "sandbox log", "2"),
    ] {
        let machine = Running::start(&[mode]);
        let status = machine.ctl(&["status"]).stdout;
        assert!(status.contains(words), "{status}");
        let status = fs::read_to_string(format!("/proc/{}/status", machine.child.id()));
        let status = status.expect("it runs");
        let seccomp = status
            .lines()
            .find_map(|line| line.strip_prefix("Seccomp:"));
        assert_eq!(seccomp.map(str::trim), Some(filtered), "{mode}");
        // Nothing is out of reach.
        let elsewhere = tempfile::tempdir().expect("directory");
        said_ok(&machine.ctl(&["snapshot", argument(&elsewhere.path().join("snap"))]));
        machine.end();
    }
}

/// A machine that may reach nothing but its own files.
fn confined(at: &Path, more: &[&str]) -> Running {
    let kernel = tiny_guest::write(at);
    let command = [
        "run",
        "--memory=256M",
        "--name=tiny",
        "--kernel",
        argument(&kernel),
    ];
    let mut running = Running::spawn_confined(at, "api", &[&command, more].concat());
    running.expect(tiny_guest::READY);
    running
}

#[test]
fn what_was_not_named_is_refused_with_the_option_that_would_allow_it() {
    let directory = tempfile::tempdir().expect("directory");
    let elsewhere = tempfile::tempdir().expect("directory");
    let inside = elsewhere.path().join("allowed");
    fs::create_dir(&inside).expect("directory");
    let allowed = format!("--allow-dir={}", argument(&inside));
    let mut machine = confined(directory.path(), &[&allowed, "--allow-port=7"]);
    let out = |name: &str| elsewhere.path().join(name);
    let image = format!("id=b,path={},size=256M", argument(&out("b.img")));
    let snapshot = out("snap");
    let unix = format!("unix:{}", argument(&out("socket")));
    let option = format!("--allow-dir {}", argument(elsewhere.path()));
    for (call, option) in [
        (&["nvdimm", "add", &image][..], option.as_str()),
        (&["snapshot", argument(&snapshot)], &option),
        (&["migrate", &unix], &option),
        (&["migrate", "tcp:127.0.0.1:9"], "--allow-port 9"),
    ] {
        let refused = machine.ctl(call);
        assert_eq!(refused.code, Some(ERROR), "{call:?}: {refused:?}");
        assert!(refused.stderr.contains(option), "{call:?}: {refused:?}");
        assert!(refused.stderr.contains("sandbox"), "{call:?}: {refused:?}");
    }
    // By a link into it, it is still outside; by one out of it, too.
    std::os::unix::fs::symlink(elsewhere.path(), inside.join("link")).expect("link");
    let by_link = format!(
        "id=b,path={},size=256M",
        argument(&inside.join("link/b.img"))
    );
    assert_eq!(machine.ctl(&["nvdimm", "add", &by_link]).code, Some(ERROR));
    let left: Vec<_> = fs::read_dir(elsewhere.path())
        .expect("directory")
        .flatten()
        .collect();
    assert_eq!(left.len(), 1, "{left:?}");
    // What is allowed works, a port that is allowed is tried, and the machine has not noticed.
    let image = format!("id=b,path={},size=256M", argument(&inside.join("b.img")));
    said_ok(&machine.ctl(&["nvdimm", "add", &image, "--timeout=0"]));
    said_ok(&machine.ctl(&["snapshot", argument(&inside.join("snap"))]));
    let refused = machine.ctl(&["migrate", "tcp:127.0.0.1:7"]);
    assert!(refused.stderr.contains("can't be reached"), "{refused:?}");
    machine.guest_lives("still here");
    machine.end();
}

#[test]
fn a_directory_for_later_that_is_not_there_is_refused_before_anything_is_made() {
    let directory = tempfile::tempdir().expect("directory");
    let kernel = tiny_guest::write(directory.path());
    let image = directory.path().join("a.img");
    let ran = run(&[
        "run",
        "--kernel",
        argument(&kernel),
        "--nvdimm",
        &format!("id=a,path={},size=256M", argument(&image)),
        "--allow-dir=/no/such/directory",
    ]);
    assert_eq!(ran.code, Some(ERROR), "{ran:?}");
    assert!(ran.stderr.contains("make it first"), "{ran:?}");
    assert!(!image.exists());
}

#[test]
fn a_machine_is_saved_restored_moved_and_moved_again_in_sandboxes() {
    let directory = tempfile::tempdir().expect("directory");
    let at = directory.path();
    let image = at.join("a.img");
    let device = format!("id=a,path={},size=256M", argument(&image));
    let first = Running::start_in(at, &["--nvdimm", &device, "--perf-map"]);
    let snapshot = at.join("snap");
    let map = format!("/tmp/perf-{}.map", first.child.id());
    assert!(Path::new(&map).exists(), "compiled code has names");
    said_ok(&first.ctl(&["snapshot", argument(&snapshot), "--quit"]));
    assert_eq!(first.ending().0, Some(OK));
    // Somebody else's, were the process's number given again.
    fs::remove_file(map).expect("the map stays");

    let restored = Running::restore_in(at, &snapshot, &["--paused"]);
    said_ok(&restored.ctl(&["resume"]));
    let uri = format!("unix:{}", argument(&at.join("incoming")));
    let second = Running::receive_in(at, "second", &uri, &[]);
    said_ok(&restored.ctl(&["migrate", &uri]));
    assert_eq!(restored.ending().0, Some(OK));
    second.wait_ready();
    let (mut third, port) = Running::receive_at_port_in(at, "third");
    said_ok(&second.ctl(&["migrate", &format!("tcp:127.0.0.1:{port}")]));
    assert_eq!(second.ending().0, Some(OK));
    third.wait_ready();
    let status = third.ctl(&["status"]).stdout;
    assert!(status.contains("sandbox on"), "{status}");
    third.guest_lives("here I am");
    third.type_in(&[tiny_guest::REBOOT]);
    third.expect(tiny_guest::READY);
    third.end();
}

#[test]
fn a_guest_s_death_and_a_signal_are_told_as_without_a_sandbox() {
    let mut dies = Running::start(&[]);
    dies.type_in(&[tiny_guest::PANIC]);
    let (code, words) = dies.ending();
    assert_eq!(code, Some(3), "{words}");
    assert!(words.contains(tiny_guest::LAST_WORDS), "{words}");
    let mut stops = Running::start(&[]);
    stops.type_in(&[tiny_guest::CHECKSTOP]);
    assert_eq!(stops.ending().0, Some(4));
    let ended = Running::start(&[]);
    let pid = rustix::process::Pid::from_child(&ended.child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
    let (code, words) = ended.ending();
    assert_eq!(code, Some(5), "{words}");
}

#[test]
fn linux_flushes_and_takes_and_gives_back_nvdimms_in_a_sandbox() {
    kit();
    let directory = tempfile::tempdir().expect("directory");
    let at = directory.path();
    let device = |name: &str| format!("id={name},path={},size=256M", argument(&at.join(name)));
    let line = "ndctl create-namespace -m fsdax -r region0 >/dev/null; mkfs.ext4 -q -F /dev/pmem0; mkdir -p /mnt/a; mount /dev/pmem0 /mnt/a; \
                for n in 1 2 3 4 5 6 7 8; do (for m in 1 2 3; do echo $n >/mnt/a/$n; sync /mnt/a/$n; done) & done; wait; \
                umount /mnt/a; echo flushed; read answer; echo bye";
    let first = ["--nvdimm", &device("first"), "--cpus=2", "--memory=1G"];
    let mut linux = Running::linux_in(at, line, &first);
    linux.read_to_line("flushed");
    let metrics = linux.ctl(&["metrics"]).stdout;
    let flushes = metrics
        .lines()
        .filter(|line| line.contains("flush") && !line.ends_with(" 0"));
    assert!(flushes.count() > 0, "{metrics}");
    said_ok(&linux.ctl(&["nvdimm", "add", &device("second"), "--timeout=60"]));
    said_ok(&linux.ctl(&["nvdimm", "remove", "second", "--timeout=60"]));
    said_ok(&linux.ctl(&["nvdimm", "add", &device("second"), "--timeout=60"]));
    said_ok(&linux.ctl(&["snapshot", argument(&at.join("snap"))]));
    linux.type_in(b"\n");
    linux.read_to_line("bye");
    let (code, words) = linux.ending();
    assert_eq!(code, Some(OK), "{words}");
}
