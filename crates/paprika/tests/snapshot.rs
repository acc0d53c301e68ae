//! Saving and restoring by the real program: a tiny guest that goes on, what is refused, and a save that is killed.

mod common;

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use common::running::Running;
use common::{RunOutcome, argument, run, tiny_guest, wait};
use paprika::control::api::{SaveRequest, State};
use paprika::control::client::ClientError;
use paprika::control::error::ErrorCode;

const ERROR: i32 = 1;
const OK: i32 = 0;
const MIB: u64 = 1 << 20;
/// Data of an NVDIMM, and its file with the label area.
const DATA: u64 = 256 * MIB;
const FILE: u64 = DATA + (128 << 10);

fn device(directory: &Path, id: &str, more: &str) -> String {
    let path = directory.join(format!("{id}.img"));
    format!("--nvdimm=id={id},path={}{more}", argument(&path))
}

/// A tiny guest with an NVDIMM, saved, and its process gone.
struct SavedGuest {
    directory: tempfile::TempDir,
}

impl SavedGuest {
    fn new(more: &[&str]) -> Self {
        Self::with_device("", more)
    }

    fn with_device(keys: &str, more: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("directory");
        let nvdimm = device(directory.path(), "pmem0", &format!(",size=256M{keys}"));
        let mut machine = Running::start_in(directory.path(), &[&[nvdimm.as_str()], more].concat());
        machine.guest_lives("saved");
        let saved = Self { directory };
        let ran = machine.ctl(&["snapshot", argument(&saved.snapshot()), "--quit"]);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(OK), ""), "{ran:?}");
        assert_eq!(wait(&mut machine.child).code(), Some(OK));
        saved
    }

    fn snapshot(&self) -> PathBuf {
        self.directory.path().join("snap")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.snapshot().join(name)
    }

    fn image(&self) -> PathBuf {
        self.directory.path().join("pmem0.img")
    }

    /// Restores it, which must not work; what is said.
    #[track_caller]
    fn refused(&self, more: &[&str]) -> String {
        let snapshot = self.snapshot();
        let RunOutcome {
            code,
            stdout,
            stderr,
        } = run(&[&["restore", argument(&snapshot)], more].concat());
        assert_eq!((code, stdout.as_str()), (Some(ERROR), ""), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "one sentence: {stderr}");
        stderr
    }

    /// Restores it, which must work, and ends the guest; what is said on standard error.
    #[track_caller]
    fn accepted(&self, more: &[&str]) -> String {
        let mut machine = self.restore(more);
        machine.guest_lives("goes on");
        machine.end_with_words()
    }

    fn restore(&self, more: &[&str]) -> Running {
        Running::restore_in(self.directory.path(), &self.snapshot(), more)
    }
}

#[test]
fn a_saved_guest_goes_on_in_another_process_and_boots_again_from_what_it_was_started_with() {
    let saved = SavedGuest::new(&["--cpus=2"]);
    // What it was started from is not needed any more.
    fs::remove_file(saved.directory.path().join("tiny-guest")).expect("the kernel");
    let mut machine = saved.restore(&[]);
    machine.guest_lives("it answers");
    let status = machine.client().status().expect("status");
    assert_eq!(
        (status.name.as_str(), status.cpus, status.nvdimms),
        ("tiny", 2, 1)
    );
    machine.type_in(&[tiny_guest::REBOOT]);
    machine.expect(tiny_guest::READY);
    machine.guest_lives("again");
    machine.end();
}

#[test]
fn a_saved_guest_runs_on_unless_it_is_told_to_quit_and_is_paused_if_it_was() {
    let mut machine = Running::start(&[]);
    let target = machine.directory.join("snap");
    let ran = machine.ctl(&["snapshot", argument(&target), "--json"]);
    let answer: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(answer["ended"], false);
    assert!(answer["memory_bytes"].as_u64() > Some(0), "{answer}");
    machine.guest_lives("goes on");
    let client = machine.client();
    client.pause().expect("pause");
    machine.ctl(&["snapshot", argument(&target)]);
    assert_eq!(client.status().expect("status").state, State::Paused);
    client.resume().expect("resume");
    machine.guest_lives("and on");
    // The saved one is this guest at another time.
    let mut other = Running::restore_in(&machine.directory.join("."), &target, &["--paused"]);
    assert_eq!(
        other.client().status().expect("status").state,
        State::Paused
    );
    other.client().resume().expect("resume");
    other.guest_lives("so do I");
    other.end();
    machine.guest_lives("still here");
    machine.end();
}

