//! Storage that fails under a guest: what the guest is told, what the host keeps, and who goes on.

mod common;

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use common::{PATIENCE, Watchdog, argument, kit, paprika, wait};
use guest_kit::{GuestKit, Progress};
use papr_scm::backing::{CrashBacking, Fault};
use papr_scm::flush::{FlushCounters, SyncFailure};
use paprika::cli::exit;
use paprika::demo::power_loss::writer::{Writer, acknowledged};
use paprika::demo::power_loss::{Device, PayloadWriter, Records};
use paprika::machine::{End, Machine, MachineConfig};
use paprika::session::{CommandScript, GuestSession, Outcome};
use payload_format::Report;

const EIO: i32 = 5;
const ENOSPC: i32 = 28;
const RUN: u64 = 1;

fn payload() -> std::path::PathBuf {
    GuestKit::ensure_payload(&Progress::auto()).unwrap_or_else(|error| panic!("{error}"))
}

/// A device and a guest on it that is not there yet.
fn device(size: u64) -> (Device, Arc<CrashBacking>) {
    let device = Device::new(size, false).expect("memory");
    let backing = Arc::clone(device.backing());
    (device, backing)
}

fn bare_metal(command: &str, device: &Device) -> GuestSession {
    let mut config = MachineConfig::new(payload());
    config.cmdline = command.into();
    config.memory = 256 << 20;
    GuestSession::new(config)
        .nvdimms(vec![device.nvdimm()])
        .timeout(PATIENCE)
}

fn linux(script: &str, device: &Device) -> GuestSession {
    GuestSession::of_kit(&kit())
        .unwrap_or_else(|error| panic!("{error}"))
        .cpus(2)
        .memory(512 << 20)
        .nvdimms(vec![device.nvdimm()])
        .script(script)
        .timeout(PATIENCE)
}

/// What the host knows of the device at the end.
#[derive(Debug)]
struct Host {
    counters: FlushCounters,
    failure: Option<SyncFailure>,
}

fn look(machine: &Machine) -> Host {
    let devices = machine.scm().devices();
    Host {
        counters: devices[0].counters(),
        failure: devices[0].failure(),
    }
}

fn run(session: GuestSession) -> (Outcome, Host) {
    let ended = session.run_and(look);
    let (outcome, host) = ended.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(outcome.end, End::PowerOff, "{}", outcome.console);
    (outcome, host)
}

fn reports(outcome: &Outcome) -> Vec<Report<'_>> {
    outcome.console.lines().filter_map(Report::parse).collect()
}

fn reason(host: &Host) -> &str {
    let failure = host.failure.as_ref();
    failure.map_or("", |failure| failure.reason.as_str())
}

/// Makes the guest wait for the host: the script does `ASK`, and the host answers with [`Answer::answer`].
const ASK: &str = "echo '@@host'; read -r go";
const ASKED: &str = "@@host\n";

fn answer(machine: &Machine) {
    assert_eq!(machine.platform().console_input(b"\n"), 1);
}

/// All log lines of this process at warn and above.
fn log() -> String {
    static LINES: OnceLock<Arc<Mutex<Vec<u8>>>> = OnceLock::new();
    struct Lines(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            lines.extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let lines = LINES.get_or_init(|| {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let writer = Arc::clone(&lines);
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::WARN)
            .with_ansi(false)
            .with_writer(move || Lines(Arc::clone(&writer)))
            .init();
        lines
    });
    let lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(&lines).into_owned()
}

