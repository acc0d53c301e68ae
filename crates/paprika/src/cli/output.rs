//! What commands print. Standard output may be closed or full: that is an error with a sentence,
//! not a panic, which `println!` makes of it. Standard error has nobody to tell; what can't be
//! written there is lost.

use std::fmt;
use std::io::{self, Write};

/// Standard output does not take what was to be printed.
#[derive(Debug, thiserror::Error)]
#[error(
    "standard output can't be written: {0}; what was asked for was done, and its answer is lost"
)]
pub(super) struct OutputError(#[from] io::Error);

/// Prints a line on standard output.
///
/// # Errors
/// [`OutputError`].
pub(super) fn line(line: impl fmt::Display) -> Result<(), OutputError> {
    print(&mut io::stdout().lock(), format_args!("{line}\n"))
}

/// Prints a text as it is on standard output.
///
/// # Errors
/// [`OutputError`].
pub(super) fn text(text: impl fmt::Display) -> Result<(), OutputError> {
    print(&mut io::stdout().lock(), format_args!("{text}"))
}

fn print(to: &mut impl Write, text: fmt::Arguments<'_>) -> Result<(), OutputError> {
    Ok(to.write_fmt(text).and_then(|()| to.flush())?)
}

/// Says a line on standard error, as far as that takes it.
pub(super) fn say(line: impl fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
