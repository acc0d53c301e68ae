//! The suite of real software: programs that nobody here wrote, run in a Debian guest on Paprika,
//! and compared with what they are known to do, with what they do on other machines, and with what
//! they do under `qemu-ppc64le`.
//!
//! - [`case`]: what a case is; [`cases`]: all of them, a file per family; `programs/`: what little
//!   is ours in them;
//! - [`machine`]: engines and numbers of vCPUs; [`system`]: the image; [`session`]: a booted system
//!   in which cases run;
//! - [`judge`], [`peer`], [`kernel_log`]: what makes a case pass;
//! - [`runner`]: cases on machines; [`soak`]: at random, with guests saved and moved meanwhile;
//!   [`second_stage`]: debootstrap; [`uprobes`]: the distribution's own kernel;
//! - [`options`]: the command line.
#![forbid(unsafe_code)]

mod case;
mod cases;
mod judge;
mod kernel_log;
mod machine;
mod options;
mod peer;
mod runner;
mod second_stage;
mod session;
mod soak;
mod system;
mod uprobes;

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;

use case::Case;
use options::Options;
use runner::{LONG_SCALE, Runner, in_words, say};
use system::System;

fn main() -> ExitCode {
    let options = Options::parse();
    let all = cases::all();
    if options.list {
        for case in &all {
            println!("{:<24} {}", case.name, case.claim);
        }
        for (name, claim) in [
            (uprobes::NAME, uprobes::CLAIM),
            (second_stage::NAME, second_stage::CLAIM),
        ] {
            println!("{name:<24} {claim}");
        }
        return ExitCode::SUCCESS;
    }
    match run(&options, &all) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("real: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Answers whether everything passed.
fn run(options: &Options, all: &[Case]) -> anyhow::Result<bool> {
    let begun = Instant::now();
    let chosen = options.chosen(all)?;
    let system = System::of(all, options.image.as_deref())?;
    if options.prepare {
        Runner::new(&system, &all.iter().collect::<Vec<_>>(), 1)?;
        return Ok(true);
    }
    let small = options.sample || options.hours.is_some();
    let scale = if small { 1 } else { LONG_SCALE };
    let mut runner = Runner::new(&system, &chosen, scale)?;
    if let Some(hours) = options.hours {
        soak::run(&mut runner, &chosen, options, hours)?;
    } else {
        for _ in 0..options.times {
            for kind in options.kinds() {
                let runs =
                    |case: &&&Case| options.on_named_machine() || kind.runs(case, options.sample);
                let cases: Vec<_> = chosen.iter().filter(|case| runs(case)).copied().collect();
                if !cases.is_empty() {
                    runner.run_on(kind, &cases)?;
                }
            }
        }
        for kind in options.kinds() {
            if options.uprobes() {
                let begun = Instant::now();
                let judged = uprobes::run(&system, kind);
                runner.note(uprobes::NAME, kind, begun.elapsed(), judged);
            }
        }
        if options.second_stage() {
            let kind = options.kinds()[0];
            let begun = Instant::now();
            let judged = second_stage::run(&system, kind);
            runner.note(second_stage::NAME, kind, begun.elapsed(), judged);
        }
    }
    let tally = runner.tally;
    say(format!("after {}:", in_words(begun.elapsed())));
    say(format!("{} passed, {} failed", tally.passed, tally.failed));
    anyhow::ensure!(tally.passed + tally.failed > 0, "nothing was run");
    Ok(tally.failed == 0)
}
