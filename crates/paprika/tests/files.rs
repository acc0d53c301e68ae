//! What paths can lead to, and what is done with files: nothing is waited for, nothing is deleted
//! that was not made here, and nothing is restored that somebody else can have written.

mod common;

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use common::running::Running;
use common::{RunOutcome, argument, paprika, run, tiny_guest, wait};
use host_fixtures::fifo;
use paprika::control::api::State;
use paprika::machine::{End, Machine, MachineConfig};

const OK: i32 = 0;
const ERROR: i32 = 1;
const SAVED: [&str; 4] = ["initrd", "kernel", "memory", "state"];

/// That a run was refused with one sentence that contains all of `said`.
#[track_caller]
fn refused(ran: &RunOutcome, said: &[&str]) {
    assert_eq!(ran.code, Some(ERROR), "{ran:?}");
    assert_eq!(ran.stderr.lines().count(), 1, "one sentence: {ran:?}");
    for text in said {
        assert!(ran.stderr.contains(text), "no {text:?} in {ran:?}");
    }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("directory");
    let name = |entry: std::io::Result<fs::DirEntry>| {
        let name = entry.expect("entry").file_name();
        name.to_string_lossy().into_owned()
    };
    let mut names: Vec<String> = entries.map(name).collect();
    names.sort();
    names
}

/// Saves the machine's guest into a directory, which must work.
#[track_caller]
fn snapshot(machine: &Running, directory: &Path) {
    let ran = machine.ctl(&["snapshot", argument(directory)]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(OK), ""), "{ran:?}");
}

/// A snapshot of a tiny guest whose process is gone.
fn saved(place: &Path) -> PathBuf {
    let target = place.join("snap");
    let mut machine = Running::start(&["--allow-dir", argument(place)]);
    let ran = machine.ctl(&["snapshot", argument(&target), "--quit"]);
    assert_eq!(ran.code, Some(OK), "{ran:?}");
    assert_eq!(wait(&mut machine.child).code(), Some(OK));
    target
}

#[test]
fn a_fifo_or_a_device_is_refused_wherever_run_is_given_a_file() {
    let place = tempfile::tempdir().expect("directory");
    let kernel = tiny_guest::write(place.path());
    let kernel = argument(&kernel);
    let pipe = fifo(place.path().join("pipe"));
    for (path, kind) in [
        (argument(&pipe), "is a FIFO, not a regular file"),
        ("/dev/zero", "is a character device, not a regular file"),
    ] {
        let nvdimm = |keys: &str| format!("--nvdimm=id=a,path={path}{keys}");
        for arguments in [
            &["--kernel", path][..],
            &["--kernel", kernel, "--initrd", path],
            &["--kernel", kernel, "--log-file", path],
            &["--kernel", kernel, &nvdimm("")],
            &["--kernel", kernel, &nvdimm(",size=256M")],
            &["--kernel", kernel, &nvdimm(",readonly=on")],
        ] {
            let ran = run(&[&["run"], arguments].concat());
            refused(&ran, &[path, kind]);
        }
    }
}

#[test]
fn a_fifo_in_a_snapshot_is_refused() {
    let place = tempfile::tempdir().expect("directory");
    let target = saved(place.path());
    for name in SAVED {
        let (path, kept) = (target.join(name), place.path().join("kept"));
        fs::rename(&path, &kept).expect("its file");
        fifo(&path);
        let ran = run(&["restore", argument(&target)]);
        refused(&ran, &[argument(&path), "is a FIFO"]);
        fs::rename(&kept, &path).expect("its file");
    }
    let ran = run(&["restore", argument(&target.join("state"))]);
    refused(&ran, &["is a regular file, not a directory"]);
    let change = format!(
        "--nvdimm=id=a,path={}",
        argument(&fifo(place.path().join("pipe")))
    );
    refused(
        &run(&["restore", argument(&target), &change]),
        &["nvdimm a"],
    );
}

#[test]
fn a_snapshot_that_others_can_write_to_or_own_is_not_restored() {
    let place = tempfile::tempdir().expect("directory");
    let target = saved(place.path());
    let modes: Vec<u32> = SAVED
        .iter()
        .map(|name| target.join(name).metadata().expect("file").mode() & 0o777)
        .collect();
    assert_eq!(modes, [0o600; 4], "what a guest keeps is its user's alone");
    let untrusted = |path: &Path, why: &str| {
        let ran = run(&["restore", argument(&target)]);
        refused(&ran, &[argument(path), why, "make it yours alone"]);
    };
    let chmod = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("mode");
    };
    for path in SAVED.map(|name| target.join(name)).iter().chain([&target]) {
        let mode = path.metadata().expect("it").mode() & 0o777;
        chmod(path, mode | 0o020);
        untrusted(path, "other users can write to it");
        chmod(path, mode);
        if std::os::unix::fs::chown(path, Some(65_534), None).is_err() {
            eprintln!("skipped: only the superuser can give a file to another user");
            continue;
        }
        untrusted(path, "it belongs to another user");
        std::os::unix::fs::chown(path, Some(0), None).expect("back to the superuser");
    }
    // Others may look.
    chmod(&target, 0o755);
    let mut machine = Running::restore_in(place.path(), &target, &[]);
    machine.guest_lives("mine");
    machine.end();
}

