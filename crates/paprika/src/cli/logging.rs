//! Where log lines go: standard error or a file, never the guest's console.

use std::path::PathBuf;

use anyhow::Context;
use host_file::Access;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

use super::exit::UsageError;
use crate::files;

/// Permissions of a new log file, as far as the umask lets them be.
const LOG_MODE: u32 = 0o666;

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
            let file = host_file::regular(path, Access::APPEND.or_create(LOG_MODE));
            let file = file.with_context(|| {
                format!("log file {path:?} can't be opened; check the path and its permissions, or leave --log-file out")
            })?;
            files::register("the log file", path).keep();
            BoxMakeWriter::new(std::sync::Mutex::new(file))
        }
    };
    tracing_subscriber::fmt()
        .with_writer(writer)
        .with_ansi(args.log_file.is_none() && std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_env_filter(filter)
        // A log that can't be written (its file system is full) is told to nobody, rather than to standard error at every line.
        .log_internal_errors(false)
        .init();
    Ok(())
}
