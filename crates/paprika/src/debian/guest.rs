//! A running Debian system that takes commands and files.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, after, bounded, never, select};
use papr::ConsoleBackend;
use papr_scm::nvdimm::Plan;

use super::command::{Command, CommandOutput, CommandStreams, Stop, pass_on};
use super::config::{DebianConfig, root_nvdimm};
use super::error::DebianError;
use super::protocol::{PAYLOAD_MAX, Reader, Said, Tell};
use super::transfer::{DEVICE, Transfer};
use crate::machine::{End, Machine, MachineError};

/// How many frames wait to be looked at before the guest has to wait.
const FRAMES: usize = 256;
/// Most frames that one write to the console completes: it has 16 bytes, and a frame 6 at least.
const FRAMES_AT_ONCE: usize = 3;
/// How often a frame is offered again that the guest has no room for.
const TYPING_PAUSE: Duration = Duration::from_millis(1);
/// How long a killed command may take to be gone, and a guest to power off, before the guest is
/// ended.
pub(super) const GRACE: Duration = Duration::from_secs(60);
/// What systemd's `systemctl poweroff --force` sends everything before it unmounts.
const KILL: i32 = 9;

/// The console: frames go to whoever waits for them.
#[derive(Clone)]
pub(super) struct Ear {
    reader: Arc<Mutex<Reader>>,
    tell: Sender<Said>,
}

impl ConsoleBackend for Ear {
    fn write(&mut self, bytes: &[u8]) -> bool {
        if self.tell.len() + FRAMES_AT_ONCE > FRAMES {
            return false;
        }
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        for said in reader.read(bytes) {
            // Nobody listens any more at the end.
            let _ = self.tell.try_send(said);
        }
        true
    }
}

/// A machine, and the thread that it runs on. Dropping it cuts its power.
pub(super) struct Life {
    pub(super) machine: Arc<Machine>,
    running: Option<Running>,
    /// Disconnected when the machine has ended.
    ended: Receiver<()>,
}

/// What tells how a machine ended.
pub(super) type Running = JoinHandle<Result<End, MachineError>>;

impl Life {
    /// Lets a machine run, on a thread on which `run` answers how it ended.
    pub(super) fn new(
        machine: Arc<Machine>,
        run: impl FnOnce() -> Result<End, MachineError> + Send + 'static,
    ) -> Result<Self, MachineError> {
        let (alive, ended) = bounded(0);
        let body = move || {
            let _alive: Sender<()> = alive;
            run()
        };
        let thread = std::thread::Builder::new().name("machine".into());
        Ok(Self {
            machine,
            running: Some(thread.spawn(body).map_err(MachineError::Thread)?),
            ended,
        })
    }

    /// Lets a machine run that has not begun.
    pub(super) fn begin(machine: Arc<Machine>) -> Result<Self, MachineError> {
        let begun = Arc::clone(&machine);
        Self::new(machine, move || begun.run())
    }

    /// Waits for the end, but not for ever; answers what it was.
    pub(super) fn end(mut self, patience: Duration) -> Result<End, MachineError> {
        let over = self.ended.recv_timeout(patience);
        if over != Err(RecvTimeoutError::Disconnected) {
            self.machine.outside().kill();
        }
        self.join()
    }

    fn join(&mut self) -> Result<End, MachineError> {
        let Some(running) = self.running.take() else {
            return Ok(End::Killed);
        };
        running
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.machine.outside().kill();
            // How it ends does not matter to one who does not look.
            let _ = running.join();
        }
    }
}

/// The system. Dropping it cuts its power; [`power_off`](Self::power_off) leaves the image clean.
pub struct DebianGuest {
    pub(super) life: Life,
    pub(super) ear: Ear,
    pub(super) said: Receiver<Said>,
    pub(super) transfer: Option<Transfer>,
}

impl DebianGuest {
    /// Boots a system until it takes commands.
    ///
    /// # Errors
    /// [`DebianError`]: the image or the machine, or [`NotUp`](DebianError::NotUp) with the end of
    /// the console.
    pub fn boot(config: DebianConfig) -> Result<Self, DebianError> {
        Self::boot_unless(config, &never())
    }

