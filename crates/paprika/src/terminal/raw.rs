//! The terminal's mode: raw while a guest runs, and put back on every way out.
//!
//! What the terminal was like is kept for the whole process, since a panic hook and a signal must be able to put it back from any
//! thread. Only input is raw: the terminal still turns line feeds into new lines, so that log lines look right beside the guest's.

use std::io;
use std::sync::{Mutex, PoisonError, TryLockError};

use rustix::stdio::stdin;
use rustix::termios::{
    ControlModes, InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, isatty,
    tcgetattr, tcsetattr,
};

/// The terminal's mode before it was made raw; `None`: it is not raw.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// The terminal is raw as long as this lives.
#[derive(Debug)]
pub(super) struct RawMode(());

impl RawMode {
    /// Makes the terminal on standard input raw; `None` where there is no terminal.
    ///
    /// # Errors
    /// Where the terminal refuses.
    pub(super) fn enter() -> io::Result<Option<Self>> {
        if !isatty(stdin()) {
            return Ok(None);
        }
        let mut before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
        let now = tcgetattr(stdin())?;
        set(&raw(&now))?;
        // A terminal that is raw already is one of ours: what it was before stays what is to be put back.
        before.get_or_insert(now);
        Ok(Some(Self(())))
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        restore();
    }
}

/// Puts the terminal back, if it is raw.
pub(super) fn restore() {
    let mut before = match BEFORE.try_lock() {
        Ok(before) => before,
        Err(TryLockError::Poisoned(before)) => before.into_inner(),
        // Another thread is at it. A panic must not wait for it.
        Err(TryLockError::WouldBlock) => return,
    };
    if let Some(mode) = before.take() {
        // A terminal that has gone away needs nothing put back.
        let _ = set(&mode);
    }
}

/// Makes the terminal raw again after the program was stopped and continued: a shell puts it back in between.
pub(super) fn resume() {
    let before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(mode) = before.as_ref() {
        let _ = set(&raw(mode));
    }
}

/// From now on a panic puts the terminal back before it says what happened.
pub fn restore_on_panic() {
    let next = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        restore();
        next(info);
    }));
}

/// From now on the terminal is put back before the sandbox ends the process.
pub fn restore_on_violation() {
    // In a signal handler: it takes no lock that it would have to wait for, and no memory.
    sandbox::violation::before_the_end(restore);
}

fn set(mode: &Termios) -> rustix::io::Result<()> {
    // At once: waiting for output to leave could wait for ever on a terminal that was stopped with Ctrl-s.
    tcsetattr(stdin(), OptionalActions::Now, mode)
}

fn raw(mode: &Termios) -> Termios {
    let mut raw = mode.clone();
    raw.input_modes -= InputModes::BRKINT
        | InputModes::PARMRK
        | InputModes::ISTRIP
        | InputModes::INLCR
        | InputModes::IGNCR
        | InputModes::ICRNL
        | InputModes::IXON;
    raw.local_modes -= LocalModes::ECHO
        | LocalModes::ECHONL
        | LocalModes::ICANON
        | LocalModes::ISIG
        | LocalModes::IEXTEN;
    raw.control_modes -= ControlModes::CSIZE | ControlModes::PARENB;
    raw.control_modes |= ControlModes::CS8;
    raw.special_codes[SpecialCodeIndex::VMIN] = 1;
    raw.special_codes[SpecialCodeIndex::VTIME] = 0;
    raw
}
