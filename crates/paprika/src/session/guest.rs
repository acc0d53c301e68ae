//! The session: a machine with its console watched, run to its end.

use std::io::Write;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use guest_kit::GuestPaths;
use papr::ConsoleBackend;
use papr_scm::nvdimm::OpenNvdimm;

use super::recorder::{Notice, Reaction, Recorder, Watches};
use crate::machine::state::StateError;
use crate::machine::{Blueprint, End, Machine, MachineConfig, MachineError};
use crate::snapshot::RestoreError;
use crate::terminal::SignalWatch;

/// How long a session lasts at most where nobody says. Not a measure of anything: only so that a guest that hangs ends.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(600);

/// Kernel command line for the kit: few messages, and a kernel that dies says so at once instead of staying.
pub const KIT_CMDLINE: &str = "console=hvc0 quiet oops=panic panic=-1";

/// What init of the guest kit prints before it powers off, followed by the script's exit status.
const EXIT_MARK: &str = "paprika-exit: ";

/// Where init of the guest kit looks for the host's script.
const SCRIPT: &str = "/paprika/script";

/// How often undelivered input is offered again.
const TYPING_PAUSE: Duration = Duration::from_millis(5);

/// Why a session could not be held.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The machine could not be made or started.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// The script could not be put into the initramfs.
    #[error(transparent)]
    Kit(#[from] guest_kit::Error),
    /// A saved guest could not be restored.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// A saved guest could not go on.
    #[error(transparent)]
    State(#[from] StateError),
    /// Signals can't be listened to.
    #[error("signals can't be listened to: {0}")]
    Signals(std::io::Error),
}

/// Makes the machine of a session, with its console.
type Make = Box<dyn FnOnce(Box<dyn ConsoleBackend>) -> Result<Machine, SessionError>>;

/// A guest to be run. Describe it, then [`run`](Self::run).
pub struct GuestSession {
    config: MachineConfig,
    /// Makes a machine that goes on; none: one of the configuration is booted.
    make: Option<Make>,
    nvdimms: Vec<OpenNvdimm>,
    files: Vec<(String, u32, Vec<u8>)>,
    watches: Watches,
    timeout: Duration,
    signals: bool,
    echo: Option<Box<dyn Write + Send>>,
}

impl GuestSession {
    /// A guest on this machine.
    pub fn new(config: MachineConfig) -> Self {
        Self {
            config,
            make: None,
            nvdimms: Vec::new(),
            files: Vec::new(),
            watches: Watches::default(),
            timeout: DEFAULT_TIMEOUT,
            signals: false,
            echo: None,
        }
    }

    /// A guest that goes on where it was saved: on a machine that `make` makes, with the console that it is given. What describes a
    /// machine that boots ([`configure`](Self::configure), [`nvdimms`](Self::nvdimms), [`script`](Self::script)) has no effect on it.
    pub fn going_on(
        make: impl FnOnce(Box<dyn ConsoleBackend>) -> Result<Machine, SessionError> + 'static,
    ) -> Self {
        Self {
            make: Some(Box::new(make)),
            ..Self::new(MachineConfig::new(""))
        }
    }

    /// The kit's kernel and initramfs on the default machine, with [`KIT_CMDLINE`].
    ///
    /// # Errors
    /// Where the kit can't be read.
    pub fn of_kit(kit: &GuestPaths) -> Result<Self, SessionError> {
        let mut config = MachineConfig::new(&kit.vmlinux);
        config.initrd = MachineConfig::read_initrd(&kit.initramfs)?;
        config.cmdline = KIT_CMDLINE.into();
        Ok(Self::new(config))
    }

    /// Changes anything about the machine.
    #[must_use]
    pub fn configure(mut self, change: impl FnOnce(&mut MachineConfig)) -> Self {
        change(&mut self.config);
        self
    }

    /// The number of vCPUs.
    #[must_use]
    pub fn cpus(self, cpus: u32) -> Self {
        self.configure(|config| config.cpus = cpus)
    }

    /// RAM in bytes.
    #[must_use]
    pub fn memory(self, bytes: u64) -> Self {
        self.configure(|config| config.memory = bytes)
    }

    /// Adds to the kernel command line.
    #[must_use]
    pub fn cmdline(self, more: &str) -> Self {
        self.configure(|config| {
            config.cmdline.push(' ');
            config.cmdline.push_str(more);
        })
    }

    /// NVDIMMs that the machine starts with.
    #[must_use]
    pub fn nvdimms(mut self, nvdimms: Vec<OpenNvdimm>) -> Self {
        self.nvdimms = nvdimms;
        self
    }

    /// What the kit's init runs: a shell script, with a `#!` line or without. Its status is [`Outcome::exit_status`].
    #[must_use]
    pub fn script(self, script: &str) -> Self {
        let text = if script.starts_with("#!") {
            script.to_owned()
        } else {
            format!("#!/bin/sh\n{script}\n")
        };
        self.file(SCRIPT, 0o755, text.as_bytes())
    }

    /// A file to be put into the initramfs, at an absolute path.
    #[must_use]
    pub fn file(mut self, path: &str, mode: u32, content: &[u8]) -> Self {
        self.files.push((path.to_owned(), mode, content.to_owned()));
        self
    }

    /// Cuts the guest's power after this time, unless it has ended.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Cuts the guest's power at a signal that would end this process (SIGINT, SIGTERM, SIGHUP): the session then ends as
    /// [`End::Killed`].
    #[must_use]
    pub fn ended_by_signals(mut self) -> Self {
        self.signals = true;
        self
    }

    /// Also writes what the guest prints to `echo`, as it comes.
    #[must_use]
    pub fn echo(mut self, echo: impl Write + Send + 'static) -> Self {
        self.echo = Some(Box::new(echo));
        self
    }

    /// Notes when `text` appears on the console: see [`Outcome::reached`]. As for the other reactions to a text, the n-th that is
    /// asked for is for the n-th appearance.
    #[must_use]
    pub fn mark(self, text: &str) -> Self {
        self.react(text, Reaction::Mark)
    }

    /// Types `input` when `text` appears.
    #[must_use]
    pub fn reply(self, text: &str, input: &str) -> Self {
        self.react(text, Reaction::Reply(input.into()))
    }

    /// Cuts the guest's power when `text` appears.
    #[must_use]
    pub fn kill_at(self, text: &str) -> Self {
        self.react(text, Reaction::Kill)
    }

    /// Does something to the machine when `text` appears. On a thread of its own, while the guest runs on.
    #[must_use]
    pub fn at(self, text: &str, act: impl FnOnce(&Machine) + Send + 'static) -> Self {
        self.react(text, Reaction::Do(Box::new(act)))
    }

    fn react(mut self, text: &str, reaction: Reaction) -> Self {
        self.watches.add(text, reaction);
        self
    }

    /// Runs the guest to its end.
    ///
    /// # Errors
    /// [`SessionError`] where it can't be started. However the guest ends is an [`Outcome`].
    pub fn run(self) -> Result<Outcome, SessionError> {
        self.run_and(|_| ()).map(|(outcome, ())| outcome)
    }

    /// As [`run`](Self::run), with a look at the ended machine: its counters, for example.
    ///
    /// # Errors
    /// As for [`run`](Self::run).
    pub fn run_and<T>(
        mut self,
        look: impl FnOnce(&Machine) -> T,
    ) -> Result<(Outcome, T), SessionError> {
        let start = Instant::now();
        if !self.files.is_empty() {
            let files: Vec<_> = self
                .files
                .iter()
                .map(|(path, mode, content)| (path.as_str(), *mode, content.as_slice()))
                .collect();
            self.config.initrd = guest_kit::with_files(&self.config.initrd, &files)?.into();
        }
        let (tell, notices) = channel();
        let recorder = Recorder::new(self.watches, tell.clone(), self.echo);
        let console = Box::new(recorder.clone());
        let machine = match self.make {
            Some(make) => make(console)?,
            None => Machine::build(Blueprint::new(self.config)?, &self.nvdimms, console)?,
        };
        // The machine holds them from here on.
        drop(self.nvdimms);
        let watch = self.signals.then(|| SignalWatch::start(machine.outside()));
        let _watch = watch.transpose().map_err(SessionError::Signals)?;
        let attendant = Attendant {
            machine: &machine,
            notices,
            deadline: start + self.timeout,
            start,
        };
        let (end, elapsed, notes) = std::thread::scope(|scope| {
            let attending = scope.spawn(|| attendant.attend());
            let end = machine.run();
            let elapsed = start.elapsed();
            // An attendant that is gone has panicked, which joining it tells.
            let _ = tell.send(Notice::Ended);
            (end, elapsed, attending.join())
        });
        let notes = notes.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let outcome = Outcome {
            console: recorder.text(),
            end: end?,
            timed_out: notes.timed_out,
            elapsed,
            instructions: machine.instructions_executed(),
            marks: notes.marks,
        };
        Ok((outcome, look(&machine)))
    }
}

/// How a session went.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What the guest printed, without carriage returns.
    pub console: String,
    /// How the machine ended.
    pub end: End,
    /// Whether it was the timeout that ended it.
    pub timed_out: bool,
    /// From the call of [`GuestSession::run`] to the machine's end.
    pub elapsed: Duration,
    /// Guest instructions executed by all vCPUs.
    pub instructions: u64,
    marks: Vec<(String, Duration)>,
}