#[test]
fn after_one_failed_sync_linux_never_sees_a_flush_succeed_again_and_everybody_says_so() {
    let _ = log();
    let (device, backing) = device(256 << 20);
    let script = CommandScript::new([
        "ndctl create-namespace -m fsdax -r region0",
        "recorder write -n 3 /dev/pmem0",
        "ndctl list -D -H",
        ASK,
        "recorder write -n 1 /dev/pmem0",
        "for n in 1 2 3 4 5; do recorder write -n 1 -s $n /dev/pmem0; done",
        "ndctl list -D -H",
    ]);
    let (outcome, host) = run(linux(&script.text(), &device).at(ASKED, move |machine| {
        backing.inject(Fault::Error(EIO));
        answer(machine);
    }));
    let outputs = script.outputs(&outcome.console);
    assert_eq!(outputs.len(), 7, "{}", outcome.console);
    assert_eq!(
        (outputs[0].status, outputs[1].status),
        (0, 0),
        "{outputs:?}"
    );
    assert!(
        outputs[2].output.contains("\"health_state\":\"ok\""),
        "{outputs:?}"
    );
    // The status of an input/output error, and no acknowledgement.
    assert_eq!(outputs[4].status, 2, "{outputs:?}");
    for refused in &outputs[4..6] {
        assert!(!refused.output.contains("ack"), "{outputs:?}");
        assert!(
            refused.output.contains("fsync of record 1 failed"),
            "{outputs:?}"
        );
    }
    assert_eq!(
        outputs[5].output.matches("failed: I/O error").count()
            + outputs[5]
                .output
                .matches("failed: Input/output error")
                .count(),
        5,
        "{outputs:?}"
    );
    assert!(
        outputs[6].output.contains("\"health_state\":\"fatal\""),
        "{outputs:?}"
    );

    assert!(reason(&host).contains("Input/output error"), "{host:?}");
    assert_eq!(host.counters.failed_syncs, 1, "{host:?}");
    assert!(host.counters.failed_flushes >= 6, "{host:?}");
    let log = log();
    let told = |what: &str| {
        log.lines()
            .any(|line| line.contains(what) && line.contains("os error 5"))
    };
    assert!(told("failed to make data durable"), "{log}");
    assert!(
        told("not everything that the guest stored is durable"),
        "{log}"
    );
}

/// The bare-metal guest writes records, and a sync fails when it has acknowledged some.
#[track_caller]
fn a_fault_ends_the_acknowledgements(fault: Fault) -> Host {
    const AFTER: u64 = 20;
    let (device, backing) = device(256 << 20);
    let session = bare_metal(&format!("records seed={RUN}"), &device);
    let (outcome, host) =
        run(session.at(&format!("ack {AFTER}\n"), move |_| backing.inject(fault)));
    assert!(
        matches!(reports(&outcome).last(), Some(Report::Failed(_))),
        "{}",
        outcome.console
    );
    let records = Records {
        run: RUN,
        acknowledged: acknowledged(&outcome.console),
    };
    assert!(records.acknowledged >= AFTER, "{records:?}");
    // The failure takes nothing from what was acknowledged before.
    let durable = PayloadWriter::new(payload(), 1).found_by_host(device.backing(), &records);
    assert_eq!(durable, Some(records.acknowledged));
    assert_eq!(host.counters.failed_syncs, 1, "{host:?}");
    host
}

#[test]
fn a_full_disk_is_an_error_for_the_guest_and_takes_nothing_that_was_acknowledged() {
    let host = a_fault_ends_the_acknowledgements(Fault::Error(ENOSPC));
    assert!(reason(&host).contains("No space left"), "{host:?}");
}

#[test]
fn a_failed_sync_takes_nothing_that_was_acknowledged() {
    let host = a_fault_ends_the_acknowledgements(Fault::Error(EIO));
    assert!(reason(&host).contains("Input/output error"), "{host:?}");
}

#[test]
fn a_thread_that_dies_in_a_sync_is_a_failed_flush_and_no_hang() {
    let host = a_fault_ends_the_acknowledgements(Fault::ThreadDies);
    assert!(reason(&host).contains("died"), "{host:?}");
}

#[test]
fn a_sync_of_five_seconds_succeeds_and_the_guest_is_told_to_sleep_longer_and_longer() {
    let (device, backing) = device(256 << 20);
    backing.inject(Fault::Slow(Duration::from_secs(5)));
    let (outcome, host) = run(bare_metal("flush count=1", &device));
    let Some(Report::Flushed {
        count: 1, hcalls, ..
    }) = reports(&outcome)
        .into_iter()
        .find(|report| matches!(report, Report::Flushed { .. }))
    else {
        panic!("{}", outcome.console);
    };
    // Were every answer the shortest sleep, a guest would come thousands of times in five seconds.
    assert!(hcalls < 300, "{hcalls} hypercalls");
    assert!(host.counters.long_busy > 0, "{host:?}");
    assert_eq!(host.counters.hypercalls, hcalls, "{host:?}");
    assert_eq!(host.failure, None);
}