    /// As [`boot`](Self::boot), unless somebody stops it meanwhile.
    ///
    /// # Errors
    /// As for [`boot`](Self::boot); [`DebianError::Interrupted`].
    pub fn boot_unless(config: DebianConfig, stop: &Receiver<Stop>) -> Result<Self, DebianError> {
        let mut nvdimms = vec![root_nvdimm(&config.image)?];
        let blueprint = config.for_commands()?;
        let transfer = config.copies.then(Transfer::new).transpose()?;
        nvdimms.extend(transfer.as_ref().map(Transfer::nvdimm));
        nvdimms.extend(config.nvdimms);
        let nvdimms = Plan::new(nvdimms)?.open()?;

        let (tell, said) = bounded(FRAMES);
        let ear = Ear {
            reader: Arc::default(),
            tell,
        };
        let machine = Machine::build(blueprint, &nvdimms, Box::new(ear.clone()))?;
        // It holds their files from here on, so that another can have them when it has ended.
        drop(nvdimms);
        let mut guest = Self {
            life: Life::begin(Arc::new(machine))?,
            ear,
            said,
            transfer,
        };
        let given_up = after(config.boot_timeout);
        let mut stop = stop.clone();
        loop {
            select! {
                recv(guest.said) -> said => if said == Ok(Said::Ready) {
                    return Ok(guest);
                },
                recv(guest.life.ended) -> _ => return Err(guest.gone()),
                recv(stop) -> asked => match asked {
                    Ok(_) => return Err(DebianError::Interrupted),
                    Err(_) => stop = never(),
                },
                recv(given_up) -> _ => return Err(DebianError::NotUp {
                    after: config.boot_timeout,
                    console: guest.console(),
                }),
            }
        }
    }

    /// The machine, for whoever snapshots, migrates, or measures it.
    pub fn machine(&self) -> &Arc<Machine> {
        &self.life.machine
    }

    /// The end of what the console has shown beside the agent's frames.
    pub fn console(&self) -> String {
        let reader = &self.ear.reader;
        let reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
        reader.noise()
    }

    /// Runs a command to its end and keeps what it writes.
    ///
    /// # Errors
    /// As for [`run`](Self::run).
    pub fn output(&mut self, command: &Command) -> Result<CommandOutput, DebianError> {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let streams = CommandStreams {
            stdout: &mut stdout,
            stderr: &mut stderr,
            stdin: None,
            stop: None,
        };
        let (status, timed_out) = self.run(command, streams)?;
        Ok(CommandOutput {
            status,
            stdout,
            stderr,
            timed_out,
        })
    }

    /// Runs a command to its end, with its output written as it comes. Answers its exit status, and
    /// whether it was killed because its time was over.
    ///
    /// # Errors
    /// [`DebianError::NoCommand`]; [`DebianError::Gone`] where the guest ends meanwhile, or does
    /// not end the command when it is killed.
    pub fn run(
        &mut self,
        command: &Command,
        streams: CommandStreams<'_>,
    ) -> Result<(i32, bool), DebianError> {
        let words = command.bytes().ok_or(DebianError::NoCommand)?;
        for piece in words.chunks(PAYLOAD_MAX) {
            self.tell(Tell::Words, piece)?;
        }
        let with_input = if streams.stdin.is_some() { "i" } else { "" };
        self.tell(Tell::Run, with_input.as_bytes())?;

        let mut deadline = command.timeout.map_or_else(never, after);
        let mut timed_out = false;
        let mut input = Input::new(streams.stdin);
        let mut stop = streams.stop.unwrap_or_else(never);
        let (ended, said) = (self.life.ended.clone(), self.said.clone());
        loop {
            if let Some((tell, bytes)) = input.due() {
                self.tell(tell, &bytes)?;
            }
            select! {
                recv(said) -> said => match said {
                    Ok(Said::Ended(status)) => return Ok((status, timed_out)),
                    // A pipe that the reader has closed ends a program of this machine too, by a
                    // signal.
                    Ok(Said::Output(bytes)) => if pass_on(streams.stdout, &bytes).is_err() {
                        self.tell(Tell::Signal, b"13")?;
                    },
                    Ok(Said::Error(bytes)) => { let _ = pass_on(streams.stderr, &bytes); },
                    Ok(Said::WantsInput) => input.wanted = true,
                    // The agent begins anew only if the guest has: the command is gone.
                    Ok(Said::Ready) | Err(_) => return Err(self.gone()),
                },
                recv(input.source()) -> piece => input.take(piece.ok()),
                recv(stop) -> asked => match asked {
                    Ok(Stop::Signal(number)) => self.tell(Tell::Signal, number.to_string().as_bytes())?,
                    Ok(Stop::Guest) => return Err(DebianError::Interrupted),
                    Err(_) => stop = never(),
                },
                recv(ended) -> _ => return Err(self.gone()),
                recv(deadline) -> _ => {
                    if timed_out {
                        return Err(self.gone());
                    }
                    timed_out = true;
                    deadline = after(GRACE);
                    self.tell(Tell::Signal, KILL.to_string().as_bytes())?;
                },
            }
        }
    }