#[test]
fn what_can_not_be_saved_is_refused_and_the_guest_runs_on() {
    let directory = tempfile::tempdir().expect("directory");
    let nvdimm = device(directory.path(), "pmem0", ",size=256M");
    let mut machine = Running::start_in(directory.path(), &[&nvdimm]);
    let precious = directory.path().join("precious");
    fs::create_dir(&precious).expect("directory");
    fs::write(precious.join("thing"), "x").expect("file");
    let nowhere = directory.path().join("no/where");
    for (target, said) in [
        (&precious, "is not a snapshot"),
        (&nowhere, "can't be found"),
    ] {
        let ran = machine.ctl(&["snapshot", argument(target)]);
        assert_eq!(ran.code, Some(ERROR));
        assert!(ran.stderr.contains(said), "{ran:?}");
    }
    let client = machine.client();
    let relative = SaveRequest {
        path: "snap".into(),
        quit: false,
        digest: false,
    };
    let refused = client.save(&relative).expect_err("relative");
    assert!(matches!(refused, ClientError::Api(error) if error.code == ErrorCode::BadRequest));
    let nothing = client.cancel_save().expect_err("nothing to cancel");
    assert!(matches!(nothing, ClientError::Api(error) if error.code == ErrorCode::NotFound));
    // A file that is not found again by its path.
    let image = directory.path().join("pmem0.img");
    fs::rename(&image, directory.path().join("moved")).expect("renamed");
    let target = directory.path().join("snap");
    for there in [false, true] {
        if there {
            File::create(&image)
                .expect("file")
                .set_len(FILE)
                .expect("room");
        }
        let ran = machine.ctl(&["snapshot", argument(&target), "--quit"]);
        assert_eq!(ran.code, Some(ERROR));
        assert!(ran.stderr.contains("pmem0.img"), "{ran:?}");
    }
    assert!(!target.exists());
    machine.guest_lives("unharmed");
    machine.end();
}

#[test]
fn whatever_the_guest_would_notice_is_refused_in_one_sentence() {
    let saved = SavedGuest::new(&[]);
    let said = |more: &[&str], words: &str| {
        let stderr = saved.refused(more);
        assert!(stderr.contains(words), "{words:?}: {stderr}");
    };
    said(
        &["--machine=pseries-1.0"],
        "pseries-1.0 is older: the guest was told to flush nvdimm pmem0",
    );
    said(&["--nvdimm=id=pmem0,sync-dax=on"], "sync-dax was off");
    said(&["--nvdimm=id=pmem0,readonly=on"], "readonly is off");
    said(
        &["--nvdimm=id=pmem0,uuid=00000000-0000-0000-0000-000000000001"],
        "uuid is",
    );
    said(&["--nvdimm=id=pmem0,slot=7"], "slot is 0");
    said(&["--nvdimm=id=pmem0,label-size=256K"], "label-size is");
    said(
        &["--nvdimm=id=more,path=/tmp/x"],
        "nvdimm more is not one that the guest has",
    );
    let nowhere = saved.directory.path().join("nowhere");
    said(
        &[&format!("--nvdimm=id=pmem0,path={}", argument(&nowhere))],
        "is missing",
    );
    let image = saved.image();
    // A smaller, a larger, and another file.
    for (length, words) in [
        (FILE / 2, "fewer"),
        (FILE + DATA, "more"),
        (FILE, "is not the file"),
    ] {
        let other = saved.directory.path().join("other");
        File::create(&other)
            .expect("file")
            .set_len(length)
            .expect("room");
        said(
            &[&format!("--nvdimm=id=pmem0,path={}", argument(&other))],
            words,
        );
    }
    let away = saved.directory.path().join("away");
    fs::rename(&image, &away).expect("renamed");
    said(&[], "is missing; put it back");
    // The same file under another name is the same file, and the user is told that it was touched.
    let path = format!("--nvdimm=id=pmem0,path={}", argument(&away));
    assert!(saved.accepted(&[&path]).contains("renamed"));
    fs::rename(&away, &image).expect("renamed");
    // Another monitor has it.
    let held = File::open(&image).expect("file");
    held.lock().expect("lock");
    said(&[], "in use by another monitor");
    drop(held);
    let file = File::options().write(true).open(&image).expect("file");
    file.write_all_at(b"x", 12345).expect("written");
    said(&[], "was written to after the guest was saved");
    assert_eq!(image.metadata().expect("file").len(), FILE);
}

#[test]
fn damage_is_found_wherever_it_is_before_the_guest_runs() {
    let saved = SavedGuest::new(&[]);
    let mut random = fastrand::Rng::with_seed(2);
    for name in ["state", "memory", "kernel"] {
        let path = saved.file(name);
        let good = fs::read(&path).expect("file");
        for _ in 0..8 {
            // Where there is something, most of all.
            let at = loop {
                let at = random.usize(0..good.len());
                if name != "memory" || random.u8(0..100) == 0 || good[at] != 0 {
                    break at;
                }
            };
            let mut bad = good.clone();
            bad[at] ^= 1 << random.u8(0..8);
            fs::write(&path, &bad).expect("written");
            let stderr = saved.refused(&[]);
            assert!(stderr.contains(name), "byte {at:#x} of {name}: {stderr}");
        }
        fs::write(&path, &good[..good.len() - 1]).expect("cut");
        let stderr = saved.refused(&[]);
        assert!(stderr.contains("damaged"), "{stderr}");
        fs::remove_file(&path).expect("removed");
        let stderr = saved.refused(&[]);
        assert!(stderr.contains("can't be read"), "{stderr}");
        fs::write(&path, &good).expect("as it was");
    }
    let path = saved.file("state");
    let state = fs::read_to_string(&path).expect("text");
    let newer = state.replacen("paprika-snapshot 2 ", "paprika-snapshot 3 ", 1);
    fs::write(&path, newer).expect("written");
    assert!(
        saved
            .refused(&[])
            .contains("format 3, and this program reads formats 1 to 2")
    );
    fs::write(&path, "#!/bin/sh\necho hello\n").expect("written");
    assert!(
        saved
            .refused(&[])
            .contains("is not the state of a snapshot")
    );
    fs::write(&path, state).expect("as it was");
    saved.accepted(&[]);
}