#[test]
fn linux_takes_a_sync_of_five_seconds_without_a_complaint() {
    let (device, backing) = device(256 << 20);
    let script = CommandScript::new([
        "ndctl create-namespace -m fsdax -r region0",
        ASK,
        "recorder write -n 2 /dev/pmem0",
        "dmesg | grep -iE 'lockup|stall|blocked for more|hung'",
    ]);
    let (outcome, host) = run(linux(&script.text(), &device).at(ASKED, move |machine| {
        backing.inject(Fault::Slow(Duration::from_secs(5)));
        answer(machine);
    }));
    let outputs = script.outputs(&outcome.console);
    assert_eq!(outputs.len(), 4, "{}", outcome.console);
    assert_eq!(outputs[2].status, 0, "{outputs:?}");
    // grep has found nothing.
    assert_eq!(
        (outputs[3].output.as_str(), outputs[3].status),
        ("", 1),
        "{outputs:?}"
    );
    assert!(host.counters.long_busy > 0, "{host:?}");
    assert_eq!(host.failure, None);
}

#[test]
fn while_a_flush_waits_for_the_host_the_guest_s_other_work_goes_on() {
    let (device, backing) = device(256 << 20);
    let held = Arc::clone(&backing);
    // The flush can't end before the other program has got somewhere: it is the host's answer to that.
    let script = CommandScript::new([
        "ndctl create-namespace -m fsdax -r region0",
        ASK,
        "recorder write -n 1 /dev/pmem0 >/tmp/flushed & n=0; while [ $n -lt 2000 ]; do n=$((n + 1)); done; \
         cat /tmp/flushed; echo '@@worked'; wait; cat /tmp/flushed",
    ]);
    let session = linux(&script.text(), &device)
        .at(ASKED, move |machine| {
            held.hold();
            answer(machine);
        })
        .at("@@worked\n", move |_| backing.release());
    let (outcome, host) = run(session);
    let outputs = script.outputs(&outcome.console);
    let output = outputs.get(2).map_or("", |found| found.output.as_str());
    let (before, after) = output.split_once("@@worked\n").unwrap_or_default();
    assert_eq!(before, "", "acknowledged while its sync was held: {output}");
    assert!(after.contains("ack 1\n"), "{}", outcome.console);
    assert!(host.counters.hypercalls > host.counters.flushes, "{host:?}");
}

#[test]
fn a_file_that_is_truncated_under_a_running_guest_ends_it_with_words() {
    let directory = tempfile::tempdir().expect("directory");
    let image = directory.path().join("pmem0.img");
    let nvdimm = format!("id=pmem0,path={},size=256M", argument(&image));
    let kernel = payload();
    let command = format!("records seed={RUN}");
    let arguments = [
        "run",
        "--kernel",
        argument(&kernel),
        "--memory",
        "256M",
        "--cmdline",
        &command,
        "--nvdimm",
        &nvdimm,
    ];
    let mut child = paprika(&arguments).spawn().expect("the program starts");
    let _watchdog = Watchdog::over(&child);
    let mut console = BufReader::new(child.stdout.take().expect("piped")).lines();
    let running = console
        .by_ref()
        .map_while(Result::ok)
        .any(|line| line.trim() == "ack 20");
    assert!(running, "the guest did not get far");
    File::options()
        .write(true)
        .open(&image)
        .and_then(|file| file.set_len(0))
        .expect("files shrink");
    let rest: Vec<String> = console.map_while(Result::ok).collect();
    let mut errors = String::new();
    child
        .stderr
        .take()
        .expect("piped")
        .read_to_string(&mut errors)
        .expect("text");
    let status = wait(&mut child);
    assert_eq!(status.code(), Some(exit::BACKING_FAILED.into()), "{errors}");
    assert!(
        errors.contains("pmem0") && errors.contains("shrank"),
        "{errors}"
    );
    assert!(
        !rest.iter().any(|line| line.contains("payload done")),
        "{rest:?}"
    );
}
