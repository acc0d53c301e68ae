//! A command for a Debian guest, and where what it writes goes.

use std::io::{self, Write};
use std::time::Duration;

use crossbeam_channel::Receiver;

/// What the agent takes at most.
const LENGTH_MAX: usize = 1 << 20;

/// A program with its arguments, run in /root after basic.target, with root's rights.
#[derive(Debug, Clone)]
pub struct Command {
    pub(super) words: Vec<String>,
    pub(super) timeout: Option<Duration>,
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandOutput {
    /// Its exit status; 128 + N where signal N killed it, 127 where it is not there.
    pub status: i32,
    /// What it wrote to standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error.
    pub stderr: Vec<u8>,
    /// Whether it was killed because its time was over.
    pub timed_out: bool,
}

/// How somebody outside stops a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Sends the command a signal.
    Signal(i32),
    /// Ends the guest at once.
    Guest,
}

/// Where a command's output goes, and where its input comes from.
pub struct CommandStreams<'a> {
    /// Standard output.
    pub stdout: &'a mut dyn Write,
    /// Standard error.
    pub stderr: &'a mut dyn Write,
    /// Standard input, in pieces; its end is that of the channel. None: there is no input.
    pub stdin: Option<Receiver<Vec<u8>>>,
    /// Whoever may stop it.
    pub stop: Option<Receiver<Stop>>,
}

impl Command {
    /// A program by name or path, and its arguments.
    pub fn new(words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            words: words.into_iter().map(Into::into).collect(),
            timeout: None,
        }
    }

    /// A line for `sh`.
    pub fn shell(line: &str) -> Self {
        Self::new(["sh", "-c", line])
    }

    /// Kills it after this time.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Its words, each with a NUL behind it; none where that can't be.
    pub(super) fn bytes(&self) -> Option<Vec<u8>> {
        let bytes: Vec<u8> = self
            .words
            .iter()
            .flat_map(|word| word.bytes().chain([0]))
            .collect();
        let nuls = bytes.iter().filter(|byte| **byte == 0).count();
        let possible = nuls == self.words.len() && nuls > 0 && bytes.len() <= LENGTH_MAX;
        possible.then_some(bytes)
    }
}

/// Writes output; one who does not look any more (a closed pipe) misses something, and the command
/// goes on.
pub(super) fn pass_on(to: &mut dyn Write, bytes: &[u8]) -> io::Result<()> {
    to.write_all(bytes)?;
    to.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_apart_and_what_can_not_be_is_refused() {
        let bytes = |words: &[&str]| Command::new(words.iter().copied()).bytes();
        assert_eq!(
            bytes(&["echo", "", "a b"]).as_deref(),
            Some(&b"echo\0\0a b\0"[..])
        );
        assert_eq!(bytes(&[]), None);
        assert_eq!(bytes(&["a\0b"]), None);
        assert_eq!(bytes(&["echo", &"x".repeat(LENGTH_MAX)]), None);
    }
}
