//! A machine's console on this process's standard input and output.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use papr::ConsoleBackend;
use rustix::stdio::stdin;
use thread_role::Role;

use super::doorbell::Doorbell;
use super::input::Pump;
use super::keys::{Command, HELP, KeyFilter};
use super::output::{Output, Sender};
use super::raw::RawMode;
use super::signals::SignalWatch;
use crate::machine::Machine;

/// How long the end waits for whoever reads the guest's last words.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Standard input and output, before there is a machine.
#[derive(Debug)]
pub struct Terminal {
    output: Output,
    doorbell: Arc<Doorbell>,
}

impl Terminal {
    /// The terminal, and the console to give to a machine.
    ///
    /// # Errors
    /// Where the host refuses a thread or a descriptor.
    pub fn new() -> io::Result<(Self, TerminalConsole)> {
        let doorbell = Arc::new(Doorbell::new()?);
        let (output, sender) = Output::start(io::stdout())?;
        let console = TerminalConsole {
            sender,
            doorbell: Arc::clone(&doorbell),
        };
        Ok((Self { output, doorbell }, console))
    }

    /// Makes the terminal raw, brings what is typed to `machine`, and lets signals end it, until the result is dropped.
    ///
    /// # Errors
    /// Where the terminal or the host refuses.
    pub fn attach(self, machine: &Machine) -> io::Result<Attached> {
        let signals = SignalWatch::start(machine.outside())?;
        let raw = RawMode::enter()?;
        let attached = Attached {
            raw,
            _signals: signals,
            terminal: self,
        };
        let (platform, outside) = (Arc::clone(machine.platform()), machine.outside());
        let pump = Pump {
            source: stdin(),
            keys: attached.raw.as_ref().map(|_| KeyFilter::default()),
            doorbell: Arc::clone(&attached.terminal.doorbell),
            deliver: Box::new(move |bytes| platform.console_input(bytes)),
            command: Box::new(move |command| match command {
                Command::Quit => outside.kill(),
                Command::Help => {
                    // A standard error that is closed or full has nobody to tell.
                    let _ = write!(io::stderr().lock(), "\n{HELP}");
                }
            }),
        };
        std::thread::Builder::new()
            .name("console-input".into())
            .spawn(move || {
                thread_role::begin(Role::Terminal);
                pump.run();
            })?;
        Ok(attached)
    }
}

/// The terminal is the machine's. Dropping it shows the guest's last words and then puts the terminal back.
#[derive(Debug)]
pub struct Attached {
    // Fields are dropped in this order: signals are heard until the terminal is as it was.
    raw: Option<RawMode>,
    _signals: SignalWatch,
    terminal: Terminal,
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.terminal.doorbell.stop();
        self.terminal.output.drain(LAST_WORDS);
    }
}

/// The console to give to a machine.
#[derive(Debug)]
pub struct TerminalConsole {
    sender: Sender,
    doorbell: Arc<Doorbell>,
}

impl ConsoleBackend for TerminalConsole {
    fn write(&mut self, bytes: &[u8]) -> bool {
        self.sender.send(bytes)
    }

    fn input_read(&mut self) {
        self.doorbell.room();
    }
}