impl Outcome {
    /// When a text first appeared that [`GuestSession::mark`] asked for, counted from the call of [`GuestSession::run`].
    pub fn reached(&self, text: &str) -> Option<Duration> {
        let mark = self.marks.iter().find(|(marked, _)| marked == text);
        mark.map(|(_, at)| *at)
    }

    /// The exit status of the script, where the kit's init came to tell it.
    pub fn exit_status(&self) -> Option<i32> {
        let lines = self.console.lines().rev();
        let status = lines.filter_map(|line| line.strip_prefix(EXIT_MARK)).next();
        status?.trim().parse().ok()
    }
}

/// What the attendant saw.
#[derive(Debug, Default)]
struct Notes {
    marks: Vec<(String, Duration)>,
    timed_out: bool,
}

/// Reacts, on a thread of its own, to what the console shows and to the time that passes.
struct Attendant<'a> {
    machine: &'a Machine,
    notices: Receiver<Notice>,
    deadline: Instant,
    start: Instant,
}

/// A reaction that panics ends the machine, which nobody else would; the panic is whoever's who holds the session.
struct EndOnPanic<'a>(&'a Machine);

impl Drop for EndOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.outside().kill();
        }
    }
}

impl Attendant<'_> {
    fn attend(self) -> Notes {
        let _end = EndOnPanic(self.machine);
        let mut notes = Notes::default();
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            // Past the deadline the power is cut already, and only the end is waited for.
            let left = if notes.timed_out { Duration::MAX } else { left };
            match self.notices.recv_timeout(left) {
                Ok(Notice::Appeared { text, at, reaction }) => {
                    notes.marks.push((text, at.duration_since(self.start)));
                    self.react(reaction);
                }
                Err(RecvTimeoutError::Timeout) => {
                    notes.timed_out = true;
                    self.machine.outside().kill();
                }
                Ok(Notice::Ended) | Err(RecvTimeoutError::Disconnected) => return notes,
            }
        }
    }

    fn react(&self, reaction: Reaction) {
        match reaction {
            Reaction::Mark => {}
            Reaction::Reply(input) => self.type_in(&input),
            Reaction::Kill => self.machine.outside().kill(),
            Reaction::Do(act) => act(self.machine),
        }
    }

    /// Types as fast as the guest reads.
    fn type_in(&self, mut input: &[u8]) {
        while !input.is_empty() && Instant::now() < self.deadline {
            let taken = self.machine.platform().console_input(input);
            input = &input[taken.min(input.len())..];
            if !input.is_empty() {
                std::thread::sleep(TYPING_PAUSE);
            }
        }
    }
}
