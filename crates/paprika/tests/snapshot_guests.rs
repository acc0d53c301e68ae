//! Guests that are saved in the middle of their work, and go on: Linux from a directory, the bare-metal guest from a state in memory.

mod common;

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread::JoinHandle;
use std::time::Duration;

use common::{PATIENCE, kit, ran, restored};
use guest_kit::{GuestKit, Progress as KitProgress};
use papr::PersistentMemory;
use papr_scm::backing::{CrashBacking, Fault};
use papr_scm::nvdimm::NvdimmConfig;
use paprika::demo::power_loss::writer::acknowledged;
use paprika::demo::power_loss::{Device, PayloadWriter, Records, Writer as _};
use paprika::machine::state::{BootFiles, MachineState, Phase};
use paprika::machine::{
    AddError, Blueprint, ControlError, End, HostOptions, Machine, MachineConfig, RemoveError,
    RunState, Successor,
};
use paprika::session::{GuestSession, Outcome, SessionError};
use paprika::snapshot::{Progress, SaveError, SaveOptions, Snapshot, save};

const DATA: u64 = 256 << 20;
const QUIT: SaveOptions = SaveOptions {
    quit: true,
    digest: false,
};

/// Waits for a flush of the guest's, whose sync does not end before the guest stands still.
fn hold_until_it_stands(machine: &Machine, backing: &Arc<CrashBacking>) -> JoinHandle<()> {
    backing.hold();
    let running = || machine.scm().export().devices[0].calls.running.len();
    while running() == 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    let (control, backing) = (Arc::clone(machine.control()), Arc::clone(backing));
    std::thread::spawn(move || {
        while control.state() == RunState::Running {
            std::thread::sleep(Duration::from_millis(1));
        }
        backing.release();
    })
}

/// Linux, with a loop that counts, a process that sleeps, and one that writes records, each waiting for a flush; the last takes its
/// time. Then it listens to the console, and boots again.
const WORK: &str = r#"
if [ -b /dev/pmem0 ]; then recorder verify -a 40 -r 1 /dev/pmem0 && echo 'still there after a reboot'; exit; fi
ndctl create-namespace -m fsdax -r region0 >/dev/null || exit 1
began=$(cut -d. -f1 /proc/uptime)
(n=0; while [ $n -lt 150000 ]; do n=$((n+1)); done; echo "counted $n") &
(sleep 4; echo 'slept') &
recorder write -r 1 -n 40 /dev/pmem0
wait
ended=$(cut -d. -f1 /proc/uptime)
[ $((ended - began)) -ge 4 ] && [ $((ended - began)) -lt 200 ] && echo 'time goes on'
dmesg | grep -E 'lockup|stall|BUG:' ; echo '@@listening'
read -r line; echo "heard $line"
recorder verify -a 40 -r 1 /dev/pmem0
reboot -f
"#;

#[test]
fn linux_goes_on_in_the_middle_of_its_work_with_a_flush_that_its_host_had_not_answered() {
    let directory = tempfile::tempdir().expect("directory");
    let snapshot = directory.path().join("snap");
    let device = Device::new(DATA, false).expect("memory");
    let (held, place) = (Arc::clone(device.backing()), snapshot.clone());
    let session = GuestSession::of_kit(&kit())
        .unwrap_or_else(|error| panic!("{error}"))
        .cpus(2)
        .memory(512 << 20)
        .nvdimms(vec![device.nvdimm()])
        .script(WORK)
        .timeout(PATIENCE)
        .at("ack 10\n", move |machine| {
            let release = hold_until_it_stands(machine, &held);
            save(machine.control(), &place, QUIT, &Progress::new())
                .unwrap_or_else(|error| panic!("{error}"));
            release.join().expect("released");
        });
    let before = ran(session);
    assert_eq!(
        before.end,
        End::Saved(snapshot.canonicalize().expect("it is there"))
    );
    assert!(acknowledged(&before.console) < 40, "{}", before.console);
    assert!(!before.console.contains("slept"), "{}", before.console);
    let state = Snapshot::open(&snapshot).expect("whole");
    assert_eq!(state.description().cpus, 2);

    // Whatever was not durable is lost: the snapshot and the device agree all the same.
    let (device, _) = device.lose_power(5).expect("memory");
    let session = restored(&snapshot, &device).at("@@listening\n", |machine| {
        assert_eq!(machine.platform().console_input(b"you\n"), 4);
    });
    let after = ran(session);
    let console = &after.console;
    assert_eq!(
        (after.end.clone(), after.exit_status()),
        (End::PowerOff, Some(0)),
        "{console}"
    );
    for line in [
        "counted 150000",
        "slept",
        "ack 40",
        "time goes on",
        "heard you",
        "still there after a reboot",
    ] {
        assert!(console.lines().any(|it| it == line), "{line}: {console}");
    }
    assert_eq!(console.matches("verified=40").count(), 2, "{console}");
    // Nothing twice, and nothing left out, across the two processes.
    let acks = |outcome: &Outcome| -> Vec<String> {
        let lines = outcome
            .console
            .lines()
            .filter(|line| line.starts_with("ack "));
        lines.map(str::to_owned).collect()
    };
    let all = [acks(&before), acks(&after)].concat();
    let expected: Vec<String> = (1..=40).map(|number| format!("ack {number}")).collect();
    assert_eq!(all, expected);
    assert!(console.contains("time goes on"), "{console}");
    let complaint = console.lines().find(|line| {
        ["lockup", "stall", "BUG:"]
            .iter()
            .any(|word| line.contains(word))
    });
    assert_eq!(complaint, None, "{console}");
}