    /// Copies files and directories of the host into the directory `to` of the guest, which is made
    /// where it is missing. What is there under the same name is replaced.
    ///
    /// # Errors
    /// [`DebianError::GuestPath`], [`DebianError::NoTransfer`], [`DebianError::TooMuch`], files
    /// that can't be read, or [`DebianError::Copy`] with what the guest said.
    pub fn copy_in(&mut self, paths: &[PathBuf], to: &str) -> Result<(), DebianError> {
        check_guest_path(to)?;
        let transfer = self.transfer.as_mut().ok_or(DebianError::NoTransfer)?;
        let length = transfer.fill(paths)?.to_string();
        let line = "mkdir -p -- \"$2\" && exec /run/paprika/agent unpack \"$0\" \"$1\" \"$2\"";
        let done = self.output(&Command::new(["sh", "-c", line, DEVICE, &length, to]))?;
        refused(&format!("to {to}"), &done)
    }

    /// Copies a file or directory of the guest into the directory `to` of the host, which is made
    /// where it is missing. What is there under the same name is replaced.
    ///
    /// # Errors
    /// As for [`copy_in`](Self::copy_in).
    pub fn copy_out(&mut self, path: &str, to: &Path) -> Result<(), DebianError> {
        check_guest_path(path)?;
        if self.transfer.is_none() {
            return Err(DebianError::NoTransfer);
        }
        let (directory, name) = match path.trim_end_matches('/').rsplit_once('/') {
            Some(("", name)) => ("/", format!("./{name}")),
            Some((directory, name)) => (directory, format!("./{name}")),
            None => ("/", ".".into()),
        };
        let pack = ["/run/paprika/agent", "pack", DEVICE, "-C", directory, &name];
        let done = self.output(&Command::new(pack))?;
        refused(path, &done)?;
        let length = String::from_utf8_lossy(&done.stdout).trim().parse();
        let length = length.map_err(|_| DebianError::Copy {
            what: path.into(),
            why: "it told no length".into(),
        })?;
        let transfer = self.transfer.as_mut().ok_or(DebianError::NoTransfer)?;
        transfer.unpack(length, to)
    }

    /// Powers the system off, as its own command does, and waits for it. Answers how it ended.
    ///
    /// # Errors
    /// What ended the machine instead.
    pub fn power_off(mut self) -> Result<End, DebianError> {
        self.tell(Tell::PowerOff, &[])?;
        let ended = self.life.ended.clone();
        let given_up = after(GRACE);
        loop {
            select! {
                recv(self.said) -> _ => {},
                recv(ended) -> _ => break,
                recv(given_up) -> _ => break self.life.machine.outside().kill(),
            }
        }
        Ok(self.life.join()?)
    }

