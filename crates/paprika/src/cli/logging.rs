//! Where log lines go: standard error or a file, never the guest's console.

use std::fs::OpenOptions;
use std::path::PathBuf;

use anyhow::Context;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

use super::exit::UsageError;

/// What is logged where nobody says.
const DEFAULT: &str = "warn";

#[derive(Debug, clap::Args)]
pub(super) struct LoggingArgs {
    /// What to log: error, warn, info, debug or trace; or by part: warn,papr=debug
    #[arg(
        long,
        global = true,
        value_name = "LEVEL",
        env = "PAPRIKA_LOG",
        default_value = DEFAULT,
        help_heading = "Logging"
    )]
    log: String,

    /// Append log lines to this file instead of writing them to standard error
    #[arg(long, global = true, value_name = "FILE", help_heading = "Logging")]
    log_file: Option<PathBuf>,
}

/// Starts logging. A part of the program whose errors the command causes on purpose (`expected`) is silent unless the user says what
/// to log.
pub(super) fn start(args: &LoggingArgs, expected: Option<&str>) -> anyhow::Result<()> {
    let directives = match expected {
        Some(part) if args.log == DEFAULT => format!("{DEFAULT},{part}=off"),
        _ => args.log.clone(),
    };
    let filter = EnvFilter::try_new(directives).map_err(|_| {
        UsageError(format!(
            "--log (or PAPRIKA_LOG) does not understand {:?}; write for example info, or warn,papr=debug",
            args.log
        ))
    })?;
    let writer = match &args.log_file {
        None => BoxMakeWriter::new(std::io::stderr),
        Some(path) => {
            let file = OpenOptions::new().create(true).append(true).open(path);
            let file = file.with_context(|| {
                format!("log file {path:?} can't be opened; check the path and its permissions")
            })?;
            BoxMakeWriter::new(std::sync::Mutex::new(file))
        }
    };
    tracing_subscriber::fmt()
        .with_writer(writer)
        .with_ansi(args.log_file.is_none() && std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_env_filter(filter)
        .init();
    Ok(())
}
