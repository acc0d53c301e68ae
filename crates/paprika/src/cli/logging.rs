//! Where log lines go: standard error or a file, never the guest's console.

use std::path::PathBuf;

use anyhow::Context;
use host_file::Access;
use tracing::field::{Field, Visit};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

use super::exit::UsageError;
use crate::{files, text};

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
        .fmt_fields(Plain)
        .with_writer(writer)
        .with_ansi(args.log_file.is_none() && std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_env_filter(filter)
        // A log that can't be written (its file system is full) is told to nobody, rather than to
        // standard error at every line.
        .log_internal_errors(false)
        .init();
    Ok(())
}

/// Messages and fields of log lines, on one line each and harmless to a terminal, whoever's words
/// are in them.
struct Plain;

impl<'writer> FormatFields<'writer> for Plain {
    fn format_fields<R: RecordFields>(
        &self,
        writer: Writer<'writer>,
        fields: R,
    ) -> std::fmt::Result {
        let mut visitor = PlainVisitor {
            writer,
            first: true,
            result: Ok(()),
        };
        fields.record(&mut visitor);
        visitor.result
    }
}

struct PlainVisitor<'writer> {
    writer: Writer<'writer>,
    first: bool,
    result: std::fmt::Result,
}

impl Visit for PlainVisitor<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let value = format!("{value:?}");
        let value = text::line(&value);
        let space = if std::mem::take(&mut self.first) {
            ""
        } else {
            " "
        };
        let written = match field.name() {
            "message" => write!(self.writer, "{space}{value}"),
            name => write!(self.writer, "{space}{name}={value}"),
        };
        self.result = self.result.and(written);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no panic").write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_log_line_is_one_line_whatever_is_logged() {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .fmt_fields(Plain)
            .with_ansi(false)
            .without_time()
            .with_writer(move || writer.clone())
            .finish();
        let hostile = "x\x1b[2J\nERROR paprika: forged\u{9b}1m";
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(number = 7, error = %hostile, said = hostile, "refused: {hostile}");
            let span = tracing::warn_span!("peer", name = %hostile);
            span.in_scope(|| tracing::warn!("inside"));
        });
        let text = String::from_utf8(log.0.lock().expect("no panic").clone()).expect("text");
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(
            !text.chars().any(|c| c.is_control() && c != '\n'),
            "{text:?}"
        );
        let first = text.lines().next().unwrap_or_default();
        assert!(first.contains(r"refused: x\u{1b}[2J\nERROR"), "{first}");
        assert!(first.contains("number=7 error=x"), "{first}");
    }
}