#[test]
fn a_device_that_the_guest_was_not_told_to_flush_may_need_flushing_and_the_user_is_told() {
    let saved = SavedGuest::with_device(",sync-dax=on", &[]);
    let mut machine = saved.restore(&["--nvdimm=id=pmem0,sync-dax=off"]);
    let told =
        |machine: &Running| machine.client().nvdimms().expect("list").nvdimms[0].flush_announced;
    assert!(!told(&machine), "the running guest does not know");
    machine.type_in(&[tiny_guest::REBOOT]);
    machine.expect(tiny_guest::READY);
    assert!(told(&machine), "the next one does");
    let stderr = machine.end_with_words();
    assert!(stderr.contains("was not told to flush it"), "{stderr}");
}

#[test]
fn an_older_machine_type_goes_on_as_a_newer_one_and_not_the_other_way() {
    let saved = SavedGuest::new(&["--machine=pseries-1.0"]);
    let stderr = saved.accepted(&["--machine=pseries-1.1"]);
    assert!(stderr.contains("goes on as pseries-1.1"), "{stderr}");
    assert!(stderr.contains("it is told at its next boot"), "{stderr}");
}

#[test]
fn with_digests_a_snapshot_moves_with_copies_of_its_files() {
    let directory = tempfile::tempdir().expect("directory");
    let nvdimm = device(directory.path(), "pmem0", ",size=256M");
    let mut machine = Running::start_in(directory.path(), &[&nvdimm]);
    let snapshot = directory.path().join("snap");
    let ran = machine.ctl(&["snapshot", argument(&snapshot), "--quit", "--digest"]);
    assert_eq!(ran.code, Some(OK), "{ran:?}");
    wait(&mut machine.child);
    let saved = SavedGuest { directory };
    let elsewhere = tempfile::tempdir().expect("directory");
    let copy = elsewhere.path().join("copy");
    fs::copy(saved.image(), &copy).expect("copied");
    let path = format!("--nvdimm=id=pmem0,path={}", argument(&copy));
    saved.accepted(&[&path]);
    let file = File::options().write(true).open(&copy).expect("file");
    file.write_all_at(b"x", 5 * MIB).expect("written");
    assert!(saved.refused(&[&path]).contains("was written to"));
}

#[test]
fn a_save_that_is_killed_leaves_the_old_snapshot_and_the_next_cleans_up() {
    let directory = tempfile::tempdir().expect("directory");
    let snapshot = directory.path().join("snap");
    let mut machine = Running::start_in(directory.path(), &[]);
    assert_eq!(
        machine.ctl(&["snapshot", argument(&snapshot)]).code,
        Some(OK)
    );
    let inode = |path: &Path| path.metadata().expect("file").ino();
    let old = inode(&snapshot.join("state"));
    let leftovers = || {
        let entries = fs::read_dir(directory.path()).expect("directory");
        entries
            .filter(|entry| {
                let name = entry.as_ref().expect("entry").file_name();
                name.to_string_lossy().contains(".saving-")
            })
            .count()
    };
    let mut random = fastrand::Rng::with_seed(3);
    for round in 0..8 {
        let client = machine.client();
        let path = snapshot.clone();
        let saving = std::thread::spawn(move || {
            client.save(&SaveRequest {
                path,
                quit: false,
                digest: false,
            })
        });
        // Somewhere in the middle: at once, when the directory is there, or some time later.
        if round > 0 {
            while leftovers() == 0 && !saving.is_finished() {
                std::thread::yield_now();
            }
            std::thread::sleep(std::time::Duration::from_micros(random.u64(0..8000)));
        }
        machine.child.kill().expect("killed");
        wait(&mut machine.child);
        let _ = saving.join().expect("client");
        // Old or new, it is whole.
        let mut restored = Running::restore_in(directory.path(), &snapshot, &[]);
        restored.guest_lives("whole");
        restored.end();
        machine = Running::start_in(directory.path(), &[]);
    }
    assert_eq!(
        machine.ctl(&["snapshot", argument(&snapshot)]).code,
        Some(OK)
    );
    assert_ne!(inode(&snapshot.join("state")), old);
    assert_eq!(leftovers(), 0);
    machine.end();
}
