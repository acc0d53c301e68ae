//! A program that runs a tiny guest and serves a control socket, with a hand on both.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use paprika::control::client::Client;

use super::{PATIENCE, Watchdog, argument, paprika, run, tiny_guest, wait};

const POWERED_OFF: i32 = 0;

/// A machine with a tiny guest and a control socket.
pub struct Running {
    pub child: Child,
    _watchdog: Watchdog,
    stdin: ChildStdin,
    pub console: Receiver<u8>,
    socket: PathBuf,
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
        let command = ["run", "--memory=256M", "--name=tiny", "--kernel"];
        let command = [&command, [argument(&kernel)].as_slice(), more].concat();
        let mut running = Self::spawn(directory, "api", &command);
        running.expect(tiny_guest::READY);
        running
    }

    /// A guest that goes on where it was saved.
    pub fn restore_in(directory: &Path, snapshot: &Path, more: &[&str]) -> Self {
        let command = [&["restore", argument(snapshot)], more].concat();
        Self::spawn(directory, "restored-api", &command)
    }

    /// Linux of the guest kit, which runs a line of shell.
    pub fn linux_in(directory: &Path, line: &str, more: &[&str]) -> Self {
        assert!(
            !line.contains(['"', '\n']),
            "one line, without double quotes"
        );
        let cmdline =
            format!("--cmdline=console=hvc0 quiet oops=panic panic=-1 paprika.run=\"{line}\"");
        Self::spawn(
            directory,
            "api",
            &[&["run", cmdline.as_str()], more].concat(),
        )
    }

    /// A process that waits for a guest, whose NVDIMMs' files are in the directory. It answers when
    /// the guest has come: see [`wait_ready`](Self::wait_ready).
    pub fn receive_in(directory: &Path, name: &str, uri: &str, more: &[&str]) -> Self {
        let files = ["--nvdimm-dir", argument(directory)];
        Self::receive_without_files(directory, name, uri, &[&files, more].concat())
    }

    /// The same for a guest whose NVDIMMs' files `more` names, or nobody.
    pub fn receive_without_files(directory: &Path, name: &str, uri: &str, more: &[&str]) -> Self {
        let receiving = Self::launch(directory, name, &[&["receive", uri], more].concat());
        let waits_at = uri.strip_prefix("unix:").map(PathBuf::from);
        while waits_at.as_ref().is_some_and(|path| !path.exists()) && !receiving.ended() {
            std::thread::sleep(Duration::from_millis(2));
        }
        receiving
    }

    /// The same at a port of this host, which the process chooses and says.
    pub fn receive_at_port_in(directory: &Path, name: &str) -> (Self, u16) {
        let files = ["--nvdimm-dir", argument(directory)];
        let arguments = [&["receive", "tcp:127.0.0.1:0"], files.as_slice()].concat();
        let mut receiving = Self::launch(directory, name, &arguments);
        let mut stderr = receiving.child.stderr.take().expect("stderr");
        let mut line = Vec::new();
        let mut byte = [0];
        // Not a byte more: the rest is for whoever reads its last words.
        while stderr.read(&mut byte).is_ok_and(|count| count == 1) && byte != *b"\n" {
            line.extend(byte);
        }
        receiving.child.stderr = Some(stderr);
        let line = String::from_utf8_lossy(&line);
        let port = line
            .rsplit_once(':')
            .and_then(|(_, port)| port.parse().ok());
        let port = port.unwrap_or_else(|| panic!("no port: {line}"));
        (receiving, port)
    }

    fn spawn(directory: &Path, socket: &str, arguments: &[&str]) -> Self {
        let running = Self::launch(directory, socket, arguments);
        running.wait_ready();
        running
    }

    /// A process whose sandbox lets it reach nothing but what `arguments` name.
    pub fn spawn_confined(directory: &Path, socket: &str, arguments: &[&str]) -> Self {
        let running = Self::launch_confined(directory, socket, arguments);
        running.wait_ready();
        running
    }

    /// Whether its machine answers, asked for a moment: a socket whose machine is not there yet keeps one waiting.
    pub fn answers(&self) -> bool {
        let (tell, told) = channel();
        let client = self.client();
        std::thread::spawn(move || tell.send(client.status().is_ok()));
        told.recv_timeout(Duration::from_millis(500)) == Ok(true)
    }

    /// Waits until its machine answers.
    #[track_caller]
    pub fn wait_ready(&self) {
        // A socket is there before its machine answers.
        while !self.socket.exists() || self.client().status().is_err() {
            std::thread::sleep(Duration::from_millis(2));
            assert!(!self.ended(), "the program has ended");
        }
    }

    /// What tests plug, save to and move to later is in the same directory, and at ports that are
    /// not known yet.
    fn launch(directory: &Path, socket: &str, arguments: &[&str]) -> Self {
        let later = ["--allow-dir", argument(directory), "--allow-port=any"];
        Self::launch_confined(directory, socket, &[arguments, &later].concat())
    }

    fn launch_confined(directory: &Path, socket: &str, arguments: &[&str]) -> Self {
        let socket = directory.join(socket);
        let mut command = paprika(arguments);
        command
            .args(["--api-socket", argument(&socket)])
            .stdin(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let (stdin, stdout) = (
            child.stdin.take().expect("stdin"),
            child.stdout.take().expect("stdout"),
        );
        Self {
            _watchdog: Watchdog::over(&child),
            child,
            stdin,
            console: read_console(stdout),
            socket,
            directory: directory.to_owned(),
            temporary: None,
        }
    }

    /// Whether the process is gone.
    pub fn ended(&self) -> bool {
        let pid = rustix::process::Pid::from_child(&self.child);
        let options = rustix::process::WaitIdOptions::EXITED
            | rustix::process::WaitIdOptions::NOHANG
            | rustix::process::WaitIdOptions::NOWAIT;
        rustix::process::waitid(rustix::process::WaitId::Pid(pid), options)
            .is_ok_and(|status| status.is_some())
    }

    /// Closes the test's end of the guest's console, when the next byte comes.
    pub fn stop_reading(&mut self) {
        let (_, nothing) = channel();
        self.console = nothing;
    }

    pub fn socket(&self) -> PathBuf {
        self.socket.clone()
    }

    pub fn client(&self) -> Client {
        Client::new(self.socket())
    }

    pub fn ctl(&self, arguments: &[&str]) -> super::RunOutcome {
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

    /// Reads from the guest's console up to this line; what came before it.
    #[track_caller]
    pub fn read_to_line(&mut self, line: &str) -> String {
        let mut text = String::new();
        while text.lines().next_back() != Some(line) || !text.ends_with('\n') {
            match self.console.recv_timeout(PATIENCE) {
                Ok(b'\r') => {}
                Ok(byte) => text.push(byte.into()),
                Err(_) => panic!("no line {line:?} came: {text}"),
            }
        }
        text
    }

    /// Waits for the end of the program; its exit code and what it has said on standard error.
    #[track_caller]
    pub fn ending(mut self) -> (Option<i32>, String) {
        let code = wait(&mut self.child).code();
        let mut words = String::new();
        let mut stderr = self.child.stderr.take().expect("stderr");
        stderr.read_to_string(&mut words).expect("text");
        (code, words)
    }

    /// That the guest answers what is typed.
    #[track_caller]
    pub fn guest_lives(&mut self, text: &str) {
        self.type_in(text.as_bytes());
        self.expect(text);
    }

    /// Powers the guest off; what the program has said on standard error.
    #[track_caller]
    pub fn end_with_words(mut self) -> String {
        self.type_in(&[tiny_guest::POWER_OFF]);
        assert_eq!(wait(&mut self.child).code(), Some(POWERED_OFF));
        let mut words = String::new();
        let mut stderr = self.child.stderr.take().expect("stderr");
        stderr.read_to_string(&mut words).expect("text");
        words
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
