//! Running a monitor to its end, and what is seen of it meanwhile: the console with times, the host CPU it used, its memory.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

/// A line of the guest's console, and when it came.
#[derive(Debug)]
pub(crate) struct Line {
    /// Without its end.
    pub(crate) text: String,
    /// Since the process was started.
    pub(crate) at: Duration,
    /// Host CPU time (user and system) that the process had used by then.
    pub(crate) cpu: Duration,
}

/// A run, seen from outside.
#[derive(Debug)]
pub(crate) struct Seen {
    /// The console.
    pub(crate) lines: Vec<Line>,
    /// From the process's start to its end.
    pub(crate) ended: Duration,
    /// The most memory that was resident, in bytes (VmHWM: what the guest has touched, files and all).
    pub(crate) peak_rss: u64,
}

impl Seen {
    /// The first line that is `text`.
    pub(crate) fn line(&self, text: &str) -> Result<&Line> {
        let found = self.lines.iter().find(|line| line.text == text);
        found.with_context(|| format!("the console never showed `{text}`"))
    }

    /// What follows `start` on the first line that begins so.
    pub(crate) fn after(&self, start: &str) -> Result<&str> {
        let found = self
            .lines
            .iter()
            .find_map(|line| line.text.strip_prefix(start));
        found.with_context(|| format!("the console never showed a line with `{start}`"))
    }
}

/// A process that does not outlive us.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail where it has ended already, which is what is wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How often memory is looked at when the console is silent.
const GLANCE: Duration = Duration::from_millis(100);
/// How many lines of console and log a failure shows.
const TAIL: usize = 12;

/// Runs `command` until it ends; what it says on standard error goes to `log`.
///
/// # Errors
/// It can't be started, does not end in time, or ends with a failure: the text's first line says so, and the others show the
/// end of console and log.
pub(crate) fn run(mut command: Command, deadline: Duration, log: &Path) -> Result<Seen> {
    let errors = File::create(log).with_context(|| format!("creating {}", log.display()))?;
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(errors);
    let began = Instant::now();
    let child = command
        .spawn()
        .with_context(|| format!("starting {}", command.get_program().to_string_lossy()))?;
    let mut running = Running(child);
    let console = running.0.stdout.take().context("the console is a pipe")?;
    let lines = read_lines(console, began);

    let mut seen = Seen {
        lines: Vec::new(),
        ended: Duration::ZERO,
        peak_rss: 0,
    };
    let status = watch(&mut running.0, &lines, began, deadline, &mut seen).and_then(|status| {
        if !status.success() {
            bail!("it ended with {status}");
        }
        Ok(())
    });
    match status {
        Ok(()) => Ok(seen),
        Err(error) => Err(anyhow!("{error:#}\n{}", evidence(&seen, log))),
    }
}

/// Collects what comes until console and process have ended.
fn watch(
    child: &mut Child,
    lines: &Receiver<(String, Duration)>,
    began: Instant,
    deadline: Duration,
    seen: &mut Seen,
) -> Result<ExitStatus> {
    let process = format!("/proc/{}", child.id());
    loop {
        match lines.recv_timeout(GLANCE) {
            Ok((text, at)) => seen.lines.push(Line {
                text,
                at,
                cpu: cpu_time(&process).unwrap_or_default(),
            }),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        seen.peak_rss = seen.peak_rss.max(peak_rss(&process).unwrap_or_default());
        if began.elapsed() > deadline {
            bail!(
                "the guest had not powered off after {} s",
                deadline.as_secs()
            );
        }
    }
    // The console's end is the process's, but for the moment in which the host takes it apart.
    loop {
        if let Some(status) = child.try_wait().context("waiting for the process")? {
            seen.ended = began.elapsed();
            return Ok(status);
        }
        if began.elapsed() > deadline {
            bail!(
                "the console was closed, but the process had not ended after {} s",
                deadline.as_secs()
            );
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Reads the console on a thread of its own, so that a line's time is that of its coming.
fn read_lines(console: impl Read + Send + 'static, began: Instant) -> Receiver<(String, Duration)> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut reader = BufReader::new(console);
        let mut line = Vec::new();
        while reader
            .read_until(b'\n', &mut line)
            .is_ok_and(|length| length > 0)
        {
            let text = String::from_utf8_lossy(&line)
                .trim_end_matches(['\r', '\n'])
                .to_owned();
            if sender.send((text, began.elapsed())).is_err() {
                return;
            }
            line.clear();
        }
    });
    receiver
}

/// utime + stime of /proc/PID/stat, the 14th and 15th field (proc(5)). The second, the name, may have spaces: counted from its end.
fn cpu_time(process: &str) -> Option<Duration> {
    let stat = fs::read_to_string(format!("{process}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(Duration::from_secs_f64(
        ticks as f64 / rustix::param::clock_ticks_per_second() as f64,
    ))
}

/// VmHWM of /proc/PID/status, in bytes.
fn peak_rss(process: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("{process}/status")).ok()?;
    let kilobytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?
        .trim()
        .strip_suffix(" kB")?;
    Some(kilobytes.parse::<u64>().ok()? << 10)
}

fn evidence(seen: &Seen, log: &Path) -> String {
    let tail = |lines: Vec<&str>| -> String {
        lines[lines.len().saturating_sub(TAIL)..]
            .iter()
            .map(|line| format!("\n  {line}"))
            .collect()
    };
    let console = tail(seen.lines.iter().map(|line| line.text.as_str()).collect());
    let log_text = fs::read_to_string(log).unwrap_or_default();
    format!(
        "console:{console}\n{}:{}",
        log.display(),
        tail(log_text.lines().collect())
    )
}
