//! `cargo xtask fuzz`: builds the targets of `fuzz/` and runs each for a while, until one finds
//! something.
//!
//! The directory is laid out for cargo-fuzz, which is not needed, though: on stable Rust (no
//! sanitizer) it does no more than call cargo with [`COVERAGE`] and run the program, and a tool
//! that is not there can't be missing or of another version.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use guest_kit::Progress;

use crate::steps::{Failure, cargo_program, file_error, in_words, succeed};

/// What rustc is told so that libFuzzer sees which edges an input takes, and what comparisons it
/// would have to meet. All of it is LLVM's own; that needs no nightly.
const COVERAGE: [&str; 6] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// libFuzzer is C++.
const PACKAGES: &[&str] = &["g++"];

/// Memory of a target, MiB: several times what they need.
const RSS_LIMIT_MB: u32 = 2048;
/// The longest that an input may take, in seconds of the clock. The slowest take tenths of one on
/// an idle host, and a hundred times as long on one that is overloaded.
const TIMEOUT: u32 = 120;
/// The longest input in bytes, where a target is not in [`LENGTHS`].
const LENGTH: u32 = 4096;
/// The longest inputs of those that need more: whole programs; the state of a machine, with its
/// NVRAM.
const LENGTHS: [(&str, u32); 2] = [("lockstep", 1 << 15), ("snapshot_state", 1 << 18)];
/// How long each runs as a part of `cargo xtask test --long`.
const SAMPLE: u64 = 30;
/// Seeds of a target that are kept: files and bytes.
const SEEDS: (usize, u64) = (24, 64 << 10);
/// Lines of a target's output that are shown where it fails.
const LINES: usize = 60;

/// What is run, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    /// How long each target runs.
    pub(crate) seconds: u64,
    /// That target alone.
    pub(crate) only: Option<String>,
    /// Runs this input and nothing else.
    pub(crate) input: Option<PathBuf>,
    /// The best of what is found goes to the seeds.
    pub(crate) keep: bool,
}

impl Options {
    /// Each for so long.
    pub(crate) fn all(seconds: u64) -> Self {
        Self {
            seconds,
            only: None,
            input: None,
            keep: false,
        }
    }
}

/// `cargo xtask fuzz`.
pub(crate) fn run(options: &Options) -> ExitCode {
    match fuzz(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            println!("{failure}");
            ExitCode::FAILURE
        }
    }
}

/// A part of `cargo xtask test --long`.
pub(crate) fn sample() -> Result<(), Failure> {
    fuzz(&Options::all(SAMPLE))
}

fn fuzz(options: &Options) -> Result<(), Failure> {
    let directory = directory();
    let chosen = choose(targets(&directory)?, options.only.as_deref())?;
    guest_kit::require_packages(PACKAGES, &Progress::auto())?;
    let programs = build(&directory, options.only.as_deref())?;
    for name in &chosen {
        let target = Target {
            name,
            program: programs.join(name),
            directory: &directory,
        };
        match &options.input {
            Some(input) => target.run_one(input)?,
            None => target.run(options.seconds)?,
        }
        if options.keep {
            target.keep()?;
        }
    }
    Ok(())
}

/// `fuzz/` of this repository.
fn directory() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).join("fuzz")
}

/// The names of all targets, in order.
fn targets(directory: &Path) -> Result<Vec<String>, Failure> {
    let directory = directory.join("fuzz_targets");
    let failed = |error| file_error("listed", &directory)(error);
    let mut names = Vec::new();
    for entry in fs::read_dir(&directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_stem().and_then(|name| name.to_str());
        if path.extension().is_some_and(|it| it == "rs") {
            names.extend(name.map(str::to_owned));
        }
    }
    names.sort();
    Ok(names)
}

fn choose(names: Vec<String>, only: Option<&str>) -> Result<Vec<String>, Failure> {
    match only {
        Some(only) if !names.iter().any(|name| name == only) => Err(Failure::NoTarget {
            name: only.to_owned(),
            known: names.join(", "),
        }),
        Some(only) => Ok(vec![only.to_owned()]),
        None => Ok(names),
    }
}

/// Builds one target or all; where the programs are.
fn build(directory: &Path, only: Option<&str>) -> Result<PathBuf, Failure> {
    let host = host()?;
    let into = directory.join("target");
    let mut command = cargo_program();
    // With a target named, build scripts and procedural macros are compiled without coverage.
    command
        .args(["build", "--locked", "--release", "--target", &host])
        .arg("--manifest-path")
        .arg(directory.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&into)
        .env("CARGO_ENCODED_RUSTFLAGS", COVERAGE.join("\x1f"))
        .stdin(Stdio::null());
    match only {
        Some(name) => command.args(["--bin", name]),
        None => command.arg("--bins"),
    };
    let line = "cargo build, in fuzz/, with coverage";
    succeed(&mut command, line)?;
    Ok(into.join(host).join("release"))
}

