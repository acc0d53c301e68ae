//! schemathesis tries the API of a running machine against its description: installed here, run by
//! `paprika/tests/schemathesis.rs`.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use guest_kit::Progress;

use crate::steps::{Failure, cargo_program, file_error, succeed};

/// The version that is known to run. (MIT; from PyPI.)
const VERSION: &str = "4.32.5";
/// What makes its environment.
const PACKAGES: &[&str] = &["python3", "python3-venv"];
/// The file that says that an environment is complete.
const COMPLETE: &str = "complete";

/// Installs it where it is missing, and runs it.
pub(crate) fn run() -> Result<(), Failure> {
    guest_kit::require_packages(PACKAGES, &Progress::auto())?;
    let program = install()?;
    // By name among the whole workspace's, so that nothing is built again with other features.
    let arguments = [
        "test",
        "--workspace",
        "--test",
        "schemathesis",
        "--",
        "--ignored",
        "--nocapture",
    ];
    let mut command = cargo_program();
    command
        .args(arguments)
        .env("PAPRIKA_SCHEMATHESIS", program)
        .stdin(Stdio::null());
    succeed(&mut command, &format!("cargo {}", arguments.join(" ")))
}

/// The program in an environment of its own, below the user's cache.
fn install() -> Result<PathBuf, Failure> {
    let place = guest_kit::user_cache()?.join(format!("schemathesis-{VERSION}"));
    let (program, complete) = (place.join("bin/schemathesis"), place.join(COMPLETE));
    if complete.exists() {
        return Ok(program);
    }
    fs::create_dir_all(&place).map_err(file_error("made", &place))?;
    let mut command = Command::new("python3");
    command.args(["-m", "venv"]).arg(&place);
    succeed(&mut command, "python3 -m venv")?;
    let mut command = Command::new(place.join("bin/pip"));
    let package = format!("schemathesis=={VERSION}");
    command.args([
        "install",
        "--quiet",
        "--disable-pip-version-check",
        &package,
    ]);
    succeed(&mut command, &format!("pip install {package}"))?;
    fs::write(&complete, "").map_err(file_error("written", &complete))?;
    Ok(program)
}
