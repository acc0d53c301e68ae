//! The peer's process: batches in, outcomes out, and what happens when it dies.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use super::build;
use crate::layout::{BATCH_LIMIT, CODE_WORDS, OUTCOME_SIZE};
use crate::state::{Case, Outcome};

const EMULATOR: &str = "qemu-ppc64le";
/// The harness maps guest addresses from 0x1000 up; a guest base keeps them off the host's forbidden low pages.
const EMULATOR_ARGS: [&str; 4] = ["-cpu", "power9", "-B", "0x400000000"];
/// The peer ends hung cases itself, after some CPU time; this is for a peer that is beyond that.
const PATIENCE: Duration = Duration::from_secs(120);

/// Why the peer cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// A program that the peer needs could not be run.
    #[error("cannot run {program} ({error}): install the package {package}")]
    Missing {
        /// The program.
        program: &'static str,
        /// The Debian package that has it.
        package: &'static str,
        /// What the system said.
        error: io::Error,
    },
    /// The peer's program does not compile.
    #[error("{compiler} cannot build the peer: {message}")]
    Compile {
        /// The compiler.
        compiler: &'static str,
        /// What it said.
        message: String,
    },
    /// A file of the cache could not be written.
    #[error("cannot write {path}: {error}")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The peer does not answer even a case that only adds two registers.
    #[error("the peer ends as soon as it starts: run `{command}` to see why")]
    DeadOnArrival {
        /// The command that was run.
        command: String,
    },
    /// A case that must not run: `sc` and `scv` would be system calls of the test's own process.
    #[error(
        "the word {word:#010x} ({mnemonic}) would make a system call in the peer: leave it out of the test"
    )]
    SystemCall {
        /// The instruction's name.
        mnemonic: &'static str,
        /// The instruction word.
        word: u32,
    },
    /// A case has no code or too much.
    #[error("a case has {0} instructions, but 1 to {max} are possible", max = CODE_WORDS)]
    CodeLength(usize),
}

impl PeerError {
    pub(super) fn file(path: &Path, error: io::Error) -> Self {
        PeerError::File {
            path: path.to_owned(),
            error,
        }
    }
}

/// Runs cases under the peer, one process for thousands of them.
pub struct Peer {
    binary: PathBuf,
    process: Process,
}

impl Peer {
    /// Builds the peer where needed and starts it.
    ///
    /// # Errors
    /// When the cross compiler or the emulator is missing, or the cache directory cannot be written.
    pub fn start() -> Result<Self, PeerError> {
        let binary = build::peer_binary()?;
        let process = Process::start(&binary)?;
        Ok(Peer { binary, process })
    }

    /// Runs the cases and returns an outcome for each, in order. A case that kills the peer gets
    /// [`Ending::Died`](crate::Ending::Died), and the others run in a new process.
    ///
    /// # Errors
    /// When a case is not runnable at all, or the peer cannot be restarted.
    pub fn run(&mut self, cases: &[Case]) -> Result<Vec<Outcome>, PeerError> {
        for case in cases {
            if case.code.is_empty() || case.code.len() > CODE_WORDS {
                return Err(PeerError::CodeLength(case.code.len()));
            }
            if let Some(step) = case.code.iter().find(|step| step.word >> 26 == 17) {
                return Err(PeerError::SystemCall {
                    mnemonic: step.mnemonic,
                    word: step.word,
                });
            }
        }
        let mut outcomes = Vec::with_capacity(cases.len());
        for batch in cases.chunks(BATCH_LIMIT) {
            if let Some(answers) = self.process.run(batch) {
                outcomes.extend(answers);
                continue;
            }
            // One of these killed it: find out which, one at a time.
            self.restart()?;
            for case in batch {
                match self.process.run(std::slice::from_ref(case)) {
                    Some(answers) => outcomes.extend(answers),
                    None => {
                        outcomes.push(Outcome::died(case));
                        self.restart()?;
                    }
                }
            }
        }
        Ok(outcomes)
    }

    fn restart(&mut self) -> Result<(), PeerError> {
        self.process = Process::start(&self.binary)?;
        let nop = crate::Step {
            mnemonic: "ori",
            word: 0x6000_0000,
            operands: "ra,rs,ui",
        };
        match self
            .process
            .run(&[Case::new(crate::State::default(), vec![nop])])
        {
            Some(_) => Ok(()),
            None => Err(PeerError::DeadOnArrival {
                command: format!(
                    "{EMULATOR} {} {}",
                    EMULATOR_ARGS.join(" "),
                    self.binary.display()
                ),
            }),
        }
    }
}

/// A running emulator; killed when dropped.
struct Process {
    child: Child,
    input: ChildStdin,
    /// Outcomes as they arrive. A thread reads them, so that a silent peer can be told from a slow one.
    output: Receiver<Box<[u8; OUTCOME_SIZE]>>,
}

impl Process {
    fn start(binary: &Path) -> Result<Self, PeerError> {
        let missing = |error| PeerError::Missing {
            program: EMULATOR,
            package: "qemu-user",
            error,
        };
        let mut child = Command::new(EMULATOR)
            .args(EMULATOR_ARGS)
            .arg(binary)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(missing)?;
        let (Some(input), Some(mut stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(missing(io::Error::other("no pipes")));
        };
        let (sender, output) = mpsc::channel();
        std::thread::spawn(move || {
            let mut bytes = Box::new([0; OUTCOME_SIZE]);
            while stdout.read_exact(bytes.as_mut_slice()).is_ok()
                && sender.send(bytes.clone()).is_ok()
            {}
        });
        Ok(Process {
            child,
            input,
            output,
        })
    }

    /// None when the process died or fell silent.
    fn run(&mut self, batch: &[Case]) -> Option<Vec<Outcome>> {
        let mut bytes = (batch.len() as u32).to_le_bytes().to_vec();
        for case in batch {
            case.encode(&mut bytes);
        }
        self.input
            .write_all(&bytes)
            .and_then(|()| self.input.flush())
            .ok()?;
        batch
            .iter()
            .map(|case| {
                Some(Outcome::decode(
                    case,
                    &*self.output.recv_timeout(PATIENCE).ok()?,
                ))
            })
            .collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be dead already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