/// What rustc calls the host.
fn host() -> Result<String, Failure> {
    const LINE: &str = "rustc -vV";
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output();
    let output = output.map_err(|source| Failure::Start {
        command: LINE.into(),
        source,
    })?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| Failure::Exit {
        command: LINE.into(),
        status: output.status,
    })
}

struct Target<'a> {
    name: &'a str,
    program: PathBuf,
    directory: &'a Path,
}

impl Target<'_> {
    /// Its directory of inputs of a kind, made where it is missing.
    fn place(&self, kind: &str) -> Result<PathBuf, Failure> {
        let place = self.directory.join(kind).join(self.name);
        fs::create_dir_all(&place).map_err(file_error("made", &place))?;
        Ok(place)
    }

    /// Its program, with the bounds of everything.
    fn command(&self) -> Result<Command, Failure> {
        let length = LENGTHS.iter().find(|(name, _)| *name == self.name);
        let length = length.map_or(LENGTH, |(_, length)| *length);
        let mut command = Command::new(&self.program);
        command
            .arg(format!("-rss_limit_mb={RSS_LIMIT_MB}"))
            .arg(format!("-timeout={TIMEOUT}"))
            .arg(format!("-max_len={length}"))
            // At once: documents are long, and steps few.
            .arg("-len_control=0")
            .arg(format!(
                "-artifact_prefix={}/",
                self.place("artifacts")?.display()
            ))
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        Ok(command)
    }

    fn run(&self, seconds: u64) -> Result<(), Failure> {
        println!("{}: {seconds} s", self.name);
        let began = Instant::now();
        let mut command = self.command()?;
        command
            .arg(format!("-max_total_time={seconds}"))
            .arg("-print_final_stats=1")
            .arg(self.place("corpus")?)
            .arg(self.place("seeds")?);
        let said = self.finish(command)?;
        println!(
            "{}: nothing found in {} ({})",
            self.name,
            in_words(began.elapsed()),
            said.in_words()
        );
        Ok(())
    }

    /// One input, with all that the target says.
    fn run_one(&self, input: &Path) -> Result<(), Failure> {
        let mut command = self.command()?;
        command.arg(input);
        let said = self.finish(command)?;
        said.lines.iter().for_each(|line| println!("{line}"));
        println!("{}: {} is harmless", self.name, input.display());
        Ok(())
    }

    /// Waits for the program's end; an input that it fails with is the error.
    fn finish(&self, mut command: Command) -> Result<Said, Failure> {
        let line = self.program.display().to_string();
        let mut child = command.stderr(Stdio::piped()).spawn().map_err(|source| {
            let command = line.clone();
            Failure::Start { command, source }
        })?;
        let said = child.stderr.take().map(Said::read).transpose();
        let status = child.wait().map_err(|source| Failure::Start {
            command: line.clone(),
            source,
        })?;
        let said = said.map_err(|source| Failure::Output {
            command: line.clone(),
            source,
        })?;
        let said = said.unwrap_or_default();
        if status.success() {
            return Ok(said);
        }
        said.lines.iter().for_each(|line| println!("{line}"));
        match said.input {
            Some(input) => Err(Failure::Found {
                target: self.name.to_owned(),
                input,
            }),
            None => Err(Failure::Exit {
                command: line,
                status,
            }),
        }
    }

    /// Adds to the seeds of the fewest inputs that reach everything, while there is room: the
    /// longest first, as they do the most.
    fn keep(&self) -> Result<(), Failure> {
        let merged = self.directory.join("target/merged").join(self.name);
        if merged.exists() {
            // Of an earlier run that was stopped.
            fs::remove_dir_all(&merged).map_err(file_error("removed", &merged))?;
        }
        fs::create_dir_all(&merged).map_err(file_error("made", &merged))?;
        let seeds = self.place("seeds")?;
        let mut command = self.command()?;
        command
            .arg("-set_cover_merge=1")
            .arg(&merged)
            .args([&seeds, &self.place("corpus")?]);
        self.finish(command)?;
        let mut found = files(&merged)?;
        found.sort();
        found.reverse();
        let mut there = files(&seeds)?;
        for (bytes, path) in found {
            let sum: u64 = there.iter().map(|(bytes, _)| bytes).sum();
            let (Some(name), true) = (path.file_name(), there.len() < SEEDS.0) else {
                break;
            };
            let to = seeds.join(name);
            if sum + bytes > SEEDS.1 || to.exists() {
                continue;
            }
            fs::copy(&path, &to).map_err(file_error("written", &to))?;
            there.push((bytes, to));
        }
        println!("{}: {} seeds", self.name, there.len());
        fs::remove_dir_all(&merged).map_err(file_error("removed", &merged))
    }
}