#[test]
fn nvdimms_on_fifos_hold_up_neither_the_control_socket_nor_the_guest() {
    let mut machine = Running::start(&["--allow-dir=/dev"]);
    let directory = machine.directory.clone();
    // As many as there are calls that may wait, with the other ends open to nobody.
    let socket = machine.socket();
    std::thread::scope(|scope| {
        for number in 0..4 {
            let (socket, directory) = (&socket, &directory);
            scope.spawn(move || {
                let path = fifo(directory.join(format!("fifo{number}")));
                let keys = format!("id=f{number},path={},readonly=on", argument(&path));
                let ctl = ["ctl", "--socket", argument(socket), "nvdimm", "add", &keys];
                refused(&run(&ctl), &["is a FIFO, not a regular file"]);
            });
        }
    });
    for path in ["/dev/zero", "/dev/tty", argument(&directory.join("fifo0"))] {
        let keys = format!("id=z,path={path},size=256M");
        refused(
            &machine.ctl(&["nvdimm", "add", &keys]),
            &["not a regular file"],
        );
    }
    let status = machine.client().status().expect("it answers");
    assert_eq!((status.state, status.nvdimms), (State::Running, 0));
    let keys = format!(
        "id=good,path={},size=256M",
        argument(&directory.join("img"))
    );
    let ran = machine.ctl(&["nvdimm", "add", &keys, "--timeout=0"]);
    assert_eq!(ran.code, Some(OK), "{ran:?}");
    machine.guest_lives("it lives");
    machine.end();
}

#[test]
fn a_fifo_where_a_snapshot_should_go_holds_nobody_up_and_stays() {
    let mut machine = Running::start(&["--allow-dir=/dev"]);
    let directory = machine.directory.clone();
    let pipe = fifo(directory.join("pipe"));
    let place = directory.join("place");
    fs::create_dir(&place).expect("directory");
    fifo(place.join("state"));
    let (full, leftover) = (
        directory.join("full"),
        directory.join(".full.saving-00000000"),
    );
    fs::create_dir(&leftover).expect("directory");
    fifo(leftover.join("state"));
    for target in [&pipe, &place, &PathBuf::from("/dev/zero")] {
        let ran = machine.ctl(&["snapshot", argument(target)]);
        refused(&ran, &[argument(target), "is not a snapshot"]);
    }
    snapshot(&machine, &full);
    assert_eq!(names(&place), ["state"]);
    assert_eq!(names(&leftover), ["state"], "not what a save writes");
    machine.guest_lives("it lives");
    machine.end();
}

#[test]
fn a_snapshot_does_not_delete_the_image_of_an_nvdimm() {
    let mut machine = Running::start(&[]);
    let target = machine.directory.join("D");
    snapshot(&machine, &target);
    let image = target.join("pmem.img");
    let keys = format!("id=pm,path={},size=256M", argument(&image));
    let ran = machine.ctl(&["nvdimm", "add", &keys, "--timeout=0"]);
    assert_eq!(ran.code, Some(OK), "{ran:?}");
    let before = image.metadata().expect("the image").ino();
    let state = fs::read(target.join("state")).expect("the snapshot");
    let ran = machine.ctl(&["snapshot", argument(&target)]);
    refused(
        &ran,
        &[
            "the file of nvdimm pm",
            argument(&image),
            "choose another path",
        ],
    );
    // By another name too, and when nobody uses it any more.
    let link = machine.directory.join("link");
    std::os::unix::fs::symlink(&target, &link).expect("a link");
    refused(&machine.ctl(&["snapshot", argument(&link)]), &["nvdimm pm"]);
    let ran = machine.ctl(&["nvdimm", "remove", "pm"]);
    assert_eq!(ran.code, Some(OK), "{ran:?}");
    let ran = machine.ctl(&["snapshot", argument(&target)]);
    refused(&ran, &["holds \"pmem.img\"", "is not replaced"]);
    assert_eq!(image.metadata().expect("the image").ino(), before);
    assert_eq!(fs::read(target.join("state")).expect("the snapshot"), state);
    // Moved elsewhere it is in nobody's way.
    fs::rename(&image, machine.directory.join("pmem.img")).expect("moved");
    snapshot(&machine, &target);
    assert_eq!(names(&target), SAVED);
    machine.guest_lives("it lives");
    machine.end();
}