#[test]
fn a_snapshot_whose_flush_fails_is_none_and_the_guest_goes_on() {
    let directory = tempfile::tempdir().expect("directory");
    let snapshot = directory.path().join("snap");
    let device = Device::new(DATA, false).expect("memory");
    let (backing, place) = (Arc::clone(device.backing()), snapshot.clone());
    let (tell, told) = channel();
    let session = bare_metal("records seed=1")
        .nvdimms(vec![device.nvdimm()])
        .at("ack 20\n", move |machine| {
            let release = hold_until_it_stands(machine, &backing);
            backing.inject(Fault::Error(5));
            tell.send(save(machine.control(), &place, QUIT, &Progress::new()))
                .expect("listener");
            release.join().expect("released");
        });
    let outcome = ran(session);
    let error = told.recv().expect("an answer").expect_err("it failed");
    assert!(matches!(error, SaveError::Flush(_)), "{error}");
    assert!(!snapshot.exists());
    // The guest has met the same error by itself, and has ended by itself.
    assert_eq!(outcome.end, End::PowerOff, "{}", outcome.console);
}

fn bare_metal(command: &str) -> GuestSession {
    let payload = GuestKit::ensure_payload(&KitProgress::auto());
    let mut config = MachineConfig::new(payload.unwrap_or_else(|error| panic!("{error}")));
    config.cmdline = command.into();
    config.memory = 256 << 20;
    GuestSession::new(config).timeout(PATIENCE)
}

/// A machine as a migration takes it: state, RAM and boot files, without any file.
struct Taken {
    state: MachineState,
    ram: Vec<u8>,
    boot: BootFiles,
}

fn take(machine: &Machine) -> Taken {
    let control = machine.control();
    let quiesced = control.stand_still().expect("it stands");
    let state = quiesced.export().expect("its state");
    let mut ram = vec![0; control.ram().size() as usize];
    control.ram().read(0, &mut ram).expect("all of it");
    let boot = BootFiles {
        kernel: control.kernel().to_vec().into(),
        initrd: control.initrd().to_vec().into(),
    };
    quiesced.leave(Successor::Moved("another machine".into()));
    Taken { state, ram, boot }
}

fn going_on(taken: Taken, device: &Device) -> GuestSession {
    let nvdimm = device.nvdimm();
    GuestSession::going_on(move |console| {
        let Taken { state, ram, boot } = taken;
        let text = serde_json::to_vec(&state).expect("plain data");
        let state: MachineState = serde_json::from_slice(&text).expect("what was written");
        let options = HostOptions::default();
        let blueprint = Blueprint::of_saved(&state.description, &state.boot, boot, options)?;
        let machine = Machine::build(blueprint, &[], console)?;
        machine
            .ram()
            .write(0, &ram)
            .map_err(|_| SessionError::Machine(paprika::machine::MachineError::SavedFile("RAM")))?;
        machine.adopt(state, &[nvdimm])?;
        Ok(machine)
    })
    .timeout(PATIENCE)
}

