//! The terminal and pipes as a guest's console, and how the program ends.

mod common;

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};

use common::{PATIENCE, Watchdog, argument, paprika, tiny_guest, wait};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, OutputModes, Termios, tcgetattr};

const PANIC: i32 = 3;
const CHECKSTOP: i32 = 4;
const KILLED: i32 = 5;

/// The program on a terminal of its own.
struct OnTerminal {
    /// The user's side.
    user: File,
    /// The program's side, to see its mode.
    line: OwnedFd,
    before: Termios,
    child: Child,
    shown: Vec<u8>,
    _directory: tempfile::TempDir,
}

/// Waits until the terminal shows something new.
fn wait_for_output(terminal: &File) {
    let limit = Timespec {
        tv_sec: PATIENCE.as_secs() as i64,
        tv_nsec: 0,
    };
    let found = poll(&mut [PollFd::new(terminal, PollFlags::IN)], Some(&limit));
    assert_eq!(found, Ok(1), "nothing is shown");
}

impl OnTerminal {
    fn start(more: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("directory");
        let kernel = tiny_guest::write(directory.path());
        let user = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("terminal");
        grantpt(&user)
            .and_then(|()| unlockpt(&user))
            .expect("terminal");
        let name = ptsname(&user, Vec::new()).expect("terminal");
        let line: OwnedFd = File::options()
            .read(true)
            .write(true)
            .open(name.to_str().expect("name"))
            .expect("terminal")
            .into();
        let before = tcgetattr(&line).expect("mode");
        let side = || Stdio::from(line.try_clone().expect("descriptor"));
        let mut command: Command = paprika(&["run", "--kernel", argument(&kernel)]);
        command
            .args(more)
            .stdin(side())
            .stdout(side())
            .stderr(side());
        let child = command.spawn().expect("the program starts");
        Self {
            user: user.into(),
            line,
            before,
            child,
            shown: Vec::new(),
            _directory: directory,
        }
    }

    fn type_in(&mut self, keys: &[u8]) {
        self.user.write_all(keys).expect("terminal");
    }

    /// Reads on until `text` was shown.
    fn until(&mut self, text: &str) {
        let mut bytes = [0; 1024];
        while !self.text().contains(text) {
            wait_for_output(&self.user);
            let count = self.user.read(&mut bytes).expect("terminal");
            self.shown.extend(&bytes[..count]);
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.shown).into_owned()
    }

    fn mode(&self) -> Termios {
        tcgetattr(&self.line).expect("mode")
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("signal");
    }

    /// Waits for the end, and that the terminal is as it was.
    #[track_caller]
    fn ends_with(mut self, code: i32) -> String {
        let status = wait(&mut self.child);
        // Nobody writes any more: what is left can be read without waiting for more.
        rustix::io::ioctl_fionbio(&self.user, true).expect("mode");
        let mut bytes = [0; 1024];
        while let Ok(count @ 1..) = self.user.read(&mut bytes) {
            self.shown.extend(&bytes[..count]);
        }
        assert_eq!(status.code(), Some(code), "{}", self.text());
        assert_eq!(
            format!("{:?}", self.mode()),
            format!("{:?}", self.before),
            "the terminal was not put back"
        );
        self.text()
    }
}

#[test]
fn ctrl_a_x_ends_the_guest_and_puts_the_terminal_back() {
    let mut run = OnTerminal::start(&[]);
    run.until("ready");
    let raw = run.mode();
    assert!(
        !raw.local_modes.intersects(
            LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG | LocalModes::IEXTEN
        )
    );
    assert!(raw.output_modes.contains(OutputModes::OPOST));
    run.type_in(b"\x01x");
    let shown = run.ends_with(KILLED);
    assert!(shown.contains("paprika: the guest was ended"), "{shown}");
}

#[test]
fn keys_go_to_the_guest_also_those_that_a_terminal_would_act_on() {
    let mut run = OnTerminal::start(&[]);
    run.until("ready");
    run.type_in(b"<\x03\x1a\x1c\x04\x13\x11\x01\x01>");
    run.until("<\x03\x1a\x1c\x04\x13\x11\x01>");
    run.type_in(&[tiny_guest::POWER_OFF]);
    run.ends_with(0);
}

#[test]
fn ctrl_a_h_shows_the_keys_and_the_guest_runs_on() {
    let mut run = OnTerminal::start(&[]);
    run.until("ready");
    run.type_in(b"\x01h");
    run.until("send Ctrl-a to the guest");
    run.type_in(b"still there");
    run.until("still there");
    run.type_in(&[tiny_guest::POWER_OFF]);
    run.ends_with(0);
}

#[test]
fn signals_end_the_guest_and_put_the_terminal_back() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let mut run = OnTerminal::start(&[]);
        run.until("ready");
        run.signal(signal);
        run.ends_with(KILLED);
    }
}