    /// Types a frame as fast as the guest takes it.
    fn tell(&mut self, what: Tell, payload: &[u8]) -> Result<(), DebianError> {
        let frame = what.frame(payload);
        let mut left = frame.as_slice();
        let deadline = Instant::now() + GRACE;
        while !left.is_empty() {
            let taken = self.life.machine.platform().console_input(left);
            left = left.get(taken..).unwrap_or_default();
            if left.is_empty() {
                break;
            }
            let over =
                self.life.ended.recv_timeout(TYPING_PAUSE) == Err(RecvTimeoutError::Disconnected);
            if over || Instant::now() > deadline {
                return Err(self.gone());
            }
        }
        Ok(())
    }

    /// The error of a guest that has ended, or is ended now because it does not do its part.
    fn gone(&mut self) -> DebianError {
        self.life.machine.outside().kill();
        let end = match self.life.join() {
            Ok(End::Killed) => "it was ended because it did not answer".into(),
            Ok(End::Panic(message)) => format!("its kernel died: {message}"),
            Ok(End::PowerOff) => "it powered off".into(),
            Ok(end) => format!("{end:?}"),
            Err(error) => return error.into(),
        };
        DebianError::Gone {
            end,
            console: self.console(),
        }
    }
}

/// Input for a command: taken from its source only when the command wants some.
struct Input {
    source: Receiver<Vec<u8>>,
    nothing: Receiver<Vec<u8>>,
    rest: Vec<u8>,
    wanted: bool,
    ends: bool,
}

impl Input {
    fn new(source: Option<Receiver<Vec<u8>>>) -> Self {
        Self {
            source: source.unwrap_or_else(never),
            nothing: never(),
            rest: Vec::new(),
            wanted: false,
            ends: false,
        }
    }

    /// Where to wait for more.
    fn source(&self) -> &Receiver<Vec<u8>> {
        if self.wanted && self.rest.is_empty() && !self.ends {
            &self.source
        } else {
            &self.nothing
        }
    }

    fn take(&mut self, piece: Option<Vec<u8>>) {
        match piece {
            Some(piece) => self.rest = piece,
            None => self.ends = true,
        }
    }

    /// What is to be told now.
    fn due(&mut self) -> Option<(Tell, Vec<u8>)> {
        if !self.wanted || (self.rest.is_empty() && !self.ends) {
            return None;
        }
        self.wanted = false;
        if self.rest.is_empty() {
            return Some((Tell::InputEnds, Vec::new()));
        }
        let rest = self.rest.split_off(self.rest.len().min(PAYLOAD_MAX));
        Some((Tell::Input, std::mem::replace(&mut self.rest, rest)))
    }
}

fn check_guest_path(path: &str) -> Result<(), DebianError> {
    if path.starts_with('/') && !path.contains('\0') {
        Ok(())
    } else {
        Err(DebianError::GuestPath(path.into()))
    }
}

fn refused(what: &str, done: &CommandOutput) -> Result<(), DebianError> {
    if done.status == 0 {
        return Ok(());
    }
    Err(DebianError::Copy {
        what: what.into(),
        why: String::from_utf8_lossy(&done.stderr).trim().into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_is_sent_in_pieces_and_only_when_it_is_wanted() {
        let (send, receive) = bounded(4);
        let mut input = Input::new(Some(receive));
        assert_eq!(input.due(), None);
        input.wanted = true;
        send.send(vec![1; PAYLOAD_MAX + 1]).expect("room");
        drop(send);
        input.take(input.source().recv().ok());
        assert_eq!(input.due(), Some((Tell::Input, vec![1; PAYLOAD_MAX])));
        assert_eq!(input.due(), None, "not asked for");
        input.wanted = true;
        assert_eq!(input.due(), Some((Tell::Input, vec![1])));
        input.wanted = true;
        input.take(input.source().recv().ok());
        assert_eq!(input.due(), Some((Tell::InputEnds, Vec::new())));
    }

    #[test]
    fn places_in_the_guest_are_absolute() {
        assert!(check_guest_path("/root").is_ok());
        for bad in ["", "root", "./x", "/a\0b"] {
            assert!(check_guest_path(bad).is_err(), "{bad:?}");
        }
    }
}
