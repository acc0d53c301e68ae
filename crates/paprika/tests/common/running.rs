//! A program that runs a tiny guest and serves a control socket, with a hand on both.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::mpsc::{Receiver, channel};

use paprika::control::client::Client;

use super::{PATIENCE, Watchdog, argument, paprika, run, tiny_guest, wait};

const POWERED_OFF: i32 = 0;

/// A machine with a tiny guest and a control socket.
pub struct Running {
    pub child: Child,
    _watchdog: Watchdog,
    stdin: ChildStdin,
    pub console: Receiver<u8>,
    pub directory: PathBuf,
    temporary: Option<tempfile::TempDir>,
}

fn read_console(mut stdout: ChildStdout) -> Receiver<u8> {
    let (send, console) = channel();
    std::thread::spawn(move || {
        let mut byte = [0];
        while stdout.read(&mut byte).is_ok_and(|n| n == 1) && send.send(byte[0]).is_ok() {}
    });
    console
}

impl Running {
    pub fn start(more: &[&str]) -> Self {
        let temporary = tempfile::tempdir().expect("directory");
        let mut running = Self::start_in(temporary.path(), more);
        running.temporary = Some(temporary);
        running
    }

    /// The same with its files in a directory that is there.
    pub fn start_in(directory: &Path, more: &[&str]) -> Self {
        let kernel = tiny_guest::write(directory);
        let socket = directory.join("api");
        let mut command = paprika(&[
            "run",
            "--memory=256M",
            "--name=tiny",
            "--kernel",
            argument(&kernel),
        ]);
        command
            .args(["--api-socket", argument(&socket)])
            .args(more)
            .stdin(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let (stdin, stdout) = (
            child.stdin.take().expect("stdin"),
            child.stdout.take().expect("stdout"),
        );
        let mut running = Self {
            _watchdog: Watchdog::over(&child),
            child,
            stdin,
            console: read_console(stdout),
            directory: directory.to_owned(),
            temporary: None,
        };
        running.expect(tiny_guest::READY);
        running
    }

    pub fn socket(&self) -> PathBuf {
        self.directory.join("api")
    }

    pub fn client(&self) -> Client {
        Client::new(self.socket())
    }

    pub fn ctl(&self, arguments: &[&str]) -> super::Ran {
        let socket = self.socket();
        run(&[&["ctl", "--socket", argument(&socket)], arguments].concat())
    }

    pub fn type_in(&mut self, text: &[u8]) {
        self.stdin
            .write_all(text)
            .and_then(|()| self.stdin.flush())
            .expect("the guest's console");
    }

    /// Reads this from the guest's console.
    #[track_caller]
    pub fn expect(&mut self, text: &str) {
        let read: Vec<u8> = (0..text.len())
            .map_while(|_| self.console.recv_timeout(PATIENCE).ok())
            .collect();
        assert_eq!(String::from_utf8_lossy(&read), text);
    }

    /// That the guest answers what is typed.
    #[track_caller]
    pub fn guest_lives(&mut self, text: &str) {
        self.type_in(text.as_bytes());
        self.expect(text);
    }

    pub fn end(mut self) {
        self.type_in(&[tiny_guest::POWER_OFF]);
        assert_eq!(wait(&mut self.child).code(), Some(POWERED_OFF));
        assert!(!self.socket().exists(), "the socket goes with its machine");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
