//! The command line: what the program is asked, and how it answers.
//!
//! - [`exit`]: exit codes, all of them; `arguments`: the machine's options and what can be wrong with them;
//! - `run`, `restore`, `receive`, `ctl`, `migrate` (of `ctl`), `guest`, `debian`, `demo`: a file
//!   per command; `sandbox`: its options; `logging`: where log lines go; `output`: what is printed;
//!   `progress`: bars; `limits`: the host's limits on a process.

mod arguments;
mod ctl;
mod debian;
mod demo;
pub mod exit;
mod guest;
mod limits;
mod logging;
mod migrate;
mod output;
mod progress;
mod receive;
mod restore;
mod run;
mod sandbox;
mod stats;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use crate::text;

/// A virtual machine monitor for pseries (IBM POWER) guests with durable persistent memory.
#[derive(Debug, Parser)]
#[command(name = "paprika", version, after_help = EXAMPLES)]
struct Cli {
    #[command(flatten)]
    logging: logging::LoggingArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Run(Box<run::RunArgs>),
    Restore(Box<restore::RestoreArgs>),
    Receive(Box<receive::ReceiveArgs>),
    Ctl(ctl::CtlArgs),
    Demo(demo::DemoArgs),
    #[command(subcommand)]
    Debian(debian::DebianCommand),
    #[command(subcommand)]
    Guest(guest::GuestCommand),
}

const EXAMPLES: &str = "\
Examples:
  paprika demo                  show what it can do, nothing needed
  paprika guest build           make a guest to play with, once
  paprika run                   boot it to a shell in this terminal
  paprika debian run            a Debian for ppc64el to log into; made the first time
  paprika run --help            every option of a machine, and the exit codes";

/// Parses the command line and does what it says.
pub fn main() -> ExitCode {
    install_panic_hook();
    limits::start();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(refused) => return answer(&refused),
    };
    // What is done on purpose is no news.
    let expected = match &cli.command {
        Command::Demo(args) => args.expected_errors(),
        _ => None,
    };
    let done = logging::start(&cli.logging, expected).and_then(|()| match cli.command {
        Command::Run(args) => run::run(*args),
        Command::Restore(args) => restore::run(*args),
        Command::Receive(args) => receive::run(*args),
        Command::Ctl(args) => ctl::run(args),
        Command::Demo(args) => demo::run(&args),
        Command::Debian(command) => debian::run(command),
        Command::Guest(command) => guest::run(&command),
    });
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => failed(&error),
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    let sentence = text::lines(&sentence(error));
    output::say(format_args!("error: {sentence}"));
    ExitCode::from(exit::code_of_error(error))
}

/// Prints what the command-line parser has to say: what is wrong, or the help that was asked for.
fn answer(said: &clap::Error) -> ExitCode {
    let printed = said.print().and_then(|()| std::io::stdout().flush());
    match printed {
        Err(error) if !said.use_stderr() => failed(&output::OutputError::from(error).into()),
        _ => ExitCode::from(u8::try_from(said.exit_code()).unwrap_or(exit::USAGE)),
    }
}

/// What is shown of an error: its sentence, and the causes that it does not name itself. Never a backtrace, which helps nobody whose
/// file is missing.
fn sentence(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |said, cause| {
        let cause = cause.to_string();
        match said.as_str() {
            "" => cause,
            known if known.contains(&cause) => said,
            _ => format!("{said}: {cause}"),
        }
    })
}

/// A panic is a defect of ours: the terminal is put back, and the user is told in one line what to report.
fn install_panic_hook() {
    std::panic::set_hook(Box::new(|info| {
        let info = text::lines(&info.to_string());
        output::say(format_args!(
            "error: a defect of Paprika, please report it: {info}"
        ));
    }));
    crate::terminal::restore_on_panic();
}

#[cfg(test)]
mod tests {
    use anyhow::Context;
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_cause_is_said_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("kernel can't be read: {source}; check the path")]
        struct Unreadable {
            source: std::io::Error,
        }
        let source = std::io::Error::other("no such file");
        let named = anyhow::Error::from(Unreadable { source });
        assert_eq!(
            sentence(&named),
            "kernel can't be read: no such file; check the path"
        );
        let unnamed = Err::<(), _>(named).context("boot");
        assert_eq!(
            unnamed.map_err(|error| sentence(&error)),
            Err("boot: kernel can't be read: no such file; check the path".into())
        );
    }
}
