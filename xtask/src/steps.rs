//! Running a list of steps, one after the other, until one fails. Each says what it is, how long it took and how it ended.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::tally::{self, Tally};

/// Something to do.
pub(crate) struct Step {
    /// What it is, in words.
    pub(crate) name: &'static str,
    /// How it is done.
    pub(crate) work: Work,
}

/// How a step is done.
pub(crate) enum Work {
    /// By a function.
    Call(fn() -> Result<(), Failure>),
    /// By cargo with these arguments.
    Cargo(&'static [&'static str]),
    /// By `cargo test`, whose summaries are added up.
    CargoTest {
        /// Beginning with `test`.
        arguments: &'static [&'static str],
        /// Variables that the tests read.
        environment: &'static [(&'static str, &'static str)],
    },
}

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Making the guest, or what it needs.
    #[error(transparent)]
    Kit(#[from] guest_kit::Error),
    /// A program that can't be started.
    #[error("`{command}` can't be started: {source}")]
    Start {
        /// With its arguments.
        command: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A program that ended with a failure.
    #[error("`{command}` ended with {status}; what it printed above says why")]
    Exit {
        /// With its arguments.
        command: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// A program whose output can't be read.
    #[error("the output of `{command}` can't be read: {source}")]
    Output {
        /// With its arguments.
        command: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file or directory of ours.
    #[error("{} can't be {what}: {source}", path.display())]
    File {
        /// What was to be done to it.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A fuzz target has found something.
    #[error(
        "`{target}` fails with the input {input}; run it again with `cargo xtask fuzz --only {target} --input {input}`",
        input = input.display()
    )]
    Found {
        /// The target.
        target: String,
        /// The input.
        input: PathBuf,
    },
    /// No such fuzz target.
    #[error("there is no fuzz target `{name}`; there are {known}")]
    NoTarget {
        /// What was asked for.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// A source file that is none.
    #[error("{} is not Rust: {error}", path.display())]
    Source {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        error: syn::Error,
    },
    /// Files that use one another in a circle.
    #[error("files of one crate use one another in a circle; move what both need below both\n{0}")]
    Cycles(String),
    /// Tests that were none.
    #[error("`{0}` ran no test")]
    NoTest(String),
}

/// Runs `steps` in order until one fails; `what` is the name of the whole.
pub(crate) fn run(what: &str, steps: &[Step]) -> ExitCode {
    let began = Instant::now();
    let mut sum = Tally::default();
    for (index, step) in steps.iter().enumerate() {
        let (number, of) = (index + 1, steps.len());
        println!("[{number}/{of}] {}", step.name);
        let step_began = Instant::now();
        match carry_out(&step.work) {
            Ok(tally) => sum += tally,
            Err(failure) => {
                println!(
                    "\n[{number}/{of}] {}: FAILED after {}",
                    step.name,
                    in_words(step_began.elapsed())
                );
                println!("{failure}");
                println!(
                    "xtask {what}: stopped at step {number} of {of} ({})",
                    step.name
                );
                return ExitCode::FAILURE;
            }
        }
        println!(
            "[{number}/{of}] {}: done in {}\n",
            step.name,
            in_words(step_began.elapsed())
        );
    }
    println!(
        "xtask {what}: all {} steps passed in {}",
        steps.len(),
        in_words(began.elapsed())
    );
    if sum != Tally::default() {
        println!("{sum}");
    }
    ExitCode::SUCCESS
}

/// Runs cargo with these arguments and those that the user gave, and ends as it ends.
pub(crate) fn hand_over(arguments: &[&str], more: &[OsString]) -> ExitCode {
    let (mut command, line) = cargo(arguments, &[]);
    match command.args(more).status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(source) => {
            let command = line;
            eprintln!("xtask: {}", Failure::Start { command, source });
            ExitCode::FAILURE
        }
    }
}

fn carry_out(work: &Work) -> Result<Tally, Failure> {
    match work {
        Work::Call(function) => function().map(|()| Tally::default()),
        Work::Cargo(arguments) => {
            let (mut command, line) = cargo(arguments, &[]);
            let status = command.status().map_err(|source| Failure::Start {
                command: line.clone(),
                source,
            })?;
            passed(line, status).map(|_| Tally::default())
        }
        Work::CargoTest {
            arguments,
            environment,
        } => {
            let (mut command, line) = cargo(arguments, environment);
            let start = |source| Failure::Start {
                command: line.clone(),
                source,
            };
            let mut child = command.stdout(Stdio::piped()).spawn().map_err(start)?;
            let counted = child
                .stdout
                .take()
                .map_or_else(|| Ok(Tally::default()), tally::pass_on);
            let status = child.wait().map_err(start)?;
            let line = passed(line, status)?;
            match counted {
                Ok(tally) if tally.ran() == 0 => Err(Failure::NoTest(line)),
                Ok(tally) => Ok(tally),
                Err(source) => Err(Failure::Output {
                    command: line,
                    source,
                }),
            }
        }
    }
}

/// The cargo that runs us.
pub(crate) fn cargo_program() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// The cargo that runs us, with these arguments and variables; and the line as one would type it.
fn cargo(arguments: &[&str], environment: &[(&str, &str)]) -> (Command, String) {
    let mut command = cargo_program();
    command
        .args(arguments)
        .envs(environment.iter().copied())
        .stdin(Stdio::null());
    let variables: String = environment
        .iter()
        .map(|(name, value)| format!("{name}={value} "))
        .collect();
    let line = format!("{variables}cargo {}", arguments.join(" "));
    println!("$ {line}");
    (command, line)
}

/// What could not be done to a file, from what the system said.
pub(crate) fn file_error(
    what: &'static str,
    path: &Path,
) -> impl FnOnce(std::io::Error) -> Failure {
    let path = path.to_owned();
    move |source| Failure::File { what, path, source }
}

/// Runs a program that has to succeed; `line` is the command in messages.
pub(crate) fn succeed(command: &mut Command, line: &str) -> Result<(), Failure> {
    println!("$ {line}");
    let status = command.status().map_err(|source| Failure::Start {
        command: line.to_owned(),
        source,
    })?;
    passed(line.to_owned(), status).map(drop)
}

fn passed(command: String, status: ExitStatus) -> Result<String, Failure> {
    if status.success() {
        Ok(command)
    } else {
        Err(Failure::Exit { command, status })
    }
}

/// A time as people say it.
pub(crate) fn in_words(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 60, seconds % 60) {
        (0, 0..10) => format!("{:.1} s", time.as_secs_f64()),
        (0, _) => format!("{seconds} s"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn nothing_runs_after_the_first_failure() {
        static CALLS: AtomicU32 = AtomicU32::new(0);
        fn good() -> Result<(), Failure> {
            CALLS.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
        fn bad() -> Result<(), Failure> {
            Err(Failure::NoTest("cargo test".into()))
        }
        let step = |work| Step {
            name: "a step",
            work: Work::Call(work),
        };
        assert_eq!(run("test", &[step(good), step(good)]), ExitCode::SUCCESS);
        assert_eq!(CALLS.load(Ordering::SeqCst), 2);
        assert_eq!(
            run("test", &[step(good), step(bad), step(good)]),
            ExitCode::FAILURE
        );
        assert_eq!(CALLS.load(Ordering::SeqCst), 3);
    }

    #[test]
    fn a_failed_cargo_command_is_named_with_its_status() {
        let failure = carry_out(&Work::Cargo(&["no-such-command-of-cargo"]))
            .expect_err("there is no such command");
        let text = failure.to_string();
        assert!(
            text.contains("`cargo no-such-command-of-cargo`") && text.contains("101"),
            "{text}"
        );
    }

    #[test]
    fn times_read_as_people_say_them() {
        assert_eq!(in_words(Duration::from_millis(1_260)), "1.3 s");
        assert_eq!(in_words(Duration::from_secs(59)), "59 s");
        assert_eq!(in_words(Duration::from_secs(301)), "5 min 1 s");
    }
}
