//! Limits of the host, met when a machine is started, when something is plugged, when it is saved
//! and when it moves: each is a call that fails with a sentence, what was begun is removed, and a
//! guest that runs goes on.

mod common;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::running::Running;
use common::{RunOutcome, argument, run_command, tiny_guest};
use host_fixtures::SmallFileSystem;
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, prlimit};

const OK: i32 = 0;
const ERROR: i32 = 1;
const MIB: u64 = 1 << 20;

/// `paprika` under a limit, as prlimit(1) takes it, with a key on standard input that powers the
/// guest off.
fn under(limit: &str, program: &Path, place: &Path, arguments: &[&str]) -> Command {
    let keys = place.join("keys");
    fs::write(&keys, [tiny_guest::POWER_OFF]).expect("keys");
    let mut command = Command::new("prlimit");
    command
        .arg(limit)
        .arg(program)
        .args(arguments)
        .env_remove("PAPRIKA_LOG")
        .env_remove("RUST_BACKTRACE")
        .stdin(File::open(keys).expect("keys"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn paprika() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_paprika"))
}

/// That a run either went well or was refused with a sentence.
#[track_caller]
fn well_or_refused(ran: &RunOutcome, what: &str) -> bool {
    for word in ["defect", "panicked"] {
        assert!(!ran.stderr.contains(word), "{what}: {ran:?}");
    }
    match ran.code {
        Some(OK) => true,
        Some(ERROR) => {
            let last = ran.stderr.lines().next_back().unwrap_or_default();
            assert!(last.starts_with("error: "), "{what}: {ran:?}");
            false
        }
        _ => panic!("{what}: {ran:?}"),
    }
}

/// Arguments of a machine with everything that takes something of the host.
fn machine(place: &Path) -> Vec<String> {
    let kernel = tiny_guest::write(place);
    vec![
        "run".into(),
        "--memory=256M".into(),
        "--cpus=2".into(),
        format!("--kernel={}", argument(&kernel)),
        format!(
            "--nvdimm=id=a,path={},size=256M",
            argument(&place.join("a.img"))
        ),
        format!("--api-socket={}", argument(&place.join("api"))),
        format!("--code-cache={}", argument(&place.join("code"))),
    ]
}

/// Starts a machine under each of the limits; how many runs went well.
fn sweep(limits: impl Iterator<Item = String>, user: Option<u32>) -> usize {
    let mut well = 0;
    for limit in limits {
        let place = tempfile::tempdir().expect("directory");
        let arguments = machine(place.path());
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut command = under(&limit, &program_for(user), place.path(), &arguments);
        if let Some(user) = user {
            std::os::unix::fs::chown(place.path(), Some(user), Some(user)).expect("root");
            command.uid(user).gid(user);
        }
        let ran = run_command(command);
        if ran.code == Some(126) || ran.code == Some(127) {
            eprintln!(
                "skipped: the other user can't run the program ({})",
                ran.stderr.trim()
            );
            return 1;
        }
        let went_well = well_or_refused(&ran, &limit);
        well += usize::from(went_well);
        // What a run that was refused has made is gone, and no socket stays behind.
        assert!(!place.path().join("api").exists(), "{limit}: {ran:?}");
    }
    well
}

/// The program, where the user can reach it.
fn program_for(user: Option<u32>) -> PathBuf {
    match user {
        None => paprika().to_owned(),
        Some(_) => {
            let copy = std::env::temp_dir().join(format!("paprika-limits-{}", std::process::id()));
            if !copy.exists() {
                fs::copy(paprika(), &copy).expect("a copy");
            }
            copy
        }
    }
}

/// Sets a limit of a process that runs; `None` is as much as it may have.
fn limit(machine: &Running, resource: Resource, to: Option<u64>) {
    // It has inherited this process's.
    let maximum = getrlimit(resource).maximum;
    let current = to.or(maximum);
    let new = Rlimit { current, maximum };
    prlimit(Some(Pid::from_child(&machine.child)), resource, new).expect("it is ours");
}

/// A number of `/proc/PID/status`, in KiB.
fn status_kib(machine: &Running, key: &str) -> u64 {
    let path = format!("/proc/{}/status", machine.child.id());
    let status = fs::read_to_string(path).expect("Linux has it");
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    let number = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    number.unwrap_or_else(|| panic!("no {key} in {status}"))
}

/// The limit that leaves a process so many descriptors that it does not use yet.
fn descriptors_and(machine: &Running, free: usize) -> u64 {
    let entries = fs::read_dir(format!("/proc/{}/fd", machine.child.id())).expect("Linux has it");
    let number = |entry: std::io::Result<fs::DirEntry>| -> Option<usize> {
        entry.ok()?.file_name().to_str()?.parse().ok()
    };
    let used: BTreeSet<usize> = entries.filter_map(number).collect();
    let unused = (0..).filter(|number| !used.contains(number));
    let last = unused.take(free).last().expect("numbers have no end");
    last as u64 + 1
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("directory");
    let mut names: Vec<String> = entries
        .map(|entry| {
            entry
                .expect("entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

fn add(machine: &Running, id: &str, keys: &str) -> RunOutcome {
    let path = machine.directory.join(format!("{id}.img"));
    let keys = format!("id={id},path={},size=256M{keys}", argument(&path));
    machine.ctl(&["nvdimm", "add", &keys, "--timeout=0"])
}

fn save(machine: &Running, target: &Path) -> RunOutcome {
    machine.ctl(&["snapshot", argument(target)])
}

#[track_caller]
fn refused(ran: &RunOutcome, said: &str) {
    assert_eq!(ran.code, Some(ERROR), "{ran:?}");
    assert!(
        ran.stderr.starts_with("error: ") && ran.stderr.contains(said),
        "{ran:?}"
    );
    assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
}

#[track_caller]
fn done(ran: &RunOutcome) {
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(OK), ""), "{ran:?}");
}

#[test]
fn a_limit_on_the_size_of_files_ends_no_guest() {
    let place = tempfile::tempdir().expect("directory");
    let arguments = machine(place.path());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ran = run_command(under(
        "--fsize=1048576",
        paprika(),
        place.path(),
        &arguments,
    ));
    refused(&ran, "File too large");
    assert!(!place.path().join("a.img").exists() && !place.path().join("api").exists());

    let mut machine = Running::start(&[]);
    limit(&machine, Resource::Fsize, Some(MIB));
    let before = names(&machine.directory);
    refused(&add(&machine, "b", ""), "File too large");
    refused(
        &save(&machine, &machine.directory.join("snap")),
        "File too large",
    );
    assert_eq!(names(&machine.directory), before, "nothing is left behind");
    machine.guest_lives("it lives");
    limit(&machine, Resource::Fsize, None);
    done(&save(&machine, &machine.directory.join("snap")));
    machine.end();
}

#[test]
fn a_limit_on_descriptors_is_told_at_the_start() {
    // The loader of programs needs one beside the standard streams.
    let limits = (4..64).step_by(3).chain([256]);
    let well = sweep(limits.map(|number| format!("--nofile={number}")), None);
    assert!(well >= 1, "there is a limit that suffices");
}

#[test]
fn a_limit_on_descriptors_is_told_when_something_is_plugged_or_saved() {
    let mut machine = Running::start(&[]);
    let before = names(&machine.directory);
    // The first is for the connection itself.
    for more in 1..6 {
        limit(
            &machine,
            Resource::Nofile,
            Some(descriptors_and(&machine, more)),
        );
        let id = format!("n{more}");
        let added = add(&machine, &id, "");
        let saved = save(&machine, &machine.directory.join("snap"));
        limit(&machine, Resource::Nofile, Some(1024));
        if well_or_refused(&added, &format!("add, {more} descriptors")) {
            done(&machine.ctl(&["nvdimm", "remove", &id]));
            fs::remove_file(machine.directory.join(format!("{id}.img"))).expect("its file");
        }
        if well_or_refused(&saved, &format!("snapshot, {more} descriptors")) {
            fs::remove_dir_all(machine.directory.join("snap")).expect("the snapshot");
        }
        assert_eq!(
            names(&machine.directory),
            before,
            "{more}: nothing is left behind"
        );
    }
    machine.guest_lives("it lives");
    machine.end();
}

#[test]
fn a_limit_on_descriptors_leaves_a_guest_that_should_move_where_it_is() {
    let place = tempfile::tempdir().expect("directory");
    let mut machine = Running::start(&["--allow-dir", argument(place.path())]);
    let uri = format!("unix:{}", argument(&place.path().join("way")));
    let mut receiving = Running::receive_in(place.path(), "api", &uri, &[]);
    limit(
        &machine,
        Resource::Nofile,
        Some(descriptors_and(&machine, 1)),
    );
    refused(&machine.ctl(&["migrate", &uri]), "open files");
    machine.guest_lives("it stays");
    limit(&machine, Resource::Nofile, Some(1024));
    let moved = machine.ctl(&["migrate", &uri]);
    assert_eq!(moved.code, Some(OK), "{moved:?}");
    receiving.wait_ready();
    receiving.guest_lives("it has moved");
    receiving.end();
}

#[test]
fn a_limit_on_address_space_is_told() {
    let place = tempfile::tempdir().expect("directory");
    let kernel = tiny_guest::write(place.path());
    let arguments = ["run", "--memory=4G", "--kernel", argument(&kernel)];
    let ran = run_command(under(
        "--as=2000000000",
        paprika(),
        place.path(),
        &arguments,
    ));
    refused(&ran, "the host refuses 4096 MiB of memory for the guest");

    let mut machine = Running::start(&[]);
    let before = names(&machine.directory);
    let used = status_kib(&machine, "VmSize:") * 1024;
    limit(&machine, Resource::As, Some(used + 128 * MIB));
    refused(&add(&machine, "b", ""), "can't map");
    assert_eq!(names(&machine.directory), before, "nothing is left behind");
    limit(&machine, Resource::As, None);
    done(&save(&machine, &machine.directory.join("snap")));
    machine.guest_lives("it lives");
    machine.end();
}

#[test]
fn a_limit_on_locked_memory_stops_nobody() {
    assert_eq!(sweep(["--memlock=0".to_owned()].into_iter(), None), 1);
}

#[test]
fn a_limit_on_threads_is_told_at_the_start() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: the limit counts all that this user runs");
        return;
    }
    // A user of whom nothing else runs; the superuser has no such limit.
    let user = 61_000 + std::process::id() % 1000;
    let limits = (1..14)
        .chain([200])
        .map(|number| format!("--nproc={number}"));
    let well = sweep(limits, Some(user));
    let _ = fs::remove_file(program_for(Some(user)));
    assert!(well >= 1, "there is a limit that suffices");
}

#[test]
fn a_full_file_system_is_told_and_nothing_is_left_on_it() {
    let Some(small) = SmallFileSystem::mount(8) else {
        return;
    };
    let place = small.path();
    let log = place.join("log");
    let log = ["--log=trace", "--log-file", argument(&log)];
    let mut machine = Running::start(&[&log, ["--allow-dir", argument(place)].as_slice()].concat());
    // Room for the kernel and the state, and not for what the guest has in memory.
    let blob = vec![1; 16 << 20];
    assert!(fs::write(place.join("blob"), &blob).is_err(), "it is full");
    refused(&save(&machine, &place.join("snap")), "No space left");
    assert_eq!(names(place), ["blob", "log"], "nothing is left behind");
    // What is asked for beforehand is refused beforehand; what is not is told of.
    let image = place.join("pmem.img");
    let keys = |more: &str| format!("id=pm,path={},size=256M{more}", argument(&image));
    let ran = machine.ctl(&["nvdimm", "add", &keys(",prealloc=on"), "--timeout=0"]);
    refused(&ran, "lacks 257 MiB, and its file system has 0 MiB left");
    assert!(!image.exists());
    let ran = machine.ctl(&["nvdimm", "add", &keys(""), "--timeout=0"]);
    assert_eq!(ran.code, Some(OK), "{ran:?}");
    assert!(ran.stderr.starts_with("warning: nvdimm pm: "), "{ran:?}");
    assert!(ran.stderr.contains("prealloc=on"), "{ran:?}");
    // A log that can't be written is no reason to end.
    machine.guest_lives("it lives");
    fs::remove_file(place.join("blob")).expect("room");
    machine.end();
}

/// Tells a thread that is waited for that it is over, also where the test fails.
struct AtEnd<'a>(&'a AtomicBool);

impl Drop for AtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn signals_in_the_middle_of_calls_fail_none() {
    let mut machine = Running::start(&[]);
    let pid = Pid::from_child(&machine.child);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _ends = AtEnd(&over);
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                // It has a handler, so that calls are interrupted, and does nothing here.
                kill_process(pid, Signal::CONT).expect("it runs");
                std::thread::sleep(Duration::from_micros(50));
            }
        });
        for round in 0..5 {
            let id = format!("n{round}");
            done(&add(&machine, &id, ",prealloc=on"));
            done(&save(&machine, &machine.directory.join("snap")));
            done(&machine.ctl(&["nvdimm", "remove", &id]));
            fs::remove_file(machine.directory.join(format!("{id}.img"))).expect("its file");
        }
    });
    machine.guest_lives("it lives");
    machine.end();
}

#[test]
fn a_reader_of_the_console_that_goes_away_ends_no_guest() {
    let mut machine = Running::start(&[]);
    // The test's reader is the only one: with it the pipe is closed.
    machine.stop_reading();
    machine.type_in(b"lost");
    machine.type_in(b"words");
    done(&save(&machine, &machine.directory.join("snap")));
    assert!(!machine.ended(), "SIGPIPE ends no guest");
    machine.end();
}