#[test]
fn a_snapshot_does_not_replace_what_holds_a_file_of_its_own_process() {
    let place = tempfile::tempdir().expect("directory");
    let target = saved(place.path());
    let before = names(&target);
    // The kernel of one machine is the kernel that another was saved with.
    let kernel = target.join("kernel");
    let directory = tempfile::tempdir().expect("directory");
    let log = directory.path().join("log");
    // Above both directories: a snapshot is made beside its target.
    let above = directory.path().parent().expect("a directory");
    let files = ["--log-file", argument(&log), "--initrd", argument(&kernel)];
    let reach = ["--allow-dir", argument(above)];
    let mut machine = Running::start_in(directory.path(), &[&files[..], &reach].concat());
    let ran = machine.ctl(&["snapshot", argument(&target)]);
    refused(&ran, &["contains the initrd", argument(&kernel)]);
    assert_eq!(names(&target), before);
    let ran = machine.ctl(&["snapshot", argument(directory.path())]);
    refused(&ran, &["contains the "]);
    for (name, what) in [("log", "the log file"), ("api", "the control socket")] {
        assert!(directory.path().join(name).exists(), "{what} is there");
    }
    machine.guest_lives("it lives");
    machine.end();
    // What a guest was restored from is not in use: the guest is in memory.
    let mut machine = Running::restore_in(place.path(), &target, &[]);
    snapshot(&machine, &target);
    machine.guest_lives("it lives");
    machine.end();
}

#[test]
fn a_standard_output_that_is_closed_or_full_ends_with_a_sentence() {
    let machine = Running::start(&[]);
    let socket = machine.socket();
    let ctl = ["ctl", "--socket", argument(&socket)];
    for command in [
        &[&ctl[..], &["status"]].concat()[..],
        &[&ctl[..], &["status", "--json"]].concat(),
        &[&ctl[..], &["metrics"]].concat(),
        &["--help"],
        &["--version"],
        &["run", "--help"],
    ] {
        let full = File::options()
            .write(true)
            .open("/dev/full")
            .expect("Linux has it");
        let (reader, closed) = std::io::pipe().expect("a pipe");
        drop(reader);
        for (stdout, said) in [
            (Stdio::from(full), "No space left on device"),
            (Stdio::from(closed), "Broken pipe"),
        ] {
            let child = paprika(command).stdout(stdout).spawn().expect("it starts");
            let output = child.wait_with_output().expect("its end");
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(ERROR), "{command:?}: {stderr}");
            let sentence = format!("error: standard output can't be written: {said}");
            assert!(stderr.starts_with(&sentence), "{command:?}: {stderr}");
            assert_eq!(stderr.lines().count(), 1, "{command:?}: {stderr}");
        }
    }
    machine.end();
}

#[test]
fn a_standard_error_that_is_full_changes_no_exit_code() {
    let full = || {
        File::options()
            .write(true)
            .open("/dev/full")
            .expect("Linux has it")
    };
    for (command, code) in [
        (&["run", "--kernel", "/nowhere"][..], ERROR),
        (&["run", "--cpus", "none"], 2),
        (&["run", "--log=trace", "--kernel", "/nowhere"], ERROR),
    ] {
        let child = paprika(command).stderr(full()).stdout(full()).spawn();
        let status = child.expect("it starts").wait().expect("its end");
        assert_eq!(status.code(), Some(code), "{command:?}");
    }
}

#[test]
fn a_kernel_whose_segments_come_to_more_than_any_kernel_has_is_refused() {
    // Each of many program headers names the same mebibyte of the file.
    const SEGMENTS: u16 = 1100;
    const MIB: u64 = 1 << 20;
    let mut elf = tiny_guest::elf();
    let header = elf[64..120].to_vec();
    elf.resize(2 * MIB as usize, 0);
    let table = elf.len() as u64;
    elf[32..40].copy_from_slice(&table.to_le_bytes());
    elf[56..58].copy_from_slice(&SEGMENTS.to_le_bytes());
    for number in 0..u64::from(SEGMENTS) {
        let mut segment = header.clone();
        let address = number * MIB;
        for (at, value) in [(8, 0), (16, address), (24, address), (32, MIB), (40, MIB)] {
            segment[at..at + 8].copy_from_slice(&value.to_le_bytes());
        }
        elf.extend(segment);
    }
    let place = tempfile::tempdir().expect("directory");
    let path = place.path().join("the-kernel");
    fs::write(&path, elf).expect("file");
    let ran = run(&["run", "--memory=4G", "--kernel", argument(&path)]);
    refused(&ran, &["the-kernel", "more than 1024 MiB together"]);
}

#[test]
fn a_machine_that_is_to_end_does_not_load_its_memory_first() {
    struct Nowhere;
    impl papr::ConsoleBackend for Nowhere {
        fn write(&mut self, _: &[u8]) -> bool {
            true
        }
    }
    let place = tempfile::tempdir().expect("directory");
    let mut config = MachineConfig::new(tiny_guest::write(place.path()));
    config.memory = 256 << 20;
    let machine = Machine::new(config, Box::new(Nowhere)).expect("a machine");
    // As SIGTERM does.
    machine.outside().kill();
    assert_eq!(machine.run().expect("it runs"), End::Killed);
    let mut bytes = vec![0; 64 << 20];
    machine.ram().read(0, &mut bytes).expect("inside");
    assert!(bytes.iter().all(|&byte| byte == 0), "nothing was loaded");
}
