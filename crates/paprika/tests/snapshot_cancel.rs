//! `ctl snapshot --cancel` against a running guest. The save is held in the flush of an NVDIMM whose syncs end when the test lets them,
//! so that it is under way when it is cancelled, however fast the host is.

mod common;

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use common::{PATIENCE, RunOutcome, argument, ran, restored, run};
use guest_kit::{GuestKit, Progress as KitProgress};
use papr_scm::backing::CrashBacking;
use paprika::control::ControlServer;
use paprika::control::api::State;
use paprika::control::client::Client;
use paprika::demo::power_loss::Device;
use paprika::demo::power_loss::writer::acknowledged;
use paprika::machine::{End, Machine, MachineConfig};
use paprika::session::GuestSession;
use paprika::snapshot::Stage;

const OK: i32 = 0;
const ERROR: i32 = 1;
/// Flushes by which a guest shows that it lives.
const SOME: u64 = 5;

/// A machine with a control socket and a snapshot's place in a directory, as the user has them.
struct Desk<'a> {
    machine: &'a Machine,
    backing: &'a CrashBacking,
    directory: &'a Path,
}

impl Desk<'_> {
    fn ctl(&self, arguments: &[&str]) -> RunOutcome {
        let socket = self.directory.join("api");
        run(&[&["ctl", "--socket", argument(&socket)], arguments].concat())
    }

    fn client(&self) -> Client {
        Client::new(self.directory.join("api"))
    }

    /// `ctl snapshot`, in a process that waits for its end.
    fn save(&self, more: &[&str]) -> JoinHandle<RunOutcome> {
        let (socket, target) = (self.directory.join("api"), self.directory.join("snap"));
        let more: Vec<String> = more.iter().map(|&it| it.to_owned()).collect();
        std::thread::spawn(move || {
            let command = [
                "ctl",
                "--socket",
                argument(&socket),
                "snapshot",
                argument(&target),
            ];
            let more: Vec<&str> = more.iter().map(String::as_str).collect();
            run(&[&command, more.as_slice()].concat())
        })
    }

    /// Begins a save and cancels it while it is under way.
    fn save_and_cancel(&self, more: &[&str]) {
        self.backing.hold();
        let saving = self.save(more);
        let stage = || self.client().saving().expect("status").saving;
        while stage().is_none_or(|progress| progress.stage != Stage::Flushing) {
            assert!(
                !saving.is_finished(),
                "it can't end while its flush is held"
            );
            std::thread::sleep(Duration::from_millis(1));
        }
        let cancelled = self.ctl(&["snapshot", "--cancel"]);
        assert_eq!(cancelled.code, Some(OK), "{cancelled:?}");
        self.backing.release();
        let saved = saving.join().expect("the client");
        assert_eq!(saved.code, Some(ERROR), "{saved:?}");
        assert!(saved.stderr.contains("saving was cancelled"), "{saved:?}");
        assert!(stage().is_none(), "nothing is being saved any more");
    }

    /// That the guest runs, and goes on with its work.
    fn guest_goes_on(&self) {
        assert_eq!(
            self.client().status().expect("status").state,
            State::Running
        );
        let flushes = || self.machine.scm().devices()[0].counters().flushes;
        let before = flushes();
        while flushes() < before + SOME {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// What is in the directory: finished or not.
    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.directory).expect("directory");
        let name = |entry: std::io::Result<std::fs::DirEntry>| {
            let name = entry.expect("entry").file_name();
            name.to_string_lossy().into_owned()
        };
        let mut names: Vec<String> = entries.map(name).collect();
        names.sort();
        names
    }

    fn state_file(&self) -> Vec<u8> {
        std::fs::read(self.directory.join("snap/state")).expect("the snapshot")
    }
}

#[test]
fn a_cancelled_save_leaves_the_guest_running_and_no_half_snapshot_and_the_next_one_works() {
    let directory = tempfile::tempdir().expect("directory");
    let place = directory.path().canonicalize().expect("it is there");
    let device = Device::new(256 << 20, false).expect("memory");
    let (backing, at) = (Arc::clone(device.backing()), place.clone());
    let payload = GuestKit::ensure_payload(&KitProgress::auto());
    let mut config = MachineConfig::new(payload.unwrap_or_else(|error| panic!("{error}")));
    config.cmdline = "records seed=1".into();
    config.memory = 256 << 20;
    let session =
        GuestSession::new(config)
            .nvdimms(vec![device.nvdimm()])
            .at("ack 10\n", move |machine| {
                let desk = Desk {
                    machine,
                    backing: &backing,
                    directory: &at,
                };
                let mut server = ControlServer::bind(&at.join("api")).expect("socket");
                server.serve(machine.control()).expect("served");
                // Where nothing was, nothing is; also where the machine was to end, it does not.
                for more in [&[][..], &["--quit"]] {
                    desk.save_and_cancel(more);
                    assert_eq!(desk.names(), ["api"]);
                    desk.guest_goes_on();
                }
                // Where a snapshot was, it is that one.
                let saved = desk.save(&[]).join().expect("the client");
                assert_eq!(saved.code, Some(OK), "{saved:?}");
                let old = desk.state_file();
                desk.guest_goes_on();
                desk.save_and_cancel(&["--quit"]);
                assert_eq!(desk.names(), ["api", "snap"]);
                assert!(desk.state_file() == old);
                desk.guest_goes_on();
                let saved = desk.save(&["--quit"]).join().expect("the client");
                assert_eq!(saved.code, Some(OK), "{saved:?}");
                assert!(desk.state_file() != old);
            });
    let before = ran(session.timeout(PATIENCE));
    let snapshot = place.join("snap");
    assert_eq!(before.end, End::Saved(snapshot.clone()));

    let last = acknowledged(&before.console) + SOME;
    let after = ran(restored(&snapshot, &device).kill_at(&format!("ack {last}\n")));
    assert_eq!(after.end, End::Killed, "{}", after.console);
    let consoles = before.console + &after.console;
    let numbers: Vec<u64> = consoles
        .lines()
        .filter_map(|line| line.strip_prefix("ack ")?.parse().ok())
        .take_while(|&number| number < last)
        .collect();
    let expected: Vec<u64> = (1..last).collect();
    assert_eq!(numbers, expected, "none twice, none left out");
}
