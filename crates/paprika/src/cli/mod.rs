//! The command line.
mod run;
use clap::Parser;
use std::process::ExitCode;

/// A virtual machine monitor for pseries (IBM POWER) guests with durable persistent memory.
#[derive(Debug, Parser)]
#[command(name = "paprika", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Boot a guest.
    Run(run::RunArgs),
}

/// Parses the command line and does what it says.
pub fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(tracing_subscriber::EnvFilter::from_env("PAPRIKA_LOG")).init();
    match Cli::parse().command {
        Command::Run(args) => run::run(args),
    }
}