/// The files of a directory, with their lengths.
fn files(directory: &Path) -> Result<Vec<(u64, PathBuf)>, Failure> {
    let failed = |error| file_error("listed", directory)(error);
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let length = entry.metadata().map_err(failed)?.len();
        files.push((length, entry.path()));
    }
    Ok(files)
}

/// What a target has said.
#[derive(Debug, Default)]
struct Said {
    /// Its last lines.
    lines: VecDeque<String>,
    /// The input that it failed with.
    input: Option<PathBuf>,
    inputs: Option<String>,
    edges: Option<String>,
    peak_mb: Option<String>,
}

impl Said {
    fn read(output: impl io::Read) -> io::Result<Self> {
        let mut said = Self::default();
        for line in BufReader::new(output).split(b'\n') {
            said.add(&String::from_utf8_lossy(&line?));
        }
        Ok(said)
    }

    fn add(&mut self, line: &str) {
        let after = |what: &str| {
            let rest = line.split_once(what)?.1;
            Some(rest.split_whitespace().next()?.to_owned())
        };
        let slow = line.contains("slow-unit-");
        let path = after("Test unit written to ").filter(|_| !slow);
        self.input = path.map(PathBuf::from).or(self.input.take());
        self.edges = after(" cov: ").or(self.edges.take());
        let inputs = after("stat::number_of_executed_units:");
        self.inputs = inputs.or(self.inputs.take());
        let peak = after("stat::peak_rss_mb:");
        self.peak_mb = peak.or(self.peak_mb.take());
        if self.lines.len() == LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line.to_owned());
    }

    fn in_words(&self) -> String {
        let known = |what: &Option<String>| what.clone().unwrap_or_else(|| "?".into());
        format!(
            "{} inputs, {} edges, {} MiB at most",
            known(&self.inputs),
            known(&self.edges),
            known(&self.peak_mb)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_in_the_manifest_and_the_table_of_lengths_names_targets() {
        let names = targets(&directory()).expect("the directory");
        assert!(names.len() >= 8, "{names:?}");
        let manifest = fs::read_to_string(directory().join("Cargo.toml")).expect("a manifest");
        for name in &names {
            assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
        }
        for (name, _) in LENGTHS {
            assert!(names.iter().any(|it| it == name), "{name}");
        }
    }

    #[test]
    fn a_target_that_does_not_exist_is_named_with_those_that_do() {
        let names = || vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(choose(names(), None).ok(), Some(names()));
        assert_eq!(choose(names(), Some("b")).ok(), Some(vec!["b".to_owned()]));
        let text = choose(names(), Some("c")).map_err(|error| error.to_string());
        let text = text.expect_err("there is none");
        assert!(text.contains("`c`") && text.contains("a, b"), "{text}");
    }

    #[test]
    fn what_a_target_says_is_understood() {
        let text = "INFO: seed corpus: files: 3\n\
            #1024\tpulse  cov: 410 ft: 520 corp: 9/37b exec/s: 512 rss: 44Mb\n\
            artifact_prefix='x/'; Test unit written to x/slow-unit-1\n\
            #2048\tDONE   cov: 420 ft: 530 corp: 9/37b exec/s: 512 rss: 44Mb\n\
            stat::number_of_executed_units: 2048\n\
            stat::peak_rss_mb:              45\n";
        let said = Said::read(text.as_bytes()).expect("memory");
        assert_eq!(said.in_words(), "2048 inputs, 420 edges, 45 MiB at most");
        assert_eq!(said.input, None, "a slow input is no failure");
        let text = "==1== ERROR: libFuzzer: deadly signal\n\
            artifact_prefix='x/'; Test unit written to x/crash-1\nBase64: AA==\n";
        let said = Said::read(text.as_bytes()).expect("memory");
        assert_eq!(said.input, Some("x/crash-1".into()));
    }

    #[test]
    fn a_finding_says_how_it_is_run_again() {
        let found = Failure::Found {
            target: "hypercalls".into(),
            input: "fuzz/artifacts/hypercalls/crash-1".into(),
        };
        let text = found.to_string();
        let command =
            "cargo xtask fuzz --only hypercalls --input fuzz/artifacts/hypercalls/crash-1";
        assert!(text.contains(command) && !text.contains('\n'), "{text}");
    }
}