#[test]
fn every_end_of_the_guest_puts_the_terminal_back_and_has_its_code() {
    for (key, code, said) in [
        (tiny_guest::POWER_OFF, 0, ""),
        (tiny_guest::PANIC, PANIC, tiny_guest::LAST_WORDS),
        (tiny_guest::CHECKSTOP, CHECKSTOP, "no memory"),
    ] {
        let mut run = OnTerminal::start(&[]);
        run.until("ready");
        run.type_in(&[key]);
        let shown = run.ends_with(code);
        assert!(shown.contains(said), "{shown}");
    }
}

#[test]
fn a_reboot_reboots_and_with_no_reboot_it_ends() {
    let mut run = OnTerminal::start(&[]);
    run.until("ready");
    run.type_in(&[tiny_guest::REBOOT]);
    // The terminal makes a carriage return and a line feed of the guest's line feed.
    run.until("ready\r\r\nready");
    run.type_in(&[tiny_guest::POWER_OFF]);
    run.ends_with(0);

    let mut run = OnTerminal::start(&["--no-reboot"]);
    run.until("ready");
    run.type_in(&[tiny_guest::REBOOT]);
    let shown = run.ends_with(0);
    assert_eq!(shown.matches("ready").count(), 1, "{shown}");
    assert!(shown.contains("--no-reboot"), "{shown}");
}

#[test]
fn a_refused_run_leaves_the_terminal_alone() {
    let run = OnTerminal::start(&["--memory", "256M", "--initrd", "/no/such/file"]);
    run.ends_with(1);
}

/// The program with pipes as standard streams.
fn piped(more: &[&str]) -> (Child, (Watchdog, tempfile::TempDir)) {
    let directory = tempfile::tempdir().expect("directory");
    let kernel = tiny_guest::write(directory.path());
    let mut command = paprika(&["run", "--kernel", argument(&kernel)]);
    let child = command
        .args(more)
        .stdin(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let watchdog = Watchdog::over(&child);
    (child, (watchdog, directory))
}

#[test]
fn piped_input_reaches_the_guest_as_it_is_and_its_end_ends_nothing() {
    let (mut child, _kept) = piped(&[]);
    // More than the console holds at once, with the monitor's own key in it, which means nothing in a pipe.
    let mut text = vec![b'.'; 100_000];
    text[4321] = 0x01;
    text[4322] = b'x';
    let mut input = child.stdin.take().expect("piped");
    let mut output = child.stdout.take().expect("piped");
    let mut shown = vec![0; tiny_guest::READY.len() + text.len()];
    let sent = text.clone();
    std::thread::scope(|scope| {
        scope.spawn(move || input.write_all(&sent).expect("input"));
        output.read_exact(&mut shown).expect("output");
    });
    assert!(shown.starts_with(tiny_guest::READY.as_bytes()));
    assert!(shown.ends_with(&text), "the guest read something else");
    // The input has ended; the guest has not.
    assert!(child.try_wait().expect("state").is_none());
    kill_process(Pid::from_child(&child), Signal::TERM).expect("signal");
    assert_eq!(wait(&mut child).code(), Some(KILLED));
}

#[test]
fn output_and_log_lines_do_not_mix() {
    let directory = tempfile::tempdir().expect("directory");
    let log = directory.path().join("log");
    let (mut child, _kept) = piped(&[
        "--log",
        "debug",
        "--log-file",
        argument(&log),
        "--stats",
        "--name",
        "tiny",
    ]);
    child
        .stdin
        .take()
        .expect("piped")
        .write_all(b"!.")
        .expect("input");
    let mut output = child.stdout.take().expect("piped");
    let mut shown = [0; tiny_guest::READY.len() + 2];
    output.read_exact(&mut shown).expect("output");
    assert_eq!(&shown, b"ready\r\n!.");
    kill_process(Pid::from_child(&child), Signal::TERM).expect("signal");
    let done = child.wait_with_output().expect("end");
    assert_eq!(done.status.code(), Some(KILLED));
    let told = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(told.contains("million guest instructions"), "{told}");
    let logged = std::fs::read_to_string(&log).expect("log");
    assert!(logged.contains("machine ended"), "{logged}");
    assert!(!told.contains("machine ended"), "{told}");
}

#[test]
fn a_reader_that_stops_does_not_keep_the_program_from_ending() {
    let (mut child, _kept) = piped(&[]);
    let mut input = child.stdin.take().expect("piped");
    // The guest's echo fills the pipe that nobody reads, then the guest waits for room, then the input does.
    let writer = std::thread::spawn(move || while input.write_all(&[b'.'; 4096]).is_ok() {});
    let mut reader = child.stdout.take().expect("piped");
    reader.read_exact(&mut [0; 7]).expect("output");
    kill_process(Pid::from_child(&child), Signal::TERM).expect("signal");
    assert_eq!(wait(&mut child).code(), Some(KILLED));
    drop(reader);
    writer.join().expect("writer");
}
