//! Running the host's programs: output goes to a log file, line by line, and its end into the error where the program fails.

use std::collections::VecDeque;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::{Error, Result};

/// How many of its last lines a failed program's error shows.
const TAIL_LINES: usize = 15;

/// The command's name for messages.
fn name_of(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

/// Makes a command behave alike in every environment: English messages, no input, none of make's inherited flags, and the
/// administrator's programs (depmod, mkfs.ext4, debootstrap), which Debian leaves out of a user's PATH.
fn settle(command: &mut Command) {
    let mut path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
    path.push(":/usr/sbin:/sbin");
    command
        .stdin(Stdio::null())
        .env("LC_ALL", "C")
        .env("PATH", path)
        .env_remove("MAKEFLAGS")
        .env_remove("MFLAGS")
        .env_remove("MAKELEVEL");
}

/// Runs `command` to its end. Each line of output is appended to `log` and handed to `on_line`.
///
/// Both outputs are one pipe: when this process is killed, the program dies of SIGPIPE at its next line instead of building on alone.
///
/// # Errors
/// [`Error::Start`], [`Error::Failed`] (with `step`, the words for what was done), or the log can't be written.
pub(crate) fn logged(
    command: &mut Command,
    step: &str,
    log: &Path,
    mut on_line: impl FnMut(&str),
) -> Result<()> {
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(log)
        .map_err(Error::io("write", log))?;
    writeln!(file, "# {step}\n$ {command:?}").map_err(Error::io("write", log))?;
    settle(command);
    let (reader, writer) = std::io::pipe().map_err(Error::io("make a pipe for", log))?;
    let writer_too = writer
        .try_clone()
        .map_err(Error::io("make a pipe for", log))?;
    let mut child = command
        .stdout(writer)
        .stderr(writer_too)
        .spawn()
        .map_err(|source| Error::Start {
            program: name_of(command),
            source,
        })?;
    // The command holds the pipe's writing ends: without this the reading below would never see its end.
    command.stdout(Stdio::null()).stderr(Stdio::null());

    let mut tail = VecDeque::new();
    for line in BufReader::new(reader).split(b'\n') {
        let line = line.map_err(Error::io("read the output for", log))?;
        let line = String::from_utf8_lossy(&line).into_owned();
        writeln!(file, "{line}").map_err(Error::io("write", log))?;
        on_line(&line);
        tail.push_back(line);
        if tail.len() > TAIL_LINES {
            tail.pop_front();
        }
    }
    let status = child.wait().map_err(|source| Error::Start {
        program: name_of(command),
        source,
    })?;
    if status.success() {
        return Ok(());
    }
    let tail = Vec::from(tail).join("\n");
    Err(Error::Failed {
        step: step.to_owned(),
        status,
        tail,
        log: log.to_owned(),
    })
}

/// Runs `command` and returns what it wrote to standard output, whatever its exit status was.
///
/// # Errors
/// [`Error::Start`] only.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    settle(command);
    let output = command
        .stderr(Stdio::null())
        .output()
        .map_err(|source| Error::Start {
            program: name_of(command),
            source,
        })?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_program_s_error_shows_the_end_of_its_output() {
        let dir = tempfile::tempdir().expect("directory");
        let log = dir.path().join("log");
        let mut seen = 0;
        let mut command = Command::new("sh");
        command.args(["-c", "seq 1 40; echo sorry >&2; exit 3"]);
        let error = logged(&mut command, "counting", &log, |_| seen += 1).expect_err("exit 3");
        let text = error.to_string();
        assert!(
            text.starts_with("counting failed (exit status: 3)"),
            "{text}"
        );
        assert!(
            text.contains("40\nsorry") && !text.contains("\n10\n"),
            "{text}"
        );
        assert_eq!(seen, 41);
        assert!(
            std::fs::read_to_string(&log)
                .expect("log")
                .contains("\n10\n")
        );
    }

    #[test]
    fn a_program_that_does_not_exist_is_named() {
        let dir = tempfile::tempdir().expect("directory");
        let error = logged(
            &mut Command::new("no-such-program"),
            "trying",
            &dir.path().join("log"),
            |_| (),
        )
        .expect_err("missing");
        assert!(
            error.to_string().starts_with("can't start no-such-program"),
            "{error}"
        );
    }
}
