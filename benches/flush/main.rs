//! How many flushes a second persistent memory gives, and what they cost: `cargo bench --bench flush`.
//!
//! Paprika and its peer (the distribution's qemu-system-ppc64 with TCG) boot the same Linux with one NVDIMM that asks for
//! flushes, and the same program in both guests writes 4 KiB and fsyncs, over and over, by 1, 4 and 16 writers, on the raw
//! device past the guest's page cache and through it, and on a file of XFS on it, there with fdatasync too. A program of the
//! host does the same (with fdatasync) on the file system that the NVDIMMs' files are on. All of it one after the other in
//! every round; a number is the median of the rounds.
//!
//! - `options`: the command line;
//! - `guest`: the NVDIMM of each monitor, the script in the guest, and how its console is read;
//! - `writers`: the host's program;
//! - `outcome`: what one measurement gave, and medians of it;
//! - `bars`: what is asked of all this, and whether it holds;
//! - `report`: the table, and `target/bench/flush.json`;
//! - `monitor`, `observe`, `host`, `numbers`, `seconds`, `scratch`, `output` (in `benches/common`): shared with the other benchmarks.
#![deny(unsafe_code)]

mod acceptance;
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
#[path = "../common/output.rs"]
mod output;
mod report;
#[path = "../common/scratch.rs"]
mod scratch;
#[path = "../common/seconds.rs"]
mod seconds;
mod writers;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use guest_kit::{GuestKit, Progress};

use host::Host;
use options::Options;
use outcome::{Case, Series, Subject};
use report::Report;
use scratch::Scratch;
use writers::Method;

fn main() -> ExitCode {
    output::exit_code("flush", measure(&Options::parse()))
}

/// Whether every number was obtained.
fn measure(options: &Options) -> Result<bool> {
    let progress = Progress::auto();
    if options.wants_guests() {
        guest_kit::require_packages(&["qemu-system-ppc"], &progress)?;
    }
    let output = output::directory()?;
    let scratch = Scratch::new(options.directory.as_ref().unwrap_or(&output), "flush")?;
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
                        images: &scratch.path,
                        output: &output,
                    };
                    run.measure(&mut series);
                }
            }
        }
        if options.wants_host() {
            say("the program of the host");
            host_program(options, &scratch.path, &mut series);
        }
    }

    let report = Report::new(host, &series, options);
    let text = if options.markdown {
        report.markdown()
    } else {
        report.table()
    };
    output::publish(&output, "flush", report.json()?, &text)?;
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