#[test]
fn flushes_that_were_running_are_run_again_and_answered_by_their_tokens_however_often_the_guest_moves()
 {
    const MOVES: u64 = 12;
    let device = Device::new(DATA, false).expect("memory");
    let mut consoles = String::new();
    let mut taken: Option<Taken> = None;
    let mut running = 0;
    for _ in 0..MOVES {
        let (send, receive) = channel();
        let held = Arc::clone(device.backing());
        let session = match taken.take() {
            Some(taken) => going_on(taken, &device),
            None => bare_metal("records seed=1").nvdimms(vec![device.nvdimm()]),
        };
        // The first acknowledgement of each life is as good as any.
        let next = format!("ack {}\n", acknowledged(&consoles) + 3);
        let outcome = ran(session.at(&next, move |machine| {
            held.hold();
            let calls = || machine.scm().export().devices[0].calls.running.len();
            while calls() == 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
            send.send(take(machine)).expect("receiver");
            // Nobody hears of what the old machine's sync comes to.
            held.release();
        }));
        assert_eq!(
            outcome.end,
            End::Moved("another machine".into()),
            "{}",
            outcome.console
        );
        consoles.push_str(&outcome.console);
        let next = receive.recv().expect("taken");
        let scm = PersistentMemory::state(&next.state.platform).expect("it is sound");
        running += scm.map_or(0, |scm| {
            let devices = scm.devices.iter();
            devices.map(|it| it.calls.running.len()).sum()
        });
        assert!(
            next.state
                .vcpus
                .iter()
                .all(|vcpu| vcpu.phase != Phase::Stopped)
        );
        taken = Some(next);
    }
    assert_eq!(running as u64, MOVES, "each time one was under way");
    let last = acknowledged(&consoles) + 5;
    let session = going_on(taken.expect("moved"), &device).kill_at(&format!("ack {last}\n"));
    let outcome = ran(session);
    consoles.push_str(&outcome.console);
    let acknowledged = acknowledged(&consoles);
    assert!(acknowledged >= last, "{consoles}");
    let numbers: Vec<&str> = consoles
        .lines()
        .filter_map(|line| line.strip_prefix("ack "))
        .collect();
    let expected: Vec<String> = (1..=acknowledged)
        .map(|number| number.to_string())
        .collect();
    assert_eq!(
        numbers[..acknowledged as usize],
        expected,
        "none twice, none left out"
    );
    let records = Records {
        run: 1,
        acknowledged,
    };
    let payload = GuestKit::ensure_payload(&KitProgress::auto()).expect("payload");
    let durable = PayloadWriter::new(payload, 1).found_by_host(device.backing(), &records);
    assert_eq!(durable, Some(acknowledged));
}

#[test]
fn while_a_machine_stands_still_for_somebody_nobody_else_resumes_plugs_or_resets() {
    let device = Device::new(DATA, false).expect("memory");
    let session = bare_metal("records seed=1")
        .nvdimms(vec![device.nvdimm()])
        .at("ack 5\n", |machine| {
            let control = machine.control();
            let held = |result: Result<(), ControlError>| {
                assert_eq!(result, Err(ControlError::Held));
            };
            let quiesced = control.stand_still().expect("it stands");
            held(control.resume());
            held(control.stand_still().map(drop));
            let add = control.add_nvdimm(NvdimmConfig::new("more", "/nowhere"), Duration::ZERO);
            assert!(matches!(add, Err(AddError::Control(ControlError::Held))));
            let remove = control.remove_nvdimm("pmem0", Duration::ZERO);
            assert!(matches!(
                remove,
                Err(RemoveError::Control(ControlError::Held))
            ));
            control.reset().expect("it waits");
            let resets = || control.counts().resets;
            std::thread::sleep(Duration::from_millis(20));
            assert_eq!(resets(), 0, "not while somebody looks");
            let (first, second) = (quiesced.export(), quiesced.export());
            let (first, second) = (first.expect("state"), second.expect("state"));
            // The host's clock goes on; when a decrementer fires by the guest's does not change.
            let seen = |state: &MachineState| {
                let vcpus = state.vcpus.iter().map(|vcpu| {
                    let mut cpu = vcpu.cpu.clone();
                    cpu.time_base = cpu.time_base.wrapping_add_signed(cpu.decrementer);
                    cpu.decrementer = 0;
                    (vcpu.phase, cpu)
                });
                vcpus.collect::<Vec<_>>()
            };
            assert_eq!(seen(&first), seen(&second));
            assert_eq!(first.partition, second.partition, "its time stands too");
            // Somebody wants it paused afterwards.
            control.pause().expect("it is");
            drop(quiesced);
            assert_eq!(control.state(), RunState::Paused);
            while resets() == 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
            control.resume().expect("nobody holds it");
        })
        .kill_at("ack 9\n");
    let outcome = ran(session);
    assert_eq!(outcome.end, End::Killed, "{}", outcome.console);
    assert!(!outcome.timed_out, "{}", outcome.console);
}
