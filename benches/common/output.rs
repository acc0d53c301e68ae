//! How a benchmark ends: what it leaves in cargo's target directory, what it shows, and its exit code.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};

/// `bench` in cargo's target directory.
///
/// # Errors
/// It can't be created.
pub(crate) fn directory() -> Result<PathBuf> {
    let inside = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let directory = inside.parent().unwrap_or(inside).join("bench");
    fs::create_dir_all(&directory).with_context(|| format!("creating {}", directory.display()))?;
    Ok(directory)
}

/// Writes a report as `NAME.json` into `directory`, and shows it.
///
/// # Errors
/// It can't be written.
pub(crate) fn publish(directory: &Path, name: &str, json: String, text: &str) -> Result<()> {
    let file = directory.join(format!("{name}.json"));
    fs::write(&file, json).with_context(|| format!("writing {}", file.display()))?;
    print!("{text}");
    println!("\nwritten to {}", file.display());
    Ok(())
}

/// For a benchmark that has obtained all of its numbers, or not, or could not go on.
pub(crate) fn exit_code(name: &str, complete: Result<bool>) -> ExitCode {
    match complete {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench {name}: {error:#}");
            ExitCode::FAILURE
        }
    }
}
