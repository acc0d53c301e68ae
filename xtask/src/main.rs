//! The repository's chores, as `cargo xtask COMMAND`.
//!
//! - `cli`: the command line and its help;
//! - `test`: what has to be there, and what is run, in which order;
//! - `fuzz`: the fuzz targets, built and run;
//! - `imports`: whether files of one crate use one another in a circle;
//! - `licences`: what the workspace is built with, by cargo-deny;
//! - `schemathesis`: the API against its description;
//! - `steps`: running a list of steps, one after the other, until one fails;
//! - `tally`: cargo's test summaries, added up.
#![forbid(unsafe_code)]

mod cli;
mod fuzz;
mod imports;
mod licences;
mod schemathesis;
mod steps;
mod tally;
mod test;

use std::process::ExitCode;

use cli::Command;

fn main() -> ExitCode {
    match cli::parse(std::env::args_os()) {
        Ok(Command::Help) => {
            print!("{}", cli::HELP);
            ExitCode::SUCCESS
        }
        Ok(Command::Real(arguments)) => test::real(&arguments),
        Ok(Command::Fuzz(options)) => fuzz::run(&options),
        Ok(Command::Imports) => steps::run("imports", &test::imports()),
        Ok(Command::Setup) => steps::run("setup", &test::setup()),
        Ok(Command::Test { long }) => steps::run("test", &test::all(long)),
        Err(error) => {
            eprintln!("xtask: {error}; `cargo xtask help` lists the commands");
            ExitCode::from(64)
        }
    }
}
