//! NVDIMMs that come and go under a running Linux.

mod common;

use std::collections::BTreeSet;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::{PATIENCE, kit};
use papr::Platform;
use papr_scm::nvdimm::NvdimmConfig;
use paprika::machine::{End, Machine, MachineControl, RemoveError};
use paprika::session::{GuestSession, Outcome};

/// How long the guest is waited for: not a measure of anything.
const WAIT: Duration = Duration::from_secs(60);

fn session() -> GuestSession {
    GuestSession::of_kit(&kit())
        .unwrap_or_else(|error| panic!("{error}"))
        .memory(512 << 20)
        .timeout(PATIENCE)
}

fn device(directory: &Path, id: &str) -> NvdimmConfig {
    let mut config = NvdimmConfig::new(id, directory.join(format!("{id}.img")));
    config.size = Some(256 << 20);
    config
}

/// Whether no monitor holds a file.
fn unlocked(path: &Path) -> bool {
    File::open(path).expect("file").try_lock().is_ok()
}

/// The same for a file of a machine that has ended: threads of its own may be about to let go of it still.
fn soon_unlocked(path: &Path) -> bool {
    let end = Instant::now() + WAIT;
    while !unlocked(path) {
        if Instant::now() > end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    true
}

/// A Linux that runs what it is told, line by line, and a hand on its machine.
struct Guest {
    machine: Arc<MachineControl>,
    platform: Arc<Platform>,
    answers: Receiver<(i32, String)>,
}

/// The guest's half: reads a line, runs it, tells output and status.
const SHELL: &str = "stty -echo; while echo '@@ready'; read -r line; do [ \"$line\" = quit ] && exit 0; out=$(eval \"$line\" 2>&1); echo \"@@status $?\"; echo \"$out\"; echo '@@end'; done";

/// Does something to a running Linux; the guest is powered off afterwards.
fn with_linux(cpus: u32, act: impl FnOnce(&Guest) + Send + 'static) -> Outcome {
    let (told, answers) = channel();
    let console = Arc::new(Mutex::new(Vec::new()));
    let reader = Answers {
        told,
        line: Vec::new(),
        answer: None,
        console: Arc::clone(&console),
    };
    let attend = move |machine: &Machine| {
        let guest = Guest {
            machine: Arc::clone(machine.control()),
            platform: Arc::clone(machine.platform()),
            answers,
        };
        let done = catch_unwind(AssertUnwindSafe(|| act(&guest)));
        if let Err(panic) = done {
            // Whoever waits for the guest's end gets it, and then the panic.
            machine.outside().kill();
            let console = console.lock().expect("console");
            eprintln!("{}", String::from_utf8_lossy(&console));
            resume_unwind(panic);
        }
        guest.type_in("quit\n");
    };
    let outcome = session()
        .cpus(cpus)
        .script(SHELL)
        .echo(reader)
        .at("@@ready\n", attend)
        .run()
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(outcome.end, End::PowerOff, "{}", outcome.console);
    outcome
}

/// Finds the answers in what the guest prints.
struct Answers {
    told: Sender<(i32, String)>,
    line: Vec<u8>,
    answer: Option<(i32, String)>,
    console: Arc<Mutex<Vec<u8>>>,
}

impl std::io::Write for Answers {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.console.lock().expect("console").extend(bytes);
        for &byte in bytes {
            match byte {
                b'\r' => {}
                b'\n' => self.line(),
                _ => self.line.push(byte),
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Answers {
    fn line(&mut self) {
        let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).into_owned();
        if let Some(status) = line.strip_prefix("@@status ") {
            self.answer = Some((status.parse().unwrap_or(-1), String::new()));
        } else if line == "@@end" {
            if let Some(answer) = self.answer.take() {
                let _ = self.told.send(answer);
            }
        } else if let Some((_, text)) = &mut self.answer {
            text.push_str(&line);
            text.push('\n');
        }
    }
}

impl Guest {
    /// Types as fast as the guest reads.
    fn type_in(&self, line: &str) {
        let mut rest = line.as_bytes();
        while !rest.is_empty() {
            rest = &rest[self.platform.console_input(rest)..];
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Runs a command; its status and what it printed.
    fn try_run(&self, command: &str) -> (i32, String) {
        self.type_in(&format!("{command}\n"));
        self.answers
            .recv_timeout(WAIT)
            .unwrap_or_else(|_| panic!("no answer to {command}"))
    }

    /// The same for one that must succeed.
    #[track_caller]
    fn run(&self, command: &str) -> String {
        let (status, output) = self.try_run(command);
        assert_eq!(status, 0, "{command}: {output}");
        output
    }

    #[track_caller]
    fn add(&self, config: NvdimmConfig) {
        let id = config.id.clone();
        let added = self
            .machine
            .add_nvdimm(config, WAIT)
            .unwrap_or_else(|error| panic!("{error}"));
        assert!(added.taken, "the guest has not taken {id}");
    }

    #[track_caller]
    fn remove(&self, id: &str) {
        let removed = self
            .machine
            .remove_nvdimm(id, WAIT)
            .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(
            (removed.sync_failure, removed.released),
            (None, true),
            "{id}"
        );
    }

    /// How many regions the guest sees.
    fn regions(&self) -> usize {
        let seen = self.run("ndctl list -R | grep -c '\"dev\":\"region' || true");
        seen.trim().parse().expect("a number")
    }
}

#[test]
fn a_plugged_device_shows_in_the_guest_takes_flushes_and_goes_again() {
    let directory = tempfile::tempdir().expect("directory");
    let path: PathBuf = directory.path().join("hot.img");
    let place = directory.path().to_owned();
    with_linux(2, move |guest| {
        assert_eq!(guest.regions(), 0);
        guest.add(device(&place, "hot"));
        assert_eq!(guest.regions(), 1, "{}", guest.run("dmesg | tail -20"));
        assert!(!unlocked(&path));
        guest.run(
            "ndctl create-namespace -f -m fsdax --map=mem 2>&1 || ndctl create-namespace -f -m raw",
        );
        guest.run("mkfs.ext4 -q -F /dev/pmem0 && mkdir -p /mnt/p && mount /dev/pmem0 /mnt/p");
        guest.run("echo kept > /mnt/p/record && sync /mnt/p/record");
        let device = guest.machine.scm().device_by_id("hot").expect("plugged");
        assert!(device.counters().flushes > 0, "{:?}", device.counters());
        drop(device);
        guest.run("umount /mnt/p");
        guest.remove("hot");
        assert_eq!(guest.regions(), 0);
        assert!(unlocked(&path), "its file is free");
        // Plugged again, what was stored is there.
        guest.add(NvdimmConfig::new("hot", &path));
        // Linux looks at a region's namespaces in the background.
        guest.run("until [ -b /dev/pmem0 ]; do sleep 0.1; done; mount /dev/pmem0 /mnt/p");
        assert_eq!(guest.run("cat /mnt/p/record"), "kept\n");
        guest.run("umount /mnt/p");
    });
    assert!(soon_unlocked(&directory.path().join("hot.img")));
}

#[test]
fn a_paused_guest_is_not_waited_for_and_takes_or_gives_the_device_when_it_goes_on() {
    let directory = tempfile::tempdir().expect("directory");
    let place = directory.path().to_owned();
    with_linux(2, move |guest| {
        guest.machine.pause().expect("pause");
        let added = guest
            .machine
            .add_nvdimm(device(&place, "late"), WAIT)
            .expect("plugged");
        assert!(!added.taken);
        drop(added);
        guest.machine.resume().expect("resume");
        while guest.regions() == 0 {
            std::thread::sleep(Duration::from_millis(50));
        }
        guest.machine.pause().expect("pause");
        let error = guest
            .machine
            .remove_nvdimm("late", WAIT)
            .expect_err("the guest stands still");
        assert!(matches!(error, RemoveError::Unanswered { .. }), "{error}");
        guest.machine.resume().expect("resume");
        while guest.machine.scm().device_by_id("late").is_some() {
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(guest.regions(), 0);
    });
}

#[test]
fn a_device_with_a_mounted_file_system_can_go_and_the_guest_lives() {
    let directory = tempfile::tempdir().expect("directory");
    let place = directory.path().to_owned();
    with_linux(2, move |guest| {
        guest.add(device(&place, "busy"));
        guest.run("ndctl create-namespace -f -m raw");
        guest.run("mkfs.ext4 -q -F /dev/pmem0 && mkdir -p /mnt/p && mount /dev/pmem0 /mnt/p && echo x > /mnt/p/f && sync");
        // Linux does not ask what is mounted; see docs/control.md.
        guest.remove("busy");
        let (status, _) = guest.try_run("echo y > /mnt/p/f && sync /mnt/p/f");
        assert_ne!(status, 0, "nothing is acknowledged that has no place to go");
        guest.run("umount -l /mnt/p; true");
        assert_eq!(guest.regions(), 0);
    });
}

#[test]
fn linux_shuts_down_when_it_is_asked_to() {
    // What Linux runs then would ask init, which is a shell in the kit.
    let outcome = session()
        .script("echo \"$(command -v poweroff) -f\" > /proc/sys/kernel/poweroff_cmd; echo 'power me off'; while :; do sleep 1; done")
        .at("power me off\n", |machine| machine.control().power_down().expect("asked"))
        .run()
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(outcome.end, End::PowerOff, "{}", outcome.console);
    assert!(!outcome.timed_out);
}

#[test]
fn random_plugs_unplugs_flushes_and_pauses_leave_guest_and_host_of_one_mind() {
    const STEPS: u32 = 60;
    let directory = tempfile::tempdir().expect("directory");
    let place = directory.path().to_owned();
    with_linux(2, move |guest| {
        let mut random = fastrand::Rng::with_seed(4);
        let mut plugged: BTreeSet<u8> = BTreeSet::new();
        for step in 0..STEPS {
            let pick = random.u8(0..4);
            let id = format!("n{pick}");
            match random.u8(0..6) {
                0 | 1 if !plugged.contains(&pick) => {
                    guest.add(device(&place, &id));
                    plugged.insert(pick);
                }
                0 | 1 => {
                    let refused = guest.machine.add_nvdimm(device(&place, &id), WAIT);
                    assert!(refused.is_err(), "{id} is there already");
                }
                2 | 3 if plugged.remove(&pick) => {
                    guest.remove(&id);
                    assert!(unlocked(&place.join(format!("{id}.img"))));
                }
                2 | 3 => {
                    let refused = guest.machine.remove_nvdimm(&id, WAIT);
                    assert!(
                        matches!(refused, Err(RemoveError::NoSuchDevice(_))),
                        "{refused:?}"
                    );
                }
                4 => {
                    guest.run("for d in /dev/pmem*; do [ -b $d ] || continue; dd if=/dev/zero of=$d bs=4k count=1 conv=fsync 2>/dev/null || exit 1; done");
                }
                _ => {
                    guest.machine.pause().expect("pause");
                    guest.machine.resume().expect("resume");
                }
            }
            assert_eq!(
                guest.machine.scm().devices().len(),
                plugged.len(),
                "step {step}"
            );
        }
        assert_eq!(guest.regions(), plugged.len());
        for pick in plugged {
            guest.remove(&format!("n{pick}"));
        }
        assert_eq!(guest.regions(), 0);
    });
}
