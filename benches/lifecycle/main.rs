//! What a guest's saves, moves and plugs cost on Paprika, and on its peer: `cargo bench --bench lifecycle`.
//!
//! The peer is the distribution's qemu-system-ppc64 with its own emulated CPU (TCG). Both run the same Linux with the same script,
//! memory and CPUs, one after the other in every round. The guest counts aloud on its console, a beat every 10 ms: from these beats
//! a program that knows neither monitor sees for how long a guest stood still, that it went on where it was, and that it did so
//! once. A figure is the median of the rounds.
//!
//! - `options`: the command line;
//! - `figures`: what is measured, in which task, and what is asked of it;
//! - `saving`, `migration`, `plugging`: the tasks;
//! - `script`, `beats`: what the guest does in them, and what its counting tells;
//! - `vm`: what can be asked of a monitor; `ours` and `peer` ask it, the latter by `qmp`; `process`: a monitor's process and its
//!   guest's console;
//! - `readings`: what one run of a task gave; `report`: what was asked of it, and how figures are to be read;
//! - in `benches/common`, shared with the other benchmarks: `comparison`, the table and `target/bench/lifecycle.json`; `choice`, options;
//!   `monitor`, `host`, `numbers`, `series`, `scratch` and `output`.
#![forbid(unsafe_code)]

#[path = "../common/choice.rs"]
mod choice;
#[path = "../common/comparison.rs"]
mod comparison;
mod figures;
mod heartbeat;
#[path = "../common/host.rs"]
mod host;
mod migration;
#[path = "../common/monitor.rs"]
mod monitor;
#[path = "../common/numbers.rs"]
mod numbers;
mod options;
mod ours;
#[path = "../common/output.rs"]
mod output;
mod peer;
mod plugging;
mod process;
mod qmp;
mod readings;
mod report;
mod saving;
#[path = "../common/scratch.rs"]
mod scratch;
mod script;
#[path = "../common/series.rs"]
mod series;
mod vm;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use guest_kit::{GuestKit, GuestPaths, Progress};

use figures::{Figure, Task};
use host::Host;
use monitor::Monitor;
use options::Options;
use readings::Readings;
use scratch::Scratch;
use script::Script;
use series::Series;
use vm::Place;

fn main() -> ExitCode {
    output::exit_code("lifecycle", measure(&Options::parse()))
}

/// Whether every figure was obtained from every monitor.
fn measure(options: &Options) -> Result<bool> {
    if options.choice.list {
        print!("{}", report::list());
        return Ok(true);
    }
    let progress = Progress::auto();
    guest_kit::require_packages(&["qemu-system-ppc"], &progress)?;
    let kit = GuestKit::ensure(&progress)?;
    let output = output::directory()?;
    let scratch = Scratch::new(options.directory.as_ref().unwrap_or(&output), "lifecycle")?;

    let host = Host::now();
    let figures = options.choice.figures();
    let tasks = Task::ALL
        .into_iter()
        .filter(|task| figures.iter().any(|figure| figure.task == *task));
    let tasks: Vec<Task> = tasks.collect();
    for &task in &tasks {
        write_initramfs(&kit, task, options, &scratch.path)?;
    }

    let mut series = Series::default();
    for round in 1..=options.rounds() {
        for &task in &tasks {
            for monitor in options.choice.monitors() {
                eprintln!(
                    "round {round} of {}: {} on {}",
                    options.rounds(),
                    task.words(),
                    monitor.name()
                );
                one_task(
                    monitor,
                    task,
                    &kit,
                    options,
                    &scratch.path,
                    &output,
                    &mut series,
                );
            }
        }
    }

    let report = report::of(host, &figures, &series, options);
    let text = report.text(options.choice.markdown);
    output::publish(&output, "lifecycle", report.json()?, &text)?;
    Ok(report.is_complete())
}

/// The initramfs with a task's script, in the directory of the run's files.
fn write_initramfs(
    kit: &GuestPaths,
    task: Task,
    options: &Options,
    scratch: &Path,
) -> Result<PathBuf> {
    let base =
        fs::read(&kit.initramfs).with_context(|| format!("reading {}", kit.initramfs.display()))?;
    let script = Script::of(task, options.fill());
    let archive = guest_kit::with_files(
        &base,
        &[("/paprika/script", 0o755, script.text().as_bytes())],
    )?;
    let path = initramfs(scratch, task);
    fs::write(&path, archive).with_context(|| format!("writing {}", path.display()))?;
    Ok(path)
}

fn initramfs(scratch: &Path, task: Task) -> PathBuf {
    scratch.join(format!("{}.cpio", task.name()))
}

/// Does a task once and notes what it gave. What fails costs its figures, not those of others.
fn one_task(
    monitor: Monitor,
    task: Task,
    kit: &GuestPaths,
    options: &Options,
    scratch: &Path,
    output: &Path,
    series: &mut Series,
) {
    let mut readings = Readings::default();
    let result = Scratch::new(scratch, "lifecycle").and_then(|files| {
        let initramfs = initramfs(scratch, task);
        let place = Place::new(
            monitor,
            options.machine(kit, &initramfs),
            &files.path,
            output,
            task.name(),
        )?;
        match task {
            Task::Save => saving::run(&place, &mut readings),
            Task::MigrateIdle => migration::run(&place, migration::Load::Idle, &mut readings),
            Task::MigrateFlushing => {
                migration::run(&place, migration::Load::Flushing, &mut readings)
            }
            Task::Plug => plugging::run(&place, &mut readings),
        }
    });
    if let Err(error) = &result {
        eprintln!("{} failed: {error:#}", monitor.name());
    }
    let failure = result.err().map(|error| format!("{error:#}"));
    let of_task = |figure: &&Figure| figure.task == task;
    for figure in options.choice.figures().into_iter().filter(of_task) {
        match (readings.of(figure.name), &failure) {
            (Some(value), _) => series.add(monitor, figure.name, value),
            (None, Some(why)) => series.fail(monitor, figure.name, why),
            (None, None) => series.fail(monitor, figure.name, "it was not measured"),
        }
    }
}
