//! A monitor's process, and its guest's console: the lines of it with their times, as they come.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

/// What is waited for comes within this time, or never. It is for machines that are busy; it bounds no figure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// How many lines of console and log a failure shows.
const TAIL: usize = 8;

/// A line of the guest's console.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// Without its end.
    pub(crate) text: String,
    /// When it was read.
    pub(crate) at: Instant,
}

#[derive(Debug, Default)]
struct Console {
    seen: Mutex<Seen>,
    more: Condvar,
}

#[derive(Debug, Default)]
struct Seen {
    lines: Vec<Line>,
    closed: bool,
}

impl Console {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A monitor that runs, and does not outlive this.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    started: Instant,
    console: Arc<Console>,
    log: PathBuf,
}

impl Process {
    /// Starts `command` with its console on standard output; what it says on standard error goes to `log`.
    ///
    /// # Errors
    /// It can't be started.
    pub(crate) fn start(mut command: Command, log: &Path) -> Result<Self> {
        let errors = File::create(log).with_context(|| format!("creating {}", log.display()))?;
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors);
        let started = Instant::now();
        let mut child = command
            .spawn()
            .with_context(|| format!("starting {}", command.get_program().to_string_lossy()))?;
        let console = Arc::new(Console::default());
        let output = child.stdout.take().context("the console is a pipe")?;
        let reader = Arc::clone(&console);
        thread::spawn(move || read_lines(output, &reader));
        Ok(Self {
            child,
            started,
            console,
            log: log.to_owned(),
        })
    }

    /// When it was started.
    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    /// The console so far.
    pub(crate) fn lines(&self) -> Vec<Line> {
        self.console.seen().lines.clone()
    }

    /// Waits until the console shows what `find` finds in it; `what` says what that is, for a failure: "its guest does this".
    ///
    /// # Errors
    /// It does not in time, or the process ends: the text's first line says so, and the others show the end of console and log.
    pub(crate) fn wait_for<T>(&self, what: &str, find: impl Fn(&[Line]) -> Option<T>) -> Result<T> {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = self.console.seen();
        loop {
            if let Some(found) = find(&seen.lines) {
                return Ok(found);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let closed = seen.closed;
            if closed || left.is_zero() {
                drop(seen);
                let why = if closed {
                    "the monitor ended".to_owned()
                } else {
                    format!("{} s were over", PATIENCE.as_secs())
                };
                bail!("{why} before {what}\n{}", self.evidence());
            }
            let waited = self.console.more.wait_timeout(seen, left);
            seen = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits for a line of the console.
    ///
    /// # Errors
    /// As [`wait_for`](Self::wait_for).
    pub(crate) fn wait_for_line(&self, text: &str) -> Result<Line> {
        self.wait_for(&format!("its guest said `{text}`"), |lines| {
            lines.iter().find(|line| line.text == text).cloned()
        })
    }

    /// Waits until what the monitor itself says, on standard error, has a line that begins with `start`; gives the rest of it.
    ///
    /// # Errors
    /// As [`wait_for`](Self::wait_for).
    pub(crate) fn wait_for_word(&mut self, start: &str) -> Result<String> {
        self.poll(&format!("it said `{start}`"), |process| {
            let text = fs::read_to_string(&process.log).unwrap_or_default();
            // A line that is not whole yet has no end.
            let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
            let rest = whole.lines().find_map(|line| line.strip_prefix(start));
            Ok(rest.map(|rest| rest.trim().to_owned()))
        })
    }

    /// Asks again and again until there is an answer.
    ///
    /// # Errors
    /// There is none in time, an error is the answer, or the process ends.
    pub(crate) fn poll<T>(
        &mut self,
        what: &str,
        mut ask: impl FnMut(&Self) -> Result<Option<T>>,
    ) -> Result<T> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = ask(self).map_err(|error| anyhow!("{error:#}\n{}", self.evidence()))?;
            if let Some(answer) = answer {
                return Ok(answer);
            }
            if let Some(status) = self.child.try_wait().context("waiting for the monitor")? {
                bail!(
                    "the monitor ended with {status} before {what}\n{}",
                    self.evidence()
                );
            }
            if Instant::now() > deadline {
                bail!(
                    "{} s were over before {what}\n{}",
                    PATIENCE.as_secs(),
                    self.evidence()
                );
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// The end of console and log, beats left out.
    fn evidence(&self) -> String {
        let tail = |lines: Vec<&str>| -> String {
            lines[lines.len().saturating_sub(TAIL)..]
                .iter()
                .map(|line| format!("\n  {line}"))
                .collect()
        };
        let lines = self.lines();
        let words = lines
            .iter()
            .map(|line| line.text.as_str())
            .filter(|text| !text.starts_with("beat "));
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        format!(
            "console, {} lines:{}\n{}:{}",
            lines.len(),
            tail(words.collect()),
            self.log.display(),
            tail(log.lines().collect())
        )
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail where it has ended already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads the console on a thread of its own, so that a line's time is that of its coming.
fn read_lines(output: impl Read, console: &Console) {
    let mut reader = BufReader::new(output);
    let mut line = Vec::new();
    while reader
        .read_until(b'\n', &mut line)
        .is_ok_and(|length| length > 0)
    {
        let at = Instant::now();
        let text = String::from_utf8_lossy(&line)
            .trim_end_matches(['\r', '\n'])
            .to_owned();
        console.seen().lines.push(Line { text, at });
        console.more.notify_all();
        line.clear();
    }
    console.seen().closed = true;
    console.more.notify_all();
}

/// Runs a program to its end; gives what it printed.
///
/// # Errors
/// It can't be started, does not end in time, or fails: the text is what it says.
pub(crate) fn run(mut command: Command) -> Result<String> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let deadline = Instant::now() + PATIENCE;
    let mut child = command
        .spawn()
        .with_context(|| format!("starting {}", command.get_program().to_string_lossy()))?;
    // What it prints is short: the pipes hold it until it is read.
    while child.try_wait().context("waiting for a program")?.is_none() {
        if Instant::now() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            bail!("`{command:?}` had not ended after {} s", PATIENCE.as_secs());
        }
        thread::sleep(Duration::from_micros(500));
    }
    let output = child.wait_with_output().context("reading from a program")?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
