//! Console output to the program's standard output.

use std::io::Write;

use papr::ConsoleBackend;

/// Writes what the guest prints to standard output, at once.
#[derive(Debug, Default)]
pub struct StdoutConsole;

impl ConsoleBackend for StdoutConsole {
    fn write(&mut self, bytes: &[u8]) -> bool {
        let mut out = std::io::stdout().lock();
        // A closed pipe loses the guest's words, not the guest.
        let _ = out.write_all(bytes).and_then(|()| out.flush());
        true
    }
}
