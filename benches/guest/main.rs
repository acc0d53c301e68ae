//! What a guest costs on Paprika, and on its peer: `cargo bench --bench guest`.
//!
//! The peer is the distribution's qemu-system-ppc64 with its own emulated CPU (TCG). Both boot the same kernel (the peer's copy
//! has a few instructions patched that it does not know), the same initramfs, memory, CPUs and script, one after the other in
//! every round, as processes of their own, watched by the same code. A figure is the median of the rounds.
//!
//! - `options`: the command line;
//! - `figures`: what is measured, by which script, and how it is read off a run;
//! - `report`: what was asked of a figure, and how its comparison reads;
//! - in `benches/common`: `monitor`, the two monitors' command lines; `observe`, running one to its end, and what is seen of it meanwhile;
//!   `host`; `series`, the rounds; `comparison`, the table and `target/bench/guest.json`; `choice` and `seconds`, options; `output`, the end.
#![forbid(unsafe_code)]

#[path = "../common/choice.rs"]
mod choice;
#[path = "../common/comparison.rs"]
mod comparison;
mod figures;
#[path = "../common/host.rs"]
mod host;
#[path = "../common/monitor.rs"]
mod monitor;
#[path = "../common/numbers.rs"]
mod numbers;
#[path = "../common/observe.rs"]
mod observe;
mod options;
#[path = "../common/output.rs"]
mod output;
mod report;
#[path = "../common/seconds.rs"]
mod seconds;
#[path = "../common/series.rs"]
mod series;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use guest_kit::{GuestKit, Progress};

use figures::{Figure, Scenario};
use host::Host;
use monitor::{Machine, Monitor};
use options::Options;
use series::Series;

fn main() -> ExitCode {
    output::exit_code("guest", measure(&Options::parse()))
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
    let directory = output::directory()?;
    let base =
        fs::read(&kit.initramfs).with_context(|| format!("reading {}", kit.initramfs.display()))?;

    let host = Host::now();
    let figures = options.choice.figures();
    let mut runs = Vec::new();
    for scenario in Scenario::ALL
        .iter()
        .filter(|scenario| figures.iter().any(|figure| figure.scenario == **scenario))
    {
        let script = scenario.script(&figures, options);
        let archive =
            guest_kit::with_files(&base, &[("/paprika/script", 0o755, script.as_bytes())])?;
        let initramfs = directory.join(format!("{}.cpio", scenario.name()));
        fs::write(&initramfs, archive)
            .with_context(|| format!("writing {}", initramfs.display()))?;
        runs.push((*scenario, initramfs));
    }

    let monitors = options.choice.monitors();
    let mut series = Series::default();
    for round in 1..=options.rounds() {
        for (scenario, initramfs) in &runs {
            for monitor in &monitors {
                let machine = Machine {
                    kit: &kit,
                    initramfs,
                    cpus: options.guest.cpus,
                    memory: &options.guest.memory,
                };
                eprintln!(
                    "round {round} of {}: {} on {}",
                    options.rounds(),
                    scenario.words(),
                    monitor.name()
                );
                one_run(
                    *monitor,
                    *scenario,
                    &machine,
                    &figures,
                    options,
                    &directory,
                    &mut series,
                );
            }
        }
    }

    let report = report::of(host, &figures, &series, &monitors, options);
    let text = report.text(options.choice.markdown);
    output::publish(&directory, "guest", report.json()?, &text)?;
    Ok(report.is_complete())
}

/// Runs a scenario once and notes what it gave. A monitor that fails costs its figures, not those of the other.
fn one_run(
    monitor: Monitor,
    scenario: Scenario,
    machine: &Machine<'_>,
    figures: &[&'static Figure],
    options: &Options,
    directory: &Path,
    series: &mut Series,
) {
    let log = directory.join(format!("{}-{}.log", monitor.name(), scenario.name()));
    let mut command = monitor.command(machine);
    if let (Monitor::Paprika, Some(engine)) = (monitor, &options.engine) {
        command.args(["--engine", engine]);
    }
    let seen = observe::run(command, options.deadline(), &log);
    for figure in figures.iter().filter(|figure| figure.scenario == scenario) {
        let value = match &seen {
            Ok(seen) => figure.read(seen),
            Err(error) => Err(anyhow::anyhow!("{error:#}")),
        };
        match value {
            Ok(value) => series.add(monitor, figure.name, value),
            Err(error) => series.fail(monitor, figure.name, &format!("{error:#}")),
        }
    }
    if let Err(error) = seen {
        eprintln!("{} failed: {error:#}", monitor.name());
    }
}
