//! How many flushes a second persistent memory gives, and what they cost: `cargo bench --bench flush`.
//!
//! Paprika and its peer (the distribution's qemu-system-ppc64 with TCG) boot the same Linux with one NVDIMM that asks for
//! flushes, and the same program in both guests writes 4 KiB and fsyncs, over and over, by 1, 4 and 16 writers, on the raw
//! device and on a file of XFS on it. A program of the host does the same on the file system that the NVDIMMs' files are on.
//! All of it one after the other in every round; a number is the median of the rounds.
//!
//! - `options`: the command line;
//! - `guest`: the NVDIMM of each monitor, the script in the guest, and how its console is read;
//! - `writers`: the host's program;
//! - `outcome`: what one measurement gave, and medians of it;
//! - `bars`: what is asked of all this, and whether it holds;
//! - `report`: the table, and `target/bench/flush.json`;
//! - `monitor`, `observe`, `host`, `numbers` (in `benches/common`): shared with the other benchmarks.
#![deny(unsafe_code)]

mod bars;
mod guest;
#[path = "../common/host.rs"]
mod host;
#[path = "../common/monitor.rs"]
mod monitor;
#[path = "../common/numbers.rs"]
mod numbers;
#[path = "../common/observe.rs"]
#[allow(dead_code, reason = "the guest benchmark reads more off a run")]
mod observe;
mod options;
mod outcome;
mod report;
mod writers;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use guest_kit::{GuestKit, Progress};

use host::Host;
use options::Options;
use outcome::{Case, Series, Subject};
use report::Report;
use writers::Method;

fn main() -> ExitCode {
    match measure(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench flush: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every number was obtained.
fn measure(options: &Options) -> Result<bool> {
    let progress = Progress::auto();
    if options.wants_guests() {
        guest_kit::require_packages(&["qemu-system-ppc"], &progress)?;
    }
    let output = host::output_directory()?;
    let scratch = Scratch::new(options.directory.as_ref().unwrap_or(&output))?;
    let host = Host::now();
    let mut series = Series::default();

    let kit = if options.wants_guests() {
        Some(GuestKit::ensure(&progress)?)
    } else {
        None
    };
    for round in 1..=options.rounds() {
        let say = |what: &str| eprintln!("round {round} of {}: {what}", options.rounds());
        if let Some(kit) = &kit {
            for &cpus in &options.cpus {
                for monitor in options.monitors() {
                    say(&format!("{} with {cpus} CPUs", monitor.name()));
                    let run = guest::Run {
                        kit,
                        monitor,
                        cpus,
                        options,
                        images: &scratch.0,
                        output: &output,
                    };
                    run.measure(&mut series);
                }
            }
        }
        if options.wants_host() {
            say("the program of the host");
            host_program(options, &scratch.0, &mut series);
        }
    }

    let report = Report::new(host, &series, options);
    let json = output.join("flush.json");
    fs::write(&json, report.json()?).with_context(|| format!("writing {}", json.display()))?;
    print!(
        "{}",
        if options.markdown {
            report.markdown()
        } else {
            report.table()
        }
    );
    println!("\nwritten to {}", json.display());
    Ok(report.is_complete())
}

/// Measures the host's program with every method and number of writers.
fn host_program(options: &Options, directory: &Path, series: &mut Series) {
    for method in Method::ALL {
        for &writers in &options.writers {
            let subject = Subject::Host(method);
            let case = Case { subject, writers };
            match writers::run(method, writers, options.seconds(), directory) {
                Ok(outcome) => series.add(case, outcome),
                Err(error) => series.fail(case, &format!("{error:#}")),
            }
        }
    }
}

/// A directory for the NVDIMMs' files and the host program's, which goes when all is done.
struct Scratch(PathBuf);

impl Scratch {
    fn new(parent: &Path) -> Result<Self> {
        let path = parent.join(format!("flush-{}", std::process::id()));
        fs::create_dir_all(&path).with_context(|| format!("creating {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("bench flush: {} stays behind: {error}", self.0.display());
        }
    }
}
