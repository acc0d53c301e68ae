//! What the integration tests share: the program under test, the guest kit, and a guest small enough to be written here.
#![allow(dead_code, reason = "each test uses its part")]

pub mod assembler;
pub mod relay;
pub mod running;
pub mod tiny_guest;

use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use guest_kit::{GuestKit, GuestPaths, Progress};
use paprika::demo::power_loss::Device;
use paprika::machine::HostOptions;
use paprika::session::{GuestSession, Outcome};
use paprika::snapshot::{self, RestorePlan, Snapshot};
use rustix::process::{Pid, Signal, kill_process};

/// Not a measure of anything: only so that a guest that hangs ends the test.
pub const PATIENCE: Duration = Duration::from_secs(240);

/// The guest kit, built where it is not cached.
pub fn kit() -> GuestPaths {
    GuestKit::ensure(&Progress::auto()).unwrap_or_else(|error| panic!("{error}"))
}

/// The guest of a snapshot, with the device that it was saved with.
pub fn restored(snapshot: &Path, device: &Device) -> GuestSession {
    let (snapshot, nvdimm) = (snapshot.to_owned(), device.nvdimm());
    GuestSession::going_on(move |console| {
        let snapshot = Snapshot::open(&snapshot)?;
        let plan = RestorePlan {
            here: snapshot.description().clone(),
            nvdimms: vec![nvdimm],
            warnings: Vec::new(),
            host: HostOptions::default(),
        };
        Ok(snapshot.build(&plan, console, &snapshot::Progress::new())?)
    })
    .timeout(PATIENCE)
}

/// How a session ended that there was nothing wrong with.
pub fn ran(session: GuestSession) -> Outcome {
    session.run().unwrap_or_else(|error| panic!("{error}"))
}

/// `paprika` with these arguments, its standard streams piped. No signal is ignored, though whoever
/// runs the tests may have been told to ignore some (`nohup`).
pub fn paprika(arguments: &[&str]) -> Command {
    let mut command = Command::new("env");
    command
        .args(["--default-signal", env!("CARGO_BIN_EXE_paprika")])
        .args(arguments)
        .env_remove("PAPRIKA_LOG")
        .env_remove("RUST_BACKTRACE")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Waits for a program's end, and ends it where it does not come.
pub fn wait(child: &mut Child) -> ExitStatus {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().expect("the program's state") {
            return status;
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            panic!("the program did not end");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Ends a program after [`PATIENCE`], so that whoever reads from it does not wait for ever; dropped, it does not.
pub struct Watchdog {
    _alive: mpsc::Sender<()>,
}

impl Watchdog {
    pub fn over(child: &Child) -> Self {
        let pid = Pid::from_child(child);
        let (alive, gone) = mpsc::channel();
        std::thread::spawn(move || {
            if gone.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
                let _ = kill_process(pid, Signal::KILL);
            }
        });
        Self { _alive: alive }
    }
}

/// What a run of the program came to.
#[derive(Debug)]
pub struct RunOutcome {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Runs the program to its end.
pub fn run(arguments: &[&str]) -> RunOutcome {
    run_command(paprika(arguments))
}

/// Runs a command whose output is piped to its end, which a watchdog brings where it waits for
/// ever.
pub fn run_command(mut command: Command) -> RunOutcome {
    let child = command.spawn().expect("the program starts");
    let _watchdog = Watchdog::over(&child);
    let Output {
        status,
        stdout,
        stderr,
    } = child.wait_with_output().expect("the program's end");
    RunOutcome {
        code: status.code(),
        stdout: String::from_utf8_lossy(&stdout).into_owned(),
        stderr: String::from_utf8_lossy(&stderr).into_owned(),
    }
}

/// A path as an argument.
pub fn argument(path: &Path) -> &str {
    path.to_str().expect("a path that is text")
}
